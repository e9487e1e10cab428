"""Standard normal from a 32-bit word by the inverse distribution function, in float64."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri


def normals(words: np.ndarray) -> np.ndarray:
    """Return the normal of each 32-bit word.

    Parameters
    ----------
    words : array_like of integers
        Values in 0 .. 2^32 - 1.

    Returns
    -------
    ndarray of float64
        z [1]; the top bit set makes it negative.

    Notes
    -----
    m = low 31 bits, t = (m + 0.5) 2^-31 in (0, 1) is exact in float64, and t is the two-sided
    tail of z: P(|Z| > |z|) = t, so |z| = isf(t / 2) = -ndtri(t / 2).
    """
    w = np.asarray(words, dtype=np.uint64)
    if np.any(w >> np.uint64(32)):
        raise ValueError("words: must be in 0 .. 2^32 - 1, got larger ones; pass 32-bit words")
    m = (w & np.uint64(0x7FFFFFFF)).astype(np.float64)
    t = (m + 0.5) * 2.0**-31
    size = -ndtri(0.5 * t)
    return np.where(w >> np.uint64(31), -size, size)


def normal(word: int) -> float:
    """Return the normal of one 32-bit word."""
    return float(normals(word))
