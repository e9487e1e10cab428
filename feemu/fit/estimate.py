"""The fit of one model to one pulse width."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field

import numpy as np

from feemu.fit import spread
from feemu.fit.correction import corrected, correction
from feemu.fit.problem import RATE, Problem
from feemu.fit.scoring import Point, climb, together
from feemu.fit.sequence import Sequence
from feemu.fit.shapes import Shape
from feemu.fit.start import starting_points

_FIRST_SPREAD = np.array([0.3, 0.2, 0.1, 0.1])
#: Relative, absolute and read noise and drift of a first climb, as logarithms.
_LOUD = np.log([0.3, 0.01, 0.02, 0.01])
_SCOUT, _ROUNDS, _SETTLED = 8, 8, 0.03
#: Steps between two looks at the spreads.
_STEPS = 15
#: A second way to a maximum is given up if it lies this much lower before its spreads are found.
_HOPELESS = 50.0


@dataclass
class Estimate:
    """One model at its likeliest parameters.

    Attributes
    ----------
    problem : Problem
        Data and model.
    point : Point
        The maximum, with the information there.
    tau : ndarray, shape (4,)
        Spread between devices: median of each given the others; zeros for one device.
    log_likelihood : float
        With the deviations of the devices integrated out.
    parameters : int
        Number of fitted numbers, spreads included.
    parts : tuple
        Log likelihood, gradient and information of each device at the maximum.
    """

    problem: Problem
    point: Point
    tau: np.ndarray
    log_likelihood: float
    parameters: int
    parts: tuple = field(repr=False, default=())

    @property
    def readings(self) -> int:
        """Number of readings."""
        return int(np.isfinite(self.problem.sequence.y).sum())

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return 2.0 * (self.parameters - self.log_likelihood)

    @property
    def bic(self) -> float:
        """The Bayesian criterion."""
        return self.parameters * math.log(self.readings) - 2.0 * self.log_likelihood


def estimate(
    sequence: Sequence, shape: Shape, *, limit: float = 4.0, near: Estimate | None = None
) -> Estimate:
    """Return the fit of one model, from several starts or from an earlier fit.

    Parameters
    ----------
    sequence : Sequence
        The readings.
    shape : Shape
        The model.
    limit : float
        Outliers are innovations beyond this many standard deviations.
    near : Estimate, optional
        A fit of the same model to similar data.
    """
    problem = Problem(sequence, shape, limit)
    many = sequence.devices > 1
    tau = _FIRST_SPREAD if near is None or not many else near.tau
    if near is None:
        point = _scout(problem, tau)
    else:
        point = climb(problem, near.point.x, near.point.u, tau)
    if many:
        point, tau = settle(problem, point, tau)
    else:
        tau = np.zeros(4)
    return finished(problem, point, tau)


def _scout(problem: Problem, tau: np.ndarray) -> Point:
    """Return the best of the maxima that are reached from several starts.

    Each climb first runs with large noise that is held: a small one makes the likelihood of wrong
    curves rough. Meanwhile levels drift at no rate.
    """
    zero = np.zeros((problem.sequence.devices, 4))
    problem.limit, limit = math.inf, problem.limit
    tried = []
    for x in starting_points(problem.sequence, problem.shape):
        x[-4:] = np.maximum(x[-4:], _LOUD)
        held = np.arange(x.size) >= x.size - 4
        held[RATE] = True
        point = climb(problem, x, zero, tau, steps=_SCOUT, tolerance=0.1, held=held)
        tried.append(climb(problem, point.x, point.u, tau, steps=_SCOUT, tolerance=0.1))
    best = max(tried, key=lambda p: p.target)
    best = climb(problem, best.x, best.u, tau, tolerance=0.1)
    problem.limit = limit
    return climb(problem, best.x, best.u, tau)


def crossed(found: Estimate, other: Estimate) -> Estimate:
    """Return the fit from another model's range and devices where that is better, else `found`.

    The likelihood has several maxima: an end of a device's range just inside its levels holds a
    climb fast.
    """
    problem = Problem(found.problem.sequence, found.problem.shape, math.inf)
    x, tau = found.point.x.copy(), np.maximum(other.tau, 0.02)
    x[RATE:] = other.point.x[RATE:]
    x[-4:] = np.maximum(x[-4:], _LOUD)
    u = other.point.u
    for loose in (-RATE, 4, 0):
        held = np.arange(x.size) >= x.size - loose
        point = climb(problem, x, u, tau, steps=20, tolerance=0.1, held=held)
        x, u = point.x, point.u
    problem.limit = found.problem.limit
    point = climb(problem, x, u, tau)
    if finished(problem, point, tau).log_likelihood < found.log_likelihood - _HOPELESS:
        return found
    if found.tau.any():
        point, tau = settle(problem, point, tau)
    else:
        tau = found.tau
    again = finished(problem, point, tau)
    return again if again.log_likelihood > found.log_likelihood else found


def settle(problem: Problem, point: Point, tau: np.ndarray) -> tuple[Point, np.ndarray]:
    """Return maximum and spreads that fit each other."""
    for _ in range(_ROUNDS):
        before = tau
        tau = spread.likeliest(spread.deviations(point, tau, ridge=True), tau, rounds=2)
        point = climb(problem, point.x, point.u, tau, steps=_STEPS)
        if point.converged and np.abs(np.log(tau / before)).max() < _SETTLED:
            break
    return point, tau


def finished(problem: Problem, point: Point, tau: np.ndarray) -> Estimate:
    """Return the estimate at a maximum, with the deviations integrated out."""
    parts = problem.information(point.x, point.u, bool(tau.any()))
    point.value, point.gradient, point.information = together(problem, point.x, *parts)
    k, h = point.x.size, point.information
    total, count = point.value, int(point.free.sum())
    if tau.any():
        scale = np.tile(tau, problem.sequence.devices)
        inner = np.eye(scale.size) + h[k:, k:] * scale[:, None] * scale
        total += -0.5 * np.sum((point.u / tau) ** 2) - 0.5 * np.linalg.slogdet(inner)[1]
        count += 4
    return Estimate(problem, point, tau, float(total), count, parts)


def refined(found: Estimate) -> Estimate:
    """Return the estimate with what the filter's approximations do to it taken into account."""
    problem, point = found.problem, found.point
    k = point.x.size
    fix = correction(problem, point.x, point.u, point.free)
    value, g, info = found.parts
    pairs = [corrected(fix, g[d], info[d], k) for d in range(len(g))]
    better = together(problem, point.x, value, *(np.array(p) for p in zip(*pairs)))
    point = dataclasses.replace(point, gradient=better[1], information=better[2])
    tau = found.tau
    if tau.any():
        tau = spread.likeliest(spread.deviations(point, tau, ridge=True), tau, rounds=2)
    return dataclasses.replace(found, point=point, tau=tau)
