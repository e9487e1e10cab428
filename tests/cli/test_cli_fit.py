"""feemu fit: what it writes and says, and what it refuses before the fit."""

import numpy as np
import pytest


def table(pulses=24, width=",2e-7"):
    """Return one triangular train with a meter's noise, without numbers of pulses."""
    level = np.concatenate([np.linspace(1, 4, pulses), np.linspace(4, 1, pulses)])
    level += np.random.default_rng(1).normal(0.0, 0.05, 2 * pulses)
    sign = np.repeat([1, -1], pulses)
    head = "conductance (uS),polarity" + ",pulse width (s)" * bool(width)
    return "\n".join([head, *(f"{g:.4f},{s}{width}" for g, s in zip(level, sign))]) + "\n"


def test_it_writes_a_device_and_says_what_was_inferred(feemu, tmp_path):
    file, out = tmp_path / "train.csv", tmp_path / "fitted"
    file.write_text(table())
    seen = feemu("fit", file, "--model", "linear", "--out", out)
    assert seen.code == 0, seen.err
    assert "inferred     train.csv: no pulse numbers: every row counted as one pulse" in seen.out
    assert {f.name for f in out.iterdir()} == {"device.toml", "fit.nc", "report.txt", "report.png"}
    assert (out / "report.txt").read_text() in seen.out
    assert feemu("info", out / "device.toml").code == 0


@pytest.mark.parametrize(
    ("name", "text", "extra", "words"),
    [
        ("train.csv", table(width=""), (), ("no pulse width", "--set pulse_width=")),
        ("train.csv", table(), ("--model", "linaer"), ("did you mean 'linear'",)),
        ("other.csv", table(), (), ("train.csv", "No such file")),
    ],
    ids=["no width", "model", "no file"],
)
def test_what_is_missing_is_told_before_the_fit(refused, tmp_path, name, text, extra, words):
    (tmp_path / name).write_text(text)
    refused("fit", tmp_path / "train.csv", *extra, "--out", tmp_path / "out", words=words)
    assert not (tmp_path / "out").exists()
