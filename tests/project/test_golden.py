"""Golden runs: two small trainings on digits against the numbers in ``tests/golden``.

Other processors and other versions of numpy round functions like tanh otherwise in the last bit,
which moves a pulse once in some 10^7 draws: numbers may differ by 0.2 %, or by what a few pulses
make (`ABSOLUTE`; two of the 240 validation images). Where a difference is meant, raise
``PHYSICS_VERSION``, say so in the CHANGELOG and renew the files:
``python -m pytest tests/project --update-golden``.
"""

import difflib
import json
from pathlib import Path

import numpy as np
import pytest
from small_cases import case, task

from feemu.case import PHYSICS_VERSION
from feemu.training import train

FOLDER = Path(__file__).resolve().parents[1] / "golden"
FIELDS = {"hidden": (12,), "epochs": 1.0, "train_images": 600, "batch": 4, "lr_end": 0.3}
RATES = {"mixed_precision": 0.6, "plain_sgd": 0.1}
#: Allowed relative difference, and the absolute one of each kind of number.
RELATIVE = 2e-3
ABSOLUTE = {
    "pulses": 10, "accuracy": 2 / 240, "events": 2, "histogram": 4, "switched": 0.3,
    "weight": 2e-3, "loss": 2e-3,
}  # fmt: skip


def summary(ds):
    """Return the numbers of a run that are kept, rounded to six digits."""
    pulses = ds["pulses"].sum("layer")
    last = ds.isel(epoch=-1)
    kept = {
        "epoch": ds["epoch"],
        "train loss": ds["train_loss"],
        "validation loss": ds["validation_loss"],
        "validation accuracy": ds["validation_accuracy"],
        "test accuracy": ds["test_accuracy"],
        **{f"pulses {p}": pulses.sel(phase=p).transpose("pulse_kind", "epoch")
           for p in ("init", "train")},
        "switched": last["switched_fraction"].sel(phase="train"),
        "row pulses": last["row_pulses"].sel(phase="train"),
        "weight mean": last["weight_mean"],
        "weight std": last["weight_std"],
        "events quantile": last["events_quantile"],
        "state histogram": last["synapse_state_histogram"],
    }  # fmt: skip
    rounded = {k: np.vectorize(lambda v: float(f"{v:.6g}"))(v.values) for k, v in kept.items()}
    return {"physics_version": PHYSICS_VERSION, **{k: v.tolist() for k, v in rounded.items()}}


def as_text(numbers):
    """Return JSON with one line for each entry."""
    body = ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in numbers.items())
    return f"{{\n{body}\n}}\n"


def agree(name, got, wanted):
    """Return whether an entry is equal within its tolerance."""
    most = max((a for word, a in ABSOLUTE.items() if word in name), default=1e-4)
    one, other = np.array(got, float), np.array(wanted, float)
    return one.shape == other.shape and np.allclose(
        one, other, rtol=RELATIVE, atol=most, equal_nan=True
    )


@pytest.mark.parametrize("name", RATES)
def test_golden(name, request):
    fixed = {**FIELDS, "bias": "array", "activation": "sigmoid", "seed": 3}
    made = case(name, lr=RATES[name], **fixed)
    numbers = summary(train(made, task()))
    path, text = FOLDER / f"{name}.json", as_text(numbers)
    if request.config.getoption("--update-golden"):
        path.write_text(text)
        pytest.skip(f"{path.name} written anew")
    assert path.exists(), f"{path.name} is missing: run with --update-golden"
    golden = json.loads(path.read_text())
    wrong = [k for k in numbers if k not in golden or not agree(k, numbers[k], golden[k])]
    if wrong or golden.keys() != numbers.keys():
        lines = path.read_text().splitlines(True), text.splitlines(True)
        diff = difflib.unified_diff(*lines, path.name, "this run", n=0)
        pytest.fail(f"{', '.join(wrong)} differ beyond tolerance:\n{''.join(diff)}", pytrace=False)


def test_texts_are_read_as_they_are_written():
    numbers = {"a": [1.0, float("nan")], "b": 3}
    again = json.loads(as_text(numbers))
    assert agree("a", again["a"], numbers["a"]) and again["b"] == 3


def test_the_comparison_notices_a_difference():
    assert agree("pulses train", [1000.0, 5.0], [1002.0, 14.0])
    assert not agree("pulses train", [1000.0], [1013.0])
    assert not agree("weight mean", [0.5], [0.504]) and agree("weight mean", [0.5], [0.5015])
    assert not agree("weight mean", [0.5, 0.5], [0.5])
