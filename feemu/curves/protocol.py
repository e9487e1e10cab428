"""What the files tell about the protocol: amplitudes, scheme, order, read voltage, sources."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu.curves.ends import ended_by
from feemu.curves.flat import Flat
from feemu.curves.mapping import Mapping

if TYPE_CHECKING:
    import xarray

#: Amplitudes of one pulse may differ by this fraction of the largest: what a source is good for.
SAME_VOLTAGE = 0.01


def describe(ds: xarray.Dataset, flat: Flat, mappings: Sequence[Mapping]) -> xarray.Dataset:
    """Return the Dataset with read voltage, amplitudes, order of the branches and attributes.

    Raises
    ------
    CurvesError
        If one pulse was given with different amplitudes.
    """
    notes = [f"{Path(r.where).name}: {note}" for r in flat.parts for note in r.notes]
    if flat.missing:
        notes.append(f"{flat.missing} missing readings")
    if flat.unread:
        notes.append("pulses after the last reading of a branch are counted (last_pulse)")
    if flat.repeated:
        notes.append(f"{flat.repeated} repeated readings")
    read = {r.read_voltage for r in flat.parts}
    volts = read.pop() if len(read) == 1 else np.nan
    ds.coords["read_voltage"] = ((), volts, {"units": "V", "long_name": "read voltage"})
    amplitude, scheme = _amplitude(flat, mappings)
    if amplitude is not None:
        dims = {1: ("polarity",), 2: ("polarity", "pulse"), 3: ("pulse_width", "polarity", "pulse")}
        label = {"units": "V", "long_name": "pulse amplitude"}
        ds.coords["amplitude"] = (dims[amplitude.ndim], amplitude, label)
    up_first, told = _first(flat, mappings)
    label = {"units": "1", "long_name": "the up branch came first"}
    ds.coords["order"] = ("cycle", up_first, label)
    first = "up" if up_first.mean() >= 0.5 else "down"
    end = _agreed(mappings, "ended_by")
    if end == "auto":
        end = ended_by(ds["conductance"].values)
        if end == "level":
            notes.append("branches end on a level: their lengths vary, their ends hardly")
    given = _agreed(mappings, "continuous")
    known = bool(flat.parts[0].continuous) if len(flat.parts) == 1 else False
    ds.attrs = {
        "scheme": scheme,
        "first_polarity": first,
        "first_polarity_source": told,
        # A number: netCDF files hold no booleans in attributes.
        "continuous": int(known if given == "auto" else given == "yes"),
        "ended_by": end,
        "notes": "; ".join(dict.fromkeys(notes)),
    }
    return ds


def _agreed(mappings: Sequence[Mapping], name: str) -> str:
    """Return a setting that all files share, else auto."""
    found = {getattr(m, name) for m in mappings}
    return found.pop() if len(found) == 1 else "auto"


def _amplitude(flat: Flat, mappings: Sequence[Mapping]) -> tuple[np.ndarray | None, str]:
    """Return amplitudes [V] (polarity), (polarity, pulse) or with the width ahead; the scheme."""
    scheme = _agreed(mappings, "scheme")
    known = ~np.isnan(flat.voltage)
    if not known.any():
        pairs = {(m.amplitude_up, m.amplitude_down) for m in mappings}
        one = np.array(pairs.pop()) if len({str(p) for p in pairs}) == 1 else np.full(2, np.nan)
        given = None if np.isnan(one).all() else one
        return given, "unknown" if scheme == "auto" else scheme
    table = _per_pulse(flat, known)
    largest = np.nanmax(np.abs(table))
    flatly = bool(_span(table, -1).max() <= SAME_VOLTAGE * largest)
    if scheme == "auto":
        scheme = "identical" if flatly else "ramp"
    if _span(table, 0).max() > SAME_VOLTAGE * largest:
        return table, scheme
    merged = _middle(table, 0)
    return (_middle(merged, -1) if flatly else merged), scheme


def _per_pulse(flat: Flat, known: np.ndarray) -> np.ndarray:
    """Return the amplitude of each (width, polarity, pulse) [V]; refuse several of one pulse."""
    w, _, _, polarity, pulse = flat.place
    shape = (flat.shape[0], 2, flat.shape[-1])
    at = np.ravel_multi_index((w, polarity, pulse), shape)
    used = known & (pulse > 0)
    low, high = np.full(np.prod(shape), np.inf), np.full(np.prod(shape), -np.inf)
    np.minimum.at(low, at[used], flat.voltage[used])
    np.maximum.at(high, at[used], flat.voltage[used])
    largest = np.abs(flat.voltage[known]).max()
    wide = np.flatnonzero(high - low > SAME_VOLTAGE * largest)
    if wide.size:
        rows = np.flatnonzero(used & (at == wide[0]))
        low_v, high_v = low[wide[0]], high[wide[0]]
        row = int(rows[np.argmax(flat.voltage[rows] != flat.voltage[rows[0]])])
        what = f"{flat.name(row)}: amplitudes from {low_v:g} to {high_v:g} V for the same pulse"
        expected = "one protocol per set: split the file by amplitude"
        raise flat.refuse(row, what, float(flat.voltage[row]), expected)
    table = np.full(low.size, np.nan)
    found = high >= low
    table[found] = (low[found] + high[found]) / 2
    return table.reshape(shape)


def _ends(table: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest value along an axis, NaN where there is none."""
    known = ~np.isnan(table)
    low, high = np.where(known, table, np.inf).min(axis), np.where(known, table, -np.inf).max(axis)
    none = ~known.any(axis)
    return np.where(none, np.nan, low), np.where(none, np.nan, high)


def _span(table: np.ndarray, axis: int) -> np.ndarray:
    low, high = _ends(table, axis)
    return np.nan_to_num(high - low)


def _middle(table: np.ndarray, axis: int) -> np.ndarray:
    low, high = _ends(table, axis)
    return low + (high - low) / 2


def _first(flat: Flat, mappings: Sequence[Mapping]) -> tuple[np.ndarray, str]:
    """Return whether up came first in each cycle, and where that is known from."""
    n = len(flat.cycles)
    given = _agreed(mappings, "first_polarity")
    if given != "auto":
        return np.full(n, given == "up"), "given"
    if len(flat.parts) == 1 and flat.parts[0].up_first:
        told = {str(k): v for k, v in flat.parts[0].up_first.items()}
        usual = sum(told.values()) * 2 >= len(told)
        return np.array([told.get(str(c), usual) for c in flat.cycles]), "order of the rows"
    ups, downs = (np.unique(flat.place[2][flat.place[3] == p]).size for p in (0, 1))
    if ups != downs and min(ups, downs) > 0:
        return np.full(n, ups > downs), "more branches of it"
    return np.full(n, True), "assumed"
