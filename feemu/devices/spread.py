"""Device-to-device spread: how the synapses of an array differ from the nominal device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from feemu.params import Record, param

MIN_SPAN = 0.05
Draws = Callable[[int], np.ndarray]


class SpreadDraw(NamedTuple):
    """The properties of each synapse of an array; all of shape (n_in, n_out).

    Attributes
    ----------
    c_up, c_down : ndarray of float32
        Factors [1] on the nominal steps; 0 for a stuck cell.
    offset, span : ndarray of float32
        Conductance ``W = offset + span g(p)`` [1].
    variant : ndarray of uint8
        Which of the device's curve variants the synapse follows.
    p_fab : ndarray of float32
        State as fabricated [1].
    """

    c_up: np.ndarray
    c_down: np.ndarray
    offset: np.ndarray
    span: np.ndarray
    variant: np.ndarray
    p_fab: np.ndarray


@dataclass(frozen=True)
class Spread(Record):
    """Device-to-device spread of steps and of both ends of the conductance range.

    Notes
    -----
    With independent normals z: ``ln c_up = S + A/2``, ``ln c_down = S - A/2``,
    ``S = step_spread z``, ``A = asymmetry_spread z``; ``g_on = 1 + g_on_spread z``,
    ``g_off = g_off_spread z``, ``span = max(g_on - g_off, 0.05)``. A stuck cell has no steps and a
    state that is uniform over the range.
    """

    step_spread: float = param(0.0, doc="sd of the common log gain of steps", lo=0.0, hi=3.0)
    asymmetry_spread: float = param(0.0, doc="sd of ln(c_up / c_down)", lo=0.0, hi=3.0)
    g_on_spread: float = param(0.0, doc="sd of the upper end of the range", lo=0.0, hi=1.0)
    g_off_spread: float = param(0.0, doc="sd of the lower end of the range", lo=0.0, hi=1.0)
    stuck_fraction: float = param(0.0, doc="fraction of cells without steps", lo=0.0, hi=1.0)
    fab_spread: float = param(0.0, doc="sd of the state at fabrication", lo=0.0, hi=1.0)

    def draw(
        self,
        shape: tuple[int, int],
        normals: Draws,
        uniforms: Draws,
        p0: float = 0.5,
        n_variants: int = 1,
    ) -> SpreadDraw:
        """Draw the synapses of an array.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns ``(n_in, n_out)``.
        normals, uniforms : callable
            ``normals(i)`` and ``uniforms(i)`` return random array number i of that shape; uniforms
            lie in [0, 1). Each property has a fixed number, so that changing one spread leaves
            the draws of the others alone.
        p0 : float
            Nominal state of weight zero [1], the centre of the states at fabrication.
        n_variants : int
            Number of curve variants, 1 to 256, picked with equal probability.
        """
        common = _scaled(self.step_spread, normals, 0, shape)
        skew = _scaled(self.asymmetry_spread, normals, 1, shape)
        c_up, c_down = np.exp(common + skew / 2), np.exp(common - skew / 2)
        offset = _scaled(self.g_off_spread, normals, 3, shape)
        span = np.maximum(1.0 + _scaled(self.g_on_spread, normals, 2, shape) - offset, MIN_SPAN)
        state = np.clip(p0 + _scaled(self.fab_spread, normals, 4, shape), 0.0, 1.0)
        if self.stuck_fraction > 0.0:
            stuck = uniforms(0) < self.stuck_fraction
            c_up, c_down = np.where(stuck, 0.0, c_up), np.where(stuck, 0.0, c_down)
            state = np.where(stuck, uniforms(1), state)
        return _pack(c_up, c_down, offset, span, _variants(n_variants, uniforms, shape), state)


def _scaled(sd: float, draws: Draws, number: int, shape: tuple[int, int]) -> np.ndarray:
    if sd == 0.0:
        return np.zeros(shape)
    return sd * np.asarray(draws(number), dtype=float)


def _variants(n: int, uniforms: Draws, shape: tuple[int, int]) -> np.ndarray:
    if n == 1:
        return np.zeros(shape, dtype=np.uint8)
    return np.minimum(np.asarray(uniforms(2), dtype=float) * n, n - 1).astype(np.uint8)


def _pack(c_up, c_down, offset, span, variant, state) -> SpreadDraw:
    floats = [np.ascontiguousarray(a, dtype=np.float32) for a in (c_up, c_down, offset, span)]
    return SpreadDraw(*floats, variant, np.ascontiguousarray(state, dtype=np.float32))
