"""Show what a result (.nc), a state file (.npz), a preset file (.toml) or a device holds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feemu.cli.parser import Parser

if TYPE_CHECKING:
    import xarray as xr

EXAMPLES = ["feemu info hzo_superlattice", "feemu info demo.nc", "feemu info state.npz"]
_CASE = ("task", "hidden", "activation", "bias", "output_scale", "epochs", "train_images", "batch",
         "lr", "lr_end", "lr_period", "weight_scale", "dac_bits", "adc_bits", "seed",
         "device_seed")  # fmt: skip
_VERSIONS = ("feemu", "python", "numpy", "numba", "scipy", "xarray", "netCDF4")


def add_arguments(parser: Parser) -> None:
    """Declare what to show."""
    parser.add_argument("what", metavar="FILE_OR_PRESET", help="run.nc, state.npz, own.toml, NAME")


def run(options: argparse.Namespace) -> None:
    """Print it."""
    name = options.what
    suffix = Path(name).suffix
    if suffix == ".npz":
        _state(name)
    elif suffix == ".toml" or not (suffix == ".nc" or Path(name).exists()):
        show_preset(name)
    else:
        _result(name)


def show_preset(name: str) -> None:
    """Print a device or family: caveats, what follows from it, every value with its source."""
    from feemu.cli import results
    from feemu.cli.choose import open_preset
    from feemu.cli.text import table, wrapped
    from feemu.devices import Family

    found = open_preset(name)
    family = isinstance(found, Family)
    devices = [found.at(w) for w in found.widths] if family else [found]
    kind = "family over pulse width" if family else "device"
    print(wrapped("name", f"{found.name} ({kind}, {type(devices[0].response).__name__} response)"))
    print(wrapped("source", found.source or "not given"))
    for note in dict.fromkeys(note for device in devices for note in device.caveats):
        print(wrapped("caveat", note))
    rows = []
    for device in devices:
        up, down = device.response.pulses()
        means = " / ".join(f"{m:.4f}" for m in device.response.mean_step())
        rows.append((
            results.width_text(device.pulse_width, device.width_label),
            f"{device.symmetry_point:.3f}",
            f"{device.granularity:.4f}",
            means,
            f"{up:g} / {down:g}",
        ))  # fmt: skip
    header = ("pulse width", "symmetry point", "granularity", "mean step", "pulses 0.05-0.9")
    print(f"\n{table(header, rows, right=range(1, 5))}\n")
    values, sources = _values(name)
    print(table(("parameter", "value", "unit", "tag", "source"), values))
    print()
    for number, source in enumerate(sources, 1):
        print(wrapped(f"[{number}]", source))


def _values(name: str) -> tuple[list[tuple], list[str]]:
    """Return the rows of the table of values, and the sources that their numbers stand for."""
    from feemu.devices.presets import preset_names, preset_table
    from feemu.devices.presets.read import entries, read

    if name in preset_names():
        found = preset_table(name)
    else:
        body = read(Path(name).read_text(encoding="utf-8"), name)
        known = body.get("sources", {})
        found = [
            (place, e["value"], e["unit"], e["tag"], known[e["source"]])
            for place, e in entries(body)
        ]
    sources = list(dict.fromkeys(row[4] for row in found))
    rows = [
        (place, _short(value), unit, tag, f"[{sources.index(source) + 1}]")
        for place, value, unit, tag, source in found
    ]
    return rows, sources


def _state(name: str) -> None:
    from feemu.cli.results import width_text
    from feemu.cli.text import percent
    from feemu.state import read_state

    parts = read_state(name)
    case = json.loads(str(parts["case/json"]))
    device = case["device"]
    where = width_text(device["pulse_width"], device["width_label"])
    print(f"state     {parts['images']:,} images trained")
    print(f"device    {device['name']} at {where}")
    _case_lines(case)
    for split in ("validation", "test"):
        accuracy = percent(float(parts[f"rows/{split}_accuracy"][-1]))
        print(f"accuracy  {accuracy} % ({split}, after training)")
    print(f"\nnext      feemu eval {name}")


def _result(name: str) -> None:
    from feemu.cli import results
    from feemu.cli.text import wrapped
    from feemu.energy import price
    from feemu.store import load

    ds = load(name)
    told = json.loads(ds.attrs["provenance"])
    print(wrapped("title", ds.attrs.get("title", "(none)")))
    print(wrapped("dims", ", ".join(f"{d} {n}" for d, n in ds.sizes.items())))
    for label in ("device", "task"):
        if label in ds.coords:
            print(wrapped(label, ", ".join(dict.fromkeys(map(str, ds[label].values.ravel())))))
    for source in _sources(told):
        print(wrapped("source", source))
    _case_lines(told.get("case", {}))
    print(wrapped("data", _all(told.get("data_source", "not recorded"))))
    for note in told.get("caveats", []):
        print(wrapped("caveat", note))
    versions = [f"{n} {_all(told[n])}" for n in _VERSIONS if n in told]
    print(
        wrapped(
            "versions", ", ".join([*versions, f"physics {_all(told.get('physics_version', '?'))}"])
        )
    )
    if "energy_total" not in ds:
        ds = price(ds)
        print("energy    not in the file; priced here with the default model")
    grid = results.gridded(ds)
    if lost := results.diverged(grid):
        print(wrapped("caveat", f"{lost} run(s) ended early: the loss was not finite; lower lr"))
    if set(grid["done"].dims) == {*results.GRID, "epoch"}:
        print(f"\n{results.cell_table(grid)}")
    elif "draw" in grid.sizes and grid.sizes["pulse_width"] == grid.sizes["algorithm"] == 1:
        print(f"\n{results.band_table(grid)}")
    print(f"\n{_variables(ds)}")


def _all(value: Any) -> str:
    """Return what a sweep tells of its runs: one value, or the list of those that occur."""
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _sources(told: dict) -> list[str]:
    """Return where the devices of a result come from."""
    one = told.get("case", {}).get("device")
    devices = [*told.get("devices", {}).values(), *([one] if isinstance(one, dict) else [])]
    return list(dict.fromkeys(d["source"] for d in devices if d.get("source")))


def _case_lines(case: dict) -> None:
    from feemu.cli.text import wrapped

    algorithm = case.get("algorithm")
    if isinstance(algorithm, dict):
        own = ", ".join(f"{k} {v}" for k, v in algorithm.items() if k not in ("name", "kind"))
        print(wrapped("algorithm", algorithm["name"] + (f" ({own})" if own else "")))
    shown = [f"{k} {_short(case[k])}" for k in _CASE if k in case]
    if shown:
        print(wrapped("case", ", ".join(shown)))


def _variables(ds: xr.Dataset) -> str:
    from feemu.cli.text import table

    names = [*ds.coords, *ds.data_vars]
    rows = [
        (str(n), _dims(ds[n].dims), ds[n].attrs.get("units", ""),
         ds[n].attrs.get("long_name", ""))
        for n in names
    ]  # fmt: skip
    note = (
        "\n\n... stands for pulse_width, algorithm, seed"
        if any("..." in r[1] for r in rows)
        else ""
    )
    return table(("variable", "dimensions", "unit", "meaning"), rows) + note


def _dims(dims: tuple) -> str:
    return ", ".join(map(str, dims)).replace("pulse_width, algorithm, seed", "...") or "-"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        text = "-".join(map(str, value)) if len(value) <= 4 else f"{len(value)} values"
        return text or "none"
    return str(value)
