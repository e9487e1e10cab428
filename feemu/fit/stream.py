"""Random numbers of a fit: the same for the same seed."""

from __future__ import annotations

import math

import numpy as np

from feemu import rng


class Stream:
    """Normals and uniforms from one stream of `feemu.rng`, under numpy's names.

    Parameters
    ----------
    seed : int
        Seed of the draws.
    """

    def __init__(self, seed: int = 0) -> None:
        self._key, self._update = rng.key(seed, 0, "draws"), 0

    def standard_normal(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return standard normals (float64)."""
        self._update += 1
        flat = rng.normals(self._key, self._update, 1, math.prod(shape))
        return flat.astype(float).reshape(shape)

    def random(self, n: int) -> np.ndarray:
        """Return uniforms in (0, 1)."""
        self._update += 1
        return rng.uniforms(self._key, self._update, 1, n)
