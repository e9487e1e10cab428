"""Device-to-device spread of aihwkit's soft-bounds device, drawn in weight units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu.devices.soft_bounds import SoftBounds
from feemu.devices.spread import Draws, SpreadDraw, _pack, _scaled, _variants
from feemu.params import Record, param

MIN_BOUND = 1e-6
_SOURCE = "aihwkit 1.2.0, defaults of PulsedDevice"


@dataclass(frozen=True)
class WeightSpread(Record):
    """Spread drawn in weight units as aihwkit does, then converted exactly to soft bounds.

    Notes
    -----
    Per cell, with independent normals z: ``w_max = w_bound (1 + w_bound_dtod z)``, ``w_min``
    likewise below zero, ``s_up, s_down = dw_min (1 + dw_min_dtod z +- up_down_dtod z')``, where
    both directions share z and z'; steps are made positive and crossed bounds swapped. Then with
    ``R = w_max - w_min`` and ``p = (w - w_min)/R`` the scales are
    ``c_up = s_up/w_max``, ``c_down = s_down/|w_min|`` in units of the nominal ``dw_min/w_bound``,
    and the conductance of which weight ``+-w_bound`` is 1 and 0 has
    ``offset = (w_min + w_bound)/(2 w_bound)``, ``span = R/(2 w_bound)``. Cells start at weight
    zero. Rasch et al., AICAS 2021, doi:10.1109/AICAS51828.2021.9458494.

    The map is exact: a step that overshoots a bound close to zero is clipped there in both. Only
    a bound below 1e-6 ``w_bound`` is moved to that value, where the scale would be infinite.
    """

    w_bound: float = param(0.6, doc="nominal bound of the weight", lo=1e-9, hi=1e6, source=_SOURCE)
    dw_min: float = param(0.001, doc="step at weight zero", lo=0.0, hi=1e6, source=_SOURCE)
    dw_min_dtod: float = param(0.3, doc="sd of the common gain", lo=0.0, hi=3.0, source=_SOURCE)
    up_down_dtod: float = param(0.01, doc="sd of the difference", lo=0.0, hi=3.0, source=_SOURCE)
    w_bound_dtod: float = param(0.3, doc="sd of each bound", lo=0.0, hi=3.0, source=_SOURCE)

    def response(self) -> SoftBounds:
        """Return the nominal device that this spread belongs to."""
        return SoftBounds(self.dw_min / self.w_bound, self.dw_min / self.w_bound)

    def draw(
        self,
        shape: tuple[int, int],
        normals: Draws,
        uniforms: Draws,
        p0: float = 0.5,
        n_variants: int = 1,
    ) -> SpreadDraw:
        """Draw the synapses of an array; parameters as in `Spread.draw`.

        Normals 0 to 3 are the gain, the difference, the upper and the lower bound.
        """
        gain = 1.0 + _scaled(self.dw_min_dtod, normals, 0, shape)
        skew = _scaled(self.up_down_dtod, normals, 1, shape)
        above = 1.0 + _scaled(self.w_bound_dtod, normals, 2, shape)
        below = -1.0 - _scaled(self.w_bound_dtod, normals, 3, shape)
        top = np.maximum(np.abs(np.maximum(above, below)), MIN_BOUND)
        bottom = -np.maximum(np.abs(np.minimum(above, below)), MIN_BOUND)
        offset, span = (bottom + 1.0) / 2.0, (top - bottom) / 2.0
        c_up, c_down = np.abs(gain + skew) / top, np.abs(gain - skew) / -bottom
        variant = _variants(n_variants, uniforms, shape)
        return _pack(c_up, c_down, offset, span, variant, (p0 - offset) / span)
