"""Parameters at a bound of their range: one-sided intervals, draws that leave it, ties."""

import math

import numpy as np
import pytest
from simulate import measure

from feemu.devices import Beta
from feemu.fit import fit, limits
from feemu.fit.averages import Averages
from feemu.fit.bounds import _cut_normal
from feemu.fit.profile import profiled
from feemu.fit.scoring import climb
from feemu.fit.stream import Stream

#: Two exponents lie on the bound: either is fitted there in half of all measurements.
TRUE = Beta(0.05, 1.0, 2.0, 0.05, 2.0, 1.0)
CASE = {"devices": 3, "cycles": 5, "pulses": 40, "relative": 0.1, "drift": 0.004, "absolute": 0.002}


@pytest.fixture(scope="module")
def part():
    return fit(measure(TRUE, seed=1, **CASE), "beta", draws=400).part()


def test_interval_begins_at_the_bound_and_ends_where_the_likelihood_has_fallen(part):
    value = part.parameters["a_up"]
    assert value.note == "at a bound" and value.value == value.lower == 1.0 < value.upper
    found, j = part.estimate, part.estimate.problem.shape.free.index("a_up")
    held = np.arange(found.point.x.size) == j
    targets = []
    for at in (value.lower, value.upper):
        x = found.point.x.copy()
        x[j] = at
        args = (found.problem, x, found.point.u, found.tau)
        targets.append(climb(*args, held=held, tolerance=0.001).target)
    # The end is known to 4 % of a first guess, climbs to 0.05, in the log likelihood.
    assert targets[0] - targets[1] == pytest.approx(1.92, abs=0.25)


def test_every_value_lies_in_its_interval_and_none_is_of_zero_width(part):
    for name, v in part.parameters.items():
        assert v.lower <= v.value <= v.upper and v.lower < v.upper, name


def test_device_and_report_hold_the_same_values_and_draws_leave_the_bound(part):
    j = part.estimate.problem.shape.free.index("a_up")
    assert part.x[j] == 1.0
    assert part.draws.x[:, j].min() >= 1.0 and part.draws.x[:, j].std() > 0
    assert any(n.startswith("a_up lies at a bound") for n in part.notes)


def test_misfit_to_mean_levels_gives_an_interval_too(part):
    """Where shape and range were fitted to mean levels, these stand for the likelihood."""
    found, j = part.estimate, part.estimate.problem.shape.free.index("a_up")
    x = Averages(found.problem, found.point.x, found.point.u).fit(found.point.x)[1]
    lost = Averages(found.problem, x, found.point.u).profile(j, x)
    assert lost(x[j]) == pytest.approx(0.0, abs=1e-9)
    assert 0 < lost(x[j] + 0.1) < lost(x[j] + 0.3)
    x[j] = 1.0
    found.point.x[:] = x
    low, high = profiled(found, part.columns, 0.95, by_mean=True)[j]
    assert low == pytest.approx(1.0) and 1.0 < high <= 12


def test_a_parameter_tied_to_one_at_a_bound_is_named():
    rng = np.random.default_rng(3)
    t = np.abs(rng.normal(size=4000))
    table = {"b": 1 + t, "a": 2 - t + 0.1 * rng.normal(size=4000), "c": rng.normal(size=4000)}
    (name, other, c), *more = limits.ties(table, ["b"])
    assert (name, other, more) == ("a", "b", []) and c < -0.95
    assert limits.ties(table, []) == [] and limits.ties(table, ["a", "b"]) == []


@pytest.mark.parametrize(
    ("slope", "precision", "mean", "sd"),
    [
        (0.0, 4.0, math.sqrt(2 / math.pi) / 2, math.sqrt(1 - 2 / math.pi) / 2),
        (50.0, 1.0, 0.0199840, 0.0199521),
    ],
    ids=["half a normal", "almost exponential"],
)
def test_draws_of_a_normal_cut_at_zero(slope, precision, mean, sd):
    """A mean beyond 5.85 of its standard deviations: a false alarm in 5e-9."""
    n = 40_000
    drawn = _cut_normal(np.full(n, slope), precision, Stream(1))
    assert drawn.min() >= 0 and abs(drawn.mean() - mean) < 5.85 * sd / math.sqrt(n)
    assert drawn.std() == pytest.approx(sd, rel=0.05)
