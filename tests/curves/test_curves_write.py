"""Written and read again: the same Dataset."""

import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from small_trains import tidy

from feemu.curves import CurvesError, read_curves, write_curves
from feemu.curves.assemble import DIMS


def dataset(grid, devices, cycles, widths, unit="S"):
    """Return a Dataset as the reader makes it."""
    coords = {
        "pulse_width": widths,
        "device": devices,
        "cycle": cycles,
        "polarity": ["up", "down"],
        "pulse": np.arange(grid.shape[-1]),
    }
    ds = xarray.Dataset({"conductance": (DIMS, grid, {"units": unit})}, coords)
    ds.coords["read_voltage"] = 0.1
    ds.coords["order"] = ("cycle", np.arange(len(cycles)) % 2 == 0)
    ds.attrs = {"scheme": "ramp", "first_polarity": "up", "continuous": 1}
    return ds


def same(back, ds):
    xarray.testing.assert_equal(back, ds)
    assert back["conductance"].dims == DIMS
    for name in ("device", "cycle"):
        assert back[name].dtype.kind == ds[name].dtype.kind
    for name in ("scheme", "first_polarity", "continuous"):
        assert back.attrs[name] == ds.attrs[name]


def test_read_written_read(put, tmp_path):
    ds = read_curves(put(tidy()), read_voltage=0.1, pulse_width="20ns", amplitude_up=2)
    again = read_curves(write_curves(ds, tmp_path / "again.csv"))
    for name in ("source", "notes"):
        again.attrs[name] = ds.attrs[name]
    xarray.testing.assert_identical(again, ds)


def test_without_its_comments_the_data_are_the_same(put, tmp_path):
    ds = read_curves(put(tidy()))
    file = write_curves(ds, tmp_path / "again.csv")
    bare = "".join(x for x in file.read_text().splitlines(True) if not x.startswith("#"))
    np.testing.assert_array_equal(read_curves(put(bare))["conductance"], ds["conductance"])


def test_an_edited_file_whose_comment_no_longer_fits(put, tmp_path):
    text = write_curves(read_curves(put(tidy())), tmp_path / "a.csv").read_text()
    ds = read_curves(put(text.replace("\nB,", "\nC,")))
    assert ds["device"].values.tolist() == ["A", "C"]


readings = st.one_of(st.just(np.nan), st.floats(-1e3, 1e3, allow_subnormal=False))
labels = st.one_of(
    st.lists(st.integers(-5, 999), min_size=1, max_size=3, unique=True).map(sorted),
    st.lists(st.text("abcXYZ 0_-µ", min_size=1, max_size=4).map(lambda s: f"d{s}".strip()),
             min_size=1, max_size=3, unique=True),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(data=st.data(), devices=labels, cycles=labels, unit=st.sampled_from(["S", "1"]))
def test_any_dataset_comes_back(tmp_path_factory, data, devices, cycles, unit):
    widths = data.draw(st.sampled_from([[np.nan], [2e-8], [2e-8, 5e-4]]))
    shape = (len(widths), len(devices), len(cycles), 2, data.draw(st.integers(2, 4)))
    size = int(np.prod(shape))
    grid = np.array(data.draw(st.lists(readings, min_size=size, max_size=size))).reshape(shape)
    grid[:, 0, 0, 0, 1] = 0.5  # every width has a reading
    ds = dataset(grid, devices, cycles, widths, unit)
    file = tmp_path_factory.mktemp("any") / "x.csv"
    # Values of any size: cycles that differ by 1e3 are no mixed units here.
    same(read_curves(write_curves(ds, file), unit_check=False), ds)


def test_what_cannot_be_written(tmp_path, put, monkeypatch):
    file = tmp_path / "x.csv"
    with pytest.raises(CurvesError, match="expected a Dataset"):
        write_curves(xarray.Dataset(), file)
    grid = np.full((1, 1, 1, 2, 2), np.nan)
    with pytest.raises(CurvesError, match="at least one reading"):
        write_curves(dataset(grid, ["a"], [1], [1e-6]), file)
    for label in ("#1", " a", "", 'a"b', "a\nb"):
        with pytest.raises(CurvesError, match="rename it"):
            write_curves(dataset(np.ones_like(grid), [label], [1], [1e-6]), file)
    with pytest.raises(FileNotFoundError):
        write_curves(read_curves(put(tidy())), tmp_path / "none" / "x.csv")
    monkeypatch.setattr("feemu.curves.write.MAX_LINES", 20)
    with pytest.raises(CurvesError, match="one file per pulse width"):
        write_curves(read_curves(put(tidy())), file)
    assert not file.exists()
