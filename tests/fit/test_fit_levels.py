"""Branches that end on a level: simulated and emulated by the protocol of the data."""

import numpy as np
import pytest
from simulate import measure

from feemu.devices import Linear
from feemu.fit import fit
from feemu.fit.estimate import estimate
from feemu.fit.fitting import _emulation
from feemu.fit.posterior import draw
from feemu.fit.sequence import sequences
from feemu.fit.shapes import SHAPES
from feemu.fit.stream import Stream
from feemu.fit.trajectories import MORE, Simulation, last_level

#: Steps that grow along each branch: a deviation grows too, and a fixed count would let the levels
#: run away to the ends of the range.
TRUE = Linear(0.006, 0.006, -3.0, -3.0)
CASE = {
    "devices": 1,
    "pulses": 150,
    "absolute": 0.002,
    "read": 0.002,
    "start": 0.15,
    "drift": 0.002,
}


def trains(cycles=40, seed=0, ended_by="level", **more):
    case = {"devices": 1, **CASE, **more}
    ds = measure(TRUE, seed=seed, cycles=cycles, until=(0.9, 0.1), spread=(0, 0, 0, 0), **case)
    ds.attrs["ended_by"] = ended_by
    return ds


def branches(s):
    """Return (device, cycle, polarity) -> readings."""
    device, cycle, polarity, _ = np.unravel_index(s.place, s.shape)
    keys = np.stack([device, cycle, polarity], axis=1)
    return {tuple(k): s.y[(keys == k).all(axis=1)] for k in np.unique(keys, axis=0)}


@pytest.fixture(scope="module")
def found():
    return estimate(sequences(trains(12, devices=2, missing=0.05))[0], SHAPES["linear"])


def test_simulated_branches_end_at_the_measured_levels(found):
    simulation = Simulation(found.problem, found.point.x, found.point.u)
    real, lengths, ends = branches(found.problem.sequence), set(), []
    for number in range(3):
        s = simulation.draw(number).sequence
        drawn = branches(s)
        assert drawn.keys() == real.keys()
        for key, y in drawn.items():
            sign, level = (1, -1)[key[2]], last_level(real[key])
            reached = sign * (y - level) >= 0
            assert not reached[:-1].any()
            full = y.size == 2 * real[key].size + MORE  # no end of the range lies beyond the level
            assert reached[-1] or np.isnan(y[-1]) or full
            ends.append(bool(reached[-1]))
            lengths.add(y.size - real[key].size)
        assert (np.diff(s.place) > 0).all() and s.start[-1] == s.y.size
        assert np.array_equal(np.unique(s.cycle()), np.arange(12)) and not s.mark.max() > 3
    # Readings are missing as in the data, and both longer and shorter branches occur.
    assert min(lengths) < 0 < max(lengths) and np.mean(ends) > 0.85


def test_where_branches_end_after_a_count_the_entries_stay(found):
    s = sequences(trains(12, ended_by="count"))[0]
    e = estimate(s, SHAPES["linear"])
    drawn = Simulation(e.problem, e.point.x, e.point.u).draw(0).sequence
    for name in ("place", "pulse", "mark", "start"):
        assert np.array_equal(getattr(drawn, name), getattr(s, name))
    assert np.array_equal(np.isnan(drawn.y), np.isnan(s.y)) and not np.array_equal(drawn.y, s.y)


def test_the_emulation_of_a_right_fit_looks_like_the_data():
    """p is at most 0.02 for 2 of 100 right fits; a fixed count shows other levels."""
    part = fit(trains(), "linear", draws=200).part()
    assert part.checks["overall"][2] > 0.02 and part.emulation["overall"][2] > 0.02
    measured, emulated, p = part.emulation["emulated_levels"]
    assert abs(emulated / measured - 1) < 0.2 and p > 0.01
    counted = fit(trains(ended_by="count"), "linear", draws=200).part()
    measured, emulated, _ = counted.emulation["emulated_levels"]
    assert emulated > 1.4 * measured


def test_levels_that_no_branch_shows_are_not_asked_for():
    """One reading of each branch down, said to end on a level: emulated after a count."""
    ds = trains(8)
    ds["conductance"][..., 1, 2:] = np.nan
    e = estimate(sequences(ds)[0], SHAPES["linear"])
    assert "emulated_steps" in _emulation(e, draw(e, 100, Stream(0)), e.point.x, e.point.u)
