"""A measurement protocol: which pulses, how many, and what the instrument adds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feemu.params import Record, format_width, param, parse_width

KINDS = ("identical", "ramp", "alternating")
_NAN = math.nan


@dataclass(frozen=True)
class Protocol(Record):
    """Pulse trains on several devices over several cycles, read after every pulse.

    Notes
    -----
    ``identical``: `pulses_up` potentiation pulses, then `pulses_down` depression pulses, per
    cycle. ``ramp``: the same, where the amplitude grows along each branch; the device's kernel
    already is the response to such a ramp, so that only the labels differ. ``alternating``: one
    pulse up and one down per cycle, which shows the drift to the symmetry point; a cycle is one
    pair, both branches have the one pulse number 1.

    What is seen of the normalised conductance W of a device in cycle c (from 0):
    ``(a_c + b_c W) + sd z``, with
    ``a_c = offset_rate c + offset_walk sum_c z``, ``b_c = 1 + gain_rate c + gain_walk sum_c z``,
    ``sd^2 = noise^2 + (read_noise (a_c + b_c W))^2``; `Device.read_noise` is relative to the
    normalised conductance, as in every read of an array, and `noise` relative to the nominal
    range. Then the meter rounds and clips to its levels.

    With `until_up` or `until_down` (pulse and verify) a branch of a device ends after the first
    pulse whose reading has reached that level, in ranges of the device, or after `pulses_up` or
    `pulses_down`. Conditioning cycles are verified without the noise of a read.
    """

    kind: str = param("identical", doc="which pulses", choices=KINDS)
    devices: int = param(1, doc="devices, drawn from the device's spread", lo=1, hi=100_000)
    cycles: int = param(10, doc="recorded cycles", lo=1, hi=1_000_000)
    pulses_up: int = param(100, doc="potentiation pulses per cycle", lo=1, hi=1_000_000)
    pulses_down: int = param(100, doc="depression pulses per cycle", lo=1, hi=1_000_000)
    until_up: tuple[float, ...] = param(
        (), doc="reading at which an up branch ends, one or one per cycle; none: at its count"
    )
    until_down: tuple[float, ...] = param((), doc="reading at which a down branch ends, likewise")
    pulse_widths: tuple[float, ...] = param(
        (), unit="s", doc="one or several widths of a family; none: all that its studies use"
    )
    first_polarity: str = param("up", doc="branch that comes first", choices=("up", "down"))
    conditioning: int = param(0, doc="cycles before the recording", lo=0, hi=100_000)
    start: float = param(
        _NAN, doc="state of all devices before the first pulse; NaN: as fabricated",
        lo=0.0, hi=1.0, nan_ok=True,
    )  # fmt: skip
    read_before: bool = param(True, doc="read once more before each branch: pulse 0")
    noise: float = param(0.0, doc="sd of a read, fraction of the nominal range", lo=0.0, hi=10.0)
    offset_walk: float = param(
        0.0, doc="step of the offset's random walk per cycle, fraction of range", lo=0.0, hi=10.0
    )
    offset_rate: float = param(
        0.0, doc="linear drift of the offset per cycle, fraction of range", lo=-10.0, hi=10.0
    )
    gain_walk: float = param(0.0, doc="step of the gain's random walk per cycle", lo=0.0, hi=10.0)
    gain_rate: float = param(0.0, doc="linear drift of the gain per cycle", lo=-10.0, hi=10.0)
    meter_bits: int = param(0, unit="bit", doc="resolution of the meter; 0 is ideal", lo=0, hi=32)
    meter_low: float = param(
        -0.25, doc="lower end of the meter, in ranges of the device", lo=-1e6, hi=1e6, assumed=True
    )
    meter_high: float = param(
        1.25, doc="upper end of the meter, in ranges of the device", lo=-1e6, hi=1e6, assumed=True
    )
    read_voltage: float = param(
        0.1, unit="V", doc="read voltage, a label only", lo=-1e3, hi=1e3, nan_ok=True, assumed=True
    )
    ramp_up_from: float = param(
        _NAN, unit="V", doc="amplitude of the first up pulse of a ramp, a label only",
        lo=-1e3, hi=1e3, nan_ok=True,
    )  # fmt: skip
    ramp_up_to: float = param(
        _NAN, unit="V", doc="amplitude of its last; NaN: that of the device",
        lo=-1e3, hi=1e3, nan_ok=True,
    )  # fmt: skip
    ramp_down_from: float = param(
        _NAN, unit="V", doc="amplitude of the first down pulse of a ramp, a label only",
        lo=-1e3, hi=1e3, nan_ok=True,
    )  # fmt: skip
    ramp_down_to: float = param(
        _NAN, unit="V", doc="amplitude of its last; NaN: that of the device",
        lo=-1e3, hi=1e3, nan_ok=True,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        widths = tuple(parse_width(width) for width in self.pulse_widths)
        object.__setattr__(self, "pulse_widths", widths)
        if len({f"{width:.11e}" for width in widths}) < len(widths):
            got = ", ".join(map(format_width, widths))
            raise ValueError(f"Protocol: pulse widths {got}: each may be given once")
        self._check_levels()
        if self.meter_low >= self.meter_high:
            raise ValueError(
                f"Protocol: meter from {self.meter_low:g} to {self.meter_high:g}: the lower end "
                "must lie below the upper"
            )
        if self.meter_bits == 0 and (self.meter_low, self.meter_high) != _RANGE:
            raise ValueError("Protocol: a meter range needs meter_bits, e.g. meter_bits=12")

    def _check_levels(self) -> None:
        for name in ("until_up", "until_down"):
            levels = tuple(float(level) for level in getattr(self, name))
            object.__setattr__(self, name, levels)
            if not all(map(math.isfinite, levels)) or len(levels) not in (0, 1, self.cycles):
                shown = ", ".join(f"{level:g}" for level in levels)
                raise ValueError(
                    f"Protocol.{name} = {shown}: expected one finite level, or one for each of the "
                    f"{self.cycles} cycles"
                )
            if levels and self.kind == "alternating":
                raise ValueError(f"Protocol.{name}: alternating pulses have no branch to end")

    def until(self, polarity: int, cycle: int) -> float:
        """Return the level at which a branch ends, NaN for none; below cycle 0 that of cycle 0."""
        levels = (self.until_up, self.until_down)[polarity]
        return levels[max(cycle, 0) if len(levels) > 1 else 0] if levels else _NAN

    @property
    def n_pulses(self) -> tuple[int, int]:
        """Pulses per branch, up and down."""
        return (1, 1) if self.kind == "alternating" else (self.pulses_up, self.pulses_down)

    @property
    def scheme(self) -> str:
        """Scheme as measured pulse trains are labelled."""
        return "ramp" if self.kind == "ramp" else "identical"

    def branches(self) -> Iterator[tuple[int, int, bool]]:
        """Yield (cycle, polarity, whether it is read before) of each branch; polarity 0 is up.

        Cycles below zero are not recorded. Of alternating pulses only the very first is preceded
        by a read, all others by that of the pulse before.
        """
        order = (0, 1) if self.first_polarity == "up" else (1, 0)
        for cycle in range(-self.conditioning, self.cycles):
            for polarity in order:
                first = cycle == 0 and polarity == order[0]
                yield cycle, polarity, self.read_before and (self.kind != "alternating" or first)

    def amplitudes(self, device_up: float, device_down: float) -> np.ndarray:
        """Return amplitudes [V] over (polarity,), or over (polarity, pulse) of a ramp.

        NaN where not known; pulse 0 has none.
        """
        if self.kind != "ramp":
            return np.array([device_up, device_down])
        n_up, n_down = self.n_pulses
        table = np.full((2, max(n_up, n_down) + 1), _NAN)
        for row, n, low, high, known in (
            (0, n_up, self.ramp_up_from, self.ramp_up_to, device_up),
            (1, n_down, self.ramp_down_from, self.ramp_down_to, device_down),
        ):
            table[row, 1 : n + 1] = np.linspace(low, known if math.isnan(high) else high, n)
        return table


_RANGE = (-0.25, 1.25)
