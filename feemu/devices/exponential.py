"""Exponential step: nearly constant, cut off exponentially towards the bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param

_SOURCE = "aihwkit 1.2.0, defaults of ExpStepDevice"


@dataclass(frozen=True)
class Exponential(ResponseModel):
    """Step that saturates exponentially towards the bound that the pulse drives to.

    Notes
    -----
    ``z = 2 a (p - 1/2) + b``, ``up = s_up max(0, 1 - A_up exp(gamma_up z))``,
    ``down = s_down max(0, 1 - A_down exp(-gamma_down z))``: the ExpStep device of aihwkit with
    symmetric bounds (Rasch et al., AICAS 2021, doi:10.1109/AICAS51828.2021.9458494), whose form
    was fitted to an RRAM array by Gong et al., Nat. Commun. 9, 2102 (2018),
    doi:10.1038/s41467-018-04485-1.
    """

    name: ClassVar[str] = "exponential"
    s_up: float = param(1 / 1200, doc="step up far from the bound", lo=0.0, hi=1.0, source=_SOURCE)
    s_down: float = param(1 / 1200, doc="step down far from it", lo=0.0, hi=1.0, source=_SOURCE)
    A_up: float = param(0.00081, doc="weight of the cut-off, up", lo=0.0, hi=1e6, source=_SOURCE)
    A_down: float = param(
        0.36833, doc="weight of the cut-off, down", lo=0.0, hi=1e6, source=_SOURCE
    )
    gamma_up: float = param(12.44625, doc="rate, up", lo=-200.0, hi=200.0, source=_SOURCE)
    gamma_down: float = param(12.78785, doc="rate, down", lo=-200.0, hi=200.0, source=_SOURCE)
    a: float = param(0.244, doc="stretch of the state", lo=-10.0, hi=10.0, source=_SOURCE)
    b: float = param(0.2425, doc="shift of the state", lo=-10.0, hi=10.0, source=_SOURCE)

    @property
    def kinks(self) -> tuple[float, ...]:
        """States at which a curve reaches zero."""
        pairs = ((self.A_up, self.gamma_up), (self.A_down, -self.gamma_down))
        found = []
        for scale, rate in pairs:
            if scale > 0.0 and rate * self.a != 0.0:
                found.append(0.5 + (-math.log(scale) / rate - self.b) / (2.0 * self.a))
        return tuple(sorted(p for p in found if 0.0 < p < 1.0))

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return ``s_up max(0, 1 - A_up exp(gamma_up z))``."""
        z = 2.0 * self.a * (np.asarray(p, dtype=float) - 0.5) + self.b
        return self.s_up * np.maximum(0.0, 1.0 - self.A_up * np.exp(self.gamma_up * z))

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return ``s_down max(0, 1 - A_down exp(-gamma_down z))``."""
        z = 2.0 * self.a * (np.asarray(p, dtype=float) - 0.5) + self.b
        return self.s_down * np.maximum(0.0, 1.0 - self.A_down * np.exp(-self.gamma_down * z))
