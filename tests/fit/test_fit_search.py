"""The search finds what a climb from the truth finds."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from feemu.fit import spread
from feemu.fit.estimate import estimate, finished
from feemu.fit.posterior import WEAK, draw
from feemu.fit.ranking import rank
from feemu.fit.scoring import climb, highest
from feemu.fit.sequence import sequences
from feemu.fit.stream import Stream

sys.path.append(str(Path(__file__).parents[1] / "verification"))
from coverage_of_fits import at_truth, climbed
from virtual import virtual

#: Most that the search may end below the climb from the truth, in log likelihood.
BELOW = 2.0


@pytest.mark.parametrize(
    "name, number, more",
    [("beta", 28, {}), ("beta", 102, {"cycles": 5, "devices": 3}), ("power", 8, {})],
)
def test_the_search_ends_no_lower_than_a_climb_from_the_truth(name, number, more):
    """Measurements on which an earlier search ended 42, 96 and 11 lower."""
    ds, true = virtual(name, number, **more)
    s = sequences(ds)[0]
    found = rank([s], (name,), held_out=False)[1][name][0]
    if found.problem.sequence is not s:  # ranked on its first cycles
        found = estimate(s, found.problem.shape, near=found)
    assert found.log_likelihood > climbed(ds, true, name).log_likelihood - BELOW


def test_a_climb_leaves_a_noise_term_that_is_too_small():
    """A small noise term is flat in its logarithm: its slope tells nothing."""
    problem, x, u, tau = at_truth(*virtual("power", 8, cycles=4, devices=3), "power")
    best = climb(problem, x, u, tau)
    x[-4] = math.log(1e-3)
    again = climb(problem, x, u, tau)
    assert best.converged and again.converged
    assert again.target == pytest.approx(best.target, abs=0.1)
    assert again.x[-4] == pytest.approx(best.x[-4], abs=0.1)


def test_spreads_stay_while_the_far_end_is_free():
    """The spreads that follow the true ones explain the devices as well as these do."""
    problem, x, u, tau = at_truth(*virtual("beta", 102), "beta")
    point = climb(problem, x, u, tau)
    assert point.free[-5]
    again = spread.likeliest(spread.deviations(point, tau, ridge=True), tau, rounds=2)
    before, after = (finished(problem, point, t).log_likelihood for t in (tau, again))
    assert after > before - 5.0


def test_draws_are_those_of_the_joint_normal_density(monkeypatch):
    """Standard deviations of the global parameters at given spreads, a far end among them.

    Each within 8 % with 5,000 draws, 8 times their standard error; the weak prior is part of it.
    """
    problem, x, u, tau = at_truth(*virtual("beta", 5), "beta")
    point = climb(problem, x, u, tau)
    k, n = x.size, 5000
    monkeypatch.setattr(spread, "draw_spreads", lambda *_: np.tile(tau, (n, 1)))
    monkeypatch.setattr(
        type(problem), "limits", lambda _: (np.full(k, -np.inf), np.full(k, np.inf))
    )
    drawn = draw(finished(problem, point, tau), n, Stream(3)).x
    whole = point.information + 1e-9 * np.eye(point.gradient.size)
    whole[k:, k:] += np.diag(np.tile(tau**-2.0, len(u)))
    move = np.flatnonzero(point.free)
    keep = np.r_[move, k : len(whole)]
    own = np.linalg.inv(whole[np.ix_(keep, keep)])[move.size :, move.size :]
    rest = np.linalg.inv(whole[np.ix_(move, move)] + WEAK * np.eye(move.size))
    pull = rest @ whole[np.ix_(move, np.arange(k, len(whole)))]
    sd = np.sqrt(np.diag(rest + pull @ own @ pull.T))
    assert point.free[-5] and sd[list(move).index(k - 5)] > 0.1, "the far end is hardly seen"
    np.testing.assert_allclose(drawn[:, move].std(axis=0), sd, rtol=0.08)


def test_the_step_is_the_maximum_of_the_quadratic_model_in_its_box():
    rng = np.random.default_rng(1)
    for n in (1, 3, 12):
        root = rng.normal(size=(n, n))
        a, g = root @ root.T + 0.01 * np.eye(n), rng.normal(size=n)
        low, high = -rng.uniform(0, 1, n), rng.uniform(0, 1, n)
        low[0] = 0.0
        s = highest(a, g, low, high)
        pull = g - a @ s
        assert (s >= low).all() and (s <= high).all()
        assert np.all((pull <= 1e-8) | (s == high)) and np.all((pull >= -1e-8) | (s == low))
