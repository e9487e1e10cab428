"""Mixed precision: gradients accumulate digitally, whole pulses go to the array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu import rng
from feemu._numba import internal, jit
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.algorithms.quantise import quantised
from feemu.array.plan import DOWN
from feemu.mlp import Diverged
from feemu.params import param

#: Pulses of one update on one synapse (they are counted in 32 bits) and on one array.
MAX_COUNT, MAX_PULSES = 2**30, 2**28
_EIGHT = np.uintp(8)
_MAX_COUNT, _UP = np.float32(MAX_COUNT), np.uint32(0)


@jit
def accumulate(x, d, lr, inverses, most, chi, rows, ptr):
    """Add ``lr x^T d`` to `chi` in place and list the rows that crossed a threshold.

    `inverses` are one over the thresholds up (of a negative `chi`) and down; `most` is the
    largest number of pulses of a synapse. Listed row `a` has ``ptr[a + 1] - ptr[a]`` pulses.

    Returns
    -------
    crossed, lines, driven : int
        Number of listed rows (-1 if a synapse asks for `MAX_COUNT` pulses or more), of input lines
        used, and of rows that any sample used.
    """
    up, down = inverses
    crossed, lines, driven, asked = 0, 0, 0, False
    # Flat and unsigned, which vectorises.
    total, width = chi.reshape(-1), np.uintp(chi.shape[1])
    ptr[0] = 0
    for i in range(chi.shape[0]):
        before, first = lines, np.uintp(i) * width
        for b in range(x.shape[0]):
            v = lr * x[b, i]
            if v != 0:
                lines += 1
                error = d[b]
                for j in range(chi.shape[1]):
                    total[first + np.uintp(j)] += v * error[np.uintp(j)]
        if lines > before:
            here = 0
            driven += 1
            for j in range(chi.shape[1]):
                c = total[first + np.uintp(j)]
                n = abs(c) * (down if c > 0 else up)
                asked |= not n < _MAX_COUNT
                here += min(np.int32(n), most)
            if here > 0:
                rows[crossed] = i
                crossed += 1
                ptr[crossed] = ptr[crossed - 1] + here
    return -1 if asked else crossed, lines, driven


@internal
def any_of_eight(values, k):
    """Return whether one of eight values from `k` on is not zero."""
    some = np.int32(0)
    for j in range(_EIGHT):
        some |= values[k + j]
    return some != 0


@jit
def take_pulses(chi, thresholds, inverses, most, rows, counts, codes):
    """Move whole thresholds of the listed rows from `chi` into pulse codes, in place.

    `counts` is scratch for one row, up negative, with zeros up to a multiple of eight.
    """
    up, down = thresholds
    inverse_up, inverse_down = inverses
    total, width, e = chi.reshape(-1), np.uintp(chi.shape[1]), np.uintp(0)
    for i in rows:
        first = np.uintp(i) * width
        for j in range(chi.shape[1]):
            c = total[first + np.uintp(j)]
            n = np.int32(c * (inverse_down if c > 0 else inverse_up))
            total[first + np.uintp(j)] = c - np.float32(n) * (down if c > 0 else up)
            counts[np.uintp(j)] = n
        for k in range(0, chi.shape[1], 8):
            if not any_of_eight(counts, np.uintp(k)):
                continue
            for j in range(np.uintp(k), np.uintp(k + 8)):
                n = counts[j]
                code = np.uint32(j) | (DOWN if n > 0 else _UP)
                for _ in range(min(abs(n), most)):
                    codes[e] = code
                    e += np.uintp(1)


def too_many(who: str, asked: str, most: int) -> Diverged:
    """Return the error of an update that asks for more pulses than can be listed."""
    return Diverged(
        f"{who}: an update asks for {asked}, at most {most:.3g} are possible; lower lr, or raise "
        "weight_scale or threshold"
    )


@dataclass(frozen=True)
class MixedPrecision(Algorithm):
    """Digital accumulation with threshold (Nandakumar et al. 2020, doi:10.3389/fnins.2020.00406).

    ``chi += lr d x``; ``n = trunc(chi / eps)``; ``chi -= n eps``; ``|n|`` pulses of sign -n,
    row by row, without verification. `chi` is in visible-weight units and
    ``eps = threshold dw``, dw the granularity of the layer. Whatever the threshold, a count is one
    pulse: weights move by ``1 / threshold`` of the request (aihwkit 1.2 programs n eps by
    coincidence, ``n eps / dw`` pulses on average). Published variants: x and d in bins
    of their range (aihwkit 1.2); another threshold for depression, and at most one pulse per
    update while the accumulator still gives up all of n (Garg et al. 2026, arXiv:2601.00020).
    """

    name: ClassVar[str] = "mixed_precision"
    digital_bits_per_weight: ClassVar[int] = 32
    search: ClassVar[dict[str, tuple]] = {"threshold": (0.5, 1.0, 2.0)}

    threshold: float = param(
        1.0, "1", "threshold over granularity", lo=1e-3, hi=1e3, source="aihwkit 1.2 default"
    )
    asymmetry: float = param(
        1.0, "1", "threshold of depression over that of potentiation", lo=1e-3, hi=1e3,
        source="thr_asym of arXiv:2601.00020",
    )  # fmt: skip
    one_pulse: bool = param(False, doc="at most one pulse per update", source="arXiv:2601.00020")
    x_bins: int = param(0, "1", "bins of the inputs; 0: none", lo=0, hi=2**16, source="aihwkit 1.2")
    d_bins: int = param(0, "1", "bins of the errors; 0: none", lo=0, hi=2**16, source="aihwkit 1.2")
    stochastic_bins: bool = param(True, doc="round to bins at random", source="aihwkit 1.2")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("x_bins", "d_bins"):
            if getattr(self, name) == 1:
                raise ValueError(f"MixedPrecision.{name} = 1: one bin is no range; use 0 or >= 2")

    def build(self, spec: LayerSpec) -> MixedPrecisionLayer:
        """Return a layer that is fabricated and holds its initial weights."""
        return MixedPrecisionLayer(self, spec)


class MixedPrecisionLayer(ArrayLayer):
    """One array and its digital accumulator, four bytes per weight."""

    def __init__(self, algorithm: MixedPrecision, spec: LayerSpec) -> None:
        super().__init__([spec.array()])
        self.program_initial(spec)
        self.algorithm = algorithm
        self.eps = np.float32(algorithm.threshold * self.arrays[0].granularity)
        #: Thresholds of potentiation and depression [visible weight].
        self.thresholds = (self.eps, np.float32(self.eps * np.float32(algorithm.asymmetry)))
        self.chi = self.digital["chi"] = np.zeros(spec.shape, np.float32)
        #: Updates rounded to bins so far.
        self.rounded = self.digital["rounded"] = np.zeros(1, np.int64)
        self._most = np.int32(1 if algorithm.one_pulse else MAX_COUNT)
        self._inverses = tuple(np.float32(1.0) / e for e in self.thresholds)
        self._rows = np.empty(spec.shape[0], np.uint32)
        self._ptr = np.zeros(spec.shape[0] + 1, np.int64)
        self._counts = np.zeros(-(-spec.shape[1] // 8) * 8, np.int32)
        self._key = rng.key(spec.seed, self.arrays[0].array_id, "rounding")

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Accumulate ``lr x^T d`` and program every whole threshold, in place.

        Raises
        ------
        Diverged
            If it asks for more pulses than memory can list.
        """
        array, chi, own = self.arrays[0], self.chi, self.algorithm
        rows, ptr, eps, inverses = self._rows, self._ptr, self.thresholds, self._inverses
        if own.x_bins or own.d_bins:
            x, d = self._binned(x, d)
        crossed, lines, driven = accumulate(
            x, d, np.float32(lr), inverses, self._most, chi, rows, ptr
        )
        if crossed < 0:
            raise too_many(own.name, f"{MAX_COUNT:.3g} pulses or more for one synapse", MAX_COUNT)
        rows, ptr = rows[:crossed], ptr[: crossed + 1]
        pulses = int(ptr[crossed])
        if pulses > MAX_PULSES:
            raise too_many(own.name, f"{pulses:.3g} pulses for one array", MAX_PULSES)
        codes = np.empty(pulses, np.uint32)
        take_pulses(chi, eps, inverses, self._most, rows, self._counts, codes)
        array.pulse_list(rows, ptr, codes)
        work, compared = lines * chi.shape[1], driven * chi.shape[1]
        array.count_digital(32, mac=work, accumulator_rmw=work, compare=compared)

    def _binned(self, x: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and errors in bins; each sample takes two units of the stream."""
        own = self.algorithm
        # Update 0 of this stream rounds the initial weights.
        self.rounded += 1
        out = []
        for side, (values, bins) in enumerate(((x, own.x_bins), (d, own.d_bins))):
            if bins:  # the range of each vector
                self.arrays[0].count_digital(32, max_search=values.size)
            if bins and own.stochastic_bins:
                u = np.stack([
                    rng.uniforms(self._key, int(self.rounded[0]), 2 * b + side, row.size)
                    for b, row in enumerate(values)
                ])  # fmt: skip
                self.arrays[0].count_random(values.size)
                values = quantised(values, bins, u)
            elif bins:
                values = quantised(values, bins)
            out.append(values)
        return out[0], out[1]
