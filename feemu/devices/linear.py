"""Linear step, and NeuroSim's exponential device, which is one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param

NEUROSIM_SCALE = 10.1015


@dataclass(frozen=True)
class Linear(ResponseModel):
    """Step that changes linearly with the state.

    Notes
    -----
    ``up = A_up (1 - gamma_up p)``, ``down = A_down (1 - gamma_down (1 - p))``. With gamma = 0 the
    step is constant, with gamma = 1 it vanishes at the bound (soft bounds); a negative gamma makes
    steps grow towards the bound. The LinearStep device of aihwkit with symmetric bounds and its
    own slope ``G`` is ``A = (1 + G) dw / range``, ``gamma = 2 G / (1 + G)`` (Rasch et al., AICAS
    2021, doi:10.1109/AICAS51828.2021.9458494).
    """

    name: ClassVar[str] = "linear"
    A_up: float = param(0.01, doc="step up at p = 0", lo=0.0, hi=1.0, assumed=True)
    A_down: float = param(0.01, doc="step down at p = 1", lo=0.0, hi=1.0, assumed=True)
    gamma_up: float = param(0.0, doc="slope of the step up", hi=1.0)
    gamma_down: float = param(0.0, doc="slope of the step down", hi=1.0)

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_up (1 - gamma_up p)``."""
        return self.A_up * (1.0 - self.gamma_up * np.asarray(p, dtype=float))

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_down (1 - gamma_down (1 - p))``."""
        return self.A_down * (1.0 - self.gamma_down * (1.0 - np.asarray(p, dtype=float)))

    @classmethod
    def from_neurosim(cls, NL_up: float, NL_down: float, n_pulses: float) -> Linear:
        """Return the device that NeuroSim describes by non-linearity labels and pulse count.

        Parameters
        ----------
        NL_up, NL_down : float
            Labels [1] of both branches with NeuroSim's signs. A branch is
            ``g(n) = B (1 - exp(-n / (a N)))``, ``a`` of the sign of the label; potentiation climbs
            it, depression descends it. So positive up and negative down start with large steps.
        n_pulses : float
            Pulses N over the whole range [1].

        Notes
        -----
        One pulse moves ``g`` by ``(B - g)(1 - exp(-1/(a N)))``: linear in ``g``. Chen, Peng, Yu,
        IEEE TCAD 37, 3067 (2018), doi:10.1109/TCAD.2018.2789723; MLP+NeuroSim V3.0.

        Raises
        ------
        ValueError
            If a label is outside -9..9 or fewer than one pulse is given.
        """
        if not n_pulses >= 1 or not math.isfinite(n_pulses):
            raise ValueError(f"n_pulses = {n_pulses!r}: must be a finite number >= 1")
        first_up, last_up = _neurosim_branch(NL_up, n_pulses)
        first_down, last_down = _neurosim_branch(-NL_down, n_pulses)
        return cls(first_up, first_down, 1 - last_up / first_up, 1 - last_down / first_down)


def neurosim_label(a: float) -> float:
    """Return NeuroSim's non-linearity label of a branch with constant ``a``.

    Notes
    -----
    ``NL = 10.1015 max(g(x) - x)`` of the normalised branch ``g = b (1 - exp(-x/a))``,
    ``b = 1/(1 - exp(-1/a))``, in closed form ``10.1015 (b - a - a ln(b/a))``: NeuroSim's table of
    labels to its six digits.

    Raises
    ------
    ValueError
        If ``a`` is zero or not finite.
    """
    if a == 0 or not math.isfinite(a):
        raise ValueError(f"neurosim_label: a = {a!r}: must be finite and not 0")
    size = abs(a)
    b = -1.0 / math.expm1(-1.0 / size)
    return math.copysign(NEUROSIM_SCALE * (b - size - size * math.log(b / size)), a)


def _neurosim_branch(label: float, n_pulses: float) -> tuple[float, float]:
    """Return the first and the last step of a branch that is run from 0 to 1."""
    from scipy.optimize import brentq

    if not -9.0 <= label <= 9.0:
        raise ValueError(f"NeuroSim label {label!r}: must be between -9 and 9")
    if abs(label) < 1e-4:
        return 1.0 / n_pulses, 1.0 / n_pulses
    a = brentq(lambda x: neurosim_label(x) - abs(label), 1e-3, 1e5, xtol=1e-15, rtol=1e-14)
    n = a * n_pulses
    b = -1.0 / math.expm1(-1.0 / a)
    falling = b * -math.expm1(-1.0 / n), math.exp(-1.0 / a) * b * -math.expm1(-1.0 / n)
    return falling if label > 0 else (falling[1] * math.exp(1 / n), falling[0] * math.exp(1 / n))
