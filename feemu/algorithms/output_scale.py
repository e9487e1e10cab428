"""A digital number behind each layer, trained with it: outputs beyond the range of the weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from feemu.algorithms.base import ArrayLayer
from feemu.array import Ledger


class ScaledLayer:
    """A layer that computes ``s (x @ W)`` with a digital number s, one at the start.

    Where conductances end, s lets outputs grow on, and errors with them. It descends along its
    own gradient ``ds = -lr sum(d z)`` with ``z = x @ W`` of the last counted read, and the arrays
    are asked for ``-lr x^T (s d)``. aihwkit 1.2 calls it ``learn_out_scaling``; Wu et al. 2024
    (arXiv:2406.12774) train with it. Weights and ledgers are those of the layer within; what s
    costs, three multiply-adds per output and image, is a 32-bit operation in a ledger of its own.

    Parameters
    ----------
    layer : ArrayLayer
        What is read and programmed.
    n_kinds : int
        Pulse kinds of its device.
    """

    def __init__(self, layer: ArrayLayer, n_kinds: int) -> None:
        self.layer = layer
        self.scale = layer.digital["output_scale"] = np.ones(1, np.float32)
        self._book = Ledger(n_kinds)
        layer.past.append(self._book)
        self._read = np.zeros((0, 0), np.float32)

    def __getattr__(self, name: str) -> Any:
        """Return what the layer within has."""
        return getattr(self.layer, name)

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``s (x @ W)``, shape (batch, n_out); an evaluation (not counted) is free."""
        z = self.layer.forward(x, counted)
        if counted:
            self._read = z
            self._count(z.size)
        return self.scale * z

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Return ``(s d) @ W.T``, shape (batch, n_in)."""
        return self.layer.backward(self.scale * d)

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out ``-lr x^T (s d)`` on the layer and ``-lr sum(d z)`` on s, in place."""
        change = np.float32(lr) * np.add.reduce(d * self._read, axis=None)
        self.layer.update(x, self.scale * d, lr)
        self.scale -= change
        self._count(2 * d.size)

    def _count(self, macs: int) -> None:
        self._book.count_digital("train", 32, mac=macs)
