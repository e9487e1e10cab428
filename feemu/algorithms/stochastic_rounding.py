"""The accumulated gradient as whole pulses, rounded at random so that its mean is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu import rng
from feemu._numba import jit
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.algorithms.digital import accumulate_outer
from feemu.algorithms.mixed_precision import MAX_COUNT, MAX_PULSES, too_many
from feemu.array.checks import as_request
from feemu.array.plan import DOWN
from feemu.params import param
from feemu.rng import fill_words


@jit
def most_pulses(total, inverse, rows):
    """List the rows of `total` that are not all zero; returns (their number, most pulses)."""
    n, pulses = 0, 0
    for i in range(total.shape[0]):
        here, any_ = 0, False
        for j in range(total.shape[1]):
            r = np.float64(abs(total[i, j])) * inverse
            any_ |= r > 0
            here += np.int64(r) + 1
        if any_:
            rows[n] = i
            n += 1
            pulses += here
    return n, pulses


@jit
def round_rows(total, inverse, key, update, rows, n, ptr, codes, units, words):
    """Round the listed rows to pulses against their sign, and clear them, in place.

    ``n = floor(|total| inverse + u)``, u from 24 bits of word j of the row's unit.

    Returns
    -------
    pulses : int
    """
    e = 0
    for a in range(n):
        i = rows[a]
        ptr[a] = e
        units[:] = i
        fill_words(key[0], key[1], units, units.size, update, 0, 1, words)
        for j in range(total.shape[1]):
            u = np.float64(words[j & 3, j >> 2] >> np.uint32(8)) * 2.0**-24
            code = np.uint32(j) | (DOWN if total[i, j] > 0 else np.uint32(0))
            for _ in range(np.int64(np.float64(abs(total[i, j])) * inverse + u)):
                codes[e] = code
                e += 1
            total[i, j] = 0
    ptr[n] = e
    return e


@dataclass(frozen=True)
class StochasticRounding(Algorithm):
    """Stochastic rounding of the accumulated gradient to pulses.

    The gradient ``g = x^T d`` of `period` mini-batches adds up in a digital memory; then every
    weight gets ``floor(lr |g| / dw + u)`` pulses against its sign, u uniform in [0, 1), and the
    memory is cleared. The expected number of pulses is that of plain SGD on the summed gradient
    (stochastic rounding as in Gupta et al. 2015, arXiv:1502.02551).
    """

    name: ClassVar[str] = "stochastic_rounding"
    search: ClassVar[dict[str, tuple]] = {"period": (1, 8)}

    period: int = param(1, "1", "mini-batches that add up", lo=1, hi=10**9, assumed=True)

    @property
    def digital_bits_per_weight(self) -> int:
        """Bits of the memory; the gradient of one mini-batch can be computed row by row."""
        return 32 if self.period > 1 else 0

    def build(self, spec: LayerSpec) -> RoundingLayer:
        """Return a layer that is fabricated and holds its initial weights."""
        return RoundingLayer(self, spec)


class RoundingLayer(ArrayLayer):
    """One array and the gradient that waits for it."""

    def __init__(self, algorithm: StochasticRounding, spec: LayerSpec) -> None:
        super().__init__([spec.array()])
        self.program_initial(spec)
        self.algorithm = algorithm
        self.total = self.digital["total"] = np.zeros(spec.shape, np.float32)
        #: Mini-batches so far.
        self.place = self.digital["place"] = np.zeros(1, np.int64)
        self._rows = np.empty(spec.shape[0], np.uint32)
        self._key = rng.key(spec.seed, self.arrays[0].array_id, "rounding")

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Add ``lr x^T d``, and program what has added up if it is time, in place.

        Raises
        ------
        Diverged
            If it asks for more pulses than memory can list.
        """
        array = self.arrays[0]
        x, d = as_request(x, d, array.shape)
        accumulate_outer(x, d, np.float32(lr), self.total)
        work = int(np.count_nonzero(x)) * d.shape[1]
        # Of one mini-batch a controller adds up row by row and keeps nothing.
        kept = work if self.algorithm.period > 1 else 0
        array.count_digital(32, mac=work, accumulator_rmw=kept)
        self.place += 1
        if self.place[0] % self.algorithm.period == 0:
            self._program(array)

    def _program(self, array) -> None:
        inverse, n_out = 1.0 / array.granularity, self.total.shape[1]
        largest = float(np.abs(self.total).max()) * inverse
        if not largest < MAX_COUNT:
            raise too_many(
                "stochastic_rounding", f"{largest:.3g} pulses for one synapse", MAX_COUNT
            )
        n, most = most_pulses(self.total, inverse, self._rows)
        if most > MAX_PULSES:
            raise too_many("stochastic_rounding", f"{most:.3g} pulses for one array", MAX_PULSES)
        ptr, codes = np.empty(n + 1, np.int64), np.empty(most, np.uint32)
        blocks = -(-n_out // 4)
        units, words = np.empty(blocks, np.uint32), np.empty((4, blocks), np.uint32)
        # Update 0 of this stream rounds the initial weights.
        now = np.uint64(self.place[0])
        pulses = round_rows(
            self.total, inverse, self._key, now, self._rows, n, ptr, codes, units, words
        )
        array.pulse_list(self._rows[:n], ptr, codes[:pulses])
        array.count_digital(32, compare=n * n_out)
        array.count_random(n * n_out)
