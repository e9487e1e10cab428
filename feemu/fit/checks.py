"""Does the fitted model, run on the same protocol, look like the data? Predictive p-values."""

from __future__ import annotations

import numpy as np

from feemu.fit.estimate import Estimate
from feemu.fit.problem import Problem
from feemu.fit.traces import fitted, level_scatter, on_grid, rms
from feemu.fit.trajectories import Simulation

_LARGE = 30_000
#: Statistic -> meaning.
STATISTICS = {
    "step_scatter": "rms difference of neighbouring readings",
    "level_scatter": "rms deviation of levels between cycles (else devices)",
    "mean_curve": "rms distance of the mean levels from the fitted curve",
    "memory": "correlation of neighbouring prediction errors",
    "tails": "99.5 % quantile of the prediction error's size",
}


def predictive(found: Estimate, x: np.ndarray, u: np.ndarray, runs: int = 0) -> dict:
    """Return, for each statistic, the measured value, the emulated median and a p-value.

    Returns
    -------
    dict of str -> (measured, median, p)
        p is two-sided, of the rank among `runs` (0: 399, or 249 of a large measurement) simulated
        measurements at the fitted parameters;
        as the parameters were fitted to the same data it errs on the side of a fit. The entry
        ``overall`` holds Bonferroni's p of all.
    """
    problem = found.problem
    runs = runs or (399 if problem.sequence.y.size < _LARGE else 249)
    real, simulation = statistics(problem, x, u), Simulation(problem, x, u)
    rows = []
    for number in range(runs):
        # Numbers of other draws than those of the correction.
        rows.append(statistics(simulation.draw(100_000 + number), x, u))
    out = {}
    for j, name in enumerate(STATISTICS):
        values = np.array([row[j] for row in rows])
        if not np.isfinite(real[j]):
            continue
        above = 1 + int((values >= real[j]).sum())
        below = 1 + int((values <= real[j]).sum())
        p = min(1.0, 2.0 * min(above, below) / (runs + 1))
        out[name] = (float(real[j]), float(np.median(values)), p)
    worst = min(1.0, len(out) * min(p for _, _, p in out.values()))
    out["overall"] = (float("nan"), float("nan"), worst)
    return out


def statistics(problem: Problem, x: np.ndarray, u: np.ndarray) -> tuple[float, ...]:
    """Return the statistics of `STATISTICS`, in their order."""
    s = problem.sequence
    innovation, variance, state, _ = problem.run(x, u)
    used = variance > 0
    z = np.where(used, innovation, 0.0) / np.sqrt(np.where(used, variance, 1.0))
    both = used[1:] & used[:-1]
    rest = on_grid(s, problem.steady(x) - fitted(problem, x, u, state))
    count = np.isfinite(rest).sum(axis=1)
    mean = np.nansum(rest, axis=1) / np.maximum(count, 1)
    levels = on_grid(s, s.y)
    return (
        rms(np.diff(levels, axis=-1)),
        level_scatter(levels),
        rms(np.where(count > 0, mean, np.nan)),
        float(np.mean(z[1:][both] * z[:-1][both])) if both.any() else float("nan"),
        float(np.quantile(np.abs(z[used]), 0.995)),
    )
