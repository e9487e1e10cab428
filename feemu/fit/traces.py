"""Noise-free curves of a fit beside the readings, and how far both are apart."""

from __future__ import annotations

import numpy as np

from feemu._numba import jit
from feemu.devices import neurosim_label
from feemu.fit.filter import look_up
from feemu.fit.problem import Problem
from feemu.fit.sequence import RESTART, Sequence

#: Constants that are tried for a single exponential, in units of the branch's length.
_CONSTANTS = np.exp(np.linspace(np.log(0.03), np.log(30.0), 80))
_FINE = np.exp(np.linspace(np.log(0.03), np.log(300.0), 400))


@jit
def trace(pulse, reset, begin, start, table, own, out):
    """Write noise-free levels into `out` (n,); the state is set to `begin` where `reset`."""
    for d in range(start.size - 1):
        c_up, c_down, off, span = own[d, 0], own[d, 1], own[d, 2], own[d, 3]
        p = 0.5
        for t in range(start[d], start[d + 1]):
            if reset[t] > 0:
                p = min(1.0, max(0.0, begin[t]))
            if pulse[t] != 0 and reset[t] < 2:
                up = pulse[t] > 0
                m, _ = look_up(table, table, 0 if up else 1, p)
                p = min(1.0, max(0.0, p + (c_up if up else -c_down) * m))
            out[t] = off + span * p


def branch_starts(s: Sequence) -> np.ndarray:
    """Return 2 where a state begins with a reading, 1 where the polarity turns, else 0 (n,)."""
    reset = np.where((s.mark & RESTART) > 0, 2, 0)
    sign = s.pulse.astype(int)
    turned = np.zeros(sign.size, bool)
    turned[1:] = (sign[1:] != sign[:-1]) & (sign[1:] != 0)
    reset[turned & (reset == 0)] = 1
    # The first pulse after a reading that began a state is no turn.
    after = np.flatnonzero((reset[:-1] == 2) & (reset[1:] == 1))
    reset[after + 1] = 0
    return reset


def fitted(problem: Problem, x: np.ndarray, u: np.ndarray, state: np.ndarray) -> np.ndarray:
    """Return the noise-free level [range of the levels] at each reading, shape (n,).

    Each branch begins at the mean, over the cycles of the device and polarity, of its first state
    as the filter sees it; `state` holds what `Problem.run` returned.
    """
    s = problem.sequence
    reset = branch_starts(s)
    begin = np.where(reset == 1, np.roll(state, 1), state)
    device, _, polarity, _ = np.unravel_index(s.place, s.shape)
    group = 2 * device + polarity
    at = reset > 0
    total = np.bincount(group[at], begin[at], minlength=2 * s.shape[0])
    count = np.bincount(group[at], minlength=2 * s.shape[0])
    begin = (total / np.maximum(count, 1))[group]
    own, _ = problem.physical(x, u)
    out = np.empty(s.y.size)
    trace(s.pulse, reset, begin, s.start, problem.curves(x)[0], own, out)
    return out


def on_grid(s: Sequence, values: np.ndarray) -> np.ndarray:
    """Return values of the entries over (device, cycle, polarity, pulse), NaN elsewhere."""
    out = np.full(s.shape, np.nan)
    out.ravel()[s.place] = values
    return out


def level_scatter(grid: np.ndarray) -> float:
    """Return the rms deviation of levels [range] from the mean over cycles, or over devices.

    At the same pulse of the same device and polarity, from levels (device, cycle, polarity,
    pulse); NaN for one cycle of one device.
    """
    axis = 1 if grid.shape[1] > 1 else 0
    count = np.isfinite(grid).sum(axis, keepdims=True)
    mean = np.nansum(grid, axis, keepdims=True) / np.maximum(count, 1)
    freedom = np.maximum(count - 1, 0).sum()
    if not freedom:
        return float("nan")
    return float(np.sqrt(np.nansum(np.where(count > 1, grid - mean, 0.0) ** 2) / freedom))


def scatter_of(s: Sequence) -> float:
    """Return `level_scatter` of the readings of a sequence."""
    return level_scatter(on_grid(s, s.y))


def rms(values: np.ndarray) -> float:
    """Return the root of the mean square of the finite values."""
    good = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(good**2))) if good.size else float("nan")


def exponential_fit(n: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return NeuroSim's constant of the best single exponential, and that curve.

    Parameters
    ----------
    n, y : ndarray, shape (m,)
        Pulse number over the branch's length, 0 to 1, and level.

    Returns
    -------
    constant : float
        ``a`` of ``y = c0 + c1 exp(-n/a)``; negative where steps grow along the branch.
    curve : ndarray, shape (m,)
    """
    best = (np.inf, 1.0, y)
    for a in (*_CONSTANTS, *-_CONSTANTS):
        wave = np.exp(-n / a) if a > 0 else np.exp((n - 1.0) / -a)
        wave = wave - wave.mean()
        c = float(wave @ y) / max(float(wave @ wave), 1e-300)
        curve = y.mean() + c * wave
        miss = float(np.sum((y - curve) ** 2))
        if miss < best[0]:
            best = (miss, float(a), curve)
    return best[1], best[2]


def exponential_residual(s: Sequence) -> float:
    """Return the rms residual [range] of one exponential per device and polarity."""
    grid = on_grid(s, s.y)
    rest = np.full(s.shape, np.nan)
    n = np.broadcast_to(np.arange(s.shape[3]) / max(s.shape[3] - 1, 1), s.shape[1:2] + s.shape[3:])
    for d in range(s.shape[0]):
        for k in range(2):
            part = grid[d, :, k]
            good = np.isfinite(part)
            if good.sum() > 3:
                _, curve = exponential_fit(n[good], part[good])
                rest[d, :, k][good] = part[good] - curve
    return rms(rest)


def labels(curves: np.ndarray) -> np.ndarray:
    """Return NeuroSim's label of each noise-free branch, shape (m,), from levels (m, pulses + 1).

    The constant of the best single exponential through the normalised branch stands for it.
    """
    n = np.linspace(0.0, 1.0, curves.shape[1])
    span = curves[:, -1:] - curves[:, :1]
    safe = np.where(np.abs(span) > 1e-9, span, 1.0)
    y = (curves - curves[:, :1]) / safe
    both = np.concatenate([_FINE, -_FINE])
    wave = np.expm1(-n / both[:, None]) / np.expm1(-1.0 / both[:, None])
    miss = (wave**2).sum(axis=1) - 2.0 * y @ wave.T
    return np.array([neurosim_label(float(both[i])) for i in miss.argmin(axis=1)])
