"""Power law: the step falls as a power of the distance from the bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param


@dataclass(frozen=True)
class Power(ResponseModel):
    """Step as a power of the distance from the bound that the pulse drives to.

    Notes
    -----
    ``up = A_up (1 - p)^g_up``, ``down = A_down p^g_down``: the PowStep device of aihwkit (Rasch et
    al., AICAS 2021, doi:10.1109/AICAS51828.2021.9458494), and at a fixed amplitude the
    voltage-dependent plasticity of Garg et al. (arXiv:2510.25787).
    """

    name: ClassVar[str] = "power"
    A_up: float = param(0.01, doc="step up at p = 0", lo=0.0, hi=1.0, assumed=True)
    A_down: float = param(0.01, doc="step down at p = 1", lo=0.0, hi=1.0, assumed=True)
    g_up: float = param(1.0, doc="exponent of potentiation", lo=0.0, hi=50.0)
    g_down: float = param(1.0, doc="exponent of depression", lo=0.0, hi=50.0)

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_up (1 - p)^g_up``."""
        return self.A_up * (1.0 - np.asarray(p, dtype=float)) ** self.g_up

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_down p^g_down``."""
        return self.A_down * np.asarray(p, dtype=float) ** self.g_down
