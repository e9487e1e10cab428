"""Every algorithm: bad hyper-parameters are refused, absurd rates end a run that is saved."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
from layer_cases import tables

import feemu as fe
from feemu.algorithms import ALGORITHMS, algorithm
from feemu.case import Case
from feemu.cli import main
from feemu.tasks import task_from_arrays

NUMBERS = [
    (name, field.name, field.metadata["param"])
    for name, kind in ALGORITHMS.items()
    for field in dataclasses.fields(kind)
    if "param" in field.metadata and isinstance(field.default, (int, float))
    if not isinstance(field.default, bool)
]


def test_every_default_has_a_source_or_is_called_assumed():
    for name, kind in ALGORITHMS.items():
        for field in dataclasses.fields(kind):
            meta = field.metadata["param"]
            assert (meta["source"] or meta["assumed"]) and meta["doc"], f"{name}.{field.name}"


def below(lo):
    """Return a number below a lower end, of a kind that makes the message exact."""
    return -1.0 if lo == 0 else lo - 1 if isinstance(lo, int) else lo / 10


@pytest.mark.parametrize("name, field, meta", NUMBERS, ids=lambda v: v if type(v) is str else "")
def test_a_number_out_of_range_is_refused(name, field, meta):
    """With name, value and range, in one line; every number has both ends."""
    lo, hi = meta["lo"], meta["hi"]
    assert math.isfinite(lo) and math.isfinite(hi)
    for value in (below(lo), -1, -0.5, 2 * hi + 1, math.inf, 10**400, -(10**5000), "1" * 9000):
        with pytest.raises((ValueError, TypeError)) as seen:
            algorithm(name, **{field: value})
        told = str(seen.value)
        assert f"{ALGORITHMS[name].__name__}.{field} = " in told and "\n" not in told
        assert f"allowed is {lo:g} <= {field} <= {hi:g}" in told and len(told) < 250


@pytest.mark.parametrize("name", ALGORITHMS)
def test_it_tells_what_it_costs_and_allows(name, capsys):
    """Devices and memory of a weight, the range of every number, every choice."""
    made = algorithm(name)
    assert main(["algorithms", name]) == 0
    for told in (str(made), capsys.readouterr().out):
        assert f" device{'s' * (made.devices_per_weight != 1)} and " in told
        assert f" {made.digital_bits_per_weight} bit of memory per weight" in told
        for field in dataclasses.fields(made):
            (line,) = (s for s in told.splitlines() if s.strip().startswith(f"{field.name} "))
            meta = field.metadata["param"]
            assert ", ".join(meta["choices"] or ()) in line
            if (name, field.name, meta) in NUMBERS:
                assert f"  {meta['lo']:g} to {meta['hi']:g}  " in line


@pytest.mark.parametrize(
    "name, options, told",
    (
        ("tiki_taka_v2", {"transfer_every": 0}, r"TikiTakaV2.transfer_every = 0: .*1 <= "),
        ("tiki_taka_v1", {"fast_lr": -0.1}, r"TikiTakaV1.fast_lr = -0.1: .*1e-09 <= "),
        ("manhattan", {"threshold": 1e-50}, r"Manhattan.threshold = 1e-50: .*1e-30 <= "),
        ("mixed_precision", {"threshold": 1e-50}, r"MixedPrecision.threshold = 1e-50: "),
        ("agad", {"auto_period": 1e-50}, r"AGAD.auto_period = 1e-50: allowed is 0 "),
        ("agad", {"n_reads": 1.5}, r"AGAD.n_reads = 1.5: must be a whole number; .*1 <= "),
        ("float", {"threshold": 1}, r"unknown field of Float 'threshold': there is none"),
        (["agad"], {}, "unknown algorithm .*known are agad"),
        ("agad", {"fast_rate": "slow"}, r"fast_rate.*'slow'.*absolute"),
        ("dynamic_tracking", {"gamma": 0.1, "chop_prob": 0.1}, r"DynamicTracking.gamma = 0.1: "),
        ("tiki_taka_v2", {"transfer_evry": 2}, r"transfer_evry.*did you mean 'transfer_every'"),
    ),
)
def test_what_a_user_is_told(name, options, told):
    with pytest.raises(ValueError, match=told):
        algorithm(name, **options)


def test_the_command_line_refuses_in_one_line(capsys):
    given = [
        "train",
        "--device",
        "hzo_superlattice",
        "--pulse-width",
        "20ns",
        "--algorithm",
        "tiki_taka_v2",
    ]
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main([*given, "--set", "transfer_every=0"]))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and "transfer_every = 0" in said and "Traceback" not in said


@pytest.fixture(scope="module")
def task():
    draw = np.random.default_rng(8)
    y = np.arange(60) % 3
    x = np.clip(0.3 * draw.random((60, 6)) + 0.6 * np.eye(6)[2 * y], 0, 1)
    return task_from_arrays("three", x, y, source="made here")


@pytest.mark.parametrize("scale, hidden", ((0.01, ()), (1e6, (8, 8))))
@pytest.mark.parametrize("name", ALGORITHMS)
def test_absurd_rates_end_marked_or_go_on(name, scale, hidden, task, tmp_path):
    """No exception and no warning: finite to the end, or cut with a loss that is not finite."""
    made = Case(
        device=tables("noisy"), algorithm=algorithm(name), activation="relu", epochs=1.0, batch=4,
        lr=1e6, weight_scale=scale, hidden=hidden,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = fe.train(made, task)
    ended = ds["images"].values[-1] == len(task.train_y)
    assert ended or not np.isfinite(ds["train_loss"].values[-1])
    assert fe.load(fe.save(ds, tmp_path / "run.nc")).identical(ds)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_device_that_steps_one_way_only(name, task):
    """Refused in one line, except by what needs no device."""
    one_way = fe.tabulate(fe.Device(name="up", response=fe.SoftBounds(A_up=0.5, A_down=0.0)))
    made = algorithm(name)
    own = Case(device=one_way, algorithm=made, hidden=(), epochs=1.0, batch=4)
    if made.devices_per_weight == 0:
        assert fe.train(own, task)["images"][-1] == len(task.train_y)
    else:
        told = "^device 'up': granularity 0: .* both up and down at weight zero$"
        with pytest.raises(ValueError, match=told):
            fe.train(own, task)
