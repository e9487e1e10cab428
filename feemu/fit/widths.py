"""Several pulse widths as one family: how well each width is predicted from the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu.devices import Beta, Family
from feemu.fit.result import Fit

_STATES = np.linspace(0.02, 0.98, 97)


@dataclass(frozen=True)
class LeftOut:
    """One pulse width predicted from the fits of the others.

    Attributes
    ----------
    pulse_width : float
        Pulse width [s].
    label : str
        Whether the others interpolate or extrapolate to it.
    up, down : float
        Root of the mean square difference of the step over its root mean square [1].
    """

    pulse_width: float
    label: str
    up: float
    down: float


def left_out(found: Fit) -> list[LeftOut]:
    """Return the prediction error of each width; empty unless three widths have beta kernels.

    Notes
    -----
    The prediction is that of `feemu.devices.Family`; it is compared with the width's own fit, whose
    range of conductance may differ.
    """
    devices = [found.device(part.pulse_width) for part in found.parts]
    if len(devices) < 3 or not all(isinstance(d.response, Beta) for d in devices):
        return []
    out = []
    for i, own in enumerate(devices):
        rest = tuple(d for j, d in enumerate(devices) if j != i)
        guess = Family(own.name, rest).at(own.pulse_width, extrapolate=True)
        errors = []
        for step in ("step_up", "step_down"):
            real = getattr(own.response, step)(_STATES)
            miss = getattr(guess.response, step)(_STATES) - real
            errors.append(float(np.sqrt(np.mean(miss**2) / np.mean(real**2))))
        out.append(LeftOut(own.pulse_width, guess.width_label, *errors))
    return out
