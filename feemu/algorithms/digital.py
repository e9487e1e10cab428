"""Kernels and the layer of digital weights: the float baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu._numba import jit
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.array import Ledger
from feemu.array.reading import UNCOUNTED, multiply_backward, multiply_forward


@jit
def accumulate_outer(x, d, factor, total):
    """Add ``factor x^T d`` to `total` in place, rows of zero input skipped; samples in order."""
    for i in range(total.shape[0]):
        for b in range(x.shape[0]):
            v = factor * x[b, i]
            if v != 0:
                for j in range(total.shape[1]):
                    total[i, j] += v * d[b, j]


@dataclass(frozen=True)
class Float(Algorithm):
    """SGD on 32-bit floating-point weights: the digital baseline, without any device."""

    name: ClassVar[str] = "float"
    devices_per_weight: ClassVar[int] = 0
    digital_bits_per_weight: ClassVar[int] = 32

    def build(self, spec: LayerSpec) -> FloatLayer:
        """Return a layer that holds its initial weights."""
        return FloatLayer(spec.initial, len(spec.tables.kinds))


class FloatLayer(ArrayLayer):
    """A layer of float32 weights; its multiply-accumulates are counted as digital work."""

    def __init__(self, initial: np.ndarray, n_kinds: int = 2) -> None:
        super().__init__([])
        self._weights = np.ascontiguousarray(initial, np.float32).copy()
        self.digital["weights"] = self._weights
        self._book = Ledger(n_kinds)
        self.past.append(self._book)

    @property
    def weights(self) -> np.ndarray:
        """Weights, shape (n_in, n_out)."""
        return self._weights

    def _count(self, lines: int, **more: int) -> None:
        self._book.count_digital("train", 32, mac=lines * self._weights.shape[1], **more)

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``x @ W``, shape (batch, n_out)."""
        y = np.empty((x.shape[0], self._weights.shape[1]), np.float32)
        multiply_forward(x, self._weights, y, UNCOUNTED)
        if counted:
            self._count(int(np.count_nonzero(x)))
        return y

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Return ``d @ W.T``, shape (batch, n_in)."""
        e = np.empty((d.shape[0], self._weights.shape[0]), np.float32)
        multiply_backward(d, self._weights, e, UNCOUNTED)
        self._count(d.shape[0] * self._weights.shape[0])
        return e

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out ``W -= lr x^T d`` in place."""
        accumulate_outer(x, d, np.float32(-lr), self._weights)
        lines = int(np.count_nonzero(x))
        self._count(lines, accumulator_rmw=lines * self._weights.shape[1])
