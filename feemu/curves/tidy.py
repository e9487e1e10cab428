"""The tidy layout: one row per pulse, one column per property."""

from __future__ import annotations

import numpy as np

from feemu.curves import names
from feemu.curves.columns import has_units, numbers, polarities, whole_numbers
from feemu.curves.errors import refuse
from feemu.curves.mapping import Mapping
from feemu.curves.readings import (
    Readings,
    first,
    label_codes,
    one_value,
    read_volts,
    unit_of,
    values,
)
from feemu.curves.sheet import Sheet
from feemu.params import unknown


def find_columns(sheet: Sheet, mapping: Mapping) -> dict[str, list[int]]:
    """Return role -> columns: those that the mapping names, then those known by their name.

    Raises
    ------
    CurvesError
        If the mapping names a column that is not there.
    """
    bare = [names.split_unit(name)[0] for name in sheet.header]
    found: dict[str, list[int]] = {}
    for role, wanted in mapping.columns:
        found.setdefault(role, []).append(_locate(sheet, bare, role, wanted))
    taken = {i for columns in found.values() for i in columns}
    for i, name in enumerate(bare):
        role = names.role_of(name)
        if role and i not in taken and role not in mapping.column:
            found.setdefault(role, []).append(i)
    return found


def _locate(sheet: Sheet, bare: list[str], role: str, wanted: str) -> int:
    for listed in (sheet.header, bare):
        if wanted in listed:
            return listed.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted[:9]) <= sheet.width:
        return int(wanted) - 1
    told = unknown(f"column of {role}", wanted, [name for name in sheet.header if name])
    told = told if sheet.header else f"column of {role} {wanted!r}: there are 1 to {sheet.width}"
    raise refuse(sheet.where, told, None, "", sheet.header_line)


def is_tidy(roles: dict[str, list[int]], mapping: Mapping) -> bool:
    """Return whether a file has one column of values rather than one per train."""
    if mapping.layout != "auto":
        return mapping.layout == "tidy"
    return any(len(roles.get(role, [])) == 1 for role in names.VALUES)


def read_tidy(sheet: Sheet, roles: dict[str, list[int]], mapping: Mapping, label: dict) -> Readings:
    """Return the readings of a tidy file.

    Parameters
    ----------
    roles : dict
        Role -> columns, from `find_columns`.
    label : dict
        What is known of the whole file: up, pulse_width, device, cycle.

    Raises
    ------
    CurvesError
        For a cell that does not fit, two columns for one role, or missing values or units.
    """
    column = {role: _single(sheet, role, columns) for role, columns in roles.items()
              if role not in names.VALUES}  # fmt: skip
    role, at = _value_column(sheet, roles)
    volts = read_volts(sheet, column.get("read_voltage"), mapping)
    value, relative = values(sheet, at, role, mapping, volts)
    device = label_codes(sheet, column.get("device"), label.get("device"))
    cycle = label_codes(sheet, column.get("cycle"), label.get("cycle"))
    n = len(value)
    return Readings(
        where=sheet.where,
        value=value,
        line=sheet.lines,
        width=widths(sheet, column.get("pulse_width"), mapping, label),
        voltage=voltages(sheet, column.get("voltage"), mapping),
        device=device[0] if device else np.zeros(n, np.int64),
        devices=device[1] if device else [1],
        cycle=cycle[0] if cycle else None,
        cycles=cycle[1] if cycle else [],
        up=_polarity(sheet, column.get("polarity"), label, n),
        pulse=whole_numbers(sheet, column["pulse"]) if "pulse" in column else None,
        relative=relative,
        read_voltage=one_value(volts),
        rows_are_pulses=True,
    )


def widths(sheet: Sheet, column: int | None, mapping: Mapping, label: dict) -> np.ndarray:
    """Return the pulse width of each row [s], NaN where nothing tells it."""
    given = label.get("pulse_width", mapping.pulse_width)
    if not np.isnan(given) or column is None:
        return np.full(len(sheet.lines), given)
    unit = unit_of(sheet, column) or mapping.pulse_width_unit
    if not unit and not has_units(sheet, column):
        expected = "a unit in its name, e.g. 'pulse_width_ns', or pulse_width_unit='ns'"
        raise refuse(
            sheet.where, f"{sheet.title(column)} has no unit", None, expected, first(sheet)
        )
    found = numbers(sheet, column, "time", unit)
    bad = (found <= 0) | np.isnan(found)
    if bad.any():
        row = int(np.argmax(bad))
        what = f"pulse width {sheet.title(column)}"
        raise refuse(sheet.where, what, found[row], "a positive time", int(sheet.lines[row]))
    # Decimal units: 200 of ns is exactly float('2e-7').
    distinct, codes = np.unique(found, return_inverse=True)
    return np.array([float(f"{width:.12g}") for width in distinct])[codes]


def voltages(sheet: Sheet, column: int | None, mapping: Mapping) -> np.ndarray:
    """Return the pulse voltage of each row [V], NaN where nothing tells it."""
    if column is None:
        return np.full(len(sheet.lines), np.nan)
    unit = unit_of(sheet, column) or mapping.voltage_unit or "V"
    return numbers(sheet, column, "voltage", unit)


def _single(sheet: Sheet, role: str, columns: list[int]) -> int:
    if len(columns) > 1:
        got = " and ".join(sheet.title(i) for i in columns)
        expected = (
            f"one; name it with columns={{'{role}': ...}} (command line: --column {role}=...)"
        )
        raise refuse(sheet.where, f"several columns of {role}: {got}", None, expected, first(sheet))
    return columns[0]


def _value_column(sheet: Sheet, roles: dict[str, list[int]]) -> tuple[str, int]:
    """Return the column of the values: conductance before current before resistance."""
    for role in names.VALUES:
        if role in roles:
            return role, _single(sheet, role, roles[role])
    expected = "one of conductance, current or resistance, or columns={'conductance': 'its name'}"
    got = ", ".join(sheet.header) or f"{sheet.width} columns without names"
    raise refuse(sheet.where, "no column of values", got, expected, first(sheet))


def _polarity(sheet: Sheet, column: int | None, label: dict, n: int) -> np.ndarray | None:
    if "up" in label:
        return np.full(n, label["up"])
    return None if column is None else polarities(sheet, column)
