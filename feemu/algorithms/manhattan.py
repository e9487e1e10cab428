"""One pulse for each weight whose gradient passes a threshold, whatever its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu._numba import jit
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.array.checks import as_request
from feemu.array.plan import DOWN
from feemu.params import param


@jit
def sign_pulses(x, d, lr, eps, total, rows, ptr, codes):
    """List one pulse against the sign of ``g = lr x^T d`` wherever ``|g| >= eps``.

    Parameters
    ----------
    x, d : ndarray of float32, shapes (batch, n_in), (batch, n_out)
        Inputs and errors.
    lr, eps : float
        Learning rate and threshold.
    total : ndarray of float32, shape (n_out,)
        Scratch: the gradients of one row.
    rows, ptr, codes : ndarray
        Receive the pulses, see `feemu.array.SynapseArray.pulse_list`.

    Returns
    -------
    listed, pulses, lines, driven : int
        Rows with a pulse, pulses, input lines used, and rows with an input.
    """
    a, e, lines, driven = 0, 0, 0, 0
    for i in range(x.shape[1]):
        before = lines
        for b in range(x.shape[0]):
            v = lr * x[b, i]
            if v != 0:
                if lines == before:
                    total[:] = 0
                lines += 1
                for j in range(total.size):
                    total[j] += v * d[b, j]
        if lines == before:
            continue
        driven += 1
        start = e
        for j in range(total.size):
            if abs(total[j]) >= eps:
                codes[e] = np.uint32(j) | (DOWN if total[j] > 0 else np.uint32(0))
                e += 1
        if e > start:
            rows[a], ptr[a] = i, start
            a += 1
    ptr[a] = e
    return a, e, lines, driven


@dataclass(frozen=True)
class Manhattan(Algorithm):
    """Threshold-triggered sign updates, the Manhattan rule.

    Of the mini-batch's gradient ``g = x^T d`` only the sign counts: one pulse against it wherever
    ``lr |g| >= threshold dw``. With a threshold near 0 every weight with a gradient is pulsed
    (Zamanidoost et al. 2015, doi:10.1109/WISP.2015.7139171); a larger one leaves small gradients
    out, which is common practice (no source was read for it). Nothing is remembered between
    updates.
    """

    name: ClassVar[str] = "manhattan"
    search: ClassVar[dict[str, tuple]] = {}

    threshold: float = param(1.0, "1", "threshold over granularity", lo=1e-30, hi=1e6, assumed=True)

    def build(self, spec: LayerSpec) -> ManhattanLayer:
        """Return a layer that is fabricated and holds its initial weights."""
        return ManhattanLayer(self, spec)


class ManhattanLayer(ArrayLayer):
    """One array, and scratch for one list of pulses."""

    def __init__(self, algorithm: Manhattan, spec: LayerSpec) -> None:
        super().__init__([spec.array()])
        self.program_initial(spec)
        n_in, n_out = spec.shape
        self.eps = np.float32(algorithm.threshold * self.arrays[0].granularity)
        self._scratch = (
            np.empty(n_out, np.float32),
            np.empty(n_in, np.uint32),
            np.empty(n_in + 1, np.int64),
            np.empty(n_in * n_out, np.uint32),
        )

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Pulse against the sign of every gradient above the threshold, in place."""
        array, (total, rows, ptr, codes) = self.arrays[0], self._scratch
        x, d = as_request(x, d, array.shape)
        n, pulses, lines, driven = sign_pulses(
            x, d, np.float32(lr), self.eps, total, rows, ptr, codes
        )
        array.pulse_list(rows[:n], ptr[: n + 1], codes[:pulses])
        array.count_digital(32, mac=lines * total.size, compare=driven * total.size)
