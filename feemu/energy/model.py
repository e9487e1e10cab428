"""The parameters that turn a ledger into joules, each with unit, source and `assumed`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from feemu.params import Record, param

_HOROWITZ = "Horowitz, ISSCC 2014, doi:10.1109/ISSCC.2014.6757323, 45 nm"
_WOX = "Begon-Lours et al., 2.7 nm HfZrO4/WOx memristor: 0.01 A/cm^2 at 80 mV, linear I-V"


@dataclass(frozen=True)
class EnergyModel(Record):
    """Area, charge, conductance, lines, reads and digital costs of a synapse array.

    Nothing in here changes the step of a device: a kernel belongs to the amplitude that it was
    measured at. The defaults describe a synapse of 2.5 um^2 whose complete switching by one
    3 V, 20 ns pulse takes 2.7 pJ, below the 3 pJ per pulse that Baigol et al.
    (arXiv:2601.01186) report as the maximum for areas below 100 um^2.

    Notes
    -----
    Conductances are those of one synapse; `scaled` changes them together with the area.
    The half-select fraction is 0.5 for a crossbar programmed with V/2 on both lines and 0 for
    one access transistor per cell (1T1R); a driven line swings by ``(1 - half_select) V``.
    """

    area: float = param(
        2.5e-12, "m^2", "area of a synapse", lo=0, assumed=True, source="3 pJ at 20 ns and 3 V"
    )
    capacitance_per_area: float = param(
        0.0531, "F/m^2", "capacitance per area", lo=0, assumed=True, source="eps_r 30, 5 nm film"
    )
    remanent_polarization: float = param(
        0.1,
        "C/m^2",
        "remanent polarization Pr (2 Pr switches)",
        lo=0,
        assumed=True,
        source="10 uC/cm^2, sub-5 nm HZO has 2 Pr 27 uC/cm^2, arXiv:2005.14477",
    )
    amplitude: float = param(
        3.0,
        "V",
        "programming amplitude where a device states none",
        lo=0,
        assumed=True,
        source="Baigol et al. arXiv:2601.01186 apply -3 to +3 V at 20 ns",
    )
    g_on: float = param(
        3.1e-9,
        "S",
        "conductance at the upper end, at read voltage",
        lo=0,
        assumed=True,
        source=f"1.25 nS/um^2: {_WOX}",
    )
    g_off: float = param(
        0.39e-9,
        "S",
        "conductance at the lower end, at read voltage",
        lo=0,
        assumed=True,
        source="on/off 8 at 20 ns for 1 um^2, WOx/HZO, MATSUS Fall 2025",
    )
    g_write_ratio: float = param(
        1.0,
        "1",
        "conductance at write voltage over that at read voltage",
        lo=0,
        assumed=True,
        source=_WOX,
    )
    half_select: float = param(
        0.5,
        "1",
        "voltage of a half-selected cell over the amplitude",
        lo=0,
        hi=0.5,
        assumed=True,
        source="V/2 scheme; 0 for 1T1R",
    )
    wire_capacitance: float = param(
        0.3e-15,
        "F",
        "line capacitance per cell of the line",
        lo=0,
        assumed=True,
        source="100 to 500 fF per line of 1,000 cells",
    )
    gap_time: float = param(1e-8, "s", "pause after each programming time step", lo=0, assumed=True)
    read_voltage: float = param(
        0.1,
        "V",
        "read voltage of the largest input",
        lo=0,
        assumed=True,
        source="Baigol et al. arXiv:2601.01186 read at 100 mV",
    )
    read_time: float = param(1e-8, "s", "duration of a vector read", lo=0, assumed=True)
    adc_energy: float = param(
        2e-12,
        "J",
        "energy of an 8-bit analogue-to-digital conversion",
        lo=0,
        assumed=True,
        source="1 to 10 pJ is usual",
    )
    adc_bits: int = param(
        0, "bit", "resolution priced; 0: as simulated, 8 where simulated ideal", lo=0, hi=24
    )
    dac_energy: float = param(
        0.2e-12, "J", "energy of an 8-bit digital-to-analogue conversion", lo=0, assumed=True
    )
    dac_bits: int = param(8, "bit", "resolution priced", lo=1, hi=16, assumed=True)
    mac_8: float = param(0.23e-12, "J", "8-bit integer multiply and add", lo=0, source=_HOROWITZ)
    mac_16: float = param(1.5e-12, "J", "16-bit float multiply and add", lo=0, source=_HOROWITZ)
    mac_32: float = param(4.6e-12, "J", "32-bit float multiply and add", lo=0, source=_HOROWITZ)
    add_8: float = param(0.03e-12, "J", "8-bit integer add or compare", lo=0, source=_HOROWITZ)
    add_32: float = param(0.1e-12, "J", "32-bit integer add or compare", lo=0, source=_HOROWITZ)
    sram: float = param(
        20e-12, "J", "access to 64 bit of memory", lo=0, source=f"32 KB SRAM: {_HOROWITZ}"
    )
    random_bit: float = param(1e-14, "J", "one pseudo-random bit", lo=0, assumed=True)

    @property
    def capacitance(self) -> float:
        """Capacitance of one synapse [F]."""
        return self.capacitance_per_area * self.area

    def scaled(self, area: float) -> EnergyModel:
        """Return the model of a synapse of another area [m^2], its conductances in proportion.

        Raises
        ------
        ValueError
            If an area is negative or this model has no area to start from.
        """
        if not self.area > 0:
            raise ValueError(f"EnergyModel.area = {self.area!r}: must be > 0 to scale from it")
        ratio = area / self.area
        return self.replace(area=area, g_on=self.g_on * ratio, g_off=self.g_off * ratio)

    def with_ends(self, off: float, on: float) -> EnergyModel:
        """Return the model with a device's own conductances [S] at state 0 and 1.

        It stays as it is where one of them is NaN, or where it states others than its assumed
        defaults.
        """
        known = not (math.isnan(off) or math.isnan(on))
        return self.replace(g_off=off, g_on=on) if known and self.yields_ends() else self

    def yields_ends(self) -> bool:
        """Return whether a device's own conductances take the place of the assumed ones."""
        return {"g_on", "g_off"} <= set(self.assumptions())

    def assumptions(self) -> tuple[str, ...]:
        """Return the names of the parameters that still hold an assumed default."""
        fields = self.__dataclass_fields__.values()
        return tuple(
            f.name
            for f in fields
            if f.metadata["param"]["assumed"] and getattr(self, f.name) == f.default
        )
