"""AGAD: chopped Tiki-Taka that estimates the reference of the fast array as it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import LayerSpec
from feemu.algorithms.chopped_tiki_taka import ChoppedLayer, ChoppedTikiTaka, chopper_of
from feemu.algorithms.transfer import REFERENCES
from feemu.params import param


@dataclass(frozen=True)
class AGAD(ChoppedTikiTaka):
    """Analog gradient accumulation with dynamic reference (Rasch et al. 2023, arXiv:2303.04721).

    Of a line read, with sign c and ``v = A e_k``: ``H += transfer_lr lr c (v - before) /
    threshold``; ``mu += b (v - mu)``, ``b = min(tail / P, 1)``; at a flip, every
    ``P = ceil(1 / chop_prob)`` reads (at least 2), ``before = mu``. So no calibrated reference is
    needed. During a line's first period nothing goes into the buffer: there is nothing before.
    So C stays as it is for the first ``P n_in transfer_every / n_reads`` images
    (aihwkit's buffer is filled, and nothing is written).
    aihwkit's documentation names a test of significance that its code does not have; there is
    none here either.
    """

    name: ClassVar[str] = "agad"
    digital_bits_per_weight: ClassVar[int] = 96

    reference: str = param(
        "none", doc="zero of A: the symmetry point of each synapse, or mid-range",
        choices=REFERENCES, source="Rasch 2023",
    )  # fmt: skip
    regular: bool = param(
        True, doc="flip every ceil(1 / chop_prob) reads, not at random", source="aihwkit 1.2"
    )
    tail: float = param(
        5.0, "1", "rate of the running mean times the period", lo=1e-6, hi=1e6,
        source="tail_weightening of aihwkit 1.2",
    )  # fmt: skip

    def build(self, spec: LayerSpec) -> AGADLayer:
        """Return a layer that is fabricated and holds its initial weights in C."""
        return AGADLayer(self, spec, chopper_of(spec, min(self.chop_prob, 0.5), self.regular))


class AGADLayer(ChoppedLayer):
    """A chopped layer that subtracts from each reading what A read before the last flip."""

    def __init__(self, algorithm: AGAD, spec: LayerSpec, chopper) -> None:
        super().__init__(algorithm, spec, chopper)
        #: Running mean of the readings, and what it was at the last flip [visible weight].
        self.mu = self.digital["mu"] = np.zeros(spec.shape, np.float32)
        self.before = self.digital["before"] = np.zeros(spec.shape, np.float32)
        self._rate = np.float32(min(algorithm.tail / chopper.period, 1.0))

    def signal(self, lines: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the readings over their past, with the sign of their line."""
        started = (self.chopper.phase[lines] > 0)[:, None]
        out = np.where(started, self.chopper.signs[lines, None] * (v - self.before[lines]), 0)
        self.mu[lines] += self._rate * (v - self.mu[lines])
        flipped = lines[self.flip(lines)]
        self.before[flipped] = self.mu[flipped]
        self.slow.count_digital(32, mac=v.size, accumulator_rmw=v.size)
        return out.astype(np.float32)
