"""The interface of a response model: two curves of step over state, and what follows from them."""

from __future__ import annotations

import abc
import itertools
import math
from typing import ClassVar

import numpy as np

from feemu.params import Record

SCAN_INTERVALS = 2000
MEAN_INTERVALS = 20_000
MAX_PULSES = 100_000


class ResponseModel(Record, abc.ABC):
    """Step of the state per pulse as two curves, one for each polarity.

    A model is a frozen dataclass whose fields are declared by `feemu.params.param`. The state
    ``p`` [1] is the normalised polarisation in [0, 1]; both curves are magnitudes [1] >= 0, as a
    fraction of the range.
    """

    name: ClassVar[str] = ""

    @abc.abstractmethod
    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return the increase of the state [1] that one potentiation pulse makes at ``p``."""

    @abc.abstractmethod
    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return the decrease of the state [1] that one depression pulse makes at ``p``."""

    @property
    def kinks(self) -> tuple[float, ...]:
        """States in (0, 1) at which a curve has a corner; tables put nodes there."""
        return ()

    def symmetry_point(self) -> float:
        """Return the state at which both curves are equal, or NaN if there is none in (0, 1).

        Notes
        -----
        Of several crossings the stable one (potentiation larger on the left) nearest 0.5 is
        taken, an unstable one only if no other exists. Where the curves agree over an interval
        its point nearest 0.5 counts, so identical curves give 0.5.
        """
        grid = np.union1d(np.linspace(0.0, 1.0, SCAN_INTERVALS + 1), self.kinks)
        diff = np.asarray(self.step_up(grid) - self.step_down(grid), dtype=float)
        stable, other = _crossings(grid, diff, self._difference)
        for roots in (stable, other):
            if roots:
                return min(roots, key=lambda p: abs(p - 0.5))
        return math.nan

    def granularity(self, p0: float = 0.5) -> float:
        """Return the step [1] at the symmetry point, the unit that controllers count in.

        Without a symmetry point it is the geometric mean of both steps at ``p0``, the state of
        weight zero.
        """
        point = self.symmetry_point()
        if math.isnan(point):
            return math.sqrt(_at(self.step_up, p0) * _at(self.step_down, p0))
        return _at(self.step_up, point)

    def mean_step(self) -> tuple[float, float]:
        """Return the mean step up and down [1] over all states from 0 to 1."""
        grid = np.union1d(np.linspace(0.0, 1.0, MEAN_INTERVALS + 1), self.kinks)
        width = np.diff(grid)
        curves = (self.step_up(grid), self.step_down(grid))
        up, down = (float(np.sum(width * (c[1:] + c[:-1]) / 2)) for c in curves)
        return up, down

    def pulses(self, lo: float = 0.05, hi: float = 0.9) -> tuple[float, float]:
        """Return the noise-free pulse counts from ``lo`` up to ``hi`` and from there back.

        A level that 100,000 pulses do not reach gives ``inf``.

        Raises
        ------
        ValueError
            Unless ``0 <= lo < hi <= 1``.
        """
        if not 0.0 <= lo < hi <= 1.0:
            raise ValueError(f"pulses: lo = {lo!r}, hi = {hi!r}: must be 0 <= lo < hi <= 1")
        up, state = self._count(self.step_up, +1, lo, hi)
        down, _ = self._count(self.step_down, -1, state if math.isfinite(up) else hi, lo)
        return up, down

    def _difference(self, p: float) -> float:
        return _at(self.step_up, p) - _at(self.step_down, p)

    @staticmethod
    def _count(curve, sign: int, state: float, target: float) -> tuple[float, float]:
        for n in range(1, MAX_PULSES + 1):
            step = _at(curve, state)
            if step <= 0.0:
                break
            state = min(1.0, max(0.0, state + sign * step))
            if sign * (state - target) >= 0.0:
                return n, state
        return math.inf, state


def _at(curve, p: float) -> float:
    return float(curve(np.array([p]))[0])


def _crossings(grid: np.ndarray, diff: np.ndarray, func) -> tuple[list[float], list[float]]:
    """Return the zeros of a curve inside (0, 1): falling (stable) ones and all others."""
    from scipy.optimize import brentq

    stable, other = [], []
    if not diff.any():
        return [0.5], []
    sign = np.sign(diff)
    held = np.flatnonzero(sign)
    for i, j in itertools.pairwise(held):
        if sign[i] == sign[j] and j == i + 1:
            continue
        if j == i + 1:
            root = float(brentq(func, grid[i], grid[j], xtol=1e-14))
        else:
            root = float(np.clip(0.5, grid[i + 1], grid[j - 1]))
        (stable if sign[i] > sign[j] else other).append(root)
    return stable, other
