"""Choppers: signs of the input lines that flip now and then, so that offsets average out."""

from __future__ import annotations

import math

import numpy as np

from feemu import rng


class Chopper:
    """One sign for each input line (Rasch et al. 2023, arXiv:2303.04721).

    A line is written with its sign times the input, and read with it; after each read it flips at
    random with a probability, or regularly.

    Parameters
    ----------
    n_in : int
        Lines.
    probability : float
        Probability of a flip after a read, 0 to 1.
    regular : bool
        Flip after every ``ceil(1 / probability)`` reads of a line instead.
    key : tuple
        Key of the chopper stream: each read of one or more lines is one update.

    Attributes
    ----------
    signs : ndarray of float32, shape (n_in,)
        Present signs, at first 1.
    reads, phase : ndarray of int64, shape (n_in,)
        Reads since the last flip, and flips so far.
    draws : ndarray of int64, shape (1,)
        Updates of the stream so far.
    """

    def __init__(self, n_in: int, probability: float, regular: bool, key: tuple) -> None:
        self.probability, self.regular, self._key = probability, regular, key
        self.signs = np.ones(n_in, np.float32)
        self.reads, self.phase = np.zeros(n_in, np.int64), np.zeros(n_in, np.int64)
        self.draws = np.zeros(1, np.int64)

    @property
    def period(self) -> int:
        """Mean number of reads between flips, rounded up; 0 if it never flips."""
        return math.ceil(1.0 / self.probability) if self.probability > 0 else 0

    @property
    def draws_per_read(self) -> int:
        """Random numbers that a read of one line takes."""
        return 0 if self.regular or self.probability == 0 else 1

    def state(self) -> dict[str, np.ndarray]:
        """Return the arrays that a checkpoint needs, by name."""
        names = ("signs", "reads", "phase", "draws")
        return {f"chopper_{name}": getattr(self, name) for name in names}

    def after_read(self, lines: np.ndarray) -> np.ndarray:
        """Flip some of the lines that were read, in place; returns which, bool (lines,)."""
        self.reads[lines] += 1
        if self.probability == 0:
            return np.zeros(lines.size, bool)
        if self.regular:
            flips = self.reads[lines] >= self.period
        else:
            flips = rng.uniforms(self._key, int(self.draws[0]), 0, lines.size) < self.probability
            self.draws += 1
        flipped = lines[flips]
        self.signs[flipped] *= -1
        self.reads[flipped] = 0
        self.phase[flipped] += 1
        return flips
