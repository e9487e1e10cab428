"""Intervals from the fall of the likelihood, where no normal density says enough."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from feemu.fit.averages import Averages
from feemu.fit.bounds import NEAR, bounded
from feemu.fit.estimate import Estimate
from feemu.fit.posterior import NOISE
from feemu.fit.problem import RATE
from feemu.fit.scoring import climb, together

#: A noise term is weak if its logarithm has a larger sd than this.
UNSURE = 0.15
#: With fewer steps between cycles the random drift is too uncertain for a normal rate of the drift.
FEW_STEPS = 30
#: The ends of an interval are found as close as this, in the logarithm or over the first guess.
_CLOSE = 0.02
_SHAPE_STEPS, _NOISE_STEPS = 10, 5


def profiled(
    found: Estimate, table: dict, level: float, by_mean: bool
) -> dict[int, tuple[float, float]]:
    """Return intervals (own scale) of the parameters whose draws say too little, by their index.

    Those are all parameters at a bound, weak noise terms, whose likelihood is no normal density of
    the logarithm, and the rate of the drift where few steps between cycles tell of it. An end is
    where the likelihood, at its maximum over all else, has dropped by half the quantile of chi
    squared (1.92 for 95 %; Wilks, Ann. Math. Stat. 9, 60 (1938), doi:10.1214/aoms/1177732360); the
    lower one is minus infinity where it never does. At a bound one end is the bound, so that the
    interval is wider than its level needs. For the rate the drop is that of the mean of n normal
    steps of unknown variance, ``n/2 ln(1 + t^2 / (n - 1))`` with Student's t. `by_mean`: shape and
    range were fitted to the mean levels; their misfit to these stands for the likelihood.
    """
    from scipy.stats import chi2, t

    drop = float(chi2.ppf(level, 1)) / 2
    tau = np.where(found.tau > 0, found.tau, 1.0)
    out = {}
    for j, name in enumerate(NOISE, found.point.x.size - len(NOISE)):
        sd = float(np.std(np.log(table[name])))
        if not found.point.free[j] or sd >= UNSURE:
            held = _held(found, tau, j, by_mean)
            out[j] = _ends(found, j, held, drop, max(3.0 * sd, 0.3), _CLOSE)
    steps, j = found.problem.cycle_steps, found.point.x.size + RATE
    if found.point.free[j] and steps < FEW_STEPS:
        share = float(t.ppf((1 + level) / 2, steps - 1)) ** 2 / (steps - 1)
        guess = 2.0 * float(np.std(table["drift_rate"]))
        held = _held(found, tau, j, by_mean)
        out[j] = _ends(found, j, held, steps / 2 * math.log1p(share), guess, 2 * _CLOSE * guess)
    for j in bounded(found, by_mean):
        if by_mean:
            x, guess = found.point.x, 0.1
            lost = Averages(found.problem, x, found.point.u).profile(j, x)
        else:
            lost, guess = _held(found, tau, j, False), _first_guess(found, j, drop)
        out[j] = _ends(found, j, lost, drop, guess, 2 * _CLOSE * guess)
    return out


def _held(found: Estimate, tau: np.ndarray, j: int, only_noise: bool) -> Callable:
    """Return a function: log likelihood lost, at its maximum over all else, with j at a value.

    That of the random drift is restricted where few steps tell of it: its rate, found from the same
    steps, takes a part of their scatter (Patterson & Thompson, Biometrika 58, 545 (1971),
    doi:10.1093/biomet/58.3.545).
    """
    k = found.point.x.size
    held = np.zeros(k, bool)
    held[: -len(NOISE)] = only_noise
    held[RATE] = False
    held[j] = True
    few = found.problem.cycle_steps < FEW_STEPS
    restricted = few and j == k - 1 and found.point.free[k + RATE]
    steps = _NOISE_STEPS if j >= k - len(NOISE) else _SHAPE_STEPS

    known = {float(found.point.x[j]): found.point}

    def target(value: float) -> float:
        near = known[min(known, key=lambda v: abs(v - value))]
        x = near.x.copy()
        x[j] = value
        point = climb(found.problem, x, near.u, tau, steps=steps, tolerance=0.05, held=held)
        known[float(value)] = point
        told = point.information[k + RATE, k + RATE] if restricted else 1.0
        return point.target - 0.5 * math.log(max(told, 1e-300))

    best = target(found.point.x[j])
    return lambda value: best - target(value)


def _first_guess(found: Estimate, j: int, drop: float) -> float:
    """Return the distance at which the likelihood drops, all else held: a part of that wanted."""
    _, gradient, h = together(found.problem, found.point.x, *found.parts)
    slope, bend = abs(gradient[j]), max(h[j, j], 1e-6)
    guess = float((math.sqrt(slope**2 + 2 * bend * drop) - slope) / bend)
    return guess if guess > NEAR else NEAR


def _ends(
    found: Estimate, j: int, lost: Callable, drop: float, guess: float, close: float
) -> tuple[float, float]:
    """Return where the likelihood has dropped, on both sides; -inf below where it never does."""
    low, high = (v[j] for v in found.problem.limits())
    best = found.point.x[j]
    noise = j >= found.point.x.size - len(NOISE)
    ends = (low, min(best + 10.0, high) if noise else high)

    @functools.cache
    def over(value: float) -> float:
        """Return the root of the drop, nearly linear in the value, less the wanted one."""
        return math.sqrt(max(lost(value), 0.0)) - math.sqrt(drop)

    found_ends = [_crossing(over, best, far, guess, close) for far in ends]
    if noise and found_ends[0] <= low:
        found_ends[0] = -math.inf
    return tuple(found_ends)


def _crossing(over: Callable, best: float, far: float, guess: float, close: float) -> float:
    """Return where `over` turns positive on the way from `best` to `far`, else `far`."""
    from scipy.optimize import brentq

    if abs(far - best) < 1e-9:
        return far
    near, step = best, max(min(guess, abs(far - best)), close)
    while True:
        beyond = far if step >= abs(far - best) else best + math.copysign(step, far - best)
        if over(beyond) > 0:
            break
        if beyond == far:
            return far
        near, step = beyond, 3.0 * step
    return float(brentq(over, near, beyond, xtol=close))
