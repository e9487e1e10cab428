"""Tiki-Taka v2: a digital buffer between the fast and the slow array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from feemu.algorithms.base import LayerSpec
from feemu.algorithms.transfer import BufferedAlgorithm, BufferedLayer


@dataclass(frozen=True)
class TikiTakaV2(BufferedAlgorithm):
    """Tiki-Taka v2 (Gokmen 2021, doi:10.3389/frai.2021.699148).

    Gradients go to A; of the line read ``H_k += transfer_lr lr A e_k / threshold``; C gets
    ``n = trunc(H_k)`` pulses, at most `max_pulses`, and H gives them up. ``W = C``. A must have
    its symmetry point at weight zero.
    """

    name: ClassVar[str] = "tiki_taka_v2"

    def build(self, spec: LayerSpec) -> BufferedLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights in C."""
        return BufferedLayer(self, spec)
