"""Maximum of the penalised likelihood by damped Fisher scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu.fit.problem import Problem

#: Standard deviation [of the level range] to which a fit without curvature holds the ends.
GAUGE_SD = 0.02
#: Largest step of a parameter, of an end of the range, of a deviation.
_LARGEST = (0.7, 0.15, 0.3)


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
        Ends when a step promises to gain less than this in log likelihood.
    held : ndarray of bool, shape (k,), optional
        Global parameters that stay where they are.
    """
    low, high = problem.limits()
    x, u = np.clip(x, low, high), u.copy()
    k, damping = x.size, 1e-3
    penalty = np.concatenate([np.zeros(k), np.tile(tau**-2, u.shape[0])])
    value, gradient, h = joined(problem, x, u)
    target = value - 0.5 * float(np.sum(u**2 * tau**-2))
    converged, free = False, np.ones(k, bool)
    for _ in range(steps):
        full = gradient - penalty[: gradient.size] * np.concatenate([x, u.ravel()])[: gradient.size]
        full[:k] = gradient[:k]
        free = ~(((x <= low) & (full[:k] < 0)) | ((x >= high) & (full[:k] > 0)))
        if held is not None:
            free &= ~held
        move = np.concatenate([free, np.ones(gradient.size - k, bool)])
        curvature = h + np.diag(penalty[: gradient.size])
        for _ in range(12):
            step = _step(curvature, full, move, damping, k)
            promise = float(full @ step)
            new_x = np.clip(x + step[:k], low, high)
            new_u = u + step[k:].reshape(-1, 4) if step.size > k else u
            got = problem.log_likelihood(new_x, new_u).sum() + _gauge(problem, new_x)[0]
            new = float(got) - 0.5 * float(np.sum(new_u**2 * tau**-2))
            if np.isfinite(new) and new >= target - 1e-9:
                break
            damping = max(damping, 1e-6) * 8
        else:
            converged = promise < 0.5
            break
        gain, x, u = new - target, new_x, new_u
        damping = max(damping / 5, 1e-9)
        value, gradient, h = joined(problem, x, u)
        target = new
        if promise < tolerance and gain < tolerance:
            converged = True
            break
    return Point(x, u, value, target, gradient, h, free, converged)


def _step(h: np.ndarray, g: np.ndarray, move: np.ndarray, damping: float, k: int) -> np.ndarray:
    """Return a damped step over the moving coordinates, shortened to the largest allowed one."""
    a = h[np.ix_(move, move)]
    scale = 1.0 / np.sqrt(np.diag(a) + 1e-8)
    a = a * scale[:, None] * scale + (damping + 1e-10) * np.eye(a.shape[0])
    step = np.zeros(g.size)
    step[move] = scale * np.linalg.solve(a, scale * g[move])
    cap = np.full(g.size, _LARGEST[2])
    cap[:k] = _LARGEST[0]
    cap[k - 6 : k - 4] = _LARGEST[1]
    return step / max(1.0, float(np.max(np.abs(step) / cap)))
