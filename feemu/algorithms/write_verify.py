"""Weights trained in float, then programmed into the array with verification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import Algorithm, LayerSpec
from feemu.algorithms.digital import FloatLayer
from feemu.array import SynapseArray
from feemu.params import param


@dataclass(frozen=True)
class WriteVerify(Algorithm):
    """Training in float, and write-verify programming of the result (ex-situ training).

    The layer trains as the float baseline does; the array is programmed once, after the last
    update (and every `period` images, if that is not 0): all synapses are read, those further
    than `tolerance` granularities from their target get ``rint(error / dw)`` pulses, at least 1
    and at most `max_pulses`, and are read again, up to `max_rounds` times. Reads have the
    device's noise; each counts as `verify`, row by row. Results show the array: until it is
    programmed it knows nothing. Open-loop programming is ``max_rounds = 1``.
    """

    name: ClassVar[str] = "write_verify"
    digital_bits_per_weight: ClassVar[int] = 32
    search: ClassVar[dict[str, tuple]] = {"tolerance": (0.5, 1.0, 2.0)}

    tolerance: float = param(
        0.75, "1", "error that is accepted, in granularities", lo=1e-3, hi=1e3, assumed=True
    )
    max_rounds: int = param(20, "1", "reads of a synapse at most", lo=1, hi=10_000, assumed=True)
    max_pulses: int = param(
        32, "1", "pulses between two reads at most", lo=1, hi=10_000, assumed=True
    )
    period: int = param(
        0, "1", "images between programmings; 0: the end only", lo=0, hi=10**9, assumed=True
    )

    def build(self, spec: LayerSpec) -> WriteVerifyLayer:
        """Return a layer with its initial weights in memory and an array as fabricated."""
        return WriteVerifyLayer(self, spec)


class WriteVerifyLayer(FloatLayer):
    """Float weights, and the array that they are programmed into."""

    def __init__(self, algorithm: WriteVerify, spec: LayerSpec) -> None:
        super().__init__(spec.initial, len(spec.tables.kinds))
        self.algorithm = algorithm
        self.arrays.append(spec.array())
        self.gammas.append(1.0)
        #: Images since the last programming.
        self.waiting = self.digital["waiting"] = np.zeros(1, np.int64)

    @property
    def weights(self) -> np.ndarray:
        """Weights of the array, shape (n_in, n_out)."""
        return self.arrays[0].weights

    @property
    def trained_weights(self) -> np.ndarray:
        """Weights in memory, shape (n_in, n_out)."""
        return self._weights

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``x @ W``: of the weights in memory when training, of the array otherwise."""
        return super().forward(x) if counted else self.arrays[0].forward(x, None)

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out ``W -= lr x^T d`` in memory, and program if it is time, in place."""
        super().update(x, d, lr)
        self.waiting += len(x)
        if self.algorithm.period and self.waiting[0] >= self.algorithm.period:
            self.finish()

    def finish(self) -> None:
        """Program the weights in memory into the array, in place."""
        own, array = self.algorithm, self.arrays[0]
        if self.waiting[0] and np.isfinite(self._weights).all():
            how = (own.tolerance, own.max_rounds, own.max_pulses)
            write_verified(array, self._weights, *how)
            self.waiting[:] = 0


def write_verified(
    array: SynapseArray, target: np.ndarray, tolerance: float, max_rounds: int, max_pulses: int
) -> int:
    """Program visible weights into an array with verification, in place.

    Parameters
    ----------
    array : SynapseArray
        The array; pulses and reads are counted under its present phase.
    target : ndarray, shape of the array
        Visible weights.
    tolerance : float
        Error that is accepted, in granularities.
    max_rounds, max_pulses : int
        Reads of a synapse, and pulses between two reads, at most.

    Returns
    -------
    int
        Synapses that were outside the tolerance at their last read.
    """
    left = np.nonzero(np.ones(array.shape, bool))
    dw, reference = array.granularity, array.reference
    for _ in range(max_rounds):
        read = 2 * array.omega * (array.read_cells("verify", left) - reference[left])
        error = (target[left] - read) / dw
        off = np.abs(error) > tolerance
        left, error = (left[0][off], left[1][off]), error[off]
        array.count_digital(32, compare=off.size)
        if error.size == 0:
            break
        many = np.clip(np.rint(np.abs(error)), 1, max_pulses)
        counts = np.zeros(array.shape, np.int64)
        counts[left] = np.copysign(many, error)
        array.pulse_counts(counts)
    return left[0].size
