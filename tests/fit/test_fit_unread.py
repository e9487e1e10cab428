"""Pulses after the last reading of a branch move the state of the next branch."""

import numpy as np
import pytest
from simulate import measure

from feemu.curves import read_curves, write_curves
from feemu.devices import SoftBounds
from feemu.fit import fit
from feemu.fit.sequence import sequences

EVERY, PULSES = 5, 24
TRUE = SoftBounds(0.06, 0.05)


def sparse_rows(ds, file, all_rows=True):
    """Write one row for each pulse, with a reading at every fifth only; returns the readings."""
    values = ds["conductance"].values[0]
    rows, seen = ["device,cycle,polarity,pulse,conductance_S"], 0
    for (d, c, k, n), value in np.ndenumerate(values):
        read = n % EVERY == 0 and np.isfinite(value)
        seen += read
        if n and (read or all_rows):
            polarity = ("up", "down")[k]
            rows.append(
                f"{d},{c},{polarity},{n},{value:.9g}" if read else f"{d},{c},{polarity},{n},"
            )
    file.write_text("\n".join(["# continuous = yes", *rows]) + "\n")
    return seen


@pytest.fixture(scope="module")
def ds():
    return measure(TRUE, seed=6, devices=2, cycles=6, pulses=PULSES, read=0.002)


def test_unread_pulses_at_the_end_are_counted(ds, tmp_path):
    sparse_rows(ds, tmp_path / "m.csv")
    got = read_curves(tmp_path / "m.csv")
    assert (got["last_pulse"] == PULSES).all()
    assert "counted (last_pulse)" in got.attrs["notes"]
    (s,) = sequences(got)
    assert (s.pulse == 1).sum() == (s.pulse == -1).sum() == 2 * 6 * PULSES
    assert np.isfinite(s.y).sum() == 2 * 6 * 2 * (PULSES // EVERY)
    write_curves(got, tmp_path / "again.csv")
    again = read_curves(tmp_path / "again.csv")
    np.testing.assert_array_equal(again["last_pulse"], got["last_pulse"])
    np.testing.assert_array_equal(again["conductance"], got["conductance"])


def test_a_fit_needs_them(ds, tmp_path):
    """Without its last four pulses each branch would seem to begin elsewhere.

    With them the truth lies within six standard deviations (false alarm below 1e-8).
    """
    found = []
    for name, all_rows in (("all.csv", True), ("read.csv", False)):
        sparse_rows(ds, tmp_path / name, all_rows)
        found.append(fit(read_curves(tmp_path / name), "soft_bounds", draws=200).part())
    for key, truth in (("A_up", 0.06), ("A_down", 0.05)):
        value = found[0].parameters[key]
        assert abs(value.value - truth) < 6 * (value.upper - value.lower) / 3.92, key
    assert found[0].estimate.log_likelihood > found[1].estimate.log_likelihood + 20


def test_a_measurement_without_them_is_read_as_before(ds, tmp_path):
    sparse_rows(ds, tmp_path / "m.csv", all_rows=False)
    assert "last_pulse" not in read_curves(tmp_path / "m.csv")
