"""Fits of virtual measurements whose truth is known, and what is made of them."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray
from simulate import measure

from feemu.cli import main
from feemu.curves import write_curves
from feemu.devices import Beta, Power, SoftBounds, neurosim_label, read_preset
from feemu.fit import Fit, drawn_devices, fit, fit_dataset
from feemu.fit.derived import derived
from feemu.fit.estimate import refined
from feemu.fit.filter import run_filter, score, tables
from feemu.fit.posterior import draw
from feemu.fit.preset import preset_text
from feemu.fit.sequence import sequences
from feemu.fit.shapes import SHAPES
from feemu.fit.stream import Stream
from feemu.fit.traces import exponential_fit

sys.path.append(str(Path(__file__).parents[1] / "verification"))
from coverage_of_fits import judge
from virtual import MODELS

TRUE = SoftBounds(0.06, 0.05)


@pytest.fixture(scope="module")
def found() -> Fit:
    ds = measure(TRUE, seed=3, devices=4, cycles=4, pulses=50, drift=0.004, absolute=0.002)
    return fit(ds, "soft_bounds", name="virtual")


def test_the_filter_is_kalmans_where_it_is_exact():
    """Constant steps, no ends in reach: the likelihood is that of one large normal density."""
    n, relative, absolute, read = 12, 0.1, 0.004, 0.01
    model = SHAPES["constant"].build({"A_up": 0.01, "A_down": 0.01})
    s = sequences(measure(model, seed=1, devices=1, cycles=2, pulses=n, start=0.4))[0]
    curves = tables(model)
    own, noise = np.array([[1.0, 1.0, 0.0, 1.0]]), np.array([relative, absolute, read**2, 0.0, 0.0])
    y = 0.3 + 0.2 * s.y
    work = [np.empty(y.size), np.empty(y.size), np.empty(y.size), np.empty(1)]
    run_filter(y, s.pulse, s.mark, s.start, *curves, own, noise, math.inf, *work)
    got = np.empty(1)
    score(work[0], work[1], s.start, work[3], math.inf, got)
    walk = np.cumsum(0.01 * s.pulse)
    sd2 = (relative * 0.01) ** 2 + absolute**2
    steps = np.cumsum(np.abs(s.pulse))
    seen = np.flatnonzero(np.isfinite(y))[1:]
    cov = sd2 * np.minimum.outer(steps[seen], steps[seen])
    cov += read**2 * (np.eye(seen.size) + 1.0)
    rest = (y - walk)[seen] - y[0]
    wanted = -0.5 * (rest @ np.linalg.solve(cov, rest) + np.linalg.slogdet(2 * np.pi * cov)[1])
    assert got[0] - work[3][0] == pytest.approx(wanted, rel=1e-9)


def test_values_intervals_and_names(found):
    p = found.parameters
    assert found.model == "soft_bounds" and found.part().estimate.point.converged
    for name, v in {**p, **found.derived}.items():
        assert v.lower <= v.value <= v.upper, name
    # Six standard deviations: a false alarm in less than 1e-8 of all such measurements.
    for name, truth in (("A_up", 0.06), ("A_down", 0.05), ("read_noise", 0.005)):
        sd = (p[name].upper - p[name].lower) / 3.92
        assert abs(p[name].value - truth) < 6 * sd and sd < 0.5 * truth
    assert p["G_max"].unit == "S" and 1e-5 < p["G_max"].value < 3e-5


def test_the_same_seed_gives_the_same_numbers(found):
    e = refined(found.part().estimate)
    a, b = (draw(e, 100, Stream(5)) for _ in range(2))
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.tau, b.tau)
    assert not np.array_equal(a.x, draw(e, 100, Stream(6)).x)


def test_the_device_is_a_preset(found, tmp_path):
    file = tmp_path / "device.toml"
    file.write_text(preset_text(found))
    device, own = read_preset(file), found.device()
    assert device.response == own.response and device.noise == own.noise
    assert device.spread == own.spread and device.read_noise == own.read_noise
    assert device.name == "virtual" and device.spread.step_spread > 0
    drawn = found.draws(3)
    assert len({d.response.A_up for d in drawn}) == 3
    with pytest.raises(ValueError, match="draws: n"):
        found.draws(0)


def test_the_dataset_holds_what_was_fitted(found):
    ds = fit_dataset(found)
    np.testing.assert_allclose(ds.level - ds.fitted, ds.residual, atol=1e-12)
    assert float(ds.value.sel(parameter="A_up")) == found.parameters["A_up"].value
    assert set(ds.kind.values) == {"parameter", "derived"}
    assert (ds.step_lower <= ds.step + 1e-12).all() and ds.step.max() < 0.1


def test_figures_of_known_curves():
    """Soft bounds have closed forms; the linear model's branch is NeuroSim's exponential."""
    one = np.ones(1)
    values = {"G_min": one, "G_max": 4 * one, "relative": 0.1 * one, "absolute": 0.02 * one}
    curves = tables(SoftBounds(0.06, 0.03))[0][None]
    got = {k: float(v[0]) for k, v in derived(values, curves, (0.0, 1.0), (50, 50)).items()}
    assert got["symmetry_point"] == pytest.approx(2 / 3, abs=1e-5)
    assert got["on_off"] == 4 and got["symmetry_level"] == pytest.approx(3, abs=1e-4)
    assert got["mean_step_up"] == pytest.approx(0.03, rel=1e-3)
    assert got["asymmetry"] == pytest.approx(1 / 3, rel=1e-3)
    assert got["states_up"] == pytest.approx(math.log(0.95 / 0.1) / 0.06, rel=0.01)
    a = -1.0 / (50 * math.log(1 - 0.06))
    assert got["nl_up"] == pytest.approx(neurosim_label(a), rel=0.03)
    assert got["noise_of_range"] == pytest.approx(100 * math.hypot(0.002, 0.02), rel=1e-3)
    assert got["noise_of_step"] == pytest.approx(got["noise_of_range"] / 0.02, rel=1e-3)


@pytest.mark.parametrize("a", [0.3, -0.3])
def test_a_single_exponential_is_found(a):
    n = np.linspace(0, 1, 60)
    constant, curve = exponential_fit(n, 2 - np.exp(-n / a) * (1 if a > 0 else 0.01))
    assert constant == pytest.approx(a, rel=0.1)
    assert np.abs(curve - 2 + np.exp(-n / a) * (1 if a > 0 else 0.01)).max() < 0.02


@pytest.mark.parametrize("model", [Power(0.05, 0.06, 2.0, 1.8), Beta()], ids=["power", "beta"])
def test_the_right_model_is_chosen(model):
    """Far from nested rivals: a wrong choice would need a miss of tens in log likelihood."""
    from feemu.fit.ranking import rank

    s = sequences(measure(model, seed=8, devices=2, cycles=4, pulses=60))
    rows, _ = rank(s, ("soft_bounds", model.name, "constant"), held_out=False)
    assert rows[0].model == model.name
    assert min(r.aic for r in rows[1:]) > rows[0].aic + 10


def test_coverage_of_forty_virtual_measurements():
    """A quick set, each climb begun at the truth; tests/verification has the full one.

    Some 350 intervals that cover with 0.95. Misses come together, up to four in a measurement, so
    that they weigh as about 80 independent ones: by the binomial law 16 or more misses of 80 (a
    coverage of 0.8 or less) have a probability of 1.9e-6.
    """
    rows = []
    for name in MODELS:
        for i in range(10):
            rows += judge(name, 100 + i, start=True, cycles=5, devices=3)
    hits = [r["covered"] for r in rows if r["kind"] == "told"]
    assert len(hits) > len(rows) / 2 and np.mean(hits) > 0.8, (len(hits), np.mean(hits))


def test_command_line(tmp_path, capsys):
    csv, out = tmp_path / "m.csv", tmp_path / "out"
    write_curves(measure(TRUE, seed=2, devices=2, cycles=3, pulses=30), csv)
    assert main(["fit", str(csv), "--out", str(out), "--model", "soft_bounds"]) == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "device.toml", "fit.nc", "report.png", "report.txt",
    ]  # fmt: skip
    assert read_preset(out / "device.toml").response.name == "soft_bounds"
    assert len({d.response.A_up for d in drawn_devices(out / "device.toml", 3)}) == 3
    with xarray.open_dataset(out / "fit.nc") as ds:
        assert "A_up" in ds.parameter.values and ds.model == "soft_bounds"
    text = (out / "report.txt").read_text()
    assert "A_up" in text and "overall p" in text and "SHA-256" in text
    capsys.readouterr()
    assert main(["fit", str(csv), "--out", str(out), "--model", "softbounds"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda ds: ds.drop_vars("conductance"), "no variable 'conductance'"),
        (lambda ds: ds.where(False), "0 readings"),
        (lambda ds: ds.isel(polarity=[0]), "both branches"),
    ],
)
def test_what_is_no_measurement_is_refused(change, said):
    ds = measure(TRUE, seed=1, devices=1, cycles=1, pulses=20)
    with pytest.raises(ValueError, match=said):
        fit(change(ds), "constant")
