"""What a fit returns: parameters with intervals, devices, curves and checks as labelled data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from feemu.devices import Device, Family
from feemu.fit.drawn import described
from feemu.fit.estimate import Estimate
from feemu.fit.posterior import Draws, physical
from feemu.fit.ranking import Rank
from feemu.params import format_width, parse_width, same_width


@dataclass(frozen=True)
class Value:
    """A number with its interval.

    Attributes
    ----------
    value, lower, upper : float
        Median and ends of the interval; NaN where there is none.
    unit : str
        Unit.
    note : str
        Empty, "at a bound", "tied to NAME, which is at a bound", "held" where the data tell nothing
        of it, or "none".
    """

    value: float
    lower: float
    upper: float
    unit: str
    note: str = ""


@dataclass(frozen=True)
class Part:
    """The chosen model at one pulse width.

    Attributes
    ----------
    estimate : Estimate
        Data, model, likelihood.
    draws : Draws
        Draws of all parameters.
    x, u, tau : ndarray
        Medians of the draws.
    parameters, derived : dict of str -> Value
        Parameters with noise and spread; figures that follow from them.
    columns : dict of str -> ndarray
        Draws of all of these, the first `feemu.fit.drawn.DRAWS`.
    notes : tuple of str
        What the data do not tell.
    residuals : dict of str -> float
        Root mean squares as fractions of the range of the levels.
    checks : dict
        See `feemu.fit.checks.predictive`.
    emulation : dict
        See `feemu.fit.emulated.emulation`.
    """

    estimate: Estimate
    draws: Draws
    x: np.ndarray
    u: np.ndarray
    tau: np.ndarray
    parameters: dict[str, Value]
    derived: dict[str, Value]
    columns: dict[str, np.ndarray]
    notes: tuple[str, ...]
    residuals: dict[str, float]
    checks: dict
    emulation: dict

    @property
    def pulse_width(self) -> float:
        """Pulse width [s]."""
        return self.estimate.problem.sequence.pulse_width


@dataclass(frozen=True)
class Fit:
    """A measurement's fit.

    Attributes
    ----------
    model : str
        The chosen response model.
    parts : tuple of Part
        One for each pulse width, in their order.
    ranking : tuple of Rank
        All models that were fitted, the chosen one first.
    level : float
        Probability of the intervals.
    unit : str
        Unit of the levels.
    about : dict
        ``source``, ``reading`` (what its reader had to infer), ``scheme``, ``name`` and
        amplitudes [V] of the measurement.
    """

    model: str
    parts: tuple[Part, ...]
    ranking: tuple[Rank, ...]
    level: float
    unit: str
    about: dict = field(default_factory=dict)

    def part(self, pulse_width: float | str | None = None) -> Part:
        """Return the fit at a measured pulse width; None where there is only one.

        Raises
        ------
        ValueError
            For a width that was not measured, or none of several.
        """
        if pulse_width is None and len(self.parts) == 1:
            return self.parts[0]
        known = ", ".join(format_width(p.pulse_width) for p in self.parts)
        if pulse_width is None:
            raise ValueError(f"fit: {len(self.parts)} pulse widths; name one of {known}")
        width = parse_width(pulse_width)
        for part in self.parts:
            if same_width(part.pulse_width, width):
                return part
        raise ValueError(f"fit: pulse width {format_width(width)} was not measured, only {known}")

    @property
    def parameters(self) -> dict[str, Value]:
        """Parameters, noise and spread of a fit at one pulse width."""
        return self.part().parameters

    @property
    def derived(self) -> dict[str, Value]:
        """Figures that follow from the parameters, at one pulse width."""
        return self.part().derived

    def device(self, pulse_width: float | str | None = None) -> Device:
        """Return the fitted device at a measured pulse width."""
        part = self.part(pulse_width)
        return self._device(part, part.x, part.tau)

    def draws(self, n: int, pulse_width: float | str | None = None) -> list[Device]:
        """Return `n` devices drawn from what the fit knows."""
        part = self.part(pulse_width)
        if not 1 <= n <= len(part.draws.x):
            raise ValueError(f"draws: n = {n}: must be 1 to {len(part.draws.x)}")
        return [self._device(part, part.draws.x[i], part.draws.tau[i]) for i in range(n)]

    def family(self) -> Family:
        """Return the devices of all pulse widths as one family."""
        devices = tuple(self.device(p.pulse_width) for p in self.parts)
        return Family(self.about["name"], devices, source=self.about["source"])

    def _device(self, part: Part, x: np.ndarray, tau: np.ndarray) -> Device:
        values = physical(part.estimate, x, tau)
        return Device(
            name=self.about["name"],
            pulse_width=part.pulse_width,
            amplitude_up=self.about["amplitude_up"],
            amplitude_down=self.about["amplitude_down"],
            scheme=self.about["scheme"],
            width_label="measured",
            source=self.about["source"],
            caveat=caveat(part, self.unit),
            **described(self.model, values, self.unit == "S"),
        )


def caveat(part: Part, unit: str) -> str:
    """Return what a result of a fitted device has to say."""
    p = part.checks["overall"][2] if part.checks else math.nan
    said = ["fitted; read noise is that at the middle of the range, drift over cycles left out"]
    if p < 0.05:
        said.append(f"emulated data differ from the measured ones (p = {p:.2g})")
    if unit != "S":
        said.append("no levels in siemens: energies rest on assumed conductances")
    elif physical(part.estimate, part.x, part.tau)["G_min"] <= 0:
        said.append("G_min is not above zero: energies rest on assumed conductances")
    if part.estimate.problem.sequence.devices == 1:
        said.append("one device measured: no device-to-device spread")
    return "; ".join(said)
