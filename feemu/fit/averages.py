"""Fit of the noise-free curve to the mean levels, for data that no model's noise explains.

Where a model is wrong in detail, the likelihood follows the steps and leaves the levels: small
errors of the step add up over a branch. Then the shape is fitted to levels after each pulse,
averaged over cycles, and the intervals come from a bootstrap over cycles.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from feemu.fit.estimate import Estimate, finished
from feemu.fit.problem import RATE, Problem
from feemu.fit.scoring import climb
from feemu.fit.start import starting_points
from feemu.fit.traces import branch_starts, trace

#: Fewest cycles that are resampled.
_CYCLES = 5
_BLOCKS = 10


class Averages:
    """Mean levels of each device and polarity over cycles, with the level each branch begins at.

    Parameters
    ----------
    problem : Problem
        Data and model.
    x, u : ndarray
        A fit that follows the levels, if not the curves. Its drift at a rate is taken off the
        readings.
    """

    def __init__(self, problem: Problem, x: np.ndarray, u: np.ndarray) -> None:
        self.problem, self.u, self.y = problem, u, problem.steady(x)
        s = problem.sequence
        own, _ = problem.physical(x, u)
        state = problem.run(x, u)[2].copy()
        self.reset = branch_starts(s)
        before = np.where(self.reset == 1, np.roll(state, 1), state)
        device = s.owner()
        self.level = own[device, 2] + own[device, 3] * before
        _, self.cycle, polarity, number = np.unravel_index(s.place, s.shape)
        self.row = 2 * device + polarity
        self.number = number
        self.length = s.shape[3]
        # Number of the first pulse after the level at which a branch begins.
        self.first = np.where(self.reset == 2, number, number - 1)
        self.weights()

    def weights(self, count: np.ndarray | None = None) -> None:
        """Average with each cycle taken `count` times (default: once)."""
        s, rows = self.problem.sequence, 2 * self.problem.sequence.devices
        times = np.ones(s.y.size) if count is None else count[self.cycle].astype(float)
        at = self.reset > 0
        total = np.bincount(self.row[at], (times * self.level)[at], rows)
        heavy = np.bincount(self.row[at], times[at], rows)
        self.begin = total / np.maximum(heavy, 1e-9)
        start = np.full(rows, self.length)
        np.minimum.at(start, self.row[at], self.first[at])
        self.start = start
        good = np.isfinite(self.y)
        place = self.row * self.length + self.number
        size = rows * self.length
        self.count = np.bincount(place[good], times[good], size)
        mean = np.bincount(place[good], (times * self.y)[good], size) / np.maximum(self.count, 1e-9)
        self.mean = np.where(self.count > 0, mean, np.nan)

    def curve(self, x: np.ndarray, begin: np.ndarray) -> np.ndarray:
        """Return noise-free levels (2 devices * pulses,) of branches that begin at levels."""
        rows = begin.size
        own = np.repeat(self.problem.physical(x, self.u)[0], 2, axis=0)
        number = np.tile(np.arange(self.length), rows)
        row = np.repeat(np.arange(rows), self.length)
        pulse = np.where(row % 2 == 0, 1, -1).astype(np.int8)
        # Until a branch begins, its state is reset again and again.
        reset = np.where(number <= self.start[row], 2, 0)
        state = ((begin - own[:, 2]) / own[:, 3])[row]
        out = np.empty(number.size)
        edges = np.arange(rows + 1) * self.length
        trace(pulse, reset, state, edges, self.problem.curves(x)[0], own, out)
        return out

    def fit(
        self, x: np.ndarray, most: int = 60, shape: bool = True, held: int | None = None
    ) -> tuple:
        """Return the best curve from `x` on, by the sum of squares to the mean levels.

        Parameters
        ----------
        x : ndarray, shape (k,)
            Where to start.
        most : int
            Largest number of evaluations.
        shape : bool
            Fit shape and range; else only the levels at which branches begin.
        held : int, optional
            A parameter that stays where it is, as does the rate of the drift.

        Returns
        -------
        miss : float
            Sum of squares.
        x : ndarray, shape (k,)
            Parameters.
        begin : ndarray, shape (2 devices,)
            Levels at which branches begin.
        """
        from scipy.optimize import least_squares

        k = (len(x) - (6 if self.problem.shape.gauge else 4)) if shape else 0
        low, high = (np.append(v[:k], np.full(self.begin.size, w))
                     for v, w in zip(self.problem.limits(), (-2.0, 3.0)))  # fmt: skip
        gap = 1e-6 * (high - low)
        first = np.clip(np.append(x[:k], self.begin), low + gap, high - gap)
        weight = np.sqrt(self.count)
        mean = np.where(self.count > 0, self.mean, 0.0)

        move = np.ones(first.size, bool)
        for j in [j for j in (held, x.size + RATE) if j is not None and j < k]:
            first[j], move[j] = x[j], False

        def rest(part: np.ndarray) -> np.ndarray:
            v = first.copy()
            v[move] = part
            return weight * (mean - self.curve(np.append(v[:k], x[k:]), v[k:]))

        scale = np.maximum(np.abs(first), 0.1)[move]
        ends = (low[move], high[move])
        found = least_squares(rest, first[move], bounds=ends, x_scale=scale, max_nfev=most)
        first[move] = found.x
        return 2.0 * found.cost, np.append(first[:k], x[k:]), first[k:]

    def profile(self, j: int, x: np.ndarray) -> Callable:
        """Return a function: log likelihood lost with parameter `j` at a value, all else refitted.

        Residuals of the mean levels count as normal, and as independent in blocks of a tenth of
        a branch.
        """
        blocks = self.begin.size * _BLOCKS

        def squares(value: float) -> float:
            at = x.copy()
            at[j] = value
            return max(self.fit(at, most=12, held=j)[0], 1e-12)

        best = squares(x[j])
        return lambda value: 0.5 * blocks * float(np.log(squares(value) / best))

    def residual(self, x: np.ndarray) -> np.ndarray:
        """Return readings less drift minus the curve from the best common beginnings, (n,)."""
        _, _, begin = self.fit(x, shape=False)
        curve = self.curve(x, begin)
        return self.y - curve[self.row * self.length + self.number]


def averaged(found: Estimate) -> Estimate:
    """Return the estimate with its shape and range fitted to the mean levels."""
    problem, point = found.problem, found.point
    means = Averages(problem, point.x, point.u)
    starts = [point.x, *starting_points(problem.sequence, problem.shape)]
    x = min((means.fit(x) for x in starts), key=lambda found: found[0])[1]
    held = np.arange(x.size) < x.size - 4
    held[RATE], x[RATE] = False, point.x[RATE]
    x[-4:] = np.maximum(point.x[-4:], np.log([0.02, 1e-3, 1e-3, 1e-3]))
    tau = np.where(found.tau > 0, found.tau, 1.0)
    fresh = Problem(problem.sequence, problem.shape, problem.limit)
    moved = climb(fresh, x, point.u, tau, held=held)
    out = finished(fresh, dataclasses.replace(moved, free=moved.free & ~held), found.tau)
    return out


def few_cycles(found: Estimate) -> bool:
    """Return whether there are too few cycles for a bootstrap."""
    return found.problem.sequence.shape[1] < _CYCLES


def resampled(found: Estimate, n: int, picks: np.ndarray) -> np.ndarray:
    """Return parameters refitted to resampled cycles, or blocks of residuals, shape (n, k).

    Parameters
    ----------
    found : Estimate
        What `averaged` returned.
    n : int
        Number of resamplings.
    picks : ndarray, shape (n * draws_needed(found),)
        Uniforms in (0, 1).

    Notes
    -----
    With fewer than five cycles the residuals of the mean levels are resampled in blocks of a
    tenth of a branch, and added to the fitted curve.
    """
    means = Averages(found.problem, found.point.x, found.point.u)
    _, x, begin = means.fit(found.point.x, most=12)
    curve, out = means.curve(x, begin), []
    rest = np.where(means.count > 0, means.mean - curve, 0.0)
    cycles = found.problem.sequence.shape[1]
    for row in picks.reshape(n, -1):
        if few_cycles(found):
            means.mean = curve + _blocks(rest.reshape(begin.size, -1), row).ravel()
        else:
            taken = np.minimum((row * cycles).astype(int), cycles - 1)
            means.weights(np.bincount(taken, minlength=cycles))
        out.append(means.fit(x, most=12)[1])
    return np.array(out)


def draws_needed(found: Estimate) -> int:
    """Return how many uniforms one resampling takes."""
    cycles = found.problem.sequence.shape[1]
    return 2 * found.problem.sequence.devices * _BLOCKS if few_cycles(found) else cycles


def _blocks(rest: np.ndarray, picks: np.ndarray) -> np.ndarray:
    """Return residuals (rows, pulses) put together from blocks that begin at random places."""
    length = rest.shape[1]
    size = -(-length // _BLOCKS)
    begin = (picks.reshape(rest.shape[0], _BLOCKS) * max(length - size, 1)).astype(int)
    index = (begin[:, :, None] + np.arange(size)).reshape(rest.shape[0], -1)[:, :length]
    return np.take_along_axis(rest, index, axis=1)
