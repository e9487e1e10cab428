"""The column layout: one column per train, one row per pulse."""

from __future__ import annotations

import re

import numpy as np

from feemu.curves import names
from feemu.curves.columns import whole_numbers
from feemu.curves.errors import refuse
from feemu.curves.mapping import Mapping
from feemu.curves.readings import Readings, first, one_value, read_volts, values
from feemu.curves.sheet import Sheet
from feemu.curves.tidy import voltages, widths

_INDEX = ("pulse", "voltage", "pulse_width", "read_voltage")


def read_wide(sheet: Sheet, roles: dict[str, list[int]], mapping: Mapping, label: dict) -> Readings:
    """Return the readings of a file with one column per train; parameters as in `read_tidy`.

    A column's name gives its polarity (``LTP_3``, ``reset 1``), device (``dev2``) and cycle
    (``cycle 4``, ``rmp4``); any other number or text is the cycle or the device, see
    `Mapping.columns_are`.

    Raises
    ------
    CurvesError
        For a cell that does not fit, or missing units.
    """
    index = {role: roles[role][0] for role in _INDEX if role in roles}
    trains = _trains(sheet, roles, mapping, set(index.values()))
    volts = read_volts(sheet, index.get("read_voltage"), mapping)
    read = [values(sheet, i, names.role_of(_word(sheet, i)), mapping, volts) for i in trains]
    parts = [_name(sheet, i, roles, mapping) | label for i in trains]
    n, many = len(sheet.lines), len(trains)
    pulse = whole_numbers(sheet, index["pulse"]) if "pulse" in index else np.arange(1, n + 1)
    device, devices = _codes([p.get("device", 1) for p in parts], n)
    cycled = any("cycle" in p for p in parts)
    cycle = _codes([p.get("cycle", f"column {i + 1}") for i, p in zip(trains, parts)], n)
    known = ["up" in p for p in parts]
    if any(known) and not all(known):
        title = sheet.title(trains[known.index(False)])
        expected = "up or down in its name as in the others', or columns={'up': ..., 'down': ...}"
        raise refuse(sheet.where, f"polarity of {title}", None, expected, first(sheet))
    # Without polarity a column holds a whole train: pulses are counted per branch later on.
    keep_index = all(known) or "pulse" in index
    return Readings(
        where=sheet.where,
        value=np.concatenate([v for v, _ in read]),
        line=np.tile(sheet.lines, many),
        width=np.tile(widths(sheet, index.get("pulse_width"), mapping, label), many),
        voltage=np.tile(voltages(sheet, index.get("voltage"), mapping), many),
        device=device,
        devices=devices,
        cycle=cycle[0] if cycled else None,
        cycles=cycle[1] if cycled else [],
        up=np.repeat([bool(p["up"]) for p in parts], n) if all(known) else None,
        pulse=np.tile(pulse, many) if keep_index else None,
        relative=any(relative for _, relative in read),
        read_voltage=one_value(volts),
        in_row_order=not cycled and not all(known),
    )


def _trains(
    sheet: Sheet, roles: dict[str, list[int]], mapping: Mapping, index: set[int]
) -> list[int]:
    """Return the columns that hold trains: named by the mapping, or all that look like it."""
    given = [*roles.get("up", []), *roles.get("down", [])]
    given += [i for role in names.VALUES if role in mapping.column for i in roles[role]]
    if given:
        return given
    rest = [i for i in range(sheet.width) if i not in {*index, *roles.get("polarity", [])}]
    if sheet.header:
        marked = [i for i in rest if _looks_like_a_train(sheet.header[i])]
        rest = marked or rest
    if not rest:
        expected = (
            "a column such as 'conductance (uS)', or columns={'conductance': NAME} or "
            "{'up': NAME, 'down': NAME}"
        )
        raise refuse(sheet.where, "no column of values", None, expected, first(sheet))
    return rest


def _looks_like_a_train(name: str) -> bool:
    bare = names.split_unit(name)[0]
    value = names.role_of(bare) in names.VALUES
    return value or names.polarity_inside(bare) is not None or bool(re.search(r"\d", bare))


def _word(sheet: Sheet, column: int) -> str:
    """Return the first word of a column's name, which may tell what its values are."""
    bare = names.split_unit(sheet.header[column])[0] if sheet.header else ""
    found = [w for w in re.findall(r"[A-Za-z]+", bare) if names.role_of(w) in names.VALUES]
    return found[0] if found else ""


def _name(sheet: Sheet, column: int, roles: dict, mapping: Mapping) -> dict:
    """Return what a column's name tells: up, device, cycle."""
    told: dict = {}
    for word, is_up in (("up", True), ("down", False)):
        if column in roles.get(word, []):
            told["up"] = is_up
    if not sheet.header:
        several = len(roles.get("up", [])) > 1 or not told
        return told | (_item(mapping, column + 1) if several and sheet.width > 1 else {})
    bare = names.split_unit(sheet.header[column])[0]
    polarity = names.polarity_inside(bare)
    if polarity is not None:
        told.setdefault("up", polarity)
    if re.fullmatch(r"[\d.]+", bare):
        return told | _item(mapping, int(bare) if bare.isdecimal() else bare)
    rest = []
    for word, number in re.findall(r"([A-Za-z]*)[ _.#-]*(\d*)", bare):
        role = names.role_of(word) if word else ""
        if role in ("device", "cycle") and number:
            told[role] = int(number)
            continue
        if word and not role and names.polarity_inside(word) is None:
            rest.append(word)
        if number:
            rest.append(number)
    item = " ".join(rest)
    if item and not ("device" in told and "cycle" in told):
        told = _item(mapping, int(item) if item.isdecimal() else item, told) | told
    return told


def _item(mapping: Mapping, item: int | str, told: dict | None = None) -> dict:
    """Return a column's number or text as cycle or device."""
    role = mapping.columns_are
    if role == "auto":
        taken = told or {}
        role = "cycle" if isinstance(item, int) or "device" in taken else "device"
        role = "device" if "cycle" in taken else role
    return {role: item}


def _codes(found: list, n: int) -> tuple[np.ndarray, list]:
    """Return (codes, labels) of trains of n rows each."""
    distinct = list(dict.fromkeys(found))
    place = {label: code for code, label in enumerate(distinct)}
    return np.repeat([place[label] for label in found], n), distinct
