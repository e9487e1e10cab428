"""Derivatives of the likelihood, and the check by the emulator."""

import math

import numpy as np
import pytest
from simulate import measure

from feemu.devices import Beta, SoftBounds
from feemu.fit import emulated, fit
from feemu.fit.estimate import estimate
from feemu.fit.fitting import _emulation
from feemu.fit.posterior import draw
from feemu.fit.problem import Problem
from feemu.fit.sequence import sequences
from feemu.fit.shapes import SHAPES
from feemu.fit.stream import Stream

POINTS = {
    "beta": np.array([-1.5, -1.2, 1.9, 2.2, 2.1, 1.8, 0.01, -0.05, 1.1, -2.0, -5.0, -5.0, -5.0]),
    "power": np.array([-3.0, -3.2, 0.8, 1.6, -0.02, -0.05, 1.1, -2.0, -5.0, -5.0, -5.0]),
    "exponential": np.array([-3.0, -3.0, 0.8, 1.2, 0.03, -0.05, 1.1, -2.0, -5.0, -5.0, -5.0]),
    "linear": np.array([-3.5, -3.2, 0.7, 0.6, 0.0, -0.01, 1.01, -2.0, -5.0, -5.0, -5.0]),
}


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("limit", [4.0, 1.5, math.inf])
def test_gradient_is_that_of_the_likelihood(name, limit):
    """Against differences, with outliers, missing readings, restarts and both ends of the range.

    Steps are tabulated and bent at 1024 states, outliers change weight at once: differences across
    such a bend are off by a small part of the gradient's own standard deviation.
    """
    more = {"missing": 0.05, "continuous": limit < 4.0, "drift": 0.01}
    s = sequences(measure(SoftBounds(0.08, 0.07), seed=5, devices=2, cycles=3, pulses=40, **more))[
        0
    ]
    problem, x = Problem(s, SHAPES[name], limit), POINTS[name]
    u = np.array([[0.1, -0.1, 0.02, 0.03], [-0.2, 0.05, -0.04, 0.01]])
    _, gradient, information = problem.information(x, u)
    flat = np.concatenate([x, np.zeros(4)])
    for j in range(flat.size):
        h = np.zeros_like(flat)
        h[j] = 1e-5
        ends = [problem.log_likelihood(x + w[: x.size], u + w[x.size :]) for w in (h, -h)]
        slope = (ends[0] - ends[1]) / 2e-5
        sd = np.sqrt(information[:, j, j]) + 1e-9
        assert np.abs((gradient[:, j] - slope) / sd).max() < 0.02, (name, j)
    for block in information:
        np.testing.assert_allclose(block, block.T, rtol=1e-9)
        assert np.linalg.eigvalsh(block).min() > -1e-6 * np.abs(block).max()


def test_the_emulator_looks_like_its_own_data_and_not_like_other_noise():
    """Overall p is above 0.02 for a right fit but twice in 100; with noise thrice as large each
    of some 700 differences says so."""
    ds = measure(SoftBounds(0.06, 0.05), seed=4, devices=3, cycles=4, pulses=30, relative=0.2)
    part = fit(ds, "soft_bounds", draws=200).part()
    assert set(emulated.STATISTICS) < set(part.emulation)
    assert part.emulation["overall"][2] > 0.02
    e, drawn = part.estimate, part.draws
    drawn.x[:, -4:-1] += math.log(3.0)
    loud = _emulation(e, drawn, part.x, part.u)
    assert loud["emulated_steps"][2] < 0.02 and loud["overall"][2] < 0.05


def test_branches_that_begin_anew_are_not_emulated():
    ds = measure(Beta(), seed=4, devices=2, cycles=2, pulses=20, continuous=False)
    e = estimate(sequences(ds)[0], SHAPES["beta"])
    assert _emulation(e, draw(e, 100, Stream(0)), e.point.x, e.point.u) == {}
