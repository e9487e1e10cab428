"""What the rows of a claims table are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feemu.energy import EnergyModel
from feemu.report import grid

if TYPE_CHECKING:
    import xarray as xr

    from feemu.devices import Family


@dataclass(frozen=True)
class Study:
    """What the rows of one table are computed from."""

    table: str
    accuracy: xr.Dataset
    energy: xr.Dataset
    family: Family
    model: EnergyModel
    targets: dict[str, float]

    @property
    def widths(self) -> tuple[float, ...]:
        """Pulse widths [s], ascending."""
        return tuple(float(w) for w in self.accuracy["pulse_width"].values)

    @property
    def origins(self) -> tuple[str, ...]:
        """Where each width comes from."""
        return tuple(grid.origins(self.accuracy))

    @property
    def ends(self) -> tuple[float, float]:
        """The shortest and the longest width [s]."""
        return self.widths[0], self.widths[-1]

    @property
    def end_words(self) -> tuple[str, str]:
        """The shortest and the longest width as shown."""
        pairs = list(zip(self.widths, self.origins))
        return grid.width_text(*pairs[0]), grid.width_text(*pairs[-1])

    def compared(self) -> dict:
        """Return the fields of a claim that compares the ends."""
        ends = {"widths": self.ends, "origins": (self.origins[0], self.origins[-1])}
        return {"table": self.table, **ends}

    def averaged(self) -> dict:
        """Return the fields of a claim that averages over widths."""
        return {"table": self.table, "widths": self.widths, "origins": self.origins}
