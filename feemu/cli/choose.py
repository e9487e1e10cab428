"""From what was typed to records: the device, the algorithm, the task."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from feemu.algorithms import ALGORITHMS, Algorithm, algorithm
from feemu.devices import Device, Family, preset, preset_names, read_preset
from feemu.params import format_width, parse_width, same_width, unknown

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def device_file(name: str) -> str:
    """Return the ``device.toml`` in a folder that ``feemu fit`` wrote, else the name itself."""
    inside = Path(name).expanduser() / "device.toml"
    return str(inside) if inside.is_file() else name


def open_preset(name: str) -> Device | Family:
    """Return a device or family by its preset's name, or from a ``.toml`` file or a fit's folder.

    Raises
    ------
    ValueError
        For an unknown name; the nearest are given.
    """
    name = device_file(name)
    if name.endswith(".toml") or Path(name).is_file():
        return read_preset(Path(name).expanduser())
    if name not in preset_names():
        beside = f"; a result is named in full: {name}.nc" if Path(f"{name}.nc").is_file() else ""
        raise ValueError(
            f"{unknown('device', name, preset_names())}, or a preset file ending in .toml{beside}"
        )
    return preset(name)


def open_device(
    name: str,
    pulse_width: str | None,
    extrapolate: bool = False,
    way: str = "add --extrapolate to allow it",
) -> Device:
    """Return the device at one pulse width; `way` out of one that is too far for its family.

    Raises
    ------
    ValueError
        If a family lacks a width, or a single device was measured at another.
    """
    found = open_preset(name)
    width = None if pulse_width is None else parse_width(pulse_width)
    if isinstance(found, Family):
        if width is None:
            known = ", ".join(map(format_width, found.widths))
            raise ValueError(
                f"device {name!r} is a family over pulse width: add --pulse-width, e.g. "
                f"one of {known}"
            )
        try:
            return found.at(width, extrapolate)
        except ValueError as error:
            told = str(error).replace("pass extrapolate=True to allow it", way)
            raise ValueError(told) from None
    if width is not None and not same_width(width, found.pulse_width):
        raise ValueError(
            f"device {name!r} is known at a pulse width of {format_width(found.pulse_width)} only, "
            f"not at {format_width(width)}; leave --pulse-width out"
        )
    return found


def open_algorithm(name: str, settings: Sequence[str]) -> Algorithm:
    """Return an algorithm with parameters from texts such as ``threshold=2``.

    Raises
    ------
    ValueError
        For an unknown name or parameter, or a value that does not fit.
    """
    if name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", name, ALGORITHMS))
    fields = {f.name: f for f in dataclasses.fields(ALGORITHMS[name])}
    options = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set {text!r}: expected name=value, e.g. {_example(fields)}")
        if key not in fields:
            if not fields:
                raise ValueError(f"--set {text!r}: algorithm {name!r} has no parameters")
            raise ValueError(unknown(f"parameter of {name}", key, fields))
        options[key] = _typed(key, value, str(fields[key].type))
    return algorithm(name, **options)


def _example(fields: dict) -> str:
    first = next(iter(fields.values()), None)
    return "threshold=2" if first is None else f"{first.name}={first.default}"


def _typed(key: str, value: str, kind: str) -> object:
    try:
        if kind == "bool":
            return _BOOLEANS[value.strip().lower()]
        return {"int": int, "float": float}.get(kind, str)(value)
    except (KeyError, ValueError):
        words = {"bool": "true or false", "int": "a whole number"}.get(kind, "a number")
        raise ValueError(f"--set {key}={value}: expected {words}") from None
