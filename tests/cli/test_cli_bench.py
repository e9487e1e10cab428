"""Figures of `feemu bench`: which there are, their units, and that they fit together."""

import json
import math
import time

import numpy as np
import pytest

from feemu import bench
from feemu.devices import preset, tabulate

UNITS = {"ns", "ns/pulse", "images/s", "byte/synapse", "x"}


@pytest.fixture(scope="module")
def tables():
    return tabulate(preset(bench.DEVICE))


@pytest.fixture
def few(monkeypatch):
    """Measure less work."""
    monkeypatch.setattr(bench, "PULSES", (bench.PulseLoad((40, 30), 0.5, 900),))
    monkeypatch.setattr(bench, "IMAGES", 64)


def test_json(feemu, few):
    seen = feemu("bench", "--json", "--pairs", 1)
    told = json.loads(seen.out)
    assert seen.code == 0 and told["feemu"]
    rows = {row["name"]: row for row in told["figures"]}
    assert len(rows) == len(told["figures"]) == 9
    assert {row["unit"] for row in rows.values()} == UNITS
    for row in rows.values():
        assert row.keys() == {"name", "value", "unit", "in_u"}
        assert math.isfinite(row["value"]) and row["value"] > 0, row
        timed = row["unit"] in ("ns/pulse", "images/s")
        assert (row["in_u"] is not None) == timed and (not timed or row["in_u"] > 0), row
    assert "40 x 30, 50% of inputs, 900 pulses" in rows
    for batch in (1, 8, 64):
        assert f"plain SGD, 784-256-128-10, batch {batch}" in rows


def test_one_line_per_figure(feemu, monkeypatch):
    known = bench.Figure("a pulse", 9.5, "ns/pulse", 0.987), bench.Figure("gain", 1.8, "x")
    monkeypatch.setattr(bench, "figures", lambda large, pairs: iter(known[: 1 + large]))
    lines = feemu("bench", "--large").out.splitlines()
    assert [line.split() for line in lines] == [
        ["a", "pulse", "9.5", "ns/pulse", "0.987", "U"],
        ["gain", "1.8", "x"],
    ]
    assert len(feemu("bench").out.splitlines()) == 1


def test_pairs_must_be_positive(refused):
    refused("bench", "--pairs", 0, words=("pairs = 0", "one pair"))


def test_medians_over_pairs(monkeypatch):
    """Time per item and the same over U, of clocks that are known."""
    monkeypatch.setattr(bench, "unit", iter([9.0, 1.0, 2.0, 1.0]).__next__)
    ticks = iter([0.0, 2.0, 10.0, 16.0, 20.0, 24.0])
    monkeypatch.setattr(time, "process_time", ticks.__next__)
    assert bench.timed(lambda: 2, pairs=3) == (2.0, 1.5)


def test_loads_ask_for_what_they_say(tables):
    """Pulses of an update are what its name says, within 10 %."""
    for load in (*bench.PULSES[1:], bench.PulseLoad((64, 64), 1.0, 5000)):
        rounds = max(1, round(200_000 / load.pulses))
        made = bench.pulse_work(load, tables)() / rounds
        assert abs(made / load.pulses - 1) < 0.1, (load, made)


def test_memory_is_that_of_the_arrays_attributes(tables):
    """32 bytes of cells, weights and counters; the rest is scratch of kernels."""
    assert 32 <= bench.bytes_per_synapse(tables) < 36


def test_synthetic_images_have_zeros_like_mnist():
    task = bench.synthetic_task(200)
    assert task.train_x.shape == (200, 784) and abs(np.mean(task.train_x > 0) - 0.2) < 0.01
