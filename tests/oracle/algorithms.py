"""Slow references of algorithms: mixed precision, drift on a quadratic, alternating pulses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class MixedPrecision(NamedTuple):
    """One mixed precision update: accumulator after it, pulse counts, and the margin.

    Attributes
    ----------
    chi : ndarray, shape (n_in, n_out)
        Accumulator, visible-weight units.
    counts : ndarray of int64, shape (n_in, n_out)
        Signed pulses to apply, positive is up (the sign of -n).
    margin : float
        Smallest distance of |chi / eps| from a whole number >= 1; below some 1e-6 another order
        or precision of the sums may give other counts.
    """

    chi: np.ndarray
    counts: np.ndarray
    margin: float


def mixed_precision_step(
    chi: np.ndarray, x: np.ndarray, d: np.ndarray, lr: float, eps: float
) -> MixedPrecision:
    """Return chi + lr d x^T summed over the batch, less the pulses it triggers, in float64.

    Parameters
    ----------
    chi : ndarray, shape (n_in, n_out)
        Accumulator before the update.
    x, d : ndarray, shapes (batch, n_in) and (batch, n_out)
        Activations and errors.
    eps : float
        Threshold, > 0, visible-weight units.

    Notes
    -----
    n = trunc(chi / eps), chi <- chi - n eps, pulses of sign -n (arXiv:2001.11773).
    """
    chi = np.array(chi, dtype=np.float64)
    counts = np.zeros(chi.shape, dtype=np.int64)
    margin = math.inf
    for i in range(chi.shape[0]):
        for j in range(chi.shape[1]):
            for b in range(len(x)):
                chi[i, j] += float(lr) * float(d[b][j]) * float(x[b][i])
            ratio = chi[i, j] / eps
            n = math.trunc(ratio)
            chi[i, j] -= n * eps
            counts[i, j] = -n
            nearest = max(1.0, round(abs(ratio)))
            margin = min(margin, abs(abs(ratio) - nearest))
    return MixedPrecision(chi, counts, margin)


def drift_coefficients(up: float, down: float) -> tuple[float, float]:
    """Return (F, G) = ((down + up) / 2, (down - up) / 2) of two step sizes."""
    return 0.5 * (down + up), 0.5 * (down - up)


def quadratic_stationary(
    curvature: float, w_opt: float, w_star: float, sigma: float, slope: float
) -> float:
    """Return where pulsed descent on H (w - w_opt)^2 / 2 with gradient noise settles.

    (H w_opt + k w*) / (H + k), k = sigma sqrt(2 / pi) slope, slope = G'(w*) / F(w*)
    (linear in w - w*, and for H |w - w_opt| << sigma; arXiv:2406.12774).
    """
    k = sigma * math.sqrt(2.0 / math.pi) * slope
    return (curvature * w_opt + k * w_star) / (curvature + k)


def quadratic_stationary_exact(
    curvature: float,
    w_opt: float,
    sigma: float,
    up: Callable,
    down: Callable,
    bracket: tuple[float, float],
) -> float:
    """Return the root of E[g] F(w) + E|g| G(w) for Gaussian g of mean H (w - w_opt).

    The mean of |g| is that of the folded normal, steps `up` and `down` are functions of w. Exact
    in the limit of small steps, without the linearisation of `quadratic_stationary`.
    """
    from scipy.optimize import brentq

    def drift(w: float) -> float:
        mean = curvature * (w - w_opt)
        size = sigma * math.sqrt(2.0 / math.pi) * math.exp(-0.5 * (mean / sigma) ** 2)
        size += mean * math.erf(mean / (sigma * math.sqrt(2.0)))
        F, G = drift_coefficients(up(w), down(w))
        return mean * F + size * G

    return brentq(drift, *bracket, xtol=1e-12)


def simulate_quadratic(
    curvature: float,
    w_opt: float,
    sigma: float,
    up: Callable,
    down: Callable,
    lr: float,
    granularity: float,
    n_weights: int = 2000,
    n_steps: int = 2000,
    seed: int = 0,
) -> np.ndarray:
    """Return weights after n_steps of one-pulse stochastic descent, each weight independent.

    Every step draws g = H (w - w_opt) + sigma xi and pulses against its sign with probability
    min(1, lr |g| / granularity); `up` and `down` map weights to step sizes in weight units.
    """
    rng = np.random.default_rng(seed)
    w = np.full(n_weights, float(w_opt))
    for _ in range(n_steps):
        g = curvature * (w - w_opt) + sigma * rng.standard_normal(n_weights)
        fire = rng.random(n_weights) < lr * np.abs(g) / granularity
        w = w + fire * np.where(g < 0, up(w), -down(w))
    return w


def alternating(
    step_up: Callable, step_down: Callable, p0: float, n_pairs: int, last: int
) -> np.ndarray:
    """Return the states after each noise-free pair of opposite pulses, shape (n_pairs + 1,).

    Entry 0 is p0; the second pulse of each pair has sign `last`.
    """
    states, p = [float(p0)], float(p0)
    for _ in range(n_pairs):
        for sign in (-last, last):
            step = step_up(p) if sign > 0 else step_down(p)
            p = min(max(p + sign * step, 0.0), 1.0)
        states.append(p)
    return np.array(states)


def soft_bounds_two_cycle(a_up: float, a_down: float, last: int) -> float:
    """Return the state that alternating pulses on soft bounds settle at, after pulse `last`.

    After a down pulse p = (1 - a_down) a_up / (a_up + a_down - a_up a_down); after an up pulse
    the numerator is a_up.
    """
    total = a_up + a_down - a_up * a_down
    return a_up / total if last > 0 else (1.0 - a_down) * a_up / total


def soft_bounds_contraction(a_up: float, a_down: float) -> float:
    """Return the factor by which one pair shrinks the distance to the two-cycle."""
    return (1.0 - a_up) * (1.0 - a_down)
