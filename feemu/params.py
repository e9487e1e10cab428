"""Declared, validated parameter records: one declaration gives checks, tables and attributes."""

from __future__ import annotations

import dataclasses
import difflib
import inspect
import math
import numbers
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

#: Letters from which a word that two names share is worth a hint.
_LONG_WORD = 4
_TIME_UNITS = {"s": 0, "ms": -3, "us": -6, "µs": -6, "ns": -9, "ps": -12}


def param(
    default: Any = dataclasses.MISSING,
    unit: str | None = None,
    doc: str = "",
    *,
    lo: float = -math.inf,
    hi: float = math.inf,
    choices: tuple | None = None,
    source: str = "",
    assumed: bool = False,
    nan_ok: bool = False,
) -> Any:
    """Declare one parameter of a `Record`.

    Parameters
    ----------
    default : value, optional
        Default value; without it the parameter is required.
    unit : str, optional
        SI unit; without it that of a number is 1, and what is no number has none.
    doc, source : str
        Meaning, and where the default comes from.
    lo, hi : float
        Allowed closed range of a number.
    choices : tuple, optional
        Allowed values of a name.
    assumed : bool
        True where no source gives the default; said wherever the value is shown.
    nan_ok : bool
        True where NaN is allowed and means "not known".
    """
    meta = {"unit": unit, "doc": doc, "lo": lo, "hi": hi, "choices": choices, "source": source}
    meta |= {"assumed": assumed, "nan_ok": nan_ok}
    return dataclasses.field(default=default, metadata={"param": meta})


class Record:
    """Base of frozen dataclasses whose fields are declared by `param`."""

    def __init_subclass__(cls) -> None:
        for name, kind in inspect.get_annotations(cls).items():
            meta = getattr(cls.__dict__.get(name), "metadata", {}).get("param", {})
            if meta.get("unit", "") is None:
                meta["unit"] = "1" if re.search(r"\b(float|int)\b", str(kind)) else ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if "param" in field.metadata:
                given = getattr(self, field.name)
                _check(type(self).__name__, field, given)
                object.__setattr__(self, field.name, _as_declared(field, given))

    def replace(self, **changes: Any) -> Any:
        """Return a copy with some fields changed; the copy is validated again.

        Raises
        ------
        ValueError
            For an unknown field (the nearest names are given) or a value out of range.
        """
        names = [f.name for f in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise ValueError(unknown(f"field of {type(self).__name__}", name, names))
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict:
        """Return the record as nested plain values that JSON can hold."""
        body = {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"kind": type(self).__name__, **body}

    def describe(self) -> str:
        """Return a text table of name, value, unit, range, meaning and source of each field."""
        rows = []
        for field in dataclasses.fields(self):
            meta = field.metadata.get("param", {})
            value = getattr(self, field.name)
            note = meta.get("source", "")
            if meta.get("assumed") and value == field.default:
                note = f"assumed; {note}" if note else "assumed"
            doc = meta.get("doc", "") + (f" ({note})" if note else "")
            if meta.get("choices"):
                doc += f": {', '.join(map(str, meta['choices']))}"
            rows.append((field.name, _short(value), meta.get("unit", ""), _range(meta), doc))
        widths = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
        lines = [
            "".join(f"  {cell.ljust(w)}" for cell, w in zip(row, widths) if w) + f"  {row[4]}"
            for row in rows
        ]
        return "\n".join([type(self).__name__, *(line.rstrip() for line in lines)])

    def __str__(self) -> str:
        return self.describe()


def all_finite(values: np.ndarray) -> bool:
    """Return whether no value is NaN or infinite."""
    # The product is the quick test; it overflows for large values too.
    return math.isfinite(np.vdot(values, values)) or bool(np.isfinite(values).all())


def plain(value: Any) -> Any:
    """Return a value as nested dicts, lists, numbers and strings that JSON can hold."""
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def unknown(what: str, name: Any, known: Iterable[str]) -> str:
    """Return the one-line message for an unknown name, with the nearest known ones."""
    names = sorted(known)
    if not names:
        return f"unknown {what} {_told(name)}: there is none"
    near = _near(str(name).lower(), names)
    hint = f"did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
    return f"unknown {what} {_told(name)}: {hint}known are {', '.join(names)}"


def _near(name: str, names: list[str]) -> list[str]:
    """Return up to three known names that look alike, or that share a long word with it."""
    lower = {n.lower(): n for n in names}
    near = difflib.get_close_matches(name, lower, n=3, cutoff=0.5)
    words = {w for w in re.split(r"[\W_]+", name) if len(w) >= _LONG_WORD}
    shared = [n for n in lower if words & set(re.split(r"[\W_]+", n))]
    return [lower[n] for n in near or shared[:3]]


def parse_width(text: str | float) -> float:
    """Return a pulse width in seconds from text such as '20ns', '0.2 ms' or '2e-8'.

    The number is shifted decimally before it becomes a float, so that '200ns' is exactly
    ``float('200e-9')``.

    Raises
    ------
    ValueError
        If the text is no positive, finite time.
    """
    shown = repr(text)
    if isinstance(text, numbers.Real) and not isinstance(text, bool):
        value = float(text)
    else:
        body, shift = str(text).strip(), 0
        for unit in sorted(_TIME_UNITS, key=len, reverse=True):
            if body.endswith(unit):
                body, shift = body[: -len(unit)].strip(), _TIME_UNITS[unit]
                break
        try:
            value = float(Decimal(body).scaleb(shift))
        except (InvalidOperation, ValueError):
            raise ValueError(
                f"pulse width {shown}: expected a time such as '20ns', '2us' or 2e-08 [s]"
            ) from None
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"pulse width {shown}: must be a positive, finite time [s], e.g. '20ns'")
    return value


def format_width(seconds: float) -> str:
    """Return a pulse width as short text, e.g. ``2e-07`` -> ``'200ns'``."""
    for unit, shift in (("s", 0), ("ms", -3), ("us", -6), ("ns", -9)):
        scaled = float(f"{seconds:.12g}") / 10.0**shift
        if scaled >= 0.999999999:
            return f"{scaled:.6g}{unit}"
    return f"{seconds * 1e12:.6g}ps"


def same_width(a: float, b: float) -> bool:
    """Return whether two pulse widths agree to 12 significant digits."""
    return f"{a:.11e}" == f"{b:.11e}"


def _check(owner: str, field: dataclasses.Field, value: Any) -> None:
    meta = field.metadata["param"]
    where = f"{owner}.{field.name} = {_told(value)}"
    if meta["choices"] is not None:
        if np.ndim(value) or value not in meta["choices"]:
            raise ValueError(f"{owner}: {unknown(field.name, value, map(str, meta['choices']))}")
        return
    kind = _kind(field)
    if kind == "bool" and not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{where}: must be True or False: {meta['doc']}")
    if kind == "str" and not isinstance(value, str):
        raise TypeError(f"{where}: must be text: {meta['doc']}")
    if kind.startswith(("float", "int")):
        _check_number(where, field.name, meta, kind, value)


def _check_number(where: str, name: str, meta: dict, kind: str, value: Any) -> None:
    """Refuse what is no number, not whole, or out of range."""
    allowed = f"allowed is {meta['lo']:g} <= {name} <= {meta['hi']:g} ({meta['doc']})"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{where}: must be a number [{meta['unit']}]; {allowed}")
    try:
        number = float(value)
    except OverflowError:
        number = math.copysign(math.inf, value > 0 or -1)
    if kind.startswith("int") and math.isfinite(number) and int(value) != value:
        raise ValueError(f"{where}: must be a whole number; {allowed}")
    if math.isnan(number) and meta["nan_ok"]:
        return
    if not math.isfinite(number) or not meta["lo"] <= value <= meta["hi"]:
        unit = "" if meta["unit"] == "1" else f" {meta['unit']}"
        raise ValueError(f"{where}{unit}: {allowed}")


def _as_declared(field: dataclasses.Field, value: Any) -> Any:
    """Return a number as the declared Python type: equal records have one form, and one hash."""
    kind = _kind(field)
    for name, form in (("float", float), ("int", int), ("bool", bool)):
        if kind == name and field.metadata["param"]["choices"] is None:
            return form(value)
    return value


def _kind(field: dataclasses.Field) -> str:
    return field.type if isinstance(field.type, str) else field.type.__name__


def _range(meta: dict) -> str:
    """Return the range of a number as text, '' if it has none."""
    lo, hi = meta.get("lo", -math.inf), meta.get("hi", math.inf)
    if math.isfinite(lo) and math.isfinite(hi):
        return f"{lo:g} to {hi:g}"
    return f">= {lo:g}" if math.isfinite(lo) else f"<= {hi:g}" if math.isfinite(hi) else ""


def _told(value: Any) -> str:
    """Return what was given, in one line and not too long for a message."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # a whole number of more digits than Python writes
        text = "a number of very many digits"
    return text if len(text) <= 60 else text[:57] + "..."


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Record):
        parts = ", ".join(
            f"{f.name}={_short(getattr(value, f.name))}" for f in dataclasses.fields(value)
        )
        text = f"{type(value).__name__}({parts})"
        return text if len(text) <= 80 else text[:77] + "..."
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
