"""Measuring a virtual device: every pulse is one event of the array's kernel."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from feemu import rng
from feemu.array import SynapseArray
from feemu.devices import Device, Family, tabulate
from feemu.instrument.meter import Meter
from feemu.instrument.protocol import Protocol
from feemu.params import format_width, plain, same_width

if TYPE_CHECKING:
    import xarray

MAX_READINGS = 50_000_000
_DOWN = np.uint32(1 << 31)
_ROW = np.zeros(1, np.int32)
#: Updates of one pulse width: widths share devices, never noise.
_WIDTH = 1 << 40
DIMS = ("pulse_width", "device", "cycle", "polarity", "pulse")


def measure(
    device: Device | Family,
    protocol: Protocol | None = None,
    seed: int = 0,
    *,
    extrapolate: bool = False,
) -> xarray.Dataset:
    """Measure pulse trains on a virtual device.

    Parameters
    ----------
    device : Device or Family
        A family is measured at every width of the protocol, on the same drawn devices.
    protocol : Protocol, optional
        Pulses, numbers, noise; the default is ten cycles of 100 identical pulses each way.
    seed : int
        Draws the devices, the cycle-to-cycle noise and the instrument's noise.
    extrapolate : bool
        Allow widths more than a decade outside those that the family was measured at.

    Returns
    -------
    xarray.Dataset
        As `feemu.curves.read_curves` returns it. The conductance is
        ``G_off + (G_on - G_off) W`` [S] of the visible normalised conductance W, or W itself [1]
        where the device's ends are not known. Attribute ``provenance`` is JSON with device,
        protocol, seed and the drawn properties of each device: the truth behind the data.

    Raises
    ------
    TypeError
        If it is no device and no family.
    ValueError
        For a width that a device does not have, a negative seed, or more than 5e7 readings.
    """
    protocol = Protocol() if protocol is None else protocol
    if seed < 0:
        raise ValueError(f"seed = {seed}: must be 0 or more")
    devices = _at_widths(device, protocol, extrapolate)
    n = max(protocol.n_pulses) + 1
    shape = (len(devices), protocol.devices, protocol.cycles, 2, n)
    if math.prod(shape) > MAX_READINGS:
        got = " x ".join(map(str, shape))
        raise ValueError(f"protocol: {got} readings; at most {MAX_READINGS:.0e}: measure less")
    grid = np.full(shape, np.nan)
    truths = [_run(one, protocol, seed, w, grid[w]) for w, one in enumerate(devices)]
    ends = [_ends(one) for one in devices]
    unit = "1" if any(math.isnan(low) for low, _ in ends) else "S"
    if unit == "S":
        for w, (low, high) in enumerate(ends):
            grid[w] = low + (high - low) * grid[w]
    return _dataset(grid, unit, devices, protocol, seed, truths)


def _at_widths(device: Device | Family, protocol: Protocol, extrapolate: bool) -> list[Device]:
    if isinstance(device, Family):
        widths = sorted(protocol.pulse_widths or device.widths)
        return [device.at(width, extrapolate) for width in widths]
    if not isinstance(device, Device):
        raise TypeError(f"measure: got {type(device).__name__}; give a Device or a Family")
    for width in protocol.pulse_widths:
        if not same_width(width, device.pulse_width):
            raise ValueError(
                f"device {device.name!r} is known at {format_width(device.pulse_width)} only, not "
                f"at {format_width(width)}; leave pulse_widths out or measure a family"
            )
    return [device]


def _ends(device: Device) -> tuple[float, float]:
    """Return the conductances [S] at W = 0 and W = 1, NaN if they are not known."""
    low, high = device.conductance_off, device.conductance_on
    if math.isnan(low) and not math.isnan(device.on_off):
        low = high / device.on_off
    return (low, high) if low < high else (math.nan, math.nan)


def _run(device: Device, protocol: Protocol, seed: int, width: int, grid: np.ndarray) -> dict:
    """Fill `grid` (devices, cycles, 2, pulses + 1) with what the meter shows; return the truth."""
    array = SynapseArray((1, protocol.devices), tabulate(device), omega=0.5, seed=seed)
    # With omega 1/2 and reference 0 the visible weight is the visible conductance.
    array.set_reference(0.0)
    array.counters["train"] = width * _WIDTH
    if not math.isnan(protocol.start):
        array.set_state(protocol.start)
    keys = rng.key(seed, width, "instrument"), rng.key(seed, width, "drift")
    meter, read = Meter(protocol, device.read_noise, *keys), 0
    for cycle, polarity, before in protocol.branches():
        out = grid[:, cycle, polarity] if cycle >= 0 else None
        read = _branch(array, meter, (cycle, polarity, before), read, out)
    drawn = dict(zip(("c_up", "c_down", "low", "high"), (*array.step_scales, *array.ends)))
    drawn = {name: values[0].astype(float).tolist() for name, values in drawn.items()}
    return drawn | {"pulse_width": device.pulse_width, "device": device}


def _branch(
    array: SynapseArray, meter: Meter, branch: tuple, read: int, out: np.ndarray | None
) -> int:
    """Pulse one branch, write readings into `out` (devices, pulses + 1); return the next read.

    `branch` holds cycle, polarity and whether it is read before; `out` is None where nothing is
    recorded.
    """
    cycle, polarity, before = branch
    codes = np.arange(array.shape[1], dtype=np.uint32) | (_DOWN if polarity else np.uint32(0))
    level = meter.protocol.until(polarity, cycle)
    going = np.arange(codes.size)
    for pulse in range(0 if before else 1, meter.protocol.n_pulses[polarity] + 1):
        if pulse:
            array.pulse_list(_ROW, np.array([0, going.size], np.int64), codes[going])
        if out is None and math.isnan(level):
            continue
        seen = meter.see(array.weights[0].astype(float), cycle, read)
        if out is not None:
            out[going, pulse] = seen[going]
            read += 1
        if pulse and not math.isnan(level):
            short = seen[going] > level if polarity else seen[going] < level
            going = going[short]
            if not going.size:
                break
    return read


def _dataset(
    grid: np.ndarray, unit: str, devices: list, protocol: Protocol, seed: int, truths: list
) -> xarray.Dataset:
    from importlib.metadata import version

    import xarray

    n = grid.shape
    label = "conductance" + (" (relative)" if unit == "1" else "")
    coords = {
        "pulse_width": ([d.pulse_width for d in devices], "s", "pulse width"),
        "device": (np.arange(1, n[1] + 1), "1", "device"),
        "cycle": (np.arange(1, n[2] + 1), "1", "cycle"),
        "polarity": (np.array(["up", "down"]), "1", "polarity of the pulses"),
        "pulse": (np.arange(n[4]), "1", "pulse number, 0: before the first"),
    }
    ds = xarray.Dataset(
        {"conductance": (DIMS, grid, {"units": unit, "long_name": label})},
        {k: (k, v, {"units": u, "long_name": t}) for k, (v, u, t) in coords.items()},
    )
    read = {"units": "V", "long_name": "read voltage"}
    ds.coords["read_voltage"] = ((), protocol.read_voltage, read)
    _add_amplitudes(ds, [protocol.amplitudes(d.amplitude_up, d.amplitude_down) for d in devices])
    first = protocol.first_polarity
    told = {"units": "1", "long_name": "the up branch came first"}
    ds.coords["order"] = ("cycle", np.full(n[2], first == "up"), told)
    made = {"feemu": version("feemu"), "made_by": "feemu.instrument.measure", "seed": seed}
    truth = [{k: v.to_dict() if k == "device" else v for k, v in t.items()} for t in truths]
    ds.attrs = {
        "scheme": protocol.scheme,
        "first_polarity": first,
        "first_polarity_source": "given",
        "continuous": 1,
        "ended_by": "level" if protocol.until_up and protocol.until_down else "count",
        "notes": "; ".join(dict.fromkeys(c for d in devices for c in d.caveats)),
        "source": json.dumps([{"virtual": devices[0].name}]),
        "provenance": json.dumps(plain({**made, "protocol": protocol.to_dict(), "truth": truth})),
    }
    return ds


def _add_amplitudes(ds: xarray.Dataset, tables: list[np.ndarray]) -> None:
    """Add amplitudes over (polarity), (polarity, pulse), or also over the width if they differ."""
    if all(np.isnan(table).all() for table in tables):
        return
    label = {"units": "V", "long_name": "pulse amplitude"}
    if all(np.array_equal(table, tables[0], equal_nan=True) for table in tables):
        dims = ("polarity", "pulse")[: tables[0].ndim]
        ds.coords["amplitude"] = (dims, tables[0], label)
        return
    n = ds.sizes["pulse"]
    full = np.stack([t if t.ndim == 2 else np.repeat(t[:, None], n, 1) for t in tables])
    full[..., 0] = np.nan
    ds.coords["amplitude"] = (("pulse_width", "polarity", "pulse"), full, label)
