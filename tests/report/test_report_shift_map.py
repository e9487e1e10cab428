"""The map of the symmetry point shift: its numbers from made-up runs, its files, the study."""

import itertools

import numpy as np
import pytest
import xarray as xr
from known_study import made_up, noise

from feemu.energy import price
from feemu.report.grid import at_end
from feemu.report.shift_map import map_text, shift_map, summary, write_shift_map

AXES = {"offset": (0.0, 0.2), "states": (10.0, 100.0), "cycle_noise": (0.3,),
        "reference_error": (0.01, 0.1)}  # fmt: skip
NAMES = ("plain_sgd", "shift_reference", "mixed_precision")


def accuracy(point, name, seed):
    """Plain SGD loses 10 points with the offset; the shift regains 8, or 1 with a bad reference."""
    lost = 0.1 if point["offset"] else 0.0
    back = 0.08 if point["reference_error"] < 0.05 else 0.01
    own = {"plain_sgd": -lost, "shift_reference": (back - lost) * bool(lost)}
    return 0.9 + own.get(name, 0.0) + 0.002 * noise(seed)


def load(point, name):
    """Mixed precision costs half of the shift at 10 states, four times as much at 100."""
    return {"mixed_precision": 1 if point["states"] < 50 else 8}.get(name, 2)


def runs(seeds=8):
    parts = []
    for values in itertools.product(*AXES.values()):
        point = dict(zip(AXES, values))
        one = made_up(
            test=lambda name, width, seed, p=point: accuracy(p, name, seed),
            load=lambda name, width, seed, p=point: load(p, name),
            seeds=seeds, names=NAMES, widths=(1e-7,), origins=("virtual",),
        )  # fmt: skip
        parts.append(one.assign_coords(point).expand_dims(list(AXES)))
    ds = xr.combine_by_coords(parts, combine_attrs="override", join="outer", compat="no_conflicts")
    for axis in AXES:
        ds[axis].attrs = {"units": "1", "long_name": axis.replace("_", " ")}
    return ds.assign_coords(task="digits")


@pytest.fixture(scope="module")
def result():
    return runs()


def test_losses_gains_and_costs(result):
    table = shift_map(result)
    np.testing.assert_allclose(table["lost"].sel(offset=0.2), 0.1, atol=1e-9)
    np.testing.assert_allclose(table["lost"].sel(offset=0.0), 0.0, atol=1e-9)
    gain = table["regained"].sel(offset=0.2)
    np.testing.assert_allclose(gain.sel(reference_error=0.01), 0.08, atol=1e-9)
    np.testing.assert_allclose(gain.sel(reference_error=0.1), 0.01, atol=1e-9)
    assert (table["low"] < table["accuracy"]).all() and (table["high"] > table["accuracy"]).all()
    assert (table["ratio"].sel(states=10) < 1).all() and (table["ratio"].sel(states=100) > 1).all()
    # Where both would have spent the same: paid + n shift = n mixed, per image.
    total, images = table["energy_total"], float(result["images"].max())
    paid = table["energy_calibration"].sel(algorithm="shift_reference")
    each = {n: total.sel(algorithm=n, drop=True) / images for n in NAMES}
    each["shift_reference"] = each["shift_reference"] - paid / images
    n = table["break_even"].sel(states=100)
    assert np.isfinite(n).all() and (n > 0).all()
    both = (paid + n * each["shift_reference"]) / (n * each["mixed_precision"])
    np.testing.assert_allclose(both.sel(states=100), 1.0, rtol=1e-9)
    spent = at_end(price(result.isel(pulse_width=0))["energy_total"]).mean("seed")
    np.testing.assert_allclose(table["energy_total"], spent.sum("phase").transpose(
        *table["energy_total"].dims), rtol=1e-12)  # fmt: skip


def test_what_the_map_says(result):
    said = "\n".join(summary(shift_map(result)))
    assert "more than a point at 4 of 8 points; the shift regains half of it at 2, all but" in said
    assert "half a point at 0." in said
    assert "reference 0.01: +8.0 of 10.0 points" in said and "0.1: +1.0 of 10.0" in said
    assert "less total energy than the shift at 4 points (states: 10)" in said
    assert "at 8 points, and both at 4." in said
    assert "10 states: x 0.508 to 0.508; it would take less in trainings of any length" in said
    assert (
        "100 states: x 3.95 to 3.95; it would take less in trainings below some 10,100 im" in said
    )


def test_a_row_for_each_point(result):
    text = map_text(shift_map(result), "title")
    rows = [line for line in text.splitlines() if line.split()[1:2] == ["0.3"]]
    assert len(rows) == 8 and all("+8.0 (" in row for row in rows if " 0.01  " in row and
                                  row.split()[3] == "0.2")  # fmt: skip
    few = map_text(shift_map(runs(seeds=2)), "title")
    assert "+8.0" in few and "+8.0 (" not in few


def test_files(result, tmp_path):
    files = write_shift_map(tmp_path / "new", result)
    assert set(files) == {p.name for p in (tmp_path / "new").iterdir()} == {
        "runs.nc", "symmetry_point.txt", "energy.png", "accuracy_noise_0.3.png"
    }  # fmt: skip
    assert "quick" not in files["symmetry_point.txt"].read_text()
