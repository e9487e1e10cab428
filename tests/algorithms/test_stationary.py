"""Where each algorithm settles on one-weight quadratics, against theory where there is one.

Every synapse has its own ``H (w - w_opt)^2 / 2`` with gradient noise, on soft bounds whose
symmetry point is at weight +0.2 while the optimum is at -0.3; all start between the two. Lines
have their own choppers, so means over lines are independent; the interval is Student's over 24
lines at a false-alarm rate of 5e-9 per test. Steps are finite: what calls itself unbiased here
stays within 0.02 of the optimum, one seventh of plain SGD's error.
"""

from functools import cache

import numpy as np
import pytest
from layer_cases import spec
from oracle import held_off_zero, quadratic_stationary_exact

from feemu.algorithms import algorithm
from feemu.devices import Device, SoftBounds, tabulate

CURVATURE, OPTIMUM, SIGMA = 1.0, -0.3, 0.5
LINES, OUTPUTS, SAMPLES = 24, 8, 8
DEVICE = tabulate(Device(response=SoftBounds(0.0024, 0.0016)))
UNBIASED, ALPHA = 0.02, 5e-9
#: Error of A's reference [range]; weights are twice that.
ERROR = 0.05
TRANSFER = {"fast_rate": "absolute", "fast_lr": 0.004, "n_reads": LINES}
BUFFER = {**TRANSFER, "auto_period": 0.0, "forget": False, "momentum": 0.0}
CASES = {
    "plain_sgd": ({}, 0.004, 600),
    "tiki_taka_v1": ({**TRANSFER, "ideal": True}, 0.2, 1500),
    "residual_learning": ({**TRANSFER, "ideal": True, "gamma": 0.2}, 0.2, 1500),
    "tiki_taka_v2": ({**BUFFER, "ideal": True}, 0.005, 1500),
    "chopped_tiki_taka": ({**BUFFER, "ideal": True, "chop_prob": 0.005}, 0.005, 3000),
    "agad": ({**BUFFER, "chop_prob": 0.005}, 0.005, 3000),
    # Its estimate of the symmetry point moves at flips only: more of them.
    "dynamic_tracking": ({**BUFFER, "chop_prob": 0.01, "eta": 0.3}, 0.005, 3000),
}


def step_up(w):
    return 0.0024 * (1 - w)


def step_down(w):
    return 0.0016 * (1 + w)


@cache
def settled(name, error=0.0):
    """Return means over lines and the second half of the updates: (W - optimum, A), (LINES,) each.

    A is given as its weight on its range, whatever its reference.
    """
    options, lr, updates = CASES[name]
    start = np.full((LINES, OUTPUTS), OPTIMUM)
    layer = algorithm(name, **options).build(spec(DEVICE, start.shape, start))
    fast = layer.arrays[-1]
    if error:
        fast.set_reference(fast.reference + np.float32(error))
    draw, x = np.random.default_rng(1), np.tile(np.eye(LINES, dtype=np.float32), (SAMPLES, 1))
    sums = np.zeros((2, LINES))
    for number in range(updates):
        w = layer.weights
        if number >= updates // 2:
            sums += w.mean(axis=1), (2 * fast.state - 1).mean(axis=1)
        noise = draw.standard_normal((len(x), OUTPUTS), dtype=np.float32)
        slope = np.float32(CURVATURE) * (w - np.float32(OPTIMUM))
        layer.update(x, np.tile(slope, (SAMPLES, 1)) + np.float32(SIGMA) * noise, lr)
    sums /= updates - updates // 2
    return sums[0] - OPTIMUM, sums[1]


def half_width(means):
    """Return half of the interval of a mean over lines."""
    from scipy.stats import t

    return t.isf(ALPHA / 2, LINES - 1) * means.std(ddof=1) / np.sqrt(LINES)


def test_plain_sgd_is_biased_by_the_formula():
    """0.005 is allowed for the finite step, 2.6 granularities."""
    bias, _ = settled("plain_sgd")
    root = quadratic_stationary_exact(CURVATURE, OPTIMUM, SIGMA, step_up, step_down, (-0.95, 0.95))
    assert half_width(bias) < 0.01 and root - OPTIMUM > 0.1
    assert abs(bias.mean() - (root - OPTIMUM)) < 0.005 + half_width(bias)


@pytest.mark.parametrize("name", [name for name in CASES if name != "plain_sgd"])
def test_these_are_unbiased(name):
    """And they have left where they started, 0.08 from the optimum."""
    bias, _ = settled(name)
    assert half_width(bias) < 0.015
    assert abs(bias.mean()) < UNBIASED + half_width(bias)


@pytest.mark.parametrize("error", (0.0, ERROR))
@pytest.mark.parametrize("name", ("tiki_taka_v1", "tiki_taka_v2", "residual_learning"))
def test_the_bias_is_what_holds_a_where_it_is(name, error):
    """``E[g] F(a) + E|g| G(a) = 0`` at A's mean state; 0.005 for its variance and the step."""
    bias, state = settled(name, error)
    a = float(state.mean())
    wanted = held_off_zero(CURVATURE, SIGMA, step_up(a), step_down(a))
    assert abs(bias.mean() - wanted) < 0.005 + half_width(bias)


@pytest.mark.parametrize("name", ("tiki_taka_v1", "tiki_taka_v2", "residual_learning"))
def test_an_error_of_the_reference_biases_again(name):
    """C rests where A reads zero, so A is held at the error: bias by the formula, 0.01 for the
    remainder that C's own steps leave in A's reading.
    """
    bias, _ = settled(name, ERROR)
    shift = bias.mean() - settled(name)[0].mean()
    point = 0.2 + 2 * ERROR
    wanted = held_off_zero(CURVATURE, SIGMA, step_up(point), step_down(point))
    assert abs(wanted) > 0.035
    assert abs(shift - wanted) < 0.01 + half_width(bias) + half_width(settled(name)[0])


@pytest.mark.parametrize("name", ("agad", "dynamic_tracking"))
def test_no_reference_is_needed(name):
    """Zero at mid-range, 0.2 from the symmetry point, and an error on top.

    Chopped Tiki-Taka v2 is left out: an error makes it wander (0.02 +- 0.04 here), and with more
    flips the pulses that C gets for nothing pull it to C's own symmetry point.
    """
    bias, _ = settled(name, ERROR)
    assert half_width(bias) < 0.015
    assert abs(bias.mean()) < UNBIASED + half_width(bias)
