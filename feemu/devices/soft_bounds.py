"""Soft bounds: the step falls linearly to zero at the end of the range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param


@dataclass(frozen=True)
class SoftBounds(ResponseModel):
    """Step in proportion to the distance from the bound that the pulse drives to.

    Notes
    -----
    ``up = A_up (1 - p)``, ``down = A_down p``; symmetry point ``A_up / (A_up + A_down)``. The
    SoftBounds device of aihwkit (Rasch et al., AICAS 2021, doi:10.1109/AICAS51828.2021.9458494)
    in normalised state, ``A = s / bound``.
    """

    name: ClassVar[str] = "soft_bounds"
    A_up: float = param(0.01, doc="step up at p = 0", lo=0.0, hi=1.0, assumed=True)
    A_down: float = param(0.01, doc="step down at p = 1", lo=0.0, hi=1.0, assumed=True)

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_up (1 - p)``."""
        return self.A_up * (1.0 - np.asarray(p, dtype=float))

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_down p``."""
        return self.A_down * np.asarray(p, dtype=float)
