"""Measure pulse trains on a virtual device, as a lab would, and write them as CSV.

Every pulse is stepped by the emulator's kernels. The file is tidy: one row per reading. A comment
in it holds the protocol and the drawn properties of each device, the truth behind the data.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from typing import TYPE_CHECKING

from feemu.cli.parser import Parser, whole

if TYPE_CHECKING:
    import xarray

EXAMPLES = [
    "feemu measure --device hzo_superlattice --pulse-width 20ns,200ns --out train.csv",
    "feemu measure --device softbounds_aihwkit --devices 5 --cycles 10 --noise 0.01 \\",
    "    --meter-bits 12 --out train.csv",
    "feemu measure --device ideal --kind alternating --cycles 500 --start 1 --out pairs.csv",
]
_KINDS = {"int": "N", "float": "X", "bool": "yes|no"}
_BOOLEANS = {"yes": True, "true": True, "no": False, "false": False}


def add_arguments(parser: Parser) -> None:
    """Declare device, file and one option for every field of the protocol."""
    from feemu.instrument.protocol import Protocol

    what = parser.add_argument_group("what to measure")
    what.add_argument(
        "--device", required=True, metavar="NAME", help="see 'feemu devices'; or FILE.toml"
    )
    what.add_argument("--out", required=True, metavar="FILE.csv", help="file to write")
    what.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    what.add_argument("--seed", type=whole, default=0, metavar="N", help="of all draws (0)")
    what.add_argument("--extrapolate", action="store_true", help="allow more than a decade outside")
    rest = parser.add_argument_group("protocol (default)")
    for field in dataclasses.fields(Protocol):
        rest.add_argument(_option(field.name), dest=field.name, **_described(field))


def _option(name: str) -> str:
    """Return the option of a field; one or several widths, as other commands call the one."""
    return "--pulse-width" if name == "pulse_widths" else f"--{name.replace('_', '-')}"


def _described(field: dataclasses.Field) -> dict:
    meta, default = field.metadata["param"], field.default
    shown = ("no", "yes")[default] if isinstance(default, bool) else default
    if default == () or (isinstance(default, float) and math.isnan(default)):
        shown = ""
    unit = "" if meta["unit"] in ("", "1") else f" [{meta['unit']}]"
    choices = f": {', '.join(meta['choices'])}" if meta["choices"] else ""
    told = f" ({shown})" if shown != "" else ""
    several = {"pulse_widths": "TIME[,TIME]", "until_up": "X[,X]", "until_down": "X[,X]"}
    kind = several.get(field.name) or _KINDS.get(str(field.type), "NAME")
    return {"metavar": kind, "help": f"{meta['doc']}{choices}{unit}{told}".replace("%", "%%")}


def run(options: argparse.Namespace) -> None:
    """Check everything, measure, write, and say what was done."""
    from feemu.cli.choose import open_preset
    from feemu.cli.output import check_output
    from feemu.curves import write_curves
    from feemu.instrument import measure

    protocol = _protocol(options)
    device = open_preset(options.device)
    out = check_output(options.out, (".csv",), options.overwrite)
    try:
        ds = measure(device, protocol, options.seed, extrapolate=options.extrapolate)
    except ValueError as error:
        told = str(error).replace("pass extrapolate=True", "add --extrapolate")
        raise ValueError(told.replace("leave pulse_widths", "leave --pulse-width")) from None
    _report(ds, options.device, write_curves(ds, out))


def _protocol(options: argparse.Namespace) -> object:
    """Return the protocol; what is wrong with it is told by the option's name."""
    from feemu.instrument import Protocol

    given = {}
    for field in dataclasses.fields(Protocol):
        text = getattr(options, field.name)
        if text is not None:
            given[field.name] = _typed(field, text)
    try:
        return Protocol(**given)
    except (ValueError, TypeError) as error:
        told = str(error)
        for name in sorted(given, key=len, reverse=True):
            told = told.replace(f"Protocol.{name} ", f"{_option(name)} ")
        raise ValueError(told.replace("Protocol: ", "")) from None


def _typed(field: dataclasses.Field, text: str) -> object:
    kind = str(field.type)
    parts = tuple(part for part in text.split(",") if part.strip())
    if field.name == "pulse_widths":
        return parts
    try:
        if kind.startswith("tuple"):
            return tuple(map(float, parts))
        if kind == "bool":
            return _BOOLEANS[text.strip().lower()]
        return {"int": int, "float": float}.get(kind, str)(text)
    except (KeyError, ValueError):
        words = {"bool": "yes or no", "int": "a whole number"}.get(kind, "a number")
        raise ValueError(f"{_option(field.name)} {text!r}: expected {words}") from None


def _report(ds: xarray.Dataset, name: str, file: object) -> None:
    from feemu.cli.text import count, si, wrapped
    from feemu.params import format_width

    g, n = ds["conductance"], ds.sizes
    unit = g.attrs["units"]
    low, high = float(g.min()), float(g.max())
    seen = f"{low:.4g} to {high:.4g} (relative)"
    if unit == "S":
        seen = f"{si(low, 'S')} to {si(high, 'S')}"
    print(f"device    {name} at {', '.join(map(format_width, ds['pulse_width'].values))}")
    print(f"measured  {n['device']} devices, {n['cycle']} cycles: {count(int(g.count()))} readings")
    print(f"seen      {seen}")
    if ds.attrs["notes"]:
        print(wrapped("caveat", ds.attrs["notes"]))
    print(f"wrote     {file}")
