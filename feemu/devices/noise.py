"""Cycle-to-cycle noise of a single pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu.params import Record, param


@dataclass(frozen=True)
class Noise(Record):
    """Cycle-to-cycle noise: a part in proportion to the step and a part that is constant.

    Notes
    -----
    A pulse moves the state by ``m + sd z`` with ``z`` normal and
    ``sd^2 = (relative m)^2 + absolute^2``.
    """

    relative: float = param(0.0, doc="sd as a fraction of the step", lo=0.0, hi=10.0)
    absolute: float = param(0.0, doc="sd as a fraction of the range", lo=0.0, hi=1.0)

    def sd(self, m: np.ndarray) -> np.ndarray:
        """Return the standard deviation [1] of a pulse whose noise-free step is ``m`` [1]."""
        return np.hypot(self.relative * np.asarray(m, dtype=float), self.absolute)
