"""Reading an array: vector-matrix products with noise, converters and clipping."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu._numba import internal, jit, reordered
from feemu.array import tally as tl
from feemu.params import Record, param

#: Counters of products that are no reads to be counted.
UNCOUNTED = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Reading(Record):
    """Periphery of a read; the default is ideal (no quantisation, no clipping).

    Notes
    -----
    Inputs are scaled by their largest magnitude per vector, rounded to the DAC's levels, and the
    product is scaled back. The ADC spans ``adc_range`` times the weight scale times that
    magnitude, in both directions; products beyond it clip.
    """

    dac_bits: int = param(0, "bit", "input resolution with sign; 0 is ideal", lo=0, hi=24)
    adc_bits: int = param(0, "bit", "output resolution with sign; 0 is ideal", lo=0, hi=24)
    adc_range: float = param(
        12.0, "1", "ADC full scale in units of weight scale x largest input", lo=1e-6, hi=1e9,
        source="out_bound of Rasch et al. 2021, arXiv:2104.02184",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("dac_bits", "adc_bits"):
            if getattr(self, name) == 1:
                raise ValueError(f"Reading.{name} = 1: one bit holds a sign only; use 0 or 2..24")

    @property
    def ideal(self) -> bool:
        """Whether neither inputs nor outputs are quantised."""
        return self.dac_bits == 0 and self.adc_bits == 0

    def convert_inputs(self, x: np.ndarray) -> np.ndarray:
        """Return `x` (batch, n) rounded to the DAC's levels, relative to each row's maximum."""
        if self.dac_bits == 0:
            return x
        levels = np.float32(2 ** (self.dac_bits - 1) - 1)
        top = np.abs(x).max(axis=1, keepdims=True)
        unit = np.where(top > 0, top, 1) / levels
        return (np.rint(x / unit) * unit).astype(np.float32)

    def convert_outputs(self, y: np.ndarray, x: np.ndarray, omega: float) -> np.ndarray:
        """Return `y` (batch, n) clipped and rounded by the ADC; `x` sets each row's range."""
        if self.adc_bits == 0:
            return y
        levels = np.float32(2 ** (self.adc_bits - 1) - 1)
        top = np.abs(x).max(axis=1, keepdims=True)
        unit = np.where(top > 0, top, 1) * np.float32(self.adc_range * omega) / levels
        return (np.clip(np.rint(y / unit), -levels, levels) * unit).astype(np.float32)


@internal
def count_reads(x, outputs, counts):
    """Add the reads of vectors `x` with `outputs` conversions each, unless `counts` is empty."""
    if counts.size == 0:
        return
    for b in range(x.shape[0]):
        top, total, lines = np.float32(0.0), 0.0, 0
        for i in range(x.shape[1]):
            v = abs(x[b, i])
            top = max(top, v)
            total += np.float64(v) * np.float64(v)
            lines += v > 0
        counts[tl.READ_LINES] += lines
        if top > 0 and total < np.inf:
            relative = total / (np.float64(top) * np.float64(top))
            counts[tl.READ_SQUARES] += np.int64(tl.SQUARES_ONE * relative + 0.5)
    counts[tl.READ_VECTORS] += x.shape[0]
    counts[tl.READ_OUTPUTS] += x.shape[0] * outputs


@jit
def multiply_forward(x, w, y, counts):
    """Write ``x @ w`` into `y`: a sum over the rows with non-zero input, in row order.

    `counts` is added to, see `feemu.array.tally`; `UNCOUNTED` for no read of an array.
    """
    n_in, n_out = w.shape
    count_reads(x, n_out, counts)
    rows = np.empty(n_in, np.int64)
    for b in range(x.shape[0]):
        n = 0
        for i in range(n_in):
            rows[n] = i
            n += x[b, i] != 0
        total = y[b]
        for j in range(n_out):
            total[j] = 0.0
        k = 0
        while k + 4 <= n:  # four rows at once: a fourth of the loads and stores of `total`
            i0, i1, i2, i3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
            v0, v1, v2, v3 = x[b, i0], x[b, i1], x[b, i2], x[b, i3]
            w0, w1, w2, w3 = w[i0], w[i1], w[i2], w[i3]
            for j in range(n_out):
                total[j] = (((total[j] + v0 * w0[j]) + v1 * w1[j]) + v2 * w2[j]) + v3 * w3[j]
            k += 4
        for last in rows[k:n]:
            v = x[b, last]
            for j in range(n_out):
                total[j] += v * w[last, j]


@reordered
def multiply_backward(d, w, e, counts):
    """Write ``d @ w.T`` into `e`; `counts` as in `multiply_forward`."""
    count_reads(d, w.shape[0], counts)
    for i in range(w.shape[0]):
        for b in range(d.shape[0]):
            total = np.float32(0.0)
            for j in range(w.shape[1]):
                total += d[b, j] * w[i, j]
            e[b, i] = total


@jit
def variance_forward(x, cells, w, scale, noisy_ref, var):
    """Write ``sum_i x_i^2 (G_ij^2 + noisy_ref G_ref,ij^2)`` into `var` [visible weight^2]."""
    for b in range(var.shape[0]):
        for j in range(var.shape[1]):
            var[b, j] = 0.0
    for i in range(w.shape[0]):
        for b in range(x.shape[0]):
            v = x[b, i] * x[b, i]
            if v != 0:
                for j in range(w.shape[1]):
                    ref = scale * cells[i, j, 5]
                    g = w[i, j] + ref
                    var[b, j] += v * (g * g + noisy_ref * ref * ref)


@reordered
def variance_backward(d, cells, w, scale, noisy_ref, var):
    """Write ``sum_j d_j^2 (G_ij^2 + noisy_ref G_ref,ij^2)`` into `var`; see `variance_forward`."""
    for i in range(w.shape[0]):
        for b in range(d.shape[0]):
            total = np.float32(0.0)
            for j in range(w.shape[1]):
                ref = scale * cells[i, j, 5]
                g = w[i, j] + ref
                total += d[b, j] * d[b, j] * (g * g + noisy_ref * ref * ref)
            var[b, i] = total
