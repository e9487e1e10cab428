"""Where a fit starts: step curves from differences of neighbouring readings."""

from __future__ import annotations

import math

import numpy as np

from feemu.fit.sequence import Sequence
from feemu.fit.shapes import NODES, Shape

_BINS = 14
#: Ends of the range, in units of the measured levels, from which a fit starts.
ENDS = ((-0.03, 1.03), (-0.3, 1.3), (-0.05, 2.0), (-1.0, 1.05))


def starting_points(sequence: Sequence, shape: Shape, most: int = 8) -> list[np.ndarray]:
    """Return global parameters on the fit's own scale to start from, the likeliest first.

    Curves and ends of the range are fitted to mean steps in bins of the level, from several
    guesses; what is returned differs in the ends or in the quality of that fit. Levels drift at
    no rate.
    """
    binned = [_steps(sequence, sign) for sign in (+1, -1)]
    tried = sorted(_fit_curves(shape, binned), key=lambda pair: pair[0])
    kept: list[np.ndarray] = []
    for _, x in tried:
        if all(np.abs(x[-2:] - other[-2:]).max() > 0.1 for other in kept):
            kept.append(x)
    read, relative, absolute = _noise(sequence)
    out = []
    for x in kept[:most]:
        span = x[-1] - x[-2]
        noise = [math.log(v) for v in (relative, absolute / span, read / span, 0.003)]
        out.append(np.concatenate([x[:-2], [0.0], x[-2:], noise]))
    return out


def _pairs(sequence: Sequence, sign: int) -> np.ndarray:
    """Return entries t whose pulse has this sign, with readings at t - 1 and t."""
    y, pulse = sequence.y, sequence.pulse
    good = (pulse == sign) & np.isfinite(y) & ((sequence.mark & 1) == 0)
    t = np.flatnonzero(good)
    t = t[t > 0]
    return t[np.isfinite(y[t - 1])]


def _steps(sequence: Sequence, sign: int) -> tuple:
    """Return level, mean step and its weight in bins of the level."""
    t = _pairs(sequence, sign)
    if t.size < 5:
        return np.array([0.5]), np.array([0.01]), np.array([1.0])
    level = _levels(sequence, t)
    step = sign * (sequence.y[t] - sequence.y[t - 1])
    edges = np.quantile(level, np.linspace(0, 1, _BINS + 1))
    which = np.clip(np.searchsorted(edges, level, side="right") - 1, 0, _BINS - 1)
    count = np.bincount(which, minlength=_BINS)
    keep = count > 0
    mean = [np.bincount(which, v, _BINS)[keep] / count[keep] for v in (level, step)]
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


def _fit_curves(shape: Shape, binned: list) -> list[tuple[float, np.ndarray]]:
    """Return misfit and parameters (shape, then ends) of curves that follow the binned steps."""
    from scipy.optimize import least_squares

    low, high = shape.limits()
    if shape.name == "table":
        nodes = np.linspace(0, 1, NODES)
        curves = [np.interp(nodes, p, step) for p, step, _ in binned]
        x = np.clip(np.log(np.maximum(np.concatenate(curves), 1e-5)), low, high)
        return [(0.0, np.append(x, [0.0, 1.0]))]
    if not shape.gauge:
        low, high = np.append(low, [-2.0, 1.002]), np.append(high, [-0.002, 5.0])
    peak = [max(step.max(), 1e-4) for _, step, _ in binned]
    k = len(shape.free)

    def miss(x: np.ndarray) -> np.ndarray:
        model = shape.model(x)
        off, on = (0.0, 1.0) if shape.gauge else x[k:]
        span, parts = on - off, zip((model.step_up, model.step_down), binned, peak)
        states = [np.clip((b[0] - off) / span, 0, 1) for b in binned]
        return np.concatenate(
            [w * (span * c(p) - s) / m for p, (c, (_, s, w), m) in zip(states, parts)]
        )

    out = []
    for first in _guesses(shape, peak):
        x = np.clip(first, low + 1e-9, high - 1e-9)
        found = least_squares(miss, x, bounds=(low, high), loss="soft_l1", max_nfev=50)
        ends = [0.0, 1.0] if shape.gauge else found.x[k:]
        out.append((found.cost, np.concatenate([found.x[:k], ends])))
    return out


def _guesses(shape: Shape, peak: list) -> list[np.ndarray]:
    """Return points (shape, then ends unless they are fixed) from which curves are fitted."""
    sizes = dict(zip(shape.scales, peak))
    others = [n for n in shape.free if n not in sizes]
    choices = {
        "linear": [(0.5, 0.5)],
        "exponential": [(1.5, 1.5), (6.0, 6.0)],
        "power": [(1.0, 1.0), (2.0, 2.0)],
        "beta": [(1.9, 2.2, 2.2, 1.9), (1.3, 1.3, 1.3, 1.3)],
    }.get(shape.name, [()])
    out = []
    for values in choices:
        for off, on in ((0.0, 1.0),) if shape.gauge else ENDS:
            grow = (4.0 if shape.name == "beta" else 1.2) / (on - off)
            scale = {n: min(grow * s, shape.bounds[n][1]) for n, s in sizes.items()}
            x = shape.internal({**scale, **dict(zip(others, values))})
            out.append(x if shape.gauge else np.append(x, [off, on]))
    return out


def _noise(sequence: Sequence) -> tuple[float, float, float]:
    """Return sd of a reading, and relative and absolute step noise, from differences."""
    parts, size = [], []
    for sign in (+1, -1):
        t = _pairs(sequence, sign)
        step = sequence.y[t] - sequence.y[t - 1]
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
