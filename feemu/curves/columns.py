"""Columns as numbers in SI units, as labels and as polarities; a bad cell is named by its line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from feemu.curves import names
from feemu.curves.errors import refuse
from feemu.curves.sheet import Sheet

#: Meters write numbers from here on where they were out of range (SCPI: 9.9e37).
OVERFLOW = 9.9e37
#: Larger numbers are no labels that float64 tells apart.
_WHOLE, _LONGEST_LABEL = 2**53, 100
_EXAMPLES = {
    "conductance": "S, uS, nS or 1",
    "current": "A, uA or nA",
    "resistance": "ohm, kohm or Mohm",
    "voltage": "V or mV",
    "time": "s, us or ns",
}


def power_of(sheet: Sheet, unit: str, kind: str, what: str) -> int:
    """Return the power of ten of a unit, or refuse it at the header's line."""
    power = names.unit_power(unit, kind)
    if power is None:
        expected = f"a unit of {kind}: {_EXAMPLES[kind]}"
        raise refuse(sheet.where, f"unit of {what}", unit, expected, sheet.header_line)
    return power


def numbers(sheet: Sheet, column: int, kind: str, unit: str) -> np.ndarray:
    """Return a column as numbers [SI], NaN where missing or out of the meter's range.

    Parameters
    ----------
    kind : str
        Kind of quantity, or empty for a plain number.
    unit : str
        Unit of cells that carry none.

    Raises
    ------
    CurvesError
        For a cell that is no number, is infinite, or has a unit of another kind.
    """
    power = power_of(sheet, unit, kind, sheet.title(column)) if kind and unit else 0
    cells = sheet.cells[column]
    if cells.dtype.kind in "iuf":
        values = cells.to_numpy(float)
        bad = np.isinf(values)
        if bad.any():
            raise _bad(sheet, column, int(np.argmax(bad)), "a finite number")
        values = _shift(_in_range(values), power)
    else:
        values = _convert(sheet, column, lambda text: _cell(sheet, text, kind, unit, power))
    return values


def has_units(sheet: Sheet, column: int) -> bool:
    """Return whether the first filled cell of a column carries a unit."""
    cells = sheet.cells[column]
    if cells.dtype.kind in "iufb":
        return False
    first = next((names.read_number(str(c)) for c in cells.dropna().head(1)), None)
    return bool(first and first[1])


def whole_numbers(sheet: Sheet, column: int) -> np.ndarray:
    """Return a column of pulse numbers (int64).

    Raises
    ------
    CurvesError
        For a cell that is missing, negative, too large or no whole number.
    """
    values = numbers(sheet, column, "", "")
    bad = ~((values >= 0) & (values <= 1e9) & (values == np.floor(values)))
    if bad.any():
        raise _bad(sheet, column, int(np.argmax(bad)), "a pulse number 0, 1, 2, ...")
    return values.astype(np.int64)


def labels(sheet: Sheet, column: int) -> tuple[np.ndarray, list[int | str]]:
    """Return (code of each row, labels): whole numbers as int, all else as text.

    Raises
    ------
    CurvesError
        For a missing label.
    """
    import pandas

    cells = sheet.cells[column]
    codes, found = pandas.factorize(cells, use_na_sentinel=False)
    values = list(found)
    if cells.dtype.kind in "iuf" and all(abs(v) < _WHOLE and v == int(v) for v in values):
        return codes, [int(v) for v in values]
    texts = ["" if pandas.isna(v) else str(v).strip() for v in values]
    for i, text in enumerate(texts):
        if text.lower() in names.MISSING or len(text) > _LONGEST_LABEL:
            raise _bad(sheet, column, int(np.argmax(codes == i)), "a label of up to 100 signs")
    return codes, texts


def polarities(sheet: Sheet, column: int) -> np.ndarray:
    """Return a column of polarity words as booleans, True for up.

    Raises
    ------
    CurvesError
        For another word.
    """

    def one(text: str) -> float:
        found = names.polarity_of(text)
        if found is None:
            raise ValueError("a polarity: up or down, LTP or LTD, set or reset, + or -")
        return float(found)

    return _convert(sheet, column, one) > 0


def _convert(sheet: Sheet, column: int, one: Callable[[str], float]) -> np.ndarray:
    """Return ``one(text)`` of every cell; its ValueError says what was expected."""
    import pandas

    codes, found = pandas.factorize(sheet.cells[column], use_na_sentinel=False)
    values = np.empty(len(found))
    for i, cell in enumerate(found):
        try:
            values[i] = one("" if pandas.isna(cell) else str(cell).strip())
        except (ValueError, OverflowError) as error:
            raise _bad(sheet, column, int(np.argmax(codes == i)), str(error)) from None
    return values[codes]


def _cell(sheet: Sheet, text: str, kind: str, unit: str, power: int) -> float:
    if sheet.decimal == ",":
        text = text.replace(",", ".") if "." not in text else text
    number = names.read_number(text)
    mark = " with a decimal comma" if sheet.decimal == "," else ""
    if number is None:
        raise ValueError(f"a number{mark}" + (f" [{unit}]" if unit else ""))
    value, own = number
    if not np.isfinite(value) and not np.isnan(value):
        raise ValueError("a finite number")
    value = _in_range(np.array(value))
    if not own:
        return float(_shift(value, power))
    found = names.unit_power(own, kind) if kind else None
    if found is None:
        raise ValueError(f"a number in {_EXAMPLES[kind]}" if kind else "a number without unit")
    return float(_shift(value, found))


def _in_range(values: np.ndarray) -> np.ndarray:
    """Return values as the meter wrote them, NaN where it wrote overflow."""
    return np.where(np.abs(values) >= OVERFLOW, np.nan, values)


def _shift(values: np.ndarray, power: int) -> np.ndarray:
    return values / 10.0**-power if power < 0 else values * 10.0**power


def _bad(sheet: Sheet, column: int, row: int, expected: str) -> Exception:
    got: Any = sheet.cells[column].iloc[row]
    got = "" if got != got else got
    got = got if isinstance(got, str) else float(got)
    return refuse(sheet.where, sheet.title(column), got, expected, int(sheet.lines[row]))
