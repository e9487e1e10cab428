"""Inputs and errors in few bits: bins of each vector's range, rounded at random or not."""

from __future__ import annotations

import numpy as np


def quantised(values: np.ndarray, bins: int, u: np.ndarray | float = 0.5) -> np.ndarray:
    """Return vectors, shape (batch, n), rounded to bins of their own range.

    A vector's range, symmetric around zero, is its largest magnitude either way; there are
    ``bins // 2`` levels of either sign. ``floor(|v| / top levels + u)`` rounds to the nearest
    level for ``u = 1/2`` and at random, with the right mean, for uniform u. Zero stays zero.
    """
    levels = np.float32(bins // 2)
    top = np.abs(values).max(axis=1, keepdims=True)
    unit = np.where(top > 0, top, np.float32(1)) / levels
    whole = np.floor(np.abs(values) / unit + np.asarray(u, np.float32))
    return np.copysign(np.minimum(whole, levels) * unit, values).astype(np.float32)
