"""Dynamic tracking of the symmetry point, with and without chopping (reconstructed)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import LayerSpec
from feemu.algorithms.chopped_tiki_taka import ChoppedLayer, chopper_of
from feemu.algorithms.transfer import REFERENCES, BufferedAlgorithm
from feemu.array.reading import UNCOUNTED, multiply_backward, multiply_forward
from feemu.params import param


@dataclass(frozen=True)
class DynamicTracking(BufferedAlgorithm):
    """Symmetry point tracked while training (Xiao et al. 2026, arXiv:2602.21321; reconstructed).

    The paper's abstract could be read, its equations not; this is feemu's reading of it. Q is a
    digital estimate of what A reads without a gradient. Of a line read, ``v = A e_k``: the buffer
    of C gets ``transfer_lr lr (v - Q_k) / threshold``, then ``Q_k += eta (v - Q_k)``;
    ``W = C + gamma (A - Q)``. Without chopping C ends where Q does, so a constant gradient is
    followed over a finite time only. With ``chop_prob > 0`` (after E-RIDER) input lines change
    sign as in chopped Tiki-Taka, Q moves at flips only, and gamma must be 0.
    """

    name: ClassVar[str] = "dynamic_tracking"
    digital_bits_per_weight: ClassVar[int] = 64
    search: ClassVar[dict[str, tuple]] = {**BufferedAlgorithm.search, "eta": (0.05, 0.3)}

    reference: str = param(
        "none", doc="zero of A: the symmetry point of each synapse, or mid-range",
        choices=REFERENCES, source="arXiv:2602.21321",
    )  # fmt: skip
    eta: float = param(0.05, "1", "rate of Q per read or flip", lo=1e-9, hi=1.0, assumed=True)
    gamma: float = param(
        0.0, "1", "share of A - Q in the visible weight", lo=0.0, hi=10.0, assumed=True
    )
    chop_prob: float = param(
        0.0, "1", "flips of a line per read; 0: no choppers", lo=0.0, hi=1.0, assumed=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.chop_prob > 0 and self.gamma > 0:
            raise ValueError(
                f"DynamicTracking.gamma = {self.gamma:g}: must be 0 with choppers (chop_prob = "
                f"{self.chop_prob:g}), the signs in A differ from line to line"
            )

    @property
    def label(self) -> str:
        """Name shown in results."""
        return self.name + ("_chopped" if self.chop_prob > 0 else "")

    def build(self, spec: LayerSpec) -> TrackingLayer:
        """Return a layer that is fabricated and holds its initial weights in C."""
        return TrackingLayer(self, spec, chopper_of(spec, self.chop_prob, False))


class TrackingLayer(ChoppedLayer):
    """A buffered layer with a digital estimate Q of the fast array's symmetry point."""

    def __init__(self, algorithm: DynamicTracking, spec: LayerSpec, chopper) -> None:
        super().__init__(algorithm, spec, chopper)
        #: The estimate Q [visible weight].
        self.tracked = self.digital["tracked"] = np.zeros(spec.shape, np.float32)

    def signal(self, lines: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the readings over the estimate, which follows them."""
        over = v - self.tracked[lines]
        out = self.chopper.signs[lines, None] * over
        moves = self.flip(lines) | (self.chopper.probability == 0)
        self.tracked[lines[moves]] += np.float32(self.algorithm.eta) * over[moves]
        self.slow.count_digital(32, mac=v.size, accumulator_rmw=v.size)
        return out

    @property
    def weights(self) -> np.ndarray:
        """Visible weights, shape (n_in, n_out)."""
        gamma = np.float32(self.algorithm.gamma)
        return super().weights if gamma == 0 else super().weights - gamma * self.tracked

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``x @ W``; the share of Q is computed digitally."""
        lines = int(np.count_nonzero(x)) if counted else 0
        return self._less(super().forward(x, counted), x, multiply_forward, lines)

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Return ``d @ W.T``; the share of Q is computed digitally."""
        return self._less(super().backward(d), d, multiply_backward, len(d) * len(self.tracked))

    def _less(self, y: np.ndarray, values: np.ndarray, multiply, lines: int) -> np.ndarray:
        """Return `y` less the share of Q, which takes n_out multiply-adds for each line."""
        gamma = np.float32(self.algorithm.gamma)
        if gamma == 0:
            return y
        part = np.empty_like(y)
        multiply(values, self.tracked, part, UNCOUNTED)
        self.slow.count_digital(32, mac=lines * self.tracked.shape[1])
        return y - gamma * part
