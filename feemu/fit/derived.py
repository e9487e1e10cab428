"""What device people ask for, computed from the parameters of a fit."""

from __future__ import annotations

import math

import numpy as np

from feemu.fit.filter import INTERVALS
from feemu.fit.traces import labels

#: Figure -> (unit, meaning); None is the unit of the data.
FIGURES = {
    "symmetry_point": ("1", "state at which both steps are equal"),
    "symmetry_level": (None, "level at the symmetry point"),
    "on_off": ("1", "G_max / G_min"),
    "states_up": ("1", "pulses from 5 to 90 % of the range, as the integral of dp / step"),
    "states_down": ("1", "pulses from 90 to 5 % of the range, likewise"),
    "mean_step_up": ("1", "mean step over all states"),
    "mean_step_down": ("1", "mean step over all states"),
    "asymmetry": ("1", "(mean step up - down) / (up + down)"),
    "nl_up": ("1", "NeuroSim's label of the branch as pulsed here; positive: steps fall along it"),
    "nl_down": (
        "1",
        "NeuroSim's label of the branch as pulsed here; positive: steps fall along it",
    ),
    "noise_of_step": ("%", "sd of one pulse over its step, at the symmetry point or mean step"),
    "noise_of_range": ("%", "sd of one pulse over the range, at the same place"),
}
_PERCENT = 100.0


def derived(values: dict, tables: np.ndarray, begin: tuple, pulses: tuple) -> dict:
    """Return the figures of `FIGURES` for many draws.

    Parameters
    ----------
    values : dict of ndarray, shape (m,)
        Parameters as a fit reports them.
    tables : ndarray, shape (m, 2, INTERVALS + 1)
        Steps up and down over state.
    begin, pulses : tuple of two numbers
        Mean state in which a branch begins, and its number of pulses, up and down.

    Returns
    -------
    dict of ndarray, shape (m,)
    """
    point = _crossings(tables)
    mean = tables.mean(axis=2)
    low, high = values["G_min"], values["G_max"]
    place = np.where(np.isfinite(point), point, 0.5)
    here = [at(tables[:, k], place) for k in range(2)]
    step = np.where(np.isfinite(point), here[0], np.sqrt(mean[:, 0] * mean[:, 1]))
    sd = np.hypot(values["relative"] * step, values["absolute"])
    out = {
        "symmetry_point": point,
        "symmetry_level": low + (high - low) * point,
        "on_off": np.where(low > 0, high / np.where(low > 0, low, 1.0), math.nan),
        "states_up": _states(tables[:, 0]),
        "states_down": _states(tables[:, 1]),
        "mean_step_up": mean[:, 0],
        "mean_step_down": mean[:, 1],
        "asymmetry": (mean[:, 0] - mean[:, 1]) / mean.sum(axis=1),
    }
    for k, name in enumerate(("nl_up", "nl_down")):
        out[name] = labels(branch(tables[:, k], begin[k], int(pulses[k]), 1 - 2 * k))
    out["noise_of_step"] = _PERCENT * sd / np.maximum(step, 1e-12)
    out["noise_of_range"] = _PERCENT * sd
    return out


def at(curves: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return each curve (m, INTERVALS + 1) at its own state `p` (m,)."""
    x = np.clip(p, 0.0, 1.0) * INTERVALS
    i = np.minimum(x.astype(int), INTERVALS - 1)
    row = np.arange(curves.shape[0])
    return curves[row, i] + (x - i) * (curves[row, i + 1] - curves[row, i])


def branch(curves: np.ndarray, begin: float, pulses: int, sign: int) -> np.ndarray:
    """Return noise-free states of a branch, shape (m, pulses + 1)."""
    p = np.full(curves.shape[0], float(begin))
    out = [p]
    for _ in range(pulses):
        p = np.clip(p + sign * at(curves, p), 0.0, 1.0)
        out.append(p)
    return np.stack(out, axis=1)


def _crossings(tables: np.ndarray) -> np.ndarray:
    """Return the stable crossing nearest 0.5, else any crossing, else NaN; shape (m,)."""
    grid = np.linspace(0.0, 1.0, INTERVALS + 1)
    diff = tables[:, 0] - tables[:, 1]
    out = np.full(diff.shape[0], np.nan)
    for i, row in enumerate(diff):
        inner = row[1:-1]
        j = 1 + np.flatnonzero(np.sign(inner[:-1]) * np.sign(inner[1:]) < 0)
        if j.size:
            stable = j[row[j] > 0]
            j = stable if stable.size else j
            root = grid[j] + row[j] / (row[j] - row[j + 1]) / INTERVALS
            out[i] = root[np.abs(root - 0.5).argmin()]
    return out


def _states(curves: np.ndarray, lo: float = 0.05, hi: float = 0.9) -> np.ndarray:
    grid = np.linspace(0.0, 1.0, INTERVALS + 1)
    inside = (grid >= lo) & (grid <= hi)
    return (1.0 / np.maximum(curves[:, inside], 1e-9)).mean(axis=1) * (hi - lo)
