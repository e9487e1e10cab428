"""Readings of one file as flat arrays, and how values become conductances."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from feemu.curves import names
from feemu.curves.columns import has_units, labels, numbers, power_of
from feemu.curves.errors import refuse
from feemu.curves.mapping import FIELDS, Mapping, typed
from feemu.curves.names import VALUES
from feemu.curves.sheet import Sheet

#: Settings that a comment ``# name = value`` of the file may give.
IN_COMMENTS = (
    "quantity", "unit", "pulse_width", "read_voltage", "amplitude_up", "amplitude_down",
    "up_voltage", "first_polarity", "continuous", "ended_by", "scheme", "pulse_numbers",
    "pulses_up", "pulses_down",
)  # fmt: skip
_COMMENT = re.compile(r"[#%!/\"\s]*([a-z_]+)\s*[=:]\s*([^\"]*?)[\s,;\"]*")


@dataclass
class Readings:
    """Readings in the order of the file; arrays are equally long, None is not known yet.

    Attributes
    ----------
    where : str
        The file.
    value : ndarray
        Conductance [S], or [1] where `relative`; NaN where missing.
    line, width, voltage : ndarray
        Line of the file; pulse width [s] and pulse voltage [V], NaN where not known.
    device, cycle : ndarray of int or None
        Codes into `devices` and `cycles`.
    up : ndarray of bool or None
        Whether the pulse potentiates.
    pulse : ndarray of int64 or None
        Number of the pulse within its branch; 0 is the reading before the first.
    read_voltage : float
        Read voltage [V], NaN where not known or not the same for all.
    up_first : dict
        Cycle label -> whether its up branch came first, as far as the file tells.
    continuous : bool
        Whether the file tells that all branches followed one another.
    rows_are_pulses : bool
        Whether a row without a reading still is a pulse, and not the end of a shorter column.
    notes : list of str
        What was assumed or inferred on reading.
    """

    where: str
    value: np.ndarray
    line: np.ndarray
    width: np.ndarray
    voltage: np.ndarray
    device: np.ndarray
    devices: list
    cycle: np.ndarray | None
    cycles: list
    up: np.ndarray | None
    pulse: np.ndarray | None
    relative: bool
    read_voltage: float
    in_row_order: bool = True
    up_first: dict = field(default_factory=dict)
    continuous: bool = False
    rows_are_pulses: bool = False
    notes: list[str] = field(default_factory=list)

    def keep(self, chosen: np.ndarray) -> None:
        """Keep the chosen rows only."""
        for name in ("value", "line", "width", "voltage", "device", "cycle", "up", "pulse"):
            if getattr(self, name) is not None:
                setattr(self, name, getattr(self, name)[chosen])


def with_comments(mapping: Mapping, sheet: Sheet) -> Mapping:
    """Return the mapping with what the comments of a file add to it.

    Raises
    ------
    CurvesError
        If a comment gives a setting that is no such value.
    """
    for line, text in sheet.comments:
        found = _COMMENT.fullmatch(text)
        if not found or found[1] not in IN_COMMENTS:
            continue
        name, value = found[1], found[2]
        if getattr(mapping, name) not in (FIELDS[name].default, "auto"):
            continue
        if isinstance(getattr(mapping, name), float) and not np.isnan(getattr(mapping, name)):
            continue
        try:
            mapping = mapping.replace(**{name: typed(name, value)})
        except (ValueError, TypeError) as error:
            raise refuse(sheet.where, f"comment '{name}': {error}", None, "", line) from None
    return mapping


def quantity_of(sheet: Sheet, role: str, unit: str, mapping: Mapping, what: str) -> str:
    """Return what a column's values are, from the mapping, its name, or else its unit.

    Raises
    ------
    CurvesError
        If neither tells.
    """
    if mapping.quantity != "auto":
        return mapping.quantity
    if role in VALUES:
        return role
    fits = [kind for kind in VALUES if unit and names.unit_power(unit, kind) is not None]
    if len(fits) == 1:
        return fits[0]
    expected = "its unit in the header such as 'G (uS)', or a setting such as unit='uS' or unit='1'"
    raise refuse(
        sheet.where, f"values of {what} have no unit", unit or None, expected, first(sheet)
    )


def values(
    sheet: Sheet, column: int, role: str, mapping: Mapping, volts: np.ndarray | None
) -> tuple[np.ndarray, bool]:
    """Return (conductance, whether it is relative) of a column [S or 1].

    Parameters
    ----------
    role : str
        Role of the column as far as its name tells.
    volts : ndarray or None
        Read voltage of each row [V]; only currents need it.

    Raises
    ------
    CurvesError
        For cells or units that do not fit, a current without a read voltage, a resistance of 0.
    """
    title = sheet.title(column)
    unit = unit_of(sheet, column) or mapping.unit
    own = not unit and has_units(sheet, column)
    kind = quantity_of(sheet, role, unit, mapping, title)
    if not unit and not own:
        quantity_of(sheet, "", "", mapping.replace(quantity="auto"), title)
    if unit:
        power_of(sheet, unit, kind, title)
    found = numbers(sheet, column, kind, unit)
    if kind == "conductance":
        return found, names.relative_unit(unit)
    if kind == "resistance":
        return 1.0 / _nonzero(sheet, found, title, "a resistance other than 0"), False
    if volts is None:
        expected = "a read voltage: a column 'read_voltage_V' or the setting read_voltage=0.1"
        raise refuse(sheet.where, f"{title} holds currents", None, expected, first(sheet))
    return found / _nonzero(sheet, volts, "read voltage", "another one than 0 V"), False


def unit_of(sheet: Sheet, column: int) -> str:
    """Return the unit of a column from its name or the row of units, empty without."""
    own = sheet.units[column].strip("[]() ") if sheet.units else ""
    return own or (names.split_unit(sheet.header[column])[1] if sheet.header else "")


def read_volts(sheet: Sheet, column: int | None, mapping: Mapping) -> np.ndarray | None:
    """Return the read voltage of each row [V], None if nothing tells it."""
    if column is not None:
        return numbers(sheet, column, "voltage", unit_of(sheet, column) or "V")
    if np.isnan(mapping.read_voltage):
        return None
    return np.full(len(sheet.lines), mapping.read_voltage)


def label_codes(sheet: Sheet, column: int | None, given: object) -> tuple[np.ndarray, list] | None:
    """Return (codes, labels) from a label given for the file, or else from a column."""
    if given is not None:
        return np.zeros(len(sheet.lines), np.int64), [given]
    return None if column is None else labels(sheet, column)


def one_value(array: np.ndarray | None) -> float:
    """Return the value that all numbers of an array share, else NaN."""
    known = np.unique(array[~np.isnan(array)]) if array is not None else np.zeros(0)
    return float(known[0]) if known.size == 1 else np.nan


def first(sheet: Sheet) -> int:
    """Return the line that a message about a column as a whole names."""
    return sheet.header_line or int(sheet.lines[0])


def _nonzero(sheet: Sheet, array: np.ndarray, what: str, expected: str) -> np.ndarray:
    bad = (array == 0) | (np.abs(array) < 1e-300)
    if bad.any():
        line = int(sheet.lines[np.argmax(bad)])
        raise refuse(sheet.where, what, float(array[np.argmax(bad)]), expected, line)
    return array
