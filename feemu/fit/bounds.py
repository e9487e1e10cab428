"""Shape and range at a bound: draws that leave it inwards and take all else along.

At a bound the likelihood falls inwards with a slope; there its normal approximation, cut at the
bound, is what is known of such a parameter. Noise terms at a bound are left: their logarithm has
no normal density there.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from feemu.fit.estimate import Estimate
from feemu.fit.posterior import NOISE, WEAK, Draws
from feemu.fit.scoring import together
from feemu.fit.stream import Stream

#: A parameter is at a bound if as near, on the fit's own scale.
NEAR = 1e-4
_SWEEPS = 10


def bounded(found: Estimate, by_mean: bool) -> np.ndarray:
    """Return the indices of the global parameters at a bound that are no noise.

    `by_mean`: they were fitted to mean levels and are held in the likelihood. What the fit holds
    at a value is at no bound.
    """
    low, high = found.problem.limits()
    x = found.point.x
    near = (x <= low + NEAR) | (x >= high - NEAR) if by_mean else ~found.point.free
    return np.flatnonzero((near & (low < high))[: x.size - len(NOISE)])


def off_bounds(found: Estimate, drawn: Draws, generator: Stream) -> Draws:
    """Return draws of all parameters from draws in which those at a bound stay there.

    Given its distance from the bound, everything else has the same normal density about a shifted
    mean; the distances have a normal density cut at zero, drawn one given the others.
    """
    at = bounded(found, by_mean=False)
    if not at.size:
        return drawn
    slope, precision, shift = _inner(found, drawn.tau, at)
    inwards = np.where(found.point.x[at] <= found.problem.limits()[0][at], 1.0, -1.0)
    precision = precision * inwards[:, None] * inwards
    distance = np.zeros((len(drawn.x), at.size))
    for _ in range(_SWEEPS if at.size > 1 else 1):
        for i in range(at.size):
            others = np.delete(np.arange(at.size), i)
            fall = slope[i] + distance[:, others] @ precision[i, others]
            distance[:, i] = _cut_normal(fall, precision[i, i], generator)
    moved = (distance * inwards) @ shift
    k = found.point.x.size
    low, high = found.problem.limits()
    x = np.clip(drawn.x + moved[:, :k], low, high)
    u = drawn.u + moved[:, k:].reshape(drawn.u.shape)
    return dataclasses.replace(drawn, x=x, u=u)


def _inner(found: Estimate, tau: np.ndarray, at: np.ndarray) -> tuple:
    """Return slope and precision of the parameters at a bound, and how all else follows them."""
    point, k = found.point, found.point.x.size
    # The corrected information leaves out what is at a bound.
    _, gradient, h = together(found.problem, point.x, *found.parts)
    full = np.zeros((k + point.u.size,) * 2)
    full[: len(h), : len(h)] = h
    full[np.diag_indices(k)] = np.diag(full)[:k] + WEAK
    if len(h) > k:
        typical = np.median(tau, axis=0)
        index = np.arange(k, len(full))
        full[index, index] += np.tile(typical**-2, point.u.shape[0])
    move = np.append(np.flatnonzero(point.free), np.arange(k, len(h)))
    follow = -np.linalg.solve(full[np.ix_(move, move)], full[np.ix_(move, at)])
    shift = np.zeros((at.size, len(full)))
    shift[np.arange(at.size), at] = 1.0
    shift[:, move] = follow.T
    precision = full[np.ix_(at, at)] + full[np.ix_(at, move)] @ follow
    return np.abs(gradient[at]), precision, shift


def _cut_normal(slope: np.ndarray, precision: float, generator: Stream) -> np.ndarray:
    """Return draws t >= 0 of a density proportional to exp(-slope t - precision t^2 / 2)."""
    from scipy.special import log_ndtr, ndtri_exp

    root = np.sqrt(max(precision, WEAK))
    begin = slope / root
    uniform = np.maximum(generator.random(begin.size), 1e-300)
    return np.maximum(-ndtri_exp(np.log(uniform) + log_ndtr(-begin)) - begin, 0.0) / root
