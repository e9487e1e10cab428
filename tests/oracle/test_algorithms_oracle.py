"""References of algorithms against closed forms."""

import numpy as np
import pytest

from . import (
    ExactCurves,
    OracleArray,
    alternating,
    beta,
    drift_coefficients,
    mixed_precision_step,
    quadratic_stationary,
    quadratic_stationary_exact,
    simulate_quadratic,
    soft_bounds,
    soft_bounds_contraction,
    soft_bounds_two_cycle,
    with_noise,
)


def test_mixed_precision_keeps_the_sum():
    rng = np.random.default_rng(1)
    chi, applied, asked = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
    lr, eps = 0.3, 0.11
    for _ in range(50):
        x, d = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
        step = mixed_precision_step(chi, x, d, lr, eps)
        chi = step.chi
        asked += lr * x.T @ d
        applied += step.counts * eps
        assert np.all(np.abs(chi) < eps * (1 + 1e-9)) and 0 <= step.margin <= 1
    np.testing.assert_allclose(chi, asked + applied, atol=1e-12)


def test_mixed_precision_truncates_towards_zero():
    step = mixed_precision_step([[0.0, 0.0, 0.0]], [[1.0]], [[2.75, -2.75, 0.5]], 1.0, 1.0)
    np.testing.assert_array_equal(step.counts, [[-2, 2, 0]])
    np.testing.assert_array_equal(step.chi, [[0.75, -0.75, 0.5]])
    assert step.margin == 0.25


def test_quadratic_formula_matches_the_exact_root():
    tau, sigma, curvature = 1.0, 1.0, 0.1
    exact = quadratic_stationary_exact(
        curvature, 0.4, sigma, lambda w: 1 - w / tau, lambda w: 1 + w / tau, (-1, 1)
    )
    formula = quadratic_stationary(curvature, 0.4, 0.0, sigma, 1 / tau)
    assert formula == pytest.approx(exact, abs=1e-4)
    assert quadratic_stationary(curvature, 0.4, 0.4, sigma, 1 / tau) == pytest.approx(0.4)


def test_quadratic_simulation_settles_at_the_root():
    """Mean of 2,000 weights; z 5.85 (rate 5e-9), and 2e-3 for the finite step."""
    dw, curvature, w_opt, sigma = 0.002, 1.0, 0.5, 0.5
    up, down = (lambda w: dw * (1 - w)), (lambda w: dw * (1 + w))
    w = simulate_quadratic(curvature, w_opt, sigma, up, down, 0.001, dw, 2000, 6000, seed=4)
    root = quadratic_stationary_exact(curvature, w_opt, sigma, up, down, (-0.9, 0.9))
    error = 5.85 * w.std() / np.sqrt(len(w)) + 2e-3
    assert error < 0.02
    assert abs(w.mean() - root) < error
    assert abs(root - w_opt) > 0.05


@pytest.mark.parametrize("last", (1, -1))
def test_alternating_soft_bounds_two_cycle(last):
    a_up, a_down = 0.1, 0.06
    up, down = soft_bounds(a_up, True), soft_bounds(a_down, False)
    states = alternating(up, down, 0.05, 300, last)
    end = soft_bounds_two_cycle(a_up, a_down, last)
    assert states[-1] == pytest.approx(end, abs=1e-12)
    ratio = (states[1:20] - end) / (states[:19] - end)
    np.testing.assert_allclose(ratio, soft_bounds_contraction(a_up, a_down), rtol=1e-9)


def test_alternating_beta_ends_at_the_symmetry_point():
    up, down = beta(0.24898, 1.86339, 2.91747), beta(0.10299, 2.05557, 1.77257)
    grid = np.linspace(0.3, 0.8, 50001)
    star = grid[np.argmin([abs(drift_coefficients(up(p), down(p))[1]) for p in grid])]
    assert star == pytest.approx(0.578, abs=1e-3)
    after_down = alternating(up, down, 0.2, 400, -1)[-1]
    after_up = alternating(up, down, 0.2, 400, 1)[-1]
    low, high = sorted((after_down - star, after_up - star))
    assert low <= 0.006 and 0.02 < high - low < 0.04


def test_alternating_array_follows_the_reference():
    up, down = soft_bounds(0.1, True), soft_bounds(0.06, False)
    curves = ExactCurves([[with_noise(up)], [with_noise(down)]])
    array = OracleArray([[0.05, 0.9]], curves, noise=False, precision="float64")
    array.alternate(7, last=-1)
    for column, start in enumerate((0.05, 0.9)):
        assert array.p[0, column] == alternating(up, down, start, 7, -1)[-1]


@pytest.mark.parametrize(
    "up, down, pulses",
    (
        ((0.24898, 1.86339, 2.91747), (0.10299, 2.05557, 1.77257), (46, 45)),
        ((0.36361, 1.96392, 3.09212), (0.18901, 2.40094, 1.97855), (42, 45)),
        ((0.65606, 1.90866, 3.47690), (0.36569, 2.75019, 2.26820), (39, 46)),
    ),
)
def test_round_trip_of_the_published_kernels(up, down, pulses):
    """Pulses from .05 to .9 and back; kernels of arXiv:2601.00020."""
    step = with_noise(beta(*up)), with_noise(beta(*down))
    array = OracleArray([[0.05]], ExactCurves([[step[0]], [step[1]]]), noise=False)
    n_up = n_down = 0
    while array.p[0, 0] < 0.9:
        array.pulse(0, 0, 0)
        n_up += 1
    while array.p[0, 0] > 0.05:
        array.pulse(0, 0, 1)
        n_down += 1
    assert (n_up, n_down) == pulses
