"""Constant step: the ideal device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param


@dataclass(frozen=True)
class Constant(ResponseModel):
    """Step that does not depend on the state.

    Notes
    -----
    ``up = A_up``, ``down = A_down``: the ConstantStep device of aihwkit (Rasch et al., AICAS 2021,
    doi:10.1109/AICAS51828.2021.9458494) in normalised state.
    """

    name: ClassVar[str] = "constant"
    A_up: float = param(0.001, doc="step up", lo=0.0, hi=1.0, assumed=True)
    A_down: float = param(0.001, doc="step down", lo=0.0, hi=1.0, assumed=True)

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_up`` at every state."""
        return np.full_like(np.asarray(p, dtype=float), self.A_up)

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_down`` at every state."""
        return np.full_like(np.asarray(p, dtype=float), self.A_down)
