"""Devices drawn from what a fit knows: uncertainty carried into training."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu.devices import Device, Family, Noise, Spread, read_preset
from feemu.fit.posterior import SPREADS
from feemu.fit.shapes import SHAPES
from feemu.store import read_dataset

if TYPE_CHECKING:
    import xarray

#: Draws that a fit's file holds.
DRAWS = 400
FILE = "fit.nc"
_LARGEST_SPREAD = (3.0, 3.0, 1.0, 1.0)


def described(model: str, values: dict[str, float], siemens: bool) -> dict:
    """Return the fields of a device that a fit's parameters determine.

    Parameters
    ----------
    model : str
        Name in `feemu.fit.SHAPES`.
    values : dict
        Parameters under the names that a fit reports.
    siemens : bool
        Whether ``G_min`` and ``G_max`` are conductances [S].
    """
    shape = SHAPES[model]
    low, high = float(values["G_min"]), float(values["G_max"])
    known = siemens and low > 0
    spreads = [min(values.get(n, 0.0), most) for n, most in zip(SPREADS, _LARGEST_SPREAD)]
    return {
        "response": shape.build({n: float(values[n]) for n in shape.free}),
        "noise": Noise(float(values["relative"]), float(values["absolute"])),
        "spread": Spread(*map(float, spreads)),
        # A device's read noise scales with the conductance; equal at the middle of the range.
        "read_noise": 2.0 * float(values["read_noise"]),
        "on_off": high / low if known else math.nan,
        "conductance_on": high if known else math.nan,
        "conductance_off": low if known else math.nan,
    }


def shared(devices: Sequence[Device]) -> list[Device]:
    """Return the devices of a family as a preset holds them.

    Noise and spread are geometric means over pulse widths; read noise and conductances are those of
    the first.
    """
    first = devices[0]
    same = {n: getattr(first, n) for n in ("read_noise", "on_off", "conductance_on")}
    same |= {
        "conductance_off": first.conductance_off,
        "noise": _mean([d.noise for d in devices]),
        "spread": _mean([d.spread for d in devices]),
    }
    return [device.replace(**same) for device in devices]


def _mean(records: list) -> object:
    """Return the record of the geometric means, 0 where one is 0."""
    if len(records) == 1:
        return records[0]
    out = {}
    for field in dataclasses.fields(records[0]):
        values = np.array([getattr(r, field.name) for r in records], float)
        out[field.name] = float(np.exp(np.log(values).mean())) if (values > 0).all() else 0.0
    return type(records[0])(**out)


def device_hash(text: str) -> str:
    """Return the hash by which a fit's file names the device file beside it."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def drawn_devices(
    file: str | os.PathLike,
    n: int,
    pulse_width: float | str | None = None,
    extrapolate: bool = False,
) -> list[Device]:
    """Return devices drawn from what a fit knows, always the same first `n`.

    Parameters
    ----------
    file : path
        The ``device.toml`` that `feemu fit` wrote, with its ``fit.nc`` in the same folder.
    n : int
        Number of devices, at most `DRAWS`.
    pulse_width : float or str, optional
        Pulse width [s, or text such as '200ns'] of a family.
    extrapolate : bool
        As in `feemu.devices.Family.at`.

    Raises
    ------
    ValueError
        For a device without a fit, a fit of another device, or more devices than a fit holds.

    Notes
    -----
    Draws with a range that does not begin above zero conductance are left out where the fitted
    device has conductances. Each draw of a family has its own curve at every measured width.
    """
    path = Path(file).expanduser()
    base, ds = read_preset(path), _fit_of(path)
    devices = list(base.devices) if isinstance(base, Family) else [base]
    tables = _tables(ds, len(devices))
    siemens = math.isfinite(devices[0].conductance_off)
    usable = [i for i in range(ds.sizes["draw"]) if not siemens or _positive(tables, i)]
    if not 1 <= n <= len(usable):
        raise ValueError(f"{path}: {n} draws: must be 1 to {len(usable)}, as many as the fit holds")
    out = []
    for i in usable[:n]:
        rows = [
            device.replace(**described(ds.attrs["model"], {k: v[i] for k, v in t.items()}, siemens))
            for device, t in zip(devices, tables)
        ]
        rows = shared(rows)
        one = rows[0]
        if isinstance(base, Family):
            one = base.replace(devices=tuple(rows)).at(pulse_width, extrapolate)
        out.append(one)
    return out


def _fit_of(path: Path) -> xarray.Dataset:
    """Return what the fit of a device file left beside it."""
    beside = path.with_name(FILE)
    if not beside.is_file():
        raise ValueError(
            f"{path}: no {FILE} beside it, so nothing is known of its uncertainty; name the "
            "device.toml in a folder that 'feemu fit' wrote"
        )
    ds = read_dataset(beside)
    if not {"drawn", "parameter"} <= set(ds.variables) or "device_sha256" not in ds.attrs:
        raise ValueError(f"{beside}: holds no draws of a fit; run 'feemu fit' again")
    if ds.attrs["device_sha256"] != device_hash(path.read_text(encoding="utf-8")):
        raise ValueError(
            f"{beside}: belongs to another device than {path.name} (was it edited?); run "
            "'feemu fit' again"
        )
    return ds


def _tables(ds: xarray.Dataset, widths: int) -> list[dict[str, np.ndarray]]:
    """Return the draws of each parameter, for each pulse width in the order of a family."""
    values = ds["drawn"].values.reshape(widths, ds.sizes["draw"], -1)
    names = [str(n) for n in ds["parameter"].values]
    order = np.argsort(np.atleast_1d(ds["pulse_width"].values))
    return [dict(zip(names, values[i].T)) for i in order]


def _positive(tables: list[dict[str, np.ndarray]], i: int) -> bool:
    return all(0.0 < t["G_min"][i] < t["G_max"][i] for t in tables)
