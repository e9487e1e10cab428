"""What a run or sweep came to, as rows of a table, and what must be said about a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from feemu.cli import text
from feemu.devices import Device
from feemu.params import format_width

if TYPE_CHECKING:
    import xarray as xr

GRID = ("pulse_width", "algorithm", "seed")
_FINAL = ("validation_accuracy", "test_accuracy", "pulses", "energy_device", "energy_digital")
_ALSO = ("energy_read", "energy_total", "time_programming", "pulsed_fraction")


def gridded(ds: xr.Dataset) -> xr.Dataset:
    """Return a result with dimensions pulse_width, algorithm and seed, whatever it has."""
    labels = ds.get("width_label")
    for name in reversed(GRID):
        if name not in ds.dims:
            ds = ds.expand_dims(name)
    if labels is not None and labels.ndim == 0:
        one = [labels.item()] * ds.sizes["pulse_width"]
        ds = ds.drop_vars("width_label").assign_coords(width_label=("pulse_width", one))
    return ds


def diverged(ds: xr.Dataset) -> int:
    """Return the number of runs of a grid that ended early because their loss was not finite."""
    ended = ds["done"] & ~np.isfinite(ds["train_loss"]) & (ds["images"] > 0)
    return int(ended.any("epoch").sum())


def final(ds: xr.Dataset) -> xr.Dataset:
    """Return the last evaluation of every run of a priced grid, phases, layers and kinds summed.

    `pulses_calibration` is the part of `pulses` that calibration takes. What was not run is NaN.
    """
    import xarray as xr

    steps = xr.DataArray(np.arange(ds.sizes["epoch"]), dims="epoch")
    at = (ds["done"] * steps).max("epoch")
    out = {}
    for name in (n for n in (*_FINAL, *_ALSO) if n in ds):
        values = ds[name].astype(float).isel(epoch=at)
        inner = [d for d in values.dims if d not in ds["done"].dims]
        if name == "pulsed_fraction":
            out[name] = values
            continue
        out[name] = values.sum(inner, skipna=False)
        if name == "pulses":
            other = [d for d in inner if d != "phase"]
            phases = values.sum(other, skipna=False)
            out["pulses_calibration"] = phases.sel(phase="calibration", drop=True)
    return xr.Dataset(out)


def width_text(width: float, label: str) -> str:
    """Return a pulse width with its origin, e.g. ``'2us (interpolated)'``."""
    return f"{format_width(width)} ({label})" if label else format_width(width)


def cells(ds: xr.Dataset) -> Iterator[tuple[float, str, str, xr.Dataset]]:
    """Yield (width, its label, algorithm, final values over seed) of each cell that was run."""
    last = final(ds)
    for i, width in enumerate(ds["pulse_width"].values):
        label = str(ds["width_label"].values[i]) if "width_label" in ds.coords else ""
        for j, name in enumerate(ds["algorithm"].values):
            cell = last.isel(pulse_width=i, algorithm=j)
            if bool(cell["validation_accuracy"].notnull().any()):
                yield float(width), label, str(name), cell


def cell_table(ds: xr.Dataset) -> str:
    """Return one line per pulse width and algorithm of a priced grid, means over seeds."""
    header = (
        "pulse width", "algorithm", "test [%]", "min - max", "pulses", "calibrating",
        "programming", "total energy",
    )  # fmt: skip
    rows, before = [], None
    for width, label, name, cell in cells(ds):
        mean = cell.mean("seed")
        test = cell["test_accuracy"]
        rows.append((
            width_text(width, label) if width != before else "",
            name,
            text.percent(mean["test_accuracy"].item()),
            f"{text.percent(test.min().item())} - {text.percent(test.max().item())}",
            text.count(mean["pulses"].item()),
            text.count(mean["pulses_calibration"].item()),
            text.si(mean["energy_device"].item(), "J"),
            text.si(mean["energy_total"].item(), "J"),
        ))  # fmt: skip
        before = width
    return text.table(header, rows, right=range(2, 8))


def seed_table(ds: xr.Dataset) -> str:
    """Return one line per seed of a priced grid with a single width and algorithm."""
    header = (
        "seed", "validation [%]", "test [%]", "pulses", "programming", "digital", "read", "total",
        "ever pulsed [%]",
    )  # fmt: skip
    ((_, _, _, cell),) = cells(ds)
    rows = [_seed_row(str(s), cell.sel(seed=s)) for s in cell["seed"].values]
    if len(rows) > 1:
        rows.append(_seed_row("mean", cell.mean("seed")))
    return text.table(header, rows, right=range(9))


def _seed_row(label: str, one: xr.Dataset) -> tuple[str, ...]:
    energies = ("energy_device", "energy_digital", "energy_read", "energy_total")
    return (
        label,
        text.percent(one["validation_accuracy"].item()),
        text.percent(one["test_accuracy"].item()),
        text.count(one["pulses"].item()),
        *(text.si(one[name].item(), "J") for name in energies),
        " / ".join(text.percent(v) for v in one["pulsed_fraction"].values),
    )


#: Rows of the table of bands: variable, label, how it is shown.
_BANDS = (
    ("validation_accuracy", "validation accuracy [%]", text.percent),
    ("test_accuracy", "test accuracy [%]", text.percent),
    ("pulses", "pulses", text.count),
    ("energy_device", "programming energy", lambda v: text.si(v, "J")),
    ("energy_total", "total energy", lambda v: text.si(v, "J")),
)


def band_table(ds: xr.Dataset) -> str:
    """Return medians and 5 to 95 % bands over draws of the device, over seeds and over both.

    A band over draws is that of one seed, the mean of its ends over seeds; one over seeds likewise.
    """
    from feemu.statistics import draw_bands

    ((_, _, _, cell),) = cells(ds)
    rows = []
    for name, label, shown in _BANDS:
        values = cell[name]
        row = [label, shown(values.median().item())]
        bands = draw_bands(values)
        for over in ("draws", "seeds", "both"):
            ends = [shown(v) for v in bands[over].values[::2]] if over in bands else []
            row.append(" - ".join(ends) or "-")
        rows.append(row)
    number = f"{cell.sizes['draw']} draws", f"{cell.sizes['seed']} seeds"
    header = ("", "median", f"5 - 95 % over {number[0]}", f"over {number[1]}", "over both")
    note = (
        "draws: what the fit does not know of the device; seeds: training, initial weights and"
        " the chip"
    )
    more = "" if cell.sizes["seed"] > 1 else "; one seed has no band: add --seeds"
    return f"{text.table(header, rows, right=range(1, 5))}\n\n{text.wrapped('bands', note + more)}"


def assumed_note(ds: xr.Dataset) -> str:
    """Return the line that says what the energies rest on without a source."""
    from feemu.energy import EnergyModel

    units = {f.name: f.metadata["param"]["unit"] for f in dataclasses.fields(EnergyModel)}
    pairs = [p.split(" = ") for p in ds["energy_total"].attrs.get("assumed", "").split(", ") if p]
    shown = [f"{n} {v} {units.get(n, '')}".removesuffix(" 1").strip() for n, v in pairs]
    note = ", ".join(shown)
    lines = [text.wrapped("energy", f"assumed, as no source gives them: {note}")] if note else []
    if not any(n in ("g_on", "g_off") for n, _ in pairs) and "conductance_on" in ds:
        low, high = (ds[f"conductance_{end}"].median().item() for end in ("off", "on"))
        median = "; medians over devices" if ds["conductance_on"].size > 1 else ""
        own = f"conductances of the device, {text.si(low, 'S')} to {text.si(high, 'S')}{median}"
        lines.insert(0, text.wrapped("energy", own))
    return "\n".join(lines)


def device_lines(device: Device) -> list[str]:
    """Return what is to be said about a device: source, kind of width, caveats, key numbers."""
    where = width_text(device.pulse_width, device.width_label)
    lines = [text.wrapped("device", f"{device.name} at {where}")]
    lines.append(text.wrapped("source", device.source or "not given"))
    lines += [text.wrapped("caveat", note) for note in device.caveats]
    up, down = device.response.pulses()
    lines.append(
        text.wrapped(
            "kernel",
            f"symmetry point at state {device.symmetry_point:.3g}, granularity "
            f"{device.granularity:.3g} of the range; {up:g} pulses up and {down:g} down between "
            "states 0.05 and 0.9",
        )
    )
    return lines
