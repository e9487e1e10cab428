"""How a measurement file is to be read: columns, units and what the file does not say."""

from __future__ import annotations

import dataclasses
import math
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from feemu.curves.ends import ENDS
from feemu.curves.errors import CurvesError, refuse
from feemu.curves.names import ROLES, VALUES
from feemu.params import Record, param, parse_width, unknown

_NAN = math.nan
#: What a column can be said to hold: a role, or values of one polarity.
COLUMNS = (*ROLES, "up", "down")
SCHEMES = ("identical", "ramp", "unknown")


@dataclass(frozen=True)
class Mapping(Record):
    """What a reader has to be told about a measurement; all of it has a default.

    Notes
    -----
    Precedence: this record, then ``# name = value`` comments of the file, then what the file's
    columns and names suggest.
    """

    columns: tuple[tuple[str, str], ...] = param(
        (), doc="role -> name or number (from 1) of its column; roles also up and down"
    )
    files: tuple[tuple[str, str], ...] = param((), doc="label -> file, beside the TOML")
    layout: str = param(
        "auto", doc="one row per pulse, or one column per train",
        choices=("auto", "tidy", "columns"),
    )  # fmt: skip
    columns_are: str = param(
        "auto", doc="what the columns of that layout are",
        choices=("auto", "cycle", "device"),
    )  # fmt: skip
    quantity: str = param("auto", doc="what the values are", choices=("auto", *VALUES))
    unit: str = param("", doc="unit of the values where the header has none; 1: arbitrary")
    voltage_unit: str = param("", doc="unit of pulse voltages without one; else V")
    pulse_width_unit: str = param("", doc="unit of a width column without one")
    pulse_width: float = param(
        _NAN, unit="s", doc="pulse width of all rows", lo=1e-15, hi=1e6, nan_ok=True
    )
    read_voltage: float = param(
        _NAN, unit="V", doc="read voltage of all rows", lo=-1e3, hi=1e3, nan_ok=True
    )
    amplitude_up: float = param(
        _NAN, unit="V", doc="amplitude of potentiation", lo=-1e3, hi=1e3, nan_ok=True
    )
    amplitude_down: float = param(
        _NAN, unit="V", doc="amplitude of depression", lo=-1e3, hi=1e3, nan_ok=True
    )
    up_voltage: str = param(
        "auto", doc="sign of a potentiating voltage; auto: the one that raises",
        choices=("auto", "positive", "negative"),
    )  # fmt: skip
    first_polarity: str = param(
        "auto", doc="branch that came first in a cycle", choices=("auto", "up", "down")
    )
    continuous: str = param(
        "auto", doc="whether all branches followed one another on the device",
        choices=("auto", "yes", "no"),
    )  # fmt: skip
    ended_by: str = param(
        "auto", doc="what ended a branch: its number of pulses, or a level (verified)",
        choices=("auto", *ENDS),
    )  # fmt: skip
    scheme: str = param("auto", doc="pulse scheme", choices=("auto", *SCHEMES))
    first_reading: str = param(
        "auto", doc="first reading of a branch is before or after its first pulse",
        choices=("auto", "before", "after"),
    )  # fmt: skip
    pulse_numbers: str = param(
        "auto", doc="branch: as they stand; auto: or run on over the branches",
        choices=("auto", "branch"),
    )  # fmt: skip
    pulses_up: int = param(0, doc="pulses of an up branch, where no column tells", lo=0, hi=10**7)
    pulses_down: int = param(0, doc="pulses of a down branch, likewise", lo=0, hi=10**7)
    repeats: str = param(
        "refuse", doc="several readings of one pulse",
        choices=("refuse", "mean", "first", "last"),
    )  # fmt: skip
    unit_check: bool = param(True, doc="refuse cycles that differ by 1e3, 1e6 or 1e9")
    header: str = param("auto", doc="whether line 1 has names", choices=("auto", "yes", "no"))
    delimiter: str = param("", doc="between cells: comma, semicolon, tab, |, space")
    decimal: str = param("", doc="decimal mark", choices=("", ".", ","))

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("columns", "files"):
            pairs = getattr(self, name)
            pairs = tuple(pairs.items()) if isinstance(pairs, dict) else tuple(pairs)
            object.__setattr__(self, name, tuple((str(k), str(v)) for k, v in pairs))
        for role, _ in self.columns:
            if role not in COLUMNS:
                raise ValueError(unknown("role of a column", role, COLUMNS))

    @property
    def column(self) -> dict[str, str]:
        """Role -> name or number of its column."""
        return dict(self.columns)


FIELDS = {field.name: field for field in dataclasses.fields(Mapping)}


def typed(name: str, value: Any) -> Any:
    """Return a value of a field from text, TOML or Python: ``'200ns'``, ``'0.1 V'``, ``True``.

    Raises
    ------
    ValueError
        For an unknown field, or text that is no such value.
    """
    if name not in FIELDS:
        raise ValueError(unknown("setting", name, FIELDS))
    if name == "pulse_width" and isinstance(value, str):
        return parse_width(value)
    if name == "continuous" and isinstance(value, bool):
        return "yes" if value else "no"
    kind = str(FIELDS[name].type)
    if kind == "str" or not isinstance(value, str):
        return str(value) if kind == "str" else value
    if kind == "bool":
        words = {"yes": True, "true": True, "no": False, "false": False}
        if value.strip().lower() not in words:
            raise ValueError(f"{name} = {value!r}: expected yes or no")
        return words[value.strip().lower()]
    text = value.strip().removesuffix("V").strip() if FIELDS[name].metadata else value
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        raise ValueError(f"{name} = {value!r}: expected a number, e.g. 0.1") from None


def make_mapping(mapping: Any = None, **options: Any) -> Mapping:
    """Return a mapping from a record, a dict, a TOML file or nothing, changed by options.

    Raises
    ------
    CurvesError
        If a TOML file cannot be read.
    ValueError
        For an unknown setting, or a value out of range.
    """
    if mapping is None:
        mapping = Mapping()
    elif isinstance(mapping, (str, os.PathLike)):
        mapping = read_mapping(mapping)
    elif isinstance(mapping, dict):
        mapping = Mapping(**{k: typed(k, v) for k, v in mapping.items()})
    if not isinstance(mapping, Mapping):
        raise TypeError(
            f"mapping: got {type(mapping).__name__}; give a Mapping, a dict or a TOML file"
        )
    return mapping.replace(**{k: typed(k, v) for k, v in options.items()})


def read_mapping(path: str | os.PathLike) -> Mapping:
    """Return the mapping of a TOML file; its names are the fields of `Mapping`.

    Raises
    ------
    CurvesError
        If the file is missing, no TOML, or holds an unknown name or a wrong value.
    """
    file = Path(path).expanduser()
    try:
        body = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or "is no text"
        raise refuse(str(path), "mapping cannot be read", told, "a TOML file") from None
    except tomllib.TOMLDecodeError as error:
        raise refuse(str(path), f"no valid TOML ({error})") from None
    for table in ("columns", "files"):
        if not isinstance(body.get(table, {}), dict):
            raise refuse(str(path), table, body[table], f"a table [{table}]")
    if "files" in body:
        body["files"] = {k: str(file.parent / str(v)) for k, v in body["files"].items()}
    try:
        return make_mapping(body)
    except (ValueError, TypeError) as error:
        raise CurvesError(f"{path}: {error}") from None
