"""Where a fit starts: step curves from differences of neighbouring readings."""

from __future__ import annotations

import math

import numpy as np

from feemu.fit.sequence import Sequence
from feemu.fit.shapes import NODES, Shape

_BINS = 14


def starting_point(sequence: Sequence, shape: Shape, margin: float) -> np.ndarray:
    """Return global parameters on the fit's own scale to start from.

    Parameters
    ----------
    sequence : Sequence
        The readings.
    shape : Shape
        The model.
    margin : float
        How far the range reaches beyond the measured levels at either end [1].
    """
    low, high = -margin, 1.0 + margin
    span = high - low
    binned = [_steps(sequence, sign, low, span) for sign in (+1, -1)]
    x = _fit_curves(shape, binned)
    read, relative, absolute = _noise(sequence, span)
    noise = [math.log(v) for v in (relative, absolute, read, 0.003)]
    return np.concatenate([x, [low, high], noise])


def _pairs(sequence: Sequence, sign: int) -> np.ndarray:
    """Return entries t whose pulse has this sign, with readings at t - 1 and t."""
    y, pulse = sequence.y, sequence.pulse
    good = (pulse == sign) & np.isfinite(y) & ((sequence.mark & 1) == 0)
    t = np.flatnonzero(good)
    t = t[t > 0]
    return t[np.isfinite(y[t - 1])]


def _steps(sequence: Sequence, sign: int, low: float, span: float) -> tuple:
    """Return state, mean step and its weight in bins of the state."""
    t = _pairs(sequence, sign)
    if t.size < 5:
        return np.array([0.5]), np.array([0.01]), np.array([1.0])
    wide = _levels(sequence, t)
    p = (wide - low) / span
    step = sign * (sequence.y[t] - sequence.y[t - 1]) / span
    edges = np.quantile(p, np.linspace(0, 1, _BINS + 1))
    which = np.clip(np.searchsorted(edges, p, side="right") - 1, 0, _BINS - 1)
    count = np.bincount(which, minlength=_BINS)
    keep = count > 0
    mean = [np.bincount(which, v, _BINS)[keep] / count[keep] for v in (p, step)]
    return mean[0], np.maximum(mean[1], 1e-6), np.sqrt(count[keep])


def _levels(sequence: Sequence, t: np.ndarray, reach: int = 2) -> np.ndarray:
    """Return the level about each pair as a mean over a few neighbours of the same branch."""
    y, pulse = sequence.y, sequence.pulse
    total, count = np.zeros(t.size), np.zeros(t.size)
    for k in range(-reach - 1, reach + 1):
        i = np.clip(t + k, 0, y.size - 1)
        good = np.isfinite(y[i]) & ((pulse[i] == pulse[t]) | (k == -1))
        total += np.where(good, y[i], 0.0)
        count += good
    return total / np.maximum(count, 1)


def _fit_curves(shape: Shape, binned: list) -> np.ndarray:
    """Return shape parameters whose curves follow the binned steps."""
    from scipy.optimize import least_squares

    low, high = shape.limits()
    if shape.name == "table":
        nodes = np.linspace(0, 1, NODES)
        curves = [np.interp(nodes, p, step) for p, step, _ in binned]
        return np.clip(np.log(np.maximum(np.concatenate(curves), 1e-5)), low, high)
    peak = [max(step.max(), 1e-4) for _, step, _ in binned]

    def miss(x: np.ndarray) -> np.ndarray:
        model = shape.model(np.clip(x, low, high))
        parts = zip((model.step_up, model.step_down), binned, peak)
        return np.concatenate([w * (c(np.clip(p, 0, 1)) - s) / m for c, (p, s, w), m in parts])

    best = None
    for first in _guesses(shape, peak):
        x = np.clip(first, low + 1e-9, high - 1e-9)
        found = least_squares(miss, x, bounds=(low, high), loss="soft_l1", max_nfev=60)
        if best is None or found.cost < best.cost:
            best = found
    return best.x


def _guesses(shape: Shape, peak: list) -> list[np.ndarray]:
    """Return points on the fit's own scale from which the curves are fitted."""
    sizes = dict(zip(shape.scales, peak))
    others = [n for n in shape.free if n not in sizes]
    choices = {
        "linear": [(0.5, 0.5)],
        "exponential": [(1.5, 1.5), (6.0, 6.0)],
        "power": [(1.0, 1.0), (2.0, 2.0)],
        "beta": [(1.9, 2.2, 2.2, 1.9), (1.3, 1.3, 1.3, 1.3), (2.5, 4.0, 4.0, 2.5)],
    }.get(shape.name, [()])
    out = []
    for values in choices:
        scale = {n: s * (4.0 if shape.name == "beta" else 1.2) for n, s in sizes.items()}
        scale = {n: min(s, shape.bounds[n][1]) for n, s in scale.items()}
        out.append(shape.internal({**scale, **dict(zip(others, values))}))
    return out


def _noise(sequence: Sequence, span: float) -> tuple[float, float, float]:
    """Return sd of a reading, and relative and absolute step noise, from differences."""
    parts, size = [], []
    for sign in (+1, -1):
        t = _pairs(sequence, sign)
        step = (sequence.y[t] - sequence.y[t - 1]) / span
        if t.size < 20:
            continue
        level = _levels(sequence, t)
        order = np.argsort(level)
        trend = np.empty(t.size)
        for chunk in np.array_split(order, min(_BINS, max(1, t.size // 10))):
            trend[chunk] = np.median(step[chunk])
        rest = np.clip(step - trend, *(np.quantile(step - trend, [0.005, 0.995])))
        near = np.flatnonzero(np.diff(t) == 1)
        parts.append((np.var(rest), np.mean(rest[near] * rest[near + 1]) if near.size else 0.0))
        size.append(np.mean(np.abs(step)))
    if not parts:
        return 0.005, 0.05, 0.001
    total, lag = np.mean(parts, axis=0)
    read = min(max(-lag, 0.02 * total), 0.45 * total)
    rest = max(total - 2 * read, 0.05 * total)
    relative = math.sqrt(rest / 2) / max(np.mean(size), 1e-6)
    return (
        float(np.clip(math.sqrt(read), 1e-5, 0.3)),
        float(np.clip(relative, 1e-3, 3.0)),
        float(np.clip(math.sqrt(rest / 2), 1e-5, 0.3)),
    )
