"""Mixed precision: gradients accumulate digitally, whole pulses go to the array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu._numba import jit
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.array.plan import DOWN
from feemu.params import param

#: Pulses of one update on one synapse (they are counted in 32 bits) and on one array.
MAX_COUNT, MAX_PULSES = 2**30, 2**28


@jit
def accumulate(x, d, lr, inverse, chi, rows):
    """Add ``lr x^T d`` to `chi` in place and list the rows that crossed the threshold.

    `inverse` is one over the threshold.

    Returns
    -------
    crossed, pulses, lines : int
        Number of listed rows, of whole thresholds in them, and of input lines used.
    """
    n_out = chi.shape[1]
    crossed, pulses, lines = 0, 0, 0
    for i in range(chi.shape[0]):
        before = lines
        for b in range(x.shape[0]):
            v = lr * x[b, i]
            if v != 0:
                lines += 1
                for j in range(n_out):
                    chi[i, j] += v * d[b, j]
        if lines > before:
            here = 0
            for j in range(n_out):
                here += np.int32(abs(chi[i, j]) * inverse)
            if here > 0:
                rows[crossed] = i
                crossed += 1
                pulses += here
    return crossed, pulses, lines


@jit
def take_pulses(chi, eps, inverse, rows, crossed, ptr, codes):
    """Move whole thresholds of the listed rows from `chi` into pulse codes, in place."""
    e = 0
    for a in range(crossed):
        i = rows[a]
        ptr[a] = e
        for j in range(chi.shape[1]):
            n = np.int32(abs(chi[i, j]) * inverse)
            if n > 0:
                down = chi[i, j] > 0
                chi[i, j] -= np.float32(n) * (eps if down else -eps)
                code = np.uint32(j) | (DOWN if down else np.uint32(0))
                for _ in range(n):
                    codes[e] = code
                    e += 1
    ptr[crossed] = e


def _too_many(asked: str, most: int) -> ValueError:
    return ValueError(
        f"mixed_precision: an update asks for {asked}, at most {most:.3g} are possible; lower lr, "
        "or raise weight_scale or threshold"
    )


@dataclass(frozen=True)
class MixedPrecision(Algorithm):
    """Digital accumulation with threshold (Nandakumar et al. 2020, doi:10.3389/fnins.2020.00406).

    ``chi += lr d x``; ``n = trunc(chi / eps)``; ``chi -= n eps``; ``|n|`` pulses of sign -n,
    row by row, without verification. `chi` is in visible-weight units and
    ``eps = threshold dw``, dw the granularity of the layer.
    """

    name: ClassVar[str] = "mixed_precision"
    digital_bits_per_weight: ClassVar[int] = 32
    search: ClassVar[dict[str, tuple]] = {"threshold": (0.5, 1.0, 2.0)}

    threshold: float = param(
        1.0, "1", "threshold over granularity", lo=1e-3, hi=1e3, source="aihwkit 1.2 default"
    )

    def build(self, spec: LayerSpec) -> MixedPrecisionLayer:
        """Return a layer that is fabricated and holds its initial weights."""
        layer = MixedPrecisionLayer(self, spec)
        layer.program_initial(spec)
        return layer


class MixedPrecisionLayer(ArrayLayer):
    """One array and its digital accumulator, four bytes per weight."""

    def __init__(self, algorithm: MixedPrecision, spec: LayerSpec) -> None:
        super().__init__([spec.array()])
        self.eps = np.float32(algorithm.threshold * self.arrays[0].granularity)
        self.chi = np.zeros(spec.shape, np.float32)
        self._rows = np.empty(spec.shape[0], np.uint32)

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Accumulate ``lr x^T d`` and program every whole threshold, in place.

        Raises
        ------
        ValueError
            If it asks for more pulses than memory can list.
        """
        array, n_out = self.arrays[0], self.chi.shape[1]
        chi, rows, inverse = self.chi, self._rows, np.float32(1.0) / self.eps
        most = len(x) * lr * float(np.abs(x).max()) * float(np.abs(d).max()) / float(self.eps)
        if not most < MAX_COUNT:
            raise _too_many(f"up to {most:.3g} pulses for one synapse", MAX_COUNT)
        crossed, pulses, lines = accumulate(x, d, np.float32(lr), inverse, chi, rows)
        if pulses > MAX_PULSES:
            raise _too_many(f"{pulses:.3g} pulses for one array", MAX_PULSES)
        ptr, codes = np.zeros(crossed + 1, np.int64), np.empty(pulses, np.uint32)
        take_pulses(chi, self.eps, inverse, rows, crossed, ptr, codes)
        array.pulse_list(rows[:crossed], ptr, codes)
        work = lines * n_out
        array.count_digital(32, mac=work, accumulator_rmw=work, compare=work)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all that a checkpoint needs."""
        return {**super().state_dict(), "chi": self.chi.copy()}

    def load_state_dict(self, saved: dict[str, np.ndarray]) -> None:
        """Continue from a `state_dict`, in place."""
        super().load_state_dict(saved)
        self.chi[...] = saved["chi"]
