"""A file as a table of cells: delimiter, decimal mark, header, and the line of every row."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feemu.curves import names
from feemu.curves.errors import refuse
from feemu.curves.lines import MAX_CELLS, MAX_COLUMNS, Lines, as_utf8, count_cells, spaces_to_tabs

if TYPE_CHECKING:
    import pandas

    from feemu.curves.mapping import Mapping

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "space": " ", "bar": "|", "\\t": "\t"}
_SAMPLE = 50
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)
_POINT_NUMBER = re.compile(r"[+-]?\d*\.\d*(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass
class Sheet:
    """The cells of one file.

    Attributes
    ----------
    where : str
        Name of the file for messages.
    cells : pandas.DataFrame
        One column per column of the file, numbers where all of it are numbers, else text.
    lines : ndarray of int64
        Line of each row in the file, from 1.
    header : list of str
        Names of the columns, empty without a header; its line is `header_line`.
    units : list of str
        Units from a row below the header, else empty.
    comments : list of (int, str)
        Number and text of comment lines.
    decimal : str
        Decimal mark.
    """

    where: str
    cells: pandas.DataFrame
    lines: np.ndarray
    header: list[str]
    header_line: int
    units: list[str]
    comments: list[tuple[int, str]]
    decimal: str

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.cells.shape[1]

    def title(self, column: int) -> str:
        """Return how messages call a column."""
        return repr(self.header[column]) if self.header else f"column {column + 1}"


def read_sheet(raw: bytes, where: str, mapping: Mapping) -> Sheet:
    """Return the cells of a file.

    Raises
    ------
    CurvesError
        If it is no table: binary, ragged, without data rows, or too large.
    """
    text = as_utf8(raw, where)
    lines = Lines(text, where)
    if lines.data.size == 0:
        raise refuse(where, "no rows", None, "rows of readings below the comments")
    delimiter = _delimiter(lines, mapping)
    if delimiter == " ":
        lines, delimiter = Lines(spaces_to_tabs(text), where), "\t"
    sample = [_split(lines, i, delimiter) for i in lines.data[:_SAMPLE]]
    decimal = mapping.decimal or _decimal(sample, delimiter)
    head, header, units = _header(lines, sample, delimiter, decimal, mapping)
    rows = lines.data[head:]
    if rows.size == 0:
        line = int(lines.data[0]) + 1
        raise refuse(where, "no rows below the header", None, "rows of readings", line)
    body = lines.body(rows)
    n = _columns(where, body, rows, delimiter, len(header))
    cells = _parse(body, where, delimiter, decimal, n)
    header_line = int(lines.data[0]) + 1 if head else 0
    sheet = Sheet(where, cells, rows + 1, header, header_line, units, lines.comments, decimal)
    return _trim(sheet)


def _delimiter(lines: Lines, mapping: Mapping) -> str:
    """Return the first of tab, semicolon, comma, bar that most lines have; else blank or comma."""
    if mapping.delimiter:
        given = _DELIMITERS.get(mapping.delimiter.lower(), mapping.delimiter)
        if given not in _DELIMITERS.values():
            told = f"one of {', '.join(_DELIMITERS)}"
            raise refuse(lines.where, "delimiter", mapping.delimiter, told)
        return given
    sample = [lines.text(i) for i in lines.data[:_SAMPLE]]
    for mark in ("\t", ";", ",", "|"):
        having = [mark in text.strip("\r\n ") for text in sample]
        if sum(having) * 2 > len(sample):
            # A header without a comma over numbers with one: a decimal comma in one column.
            if mark == "," and not having[0] and len(sample) > 1:
                continue
            return mark
    return " " if sum(len(text.split()) > 1 for text in sample) * 2 > len(sample) else ";"


def _split(lines: Lines, index: int, delimiter: str) -> list[str]:
    text = lines.text(index)
    if '"' not in text:
        return [cell.strip() for cell in text.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [""])]
    except csv.Error:
        raise refuse(lines.where, "quotes", None, "short quoted cells", int(index) + 1) from None


def _decimal(sample: list[list[str]], delimiter: str) -> str:
    """Return a comma where some sampled cell is a number with a comma and none has a point."""
    cells = [cell for row in sample for cell in row]
    comma = any(_COMMA_NUMBER.fullmatch(cell) for cell in cells)
    return "," if comma and not any(_POINT_NUMBER.fullmatch(cell) for cell in cells) else "."


def _header(
    lines: Lines, sample: list[list[str]], delimiter: str, decimal: str, mapping: Mapping
) -> tuple[int, list[str], list[str]]:
    """Return the number of header rows, the names and the units."""
    first = sample[0]
    if mapping.header == "auto":
        named = _commented(lines, first, delimiter, decimal)
        if named or not _is_header(first, decimal):
            return 0, named, []
    if mapping.header == "no":
        return 0, [], []
    if len(sample) > 1 and len(sample[1]) == len(first) and _are_units(sample[1]):
        return 2, first, sample[1]
    return 1, first, []


def _commented(lines: Lines, first: list[str], delimiter: str, decimal: str) -> list[str]:
    """Return the names of a header written as a comment right above the data, else none."""
    above = [text for line, text in lines.comments if line <= lines.data[0]]
    filled = [c.replace(decimal, ".") for c in first if c.lower() not in names.MISSING]
    if not above or not any(map(names.read_number, filled)):
        return []
    found = [c.strip() for c in above[-1].lstrip("#%!/ ").split(delimiter)]
    known = any(names.role_of(names.split_unit(c)[0]) for c in found)
    return found if known and len(found) == len(first) else []


def _is_header(row: list[str], decimal: str) -> bool:
    """Return whether a row has names: free text, or no number at all."""
    filled = [cell for cell in row if cell.lower() not in names.MISSING]
    numbers = [names.read_number(c.replace(decimal, ".")) is not None for c in filled]
    words = [names.polarity_of(cell) is not None for cell in filled]
    return bool(filled) and (not any(numbers) or not all(map(max, numbers, words)))


def _are_units(row: list[str]) -> bool:
    kinds = set(names.KIND.values())
    filled = [cell for cell in (c.strip("[]()") for c in row) if cell]
    known = [any(names.unit_power(c, kind) is not None for kind in kinds) for c in filled]
    return bool(filled) and all(known) and not any(names.read_number(c) for c in filled)


def _columns(where: str, body: bytes, rows: np.ndarray, delimiter: str, named: int) -> int:
    """Return the number of cells that all rows have."""
    counts, odd = count_cells(body, delimiter)
    if odd.any():
        line = int(rows[np.argmax(odd)]) + 1
        raise refuse(where, "unpaired quote", None, "quotes in pairs, within one line", line)
    n = named or int(counts[0])
    if named and np.all(counts == named + 1):  # every row ends in a delimiter
        n = named + 1
    if n > MAX_COLUMNS or counts.sum(dtype=np.int64) > MAX_CELLS:
        got = f"{n} columns in {rows.size} rows"
        limit = f"at most {MAX_COLUMNS} columns and {MAX_CELLS:.0e} cells; split the file"
        raise refuse(where, "table is too large", got, limit)
    wrong = np.flatnonzero(counts != n)
    if wrong.size:
        line, got = int(rows[wrong[0]]) + 1, f"{counts[wrong[0]]} cells"
        told = f"{n} as in {'the header' if named else 'the first row'} (delimiter {delimiter!r})"
        raise refuse(where, "row", got, told, line)
    return n


def _parse(body: bytes, where: str, delimiter: str, decimal: str, n: int) -> pandas.DataFrame:
    import pandas

    # From pandas 3.1 on numbers are always read to the last digit, and the option warns.
    old = tuple(map(int, pandas.__version__.split(".")[:2])) < (3, 1)
    exact = {"float_precision": "round_trip"} if old else {}
    try:
        return pandas.read_csv(
            io.BytesIO(body), sep=delimiter, decimal=decimal, header=None, names=range(n),
            index_col=False, na_values=[""], keep_default_na=False, skip_blank_lines=False,
            skipinitialspace=True, low_memory=False,
            engine="c", encoding_errors="replace", **exact,
        )  # fmt: skip
    except (ValueError, OverflowError) as error:  # ParserError and what else the parser raises
        raise refuse(where, "no table of cells", str(error)) from None


def _trim(sheet: Sheet) -> Sheet:
    """Drop columns at the right that have neither a name nor a value."""
    n = sheet.width
    while n > 1 and (not sheet.header or n > len(sheet.header) or not sheet.header[n - 1]):
        if not sheet.cells[n - 1].isna().all():
            break
        n -= 1
    if sheet.header:
        sheet.header = [*sheet.header, *[""] * (n - len(sheet.header))][:n]
    sheet.units = sheet.units[:n]
    sheet.cells = sheet.cells[list(range(n))]
    return sheet
