"""Which input lines of an array are read when: in turn, after so many images or mini-batches."""

from __future__ import annotations

import numpy as np

from feemu._numba import jit

#: What the time between transfers counts in.
UNITS = ("image", "mini_batch")


@jit
def set_lines(inputs, lines, value):
    """Set input ``lines[a]`` of vector a, in place."""
    for a in range(lines.size):
        inputs[a, lines[a]] = value


class Turns:
    """The lines of an array whose turn it is, and their one-hot inputs.

    Parameters
    ----------
    n_in : int
        Lines.
    every : int
        Images or mini-batches between transfers.
    number : int
        Lines of a transfer.
    unit : str
        What `every` counts, one of `UNITS`.

    Attributes
    ----------
    place : ndarray of int64, shape (2,)
        Images or mini-batches so far, and the line that is next.
    one_hot : ndarray of float32, shape (lines, n_in)
        Inputs that read the lines of the last `due`.
    """

    def __init__(self, n_in: int, every: int, number: int, unit: str) -> None:
        self.every, self.number, self.by_image = every, number, unit == "image"
        self.place = np.zeros(2, np.int64)
        self.one_hot = np.zeros((0, n_in), np.float32)
        self._lines = np.zeros(0, np.uint32)

    @property
    def period(self) -> float:
        """Images or mini-batches between two reads of the same line."""
        n_in = self.one_hot.shape[1]
        return n_in * self.every / min(self.number, n_in)

    def due(self, images: int) -> np.ndarray:
        """Return the lines to read after another mini-batch of so many images, each once."""
        n_in, (before, first) = self.one_hot.shape[1], self.place.tolist()
        now = before + (images if self.by_image else 1)
        transfers = now // self.every - before // self.every
        last = first + min(transfers * self.number, n_in)
        self.place[:] = now, last % n_in
        lines = np.arange(first, min(last, n_in), dtype=np.uint32)
        if last > n_in:
            lines = np.concatenate([np.arange(last - n_in, dtype=np.uint32), lines])
        self._set(lines)
        return lines

    def _set(self, lines: np.ndarray) -> None:
        if lines.size == 0:
            return
        set_lines(self.one_hot, self._lines, np.float32(0.0))
        if len(self.one_hot) != lines.size:
            self.one_hot = np.zeros((lines.size, self.one_hot.shape[1]), np.float32)
        set_lines(self.one_hot, lines, np.float32(1.0))
        self._lines = lines
