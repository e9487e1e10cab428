"""A family: one device over pulse width."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from feemu.devices.beta import Beta
from feemu.devices.device import Device
from feemu.params import Record, format_width, param, parse_width, same_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray

DECADE = 10.0 * (1 + 1e-9)


@dataclass(frozen=True)
class Family(Record):
    """Devices that differ in pulse width only, and what lies between and beyond them.

    Notes
    -----
    Between and beyond the measured widths ``ln A``, ``a`` and ``b`` of a beta kernel are linear in
    the logarithm of the width. All else comes from the nearest measured device.
    """

    name: str = param(doc="name of the family")
    devices: tuple[Device, ...] = param(doc="measured devices, in the order of pulse width")
    grid: tuple[float, ...] = param((), unit="s", doc="widths that studies use")
    source: str = param("", doc="where the numbers come from")
    caveat: str = param("", doc="what to keep in mind")

    def __post_init__(self) -> None:
        super().__post_init__()
        ordered = tuple(sorted(self.devices, key=lambda d: d.pulse_width))
        object.__setattr__(self, "devices", ordered)
        if not ordered:
            raise ValueError(f"Family {self.name!r}: needs at least one device")
        for low, high in itertools.pairwise(ordered):
            if same_width(low.pulse_width, high.pulse_width):
                width = format_width(low.pulse_width)
                raise ValueError(f"Family {self.name!r}: pulse width {width} is given twice")
        widths = tuple(parse_width(w) for w in self.grid) or self.measured
        object.__setattr__(self, "grid", widths)

    @property
    def measured(self) -> tuple[float, ...]:
        """The measured pulse widths [s]."""
        return tuple(device.pulse_width for device in self.devices)

    @property
    def widths(self) -> tuple[float, ...]:
        """The pulse widths [s] that studies use by default."""
        return self.grid

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each of `widths`: measured, interpolated or extrapolated."""
        return tuple(self.label(width) for width in self.widths)

    def label(self, pulse_width: float | str) -> str:
        """Return whether a pulse width is measured, interpolated or extrapolated."""
        width = parse_width(pulse_width)
        if any(same_width(width, known) for known in self.measured):
            return "measured"
        inside = self.measured[0] < width < self.measured[-1]
        return "interpolated" if inside else "extrapolated"

    def at(self, pulse_width: float | str, extrapolate: bool = False) -> Device:
        """Return the device at one pulse width [s, or text such as '200ns'].

        Raises
        ------
        ValueError
            For a width more than a decade outside the measured ones, unless ``extrapolate``, and
            for an unmeasured width of a family whose kernels are not beta kernels.
        """
        width = parse_width(pulse_width)
        for device in self.devices:
            if same_width(device.pulse_width, width):
                return device
        self._refuse(width, extrapolate)
        low, high = self._neighbours(width)
        x = math.log(width / low.pulse_width) / math.log(high.pulse_width / low.pulse_width)
        nearest = low if x < 0.5 else high
        return nearest.replace(
            response=_between(low.response, high.response, x),
            pulse_width=width,
            amplitude_up=_same(low.amplitude_up, high.amplitude_up),
            amplitude_down=_same(low.amplitude_down, high.amplitude_down),
            width_label=self.label(width),
        )

    def to_dataset(
        self, widths: Sequence[float | str] | None = None, extrapolate: bool = False
    ) -> xarray.Dataset:
        """Return kernels, steps over state and what follows from them as labelled data.

        Dimensions are ``pulse_width`` [s] and ``state`` [1] (101 states from 0 to 1); the default
        widths are `widths`. ``extrapolate`` as in `at`.
        """
        from feemu.devices.dataset import family_dataset

        chosen = self.widths if widths is None else widths
        return family_dataset(self.name, [self.at(width, extrapolate) for width in chosen])

    def _neighbours(self, width: float) -> tuple[Device, Device]:
        above = sum(known < width for known in self.measured)
        i = min(max(above, 1), len(self.devices) - 1)
        return self.devices[i - 1], self.devices[i]

    def _refuse(self, width: float, extrapolate: bool) -> None:
        first, last = self.measured[0], self.measured[-1]
        where = f"family {self.name!r}, pulse width {format_width(width)}"
        known = ", ".join(format_width(w) for w in self.measured)
        if len(self.devices) < 2 or not all(isinstance(d.response, Beta) for d in self.devices):
            raise ValueError(f"{where}: only beta kernels interpolate; measured are {known}")
        if not extrapolate and not first / DECADE <= width <= last * DECADE:
            hint = "; a bare number is in seconds, write '20ns'" if width >= 0.1 else ""
            raise ValueError(
                f"{where}: more than a decade outside the measured {known};"
                f" pass extrapolate=True to allow it{hint}"
            )


def _between(low: Beta, high: Beta, x: float) -> Beta:
    values = {}
    for item in fields(Beta):
        a, b = getattr(low, item.name), getattr(high, item.name)
        logarithmic = item.name.startswith("A_")
        values[item.name] = a * (b / a) ** x if logarithmic else a + (b - a) * x
    return Beta(**values)


def _same(a: float, b: float) -> float:
    return a if a == b else math.nan
