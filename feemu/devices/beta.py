"""Beta kernel: the step vanishes at both ends of the range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param

CLIP = (0.01, 0.99)
_SOURCE = "Garg et al., APL Mach. Learn. 4, 026110 (2026), arXiv:2601.00020, 20 ns"


@dataclass(frozen=True)
class Beta(ResponseModel):
    """Step with the shape of a beta distribution, small at both ends of the range.

    Notes
    -----
    ``up = A_up p^(a_up-1) (1-p)^(b_up-1)`` and the same form for ``down``, with ``p`` clipped to
    [0.01, 0.99] first so that no state is a dead end. Garg et al., APL Mach. Learn. 4, 026110
    (2026), arXiv:2601.00020; the defaults are the 20 ns device of that work. The form is the
    derivative of an S-shaped branch, as an amplitude ramp measures it.
    """

    name: ClassVar[str] = "beta"
    A_up: float = param(0.24898, doc="prefactor of the step up", lo=0.0, hi=1e6, source=_SOURCE)
    a_up: float = param(1.86339, doc="first exponent, up", lo=0.0, hi=100.0, source=_SOURCE)
    b_up: float = param(2.91747, doc="second exponent, up", lo=0.0, hi=100.0, source=_SOURCE)
    A_down: float = param(0.10299, doc="prefactor of the step down", lo=0.0, hi=1e6, source=_SOURCE)
    a_down: float = param(2.05557, doc="first exponent, down", lo=0.0, hi=100.0, source=_SOURCE)
    b_down: float = param(1.77257, doc="second exponent, down", lo=0.0, hi=100.0, source=_SOURCE)

    @property
    def kinks(self) -> tuple[float, ...]:
        """The two states at which the clip sets in."""
        return CLIP

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_up p^(a_up-1) (1-p)^(b_up-1)`` at the clipped state."""
        return _beta(p, self.A_up, self.a_up, self.b_up)

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return ``A_down p^(a_down-1) (1-p)^(b_down-1)`` at the clipped state."""
        return _beta(p, self.A_down, self.a_down, self.b_down)


def _beta(p: np.ndarray, scale: float, a: float, b: float) -> np.ndarray:
    p = np.clip(np.asarray(p, dtype=float), *CLIP)
    return scale * p ** (a - 1.0) * (1.0 - p) ** (b - 1.0)
