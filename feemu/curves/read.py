"""Measured pulse trains from files: the one entry point, and the rules that it follows."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from collections.abc import Mapping as Labelled
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feemu.curves import names
from feemu.curves.assemble import dataset
from feemu.curves.branches import arrange
from feemu.curves.errors import CurvesError
from feemu.curves.lines import read_bytes
from feemu.curves.mapping import Mapping, make_mapping
from feemu.curves.readings import Readings, with_comments
from feemu.curves.sheet import read_sheet
from feemu.curves.tidy import find_columns, is_tidy, read_tidy
from feemu.curves.wide import read_wide
from feemu.curves.write import restore
from feemu.params import parse_width

if TYPE_CHECKING:
    import xarray

MAX_FILES = 1000


def read_curves(
    paths: str | os.PathLike | list | dict, mapping: Any = None, **options: Any
) -> xarray.Dataset:
    """Read measured pulse trains from text files.

    Parameters
    ----------
    paths : path, list of paths, or dict of label -> path
        Text files, or one TOML file with a mapping and a table ``[files]``. A label, in the dict
        or as ``label=path``, is any of ``up``, ``down``, a pulse width such as ``200ns``,
        ``device:NAME``, ``cycle:NAME``, several separated by commas.
    mapping : Mapping, dict or path of a TOML file, optional
        What the files do not say.
    **options
        Fields of `Mapping` that replace those of the mapping, e.g. ``unit="uS"``.

    Returns
    -------
    xarray.Dataset
        Variable ``conductance`` [S], or [1] where relative, over ``(pulse_width, device, cycle,
        polarity, pulse)``, NaN where missing; ``pulse`` 0 is the reading before the first pulse
        of a branch. Coordinates ``read_voltage`` [V], ``order`` over cycles (whether the up
        branch came first), and, if known, ``amplitude`` [V]. Attributes ``scheme``,
        ``first_polarity``, ``continuous``, ``ended_by``, ``source``, ``notes``.

    Raises
    ------
    CurvesError
        ``file:line: what, got ..., expected ...`` for anything that is not read by these rules.
    ValueError
        For an unknown setting or label.

    Notes
    -----
    ======================== ================================================================
    found in the file        what happens
    ======================== ================================================================
    encoding                 UTF-8 with or without BOM, UTF-16 with BOM, else Latin-1
    delimiter                first of tab, ``;``, ``,``, ``|`` that most lines have, else blanks
    decimal comma            where numbers have a comma and none a point, and ``,`` divides no
                             cells; mixed: refused
    comments                 lines that begin with ``#``, ``%``, ``!`` or ``//``;
                             ``# read_voltage = 0.1 V`` and the like are settings
    header                   a row with names; units in brackets, after ``/`` or ``_``, or in the
                             row below; a header written as a comment right above the data counts
    no unit                  refused, except V for voltages
    mixed units              a cell may carry its own unit; cycles of a device that differ by a
                             factor of 1e3, 1e6 or 1e9 are refused
    row too short or long    refused
    missing cell             blank, ``-``, ``NA``, ``NaN``, ``?``, overflow (9.9e37): NaN, and the
                             pulse still counts
    pulse number             taken as it stands: 0 is before the first pulse; counted from 1 if it
                             runs on over the branches (setting ``pulse_numbers``); without it
                             rows are counted
    unsorted pulses          put in order by their number
    repeated pulse           kept once if equal, else refused (setting ``repeats``)
    no polarity              sign of the pulse voltage (the sign that raises is up), name of the
                             column or file, ``pulses_up`` and ``pulses_down``; else refused
    0 V                      reading before the branch that follows
    no cycle                 a new one at each return to the first polarity
    unequal branches         padded with NaN; ranges stay as measured
    current, resistance      ``I / read_voltage``, ``1 / R``; conductance is preferred
    pulse width              column, label, setting, or the file's name (``train_200ns.csv``)
    first polarity           given, order of the rows, the polarity with more branches, else up
    continuous               given; else True only if three or more branches alternate in the rows
                             of one file
    what ended a branch      given; a level (pulse and verify) if lengths vary and levels at the
                             ends differ less between cycles than after equal counts, else a count
    scheme                   given; identical if the voltage is constant to 1 %, ramp if it is not
    ======================== ================================================================
    """
    listed = list(_listed(paths))
    if len(listed) == 1 and not listed[0][0] and listed[0][1].endswith(".toml"):
        if mapping is None:
            mapping = listed[0][1]
        mapping = make_mapping(mapping, **options)
        listed, options = [(k, v) for k, v in mapping.files], {}
        if not listed:
            expected = "a table [files], or the measurement's files beside it"
            raise CurvesError(f"{paths}: mapping names no files, expected {expected}")
    settings = make_mapping(mapping, **options)
    if not 0 < len(listed) <= MAX_FILES:
        raise CurvesError(f"{len(listed)} files, expected 1 to {MAX_FILES}")
    read = [_read_one(path, label, settings, len(listed) > 1) for label, path in listed]
    parts, used, sources, saved = zip(*read)
    ds = dataset(parts, used)
    ds.attrs["source"] = json.dumps(sources)
    return restore(ds, saved[0]) if len(saved) == 1 and saved[0] else ds


def _listed(paths: Any) -> Iterator[tuple[str, str]]:
    """Yield (label, path) of every file."""
    if isinstance(paths, Labelled):
        yield from ((str(label), os.fspath(path)) for label, path in paths.items())
        return
    for path in [paths] if isinstance(paths, (str, os.PathLike)) else paths:
        text = os.fspath(path)
        label, equals, rest = text.partition("=")
        if equals and not Path(text).exists() and os.sep not in label:
            yield label, rest
        else:
            yield "", text


def parse_label(text: str) -> dict:
    """Return what a file's label tells: up, pulse_width [s], device, cycle.

    Raises
    ------
    ValueError
        For a part that is none of these.
    """
    told: dict = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        role, colon, name = part.partition(":")
        if colon and role in ("device", "cycle") and name:
            told[role] = int(name) if name.isdecimal() else name
        elif names.polarity_inside(part) is not None and part.isalpha():
            told["up"] = names.polarity_inside(part)
        else:
            try:
                told["pulse_width"] = parse_width(part)
            except ValueError:
                raise ValueError(
                    f"label {part!r} of a file: expected up, down, a pulse width such as 200ns, "
                    "device:NAME or cycle:NAME"
                ) from None
    return told


def _read_one(
    path: str, label: str, mapping: Mapping, several: bool
) -> tuple[Readings, Mapping, dict, str]:
    """Return (readings, settings, source, what `write_curves` had put into a comment)."""
    where = path
    told = parse_label(label)
    raw = read_bytes(path, where)
    sheet = read_sheet(raw, where, mapping)
    settings = with_comments(mapping, sheet)
    notes = []
    if "pulse_width" not in told and settings.pulse_width != settings.pulse_width:
        width = names.width_inside(Path(path).stem)
        if width:
            told["pulse_width"] = parse_width(width)
            notes.append(f"pulse width {width} from the file's name")
    roles = find_columns(sheet, settings)
    if "pulse_width" in roles and not label:
        told.pop("pulse_width", None)
        notes = []
    if not {"up", "polarity", "voltage"} & (set(told) | set(roles)):
        polarity = names.polarity_inside(Path(path).stem)
        if polarity is not None and not settings.pulses_up + settings.pulses_down:
            told["up"] = polarity
            notes.append(f"polarity {'up' if polarity else 'down'} from the file's name")
    layout = read_tidy if is_tidy(roles, settings) else read_wide
    readings = layout(sheet, roles, settings, told)
    readings.notes += notes
    arrange(readings, settings)
    source = {"file": Path(path).name, "sha256": hashlib.sha256(raw).hexdigest()}
    saved = next((text for _, text in sheet.comments if text.startswith("# feemu: ")), "")
    return readings, settings, source, saved
