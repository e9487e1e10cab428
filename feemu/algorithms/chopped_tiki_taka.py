"""Chopped Tiki-Taka v2: input lines change sign, so that an offset of A averages out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu import rng
from feemu.algorithms.base import ARRAYS_PER_LAYER, LayerSpec
from feemu.algorithms.chopper import Chopper
from feemu.algorithms.transfer import BufferedAlgorithm, BufferedLayer
from feemu.params import param


@dataclass(frozen=True)
class ChoppedTikiTaka(BufferedAlgorithm):
    """Chopped Tiki-Taka v2, c-TTv2 (Rasch et al. 2023, arXiv:2303.04721).

    Tiki-Taka v2 with a sign c_k for each input line: A is updated with ``c_k x_k``, the buffer
    gets ``c_k A e_k``, and after each read of the line c_k flips with probability `chop_prob`. What
    A holds without the gradient averages out of the buffer. Output lines are not chopped here.
    """

    name: ClassVar[str] = "chopped_tiki_taka"
    search: ClassVar[dict[str, tuple]] = {**BufferedAlgorithm.search, "chop_prob": (0.02, 0.1)}

    momentum: float = param(
        0.0, "1", "part of the buffer that stays after a pulse", lo=0.0, hi=1.0,
        source="aihwkit 1.2 default of c-TTv2",
    )  # fmt: skip
    chop_prob: float = param(
        0.1, "1", "flips of a line per read", lo=1e-6, hi=1.0, source="in_chop_prob of aihwkit 1.2"
    )
    regular: bool = param(
        False, doc="flip every ceil(1 / chop_prob) reads, not at random", source="aihwkit 1.2"
    )

    def build(self, spec: LayerSpec) -> ChoppedLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights in C."""
        return ChoppedLayer(self, spec, chopper_of(spec, self.chop_prob, self.regular))


def chopper_of(spec: LayerSpec, probability: float, regular: bool) -> Chopper:
    """Return the chopper of a layer's input lines."""
    key = rng.key(spec.seed, spec.index * ARRAYS_PER_LAYER, "chopper")
    return Chopper(spec.shape[0], probability, regular, key)


class ChoppedLayer(BufferedLayer):
    """A buffered layer with a chopper on the input lines of A."""

    def signal(self, lines: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the readings with the signs that they were written with; flip some lines."""
        out = self.chopper.signs[lines, None] * v
        self.flip(lines)
        return out

    def flip(self, lines: np.ndarray) -> np.ndarray:
        """Flip what the chopper says after a read, in place; returns which, bool (lines,)."""
        self.slow.count_random(lines.size * self.chopper.draws_per_read)
        return self.chopper.after_read(lines)
