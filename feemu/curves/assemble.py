"""From flat readings of one or more files to one labelled Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from feemu.curves.errors import refuse
from feemu.curves.flat import Flat
from feemu.curves.mapping import Mapping
from feemu.curves.protocol import describe
from feemu.curves.readings import Readings

if TYPE_CHECKING:
    import xarray

DIMS = ("pulse_width", "device", "cycle", "polarity", "pulse")
_NAMES = {
    "pulse_width": ("s", "pulse width"),
    "device": ("1", "device"),
    "cycle": ("1", "cycle"),
    "polarity": ("1", "polarity of the pulses"),
    "pulse": ("1", "pulse number, 0: before the first"),
}


def check_units(flat: Flat, grid: np.ndarray) -> None:
    """Refuse cycles of a device that differ by a factor of 1e3, 1e6 or 1e9: mixed units.

    Raises
    ------
    CurvesError
        Naming the first reading of the cycle.
    """
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        middle = np.nanmedian(np.abs(grid), axis=-1)
    # The lower median over cycles; NaN are sorted to the end.
    known = np.count_nonzero(~np.isnan(middle), axis=2)[:, :, None]
    usual = np.take_along_axis(np.sort(middle, axis=2), np.maximum(known - 1, 0) // 2, axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        decades = np.log10(middle / usual)
    power = np.rint(np.nan_to_num(decades, posinf=0, neginf=0) / 3) * 3
    wrong = (power != 0) & (np.abs(decades - power) < 0.15)
    for w, d, c, p in np.argwhere(wrong)[:1]:
        at = [w, d, c, p]
        row = int(np.argmax(np.all([k == i for k, i in zip(flat.place, at)], axis=0)))
        what = f"{flat.name(row)}: values {10.0 ** power[w, d, c, p]:g} times those of other cycles"
        told = "one unit in all of a file; unit_check=False reads it as it is"
        raise flat.refuse(row, what, float(flat.value[row]), told)


def dataset(parts: Sequence[Readings], mappings: Sequence[Mapping]) -> xarray.Dataset:
    """Return the Dataset of all files.

    Raises
    ------
    CurvesError
        If files do not fit together, readings are repeated, or labels leave a grid mostly empty.
    """
    import xarray

    if len({r.relative for r in parts}) > 1:
        expected = "all in S or all in 1"
        raise refuse(parts[-1].where, "conductances absolute here, relative there", None, expected)
    flat = Flat(parts)
    grid = flat.grid(mappings[0].repeats)
    if mappings[0].unit_check:
        check_units(flat, grid)

    coords = {
        "pulse_width": flat.widths,
        "device": np.array(flat.devices),
        "cycle": np.array(flat.cycles),
        "polarity": np.array(["up", "down"]),
        "pulse": np.arange(flat.shape[-1]),
    }
    labelled = {
        name: (name, values, dict(zip(("units", "long_name"), _NAMES[name])))
        for name, values in coords.items()
    }
    unit = "1" if parts[0].relative else "S"
    label = {"units": unit, "long_name": "conductance" + (" (relative)" if unit == "1" else "")}
    ds = xarray.Dataset({"conductance": (DIMS, grid, label)}, labelled)
    if flat.unread:
        told = {"units": "1", "long_name": "last pulse of a branch, read or not; -1: no branch"}
        ds["last_pulse"] = (DIMS[:-1], flat.last, told)
    return describe(ds, flat, mappings)
