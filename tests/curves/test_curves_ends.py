"""What ended a branch: told, or seen in lengths and ends."""

import numpy as np
import pytest
from small_trains import tidy

from feemu.curves import read_curves, write_curves
from feemu.curves.ends import ended_by
from feemu.devices import Device, Noise, SoftBounds
from feemu.instrument import Protocol, measure

DEVICE = Device(response=SoftBounds(0.03, 0.03), noise=Noise(0.5))
MORE = {"cycles": 12, "pulses_up": 150, "pulses_down": 150, "start": 0.2}


def trains(seed, **options):
    return measure(DEVICE, Protocol(**MORE, **options), seed)["conductance"].values


@pytest.mark.parametrize("seed", range(5))
def test_levels_and_counts_are_told_apart(seed):
    """A branch takes 50 pulses with an sd of 4: lengths vary; ends lie within a step (0.005)."""
    verified = trains(seed, until_up=(0.8,), until_down=(0.2,), offset_rate=0.004)
    assert ended_by(verified) == "level"
    counted = trains(seed, noise=0.01)[..., :60]
    assert ended_by(counted) == "count"
    # Cut by chance: lengths vary as much, and the ends with them.
    last = np.random.default_rng(seed).normal(45, 4, counted.shape[:4]).astype(int)
    cut = np.where(np.arange(60) <= last[..., None], counted, np.nan)
    assert ended_by(cut) == "count"


def test_few_cycles_tell_nothing():
    assert ended_by(trains(0, until_up=(0.8,), until_down=(0.2,))[:, :, :5]) == "count"
    assert ended_by(np.full((1, 2, 8, 2, 5), np.nan)) == "count"


def test_it_is_told_kept_and_read_again(put, tmp_path):
    assert read_curves(put(tidy())).attrs["ended_by"] == "count"
    ds = read_curves(put(tidy()), ended_by="level")
    assert ds.attrs["ended_by"] == "level"
    assert read_curves(write_curves(ds, tmp_path / "a.csv")).attrs["ended_by"] == "level"
    ds = measure(DEVICE, Protocol(**MORE, until_up=(0.8,), until_down=(0.2,)))
    assert ds.attrs["ended_by"] == "level"
    assert read_curves(write_curves(ds, tmp_path / "b.csv")).attrs["ended_by"] == "level"


def test_published_ramps_end_on_levels(measured):
    folder = measured / "taox_reram"
    files = [folder / "set.csv", folder / "reset.csv"]
    ds = read_curves(files, unit="A", read_voltage=0.1)
    assert ds.attrs["ended_by"] == "level" and "end on a level" in ds.attrs["notes"]
