"""Residual learning: the fast array holds what the slow one lacks, and both are seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from feemu.algorithms.base import LayerSpec
from feemu.algorithms.tiki_taka_v1 import DirectLayer
from feemu.algorithms.transfer import FAST_RATES, BufferedAlgorithm, BufferedLayer
from feemu.algorithms.turns import UNITS
from feemu.params import param


@dataclass(frozen=True)
class ResidualLearning(BufferedAlgorithm):
    """Residual learning (Li et al. 2025, arXiv:2502.06309): ``W = C + gamma A``.

    A follows the gradient at W and so the residual of C; of the line read ``v = A e_k``, C moves
    by ``transfer_lr lr v``: at once (as Tiki-Taka v1 does), or `buffered` (as v2 does; the paper's
    second version filters digitally, its buffer is reconstructed here). A must have its symmetry
    point at weight zero.
    """

    name: ClassVar[str] = "residual_learning"
    search: ClassVar[dict[str, tuple]] = {"gamma": (0.1, 0.4), "n_reads": (1, 8)}

    fast_lr: float = param(
        1.0, "1", "rate of A, see fast_rate", lo=1e-9, hi=1e9, source="aihwkit 1.2"
    )
    fast_rate: str = param(
        "times_lr", doc="what fast_lr counts in", choices=FAST_RATES, source="aihwkit 1.2"
    )
    transfer_unit: str = param(
        "mini_batch", doc="what transfer_every counts", choices=UNITS, source="as Tiki-Taka v1"
    )
    gamma: float = param(
        0.1, "1", "share of A in the visible weight", lo=1e-6, hi=10.0, source="Wu 2025: 0.1 to 0.4"
    )
    buffered: bool = param(False, doc="a digital buffer between A and C", source="arXiv:2502.06309")

    @property
    def digital_bits_per_weight(self) -> int:
        """Bits of the buffer, if there is one."""
        return 32 if self.buffered else 0

    @property
    def label(self) -> str:
        """Name shown in results."""
        return self.name + ("_buffered" if self.buffered else "")

    def build(self, spec: LayerSpec) -> DirectLayer | BufferedLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights in C."""
        return (BufferedLayer if self.buffered else DirectLayer)(self, spec)
