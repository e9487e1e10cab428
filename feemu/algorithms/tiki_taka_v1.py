"""Tiki-Taka v1: gradients on a fast array, its readings programmed on a slow one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import LayerSpec
from feemu.algorithms.transfer import TransferAlgorithm, TransferLayer
from feemu.params import param


@dataclass(frozen=True)
class TikiTakaV1(TransferAlgorithm):
    """Tiki-Taka v1 (Gokmen & Haensch 2020, doi:10.3389/fnins.2020.00103).

    ``A <- pulsed(-fast_lr lr d x^T)``; of the line read ``v = A e_k``,
    ``C <- pulsed(transfer_lr lr v e_k^T)``; ``W = C + gamma A``. A must have its symmetry point
    at weight zero: an error of its reference moves where C settles (Wu et al. 2024,
    arXiv:2406.12774).
    """

    name: ClassVar[str] = "tiki_taka_v1"
    search: ClassVar[dict[str, tuple]] = {"transfer_lr": (0.1, 1.0, 10.0), "n_reads": (1, 8)}

    gamma: float = param(
        0.0, "1", "share of A in the visible weight", lo=0.0, hi=10.0, source="aihwkit 1.2 default"
    )

    def build(self, spec: LayerSpec) -> DirectLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights in C."""
        return DirectLayer(self, spec)


class DirectLayer(TransferLayer):
    """A transfer layer whose readings are programmed as they are, by stochastic coincidence."""

    def transfer(self, lines: np.ndarray, v: np.ndarray, lr: float) -> None:
        """Program readings `v`, shape (lines, n_out), on their lines of C, in place."""
        own = self.algorithm
        one_hot = self.turns.one_hot
        self.slow.pulse_coincidence(one_hot, -v, lr * own.transfer_lr, bl_max=own.bl_max)
