"""Maximum of the penalised likelihood by damped Fisher scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu.fit.problem import RATE, Problem

#: Standard deviation [of the level range] to which a fit without curvature holds the ends.
GAUGE_SD = 0.02
#: Largest step of a parameter, of an end (or the drift over all cycles) over the range, of a noise
#: term up, of a deviation.
_LARGEST = (0.7, 0.15, 20.0, 0.3)
#: A promise is believed no farther than this.
_FARTHEST = 3.0


@dataclass
class Point:
    """A point of the parameter space with what is known of the likelihood there.

    Attributes
    ----------
    x : ndarray, shape (k,)
        Global parameters on the fit's own scale.
    u : ndarray, shape (devices, 4)
        Deviations of the devices.
    value : float
        Log likelihood, penalties not included.
    target : float
        Log likelihood with penalties.
    gradient : ndarray, shape (k + 4 devices,)
        Of the log likelihood without penalties, gauge included.
    information : ndarray, shape (k + 4 devices,) * 2
        Expected information without the prior of the deviations, gauge included.
    free : ndarray of bool, shape (k,)
        Global parameters that are not at a bound.
    converged : bool
        Whether the last step was small.
    """

    x: np.ndarray
    u: np.ndarray
    value: float
    target: float
    gradient: np.ndarray
    information: np.ndarray
    free: np.ndarray
    converged: bool = False


def joined(problem: Problem, x: np.ndarray, u: np.ndarray) -> tuple:
    """Return log likelihood, gradient and information over (x, all deviations) with the gauge."""
    own = u.shape[0] > 1
    return together(problem, x, *problem.information(x, u, own))


def together(
    problem: Problem, x: np.ndarray, value: np.ndarray, g: np.ndarray, info: np.ndarray
) -> tuple:
    """Return the sum over devices of likelihood, gradient and information, with the gauge."""
    k, devices = x.size, g.shape[0]
    n = k + devices * (g.shape[1] - k)
    gradient, h = np.zeros(n), np.zeros((n, n))
    gradient[:k] = g[:, :k].sum(axis=0)
    h[:k, :k] = info[:, :k, :k].sum(axis=0)
    if n > k:
        for d in range(devices):
            part = slice(k + 4 * d, k + 4 * d + 4)
            gradient[part] = g[d, k:]
            h[part, part] = info[d, k:, k:]
            h[:k, part] = info[d, :k, k:]
            h[part, :k] = info[d, k:, :k]
    gauge, slope, weight = _gauge(problem, x)
    gradient[k - 6 : k - 4] += slope
    h[[k - 6, k - 5], [k - 6, k - 5]] += weight
    return float(value.sum()) + gauge, gradient, h


def _gauge(problem: Problem, x: np.ndarray) -> tuple[float, np.ndarray, float]:
    if not problem.shape.gauge:
        return 0.0, np.zeros(2), 0.0
    miss = x[-6:-4] - np.array([0.0, 1.0])
    weight = GAUGE_SD**-2
    return -0.5 * weight * float(miss @ miss), -weight * miss, weight


def climb(
    problem: Problem,
    x: np.ndarray,
    u: np.ndarray,
    tau: np.ndarray,
    steps: int = 40,
    tolerance: float = 0.01,
    held: np.ndarray | None = None,
) -> Point:
    """Return the maximum of the log likelihood plus the log prior of the deviations.

    Parameters
    ----------
    problem : Problem
        What to maximise.
    x, u : ndarray
        Where to start.
    tau : ndarray, shape (4,)
        Standard deviations of the devices' deviations.
    steps : int
        Largest number of steps.
    tolerance : float
        Ends where the quadratic model's own maximum, at any distance, promises to gain less.
    held : ndarray of bool, shape (k,), optional
        Global parameters that stay where they are.
    """
    low, high = problem.limits()
    x, u = np.clip(x, low, high), u.copy()
    damping, converged = 1e-3, False
    held = np.zeros(x.size, bool) if held is None else held
    model = _Quadratic(problem, x, u, tau, held)
    for _ in range(steps):
        promise = model.promise()
        if promise < tolerance:
            converged = True
            break
        for _ in range(12):
            new_x, new_u = model.moved(model.step(damping))
            new = problem.log_likelihood(new_x, new_u).sum() + _gauge(problem, new_x)[0]
            new = float(new) - 0.5 * float(np.sum(new_u**2 * tau**-2))
            if np.isfinite(new) and new >= model.target - 1e-9:
                break
            damping = max(damping, 1e-6) * 8
        else:
            converged = promise < 0.5
            break
        damping = max(damping / 5, 1e-9)
        model = _Quadratic(problem, new_x, new_u, tau, held)
    x, slope = model.x, model.slope[: x.size]
    free = ~held & (low < high)
    free &= ~(((x <= low) & (slope < 0)) | ((x >= high) & (slope > 0)))
    found = (model.value, model.target, model.gradient, model.information)
    return Point(x, model.u, *found, free, converged)


class _Quadratic:
    """The target about a point: gradient, curvature and the box in which steps are trusted.

    The likelihood of a small noise term is linear in its variance, and flat in its logarithm: up, a
    step is one of the variance; down, the curvature that the logarithm gives to such a line is
    added, which no step can leave.
    """

    def __init__(
        self, problem: Problem, x: np.ndarray, u: np.ndarray, tau: np.ndarray, held: np.ndarray
    ) -> None:
        self.x, self.u = x, u
        self.value, self.gradient, self.information = joined(problem, x, u)
        self.target = self.value - 0.5 * float(np.sum(u**2 * tau**-2))
        k, n = x.size, self.gradient.size
        weight = np.concatenate([np.zeros(k), np.tile(tau**-2, u.shape[0])])[:n]
        self.slope = self.gradient - weight * np.concatenate([x, u.ravel()])[:n]
        bend = weight.copy()
        bend[k - 4 : k] += 2.0 * np.maximum(-self.slope[k - 4 : k], 0.0)
        self.curvature = self.information + np.diag(bend)
        self.held, self.limits = held, problem.limits()
        low, high = self.limits
        room = np.full(n - k, np.inf)
        self.low = np.append(np.where(held, 0.0, low - x), -room)
        self.high = np.append(np.where(held, 0.0, high - x), room)
        self.high[k - 4 : k] = np.expm1(2.0 * self.high[k - 4 : k]) / 2.0
        self.least = np.full(n, 1e-8)
        self.least[k - 4 : k] = 1e-60
        span = x[k - 5] - x[k - 6]
        self.cap = np.full(n, _LARGEST[3])
        self.cap[:k] = _LARGEST[0]
        self.cap[k - 6 : k - 4] = _LARGEST[1] * span
        self.cap[k + RATE] = _LARGEST[1] / problem.sequence.shape[1]
        self.cap[k - 4 : k] = _LARGEST[2]

    def promise(self) -> float:
        """Return twice the gain of the quadratic model's maximum."""
        k = self.x.size
        far = np.full(self.slope.size, _FARTHEST)
        far[k - 4 : k] = np.inf
        return float(self.slope @ self._solved(1e-6, far))

    def step(self, damping: float) -> np.ndarray:
        """Return the damped step within the bounds and the largest one allowed."""
        return self._solved(damping, self.cap)

    def moved(self, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the point after a step; noise that grows takes it in its variance."""
        k = self.x.size
        move = step[:k].copy()
        move[-4:] = np.where(move[-4:] > 0, 0.5 * np.log1p(2.0 * np.abs(move[-4:])), move[-4:])
        u = self.u + step[k:].reshape(-1, 4) if step.size > k else self.u
        x = np.clip(self.x + move, *self.limits)
        # A bound is met exactly, whatever the rounding.
        near = 1.0 - 1e-9
        x = np.where(~self.held & (step[:k] <= near * self.low[:k]), self.limits[0], x)
        x = np.where(~self.held & (step[:k] >= near * self.high[:k]), self.limits[1], x)
        return x, u

    def _solved(self, damping: float, cap: np.ndarray) -> np.ndarray:
        """Return the damped maximum of the quadratic model within its box and `cap`."""
        low, high = np.maximum(self.low, -cap), np.minimum(self.high, cap)
        scale = 1.0 / np.sqrt(np.diag(self.curvature) + self.least)
        a = self.curvature * scale[:, None] * scale
        a[np.diag_indices(scale.size)] += damping + 1e-10
        return scale * highest(a, scale * self.slope, low / scale, high / scale)


def highest(a: np.ndarray, g: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the maximum of ``g s - s a s / 2`` in a box about zero, by active sets."""
    s, pinned = np.zeros(g.size), low >= high
    active = pinned.copy()
    for _ in range(10 * g.size):
        m = ~active
        move = np.zeros(g.size)
        move[m] = np.linalg.solve(a[np.ix_(m, m)], (g - a @ s)[m])
        room = np.where(move > 0, high - s, low - s)
        part = np.divide(room, move, out=np.full(g.size, np.inf), where=move != 0)
        least = float(part.min())
        s = np.clip(s + min(least, 1.0) * move, low, high)
        if least < 1.0:
            hit = part <= least
            s[hit] = np.where(move > 0, high, low)[hit]
            active |= hit
            continue
        pull = g - a @ s
        inwards = np.where(s >= high, -pull, np.where(s <= low, pull, 0.0))
        inwards[~active | pinned] = 0.0
        if inwards.max() <= 1e-9:
            break
        active[np.argmax(inwards)] = False
    return s
