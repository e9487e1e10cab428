"""Pulse trains as tidy CSV, and the comment lines that carry what columns cannot."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu.curves.errors import CurvesError
from feemu.curves.lines import MAX_BYTES, MAX_LINES
from feemu.store import write_bytes_atomic

if TYPE_CHECKING:
    import xarray

_MARK = "# feemu: "
#: A comment longer than this would not be read again.
_LONGEST = 500_000
_OWN = (
    "scheme",
    "first_polarity",
    "continuous",
    "ended_by",
    "source",
    "notes",
    "first_polarity_source",
)


def write_curves(ds: xarray.Dataset, path: str | os.PathLike) -> Path:
    """Write pulse trains as tidy CSV, one row per reading, at once or not at all.

    Parameters
    ----------
    ds : xarray.Dataset
        As `read_curves` returns it. Readings that are NaN get no row.
    path : path
        File to write.

    Returns
    -------
    pathlib.Path
        The file written; `read_curves` makes the same Dataset of it, but for the attributes
        ``source`` and ``notes``.

    Raises
    ------
    CurvesError
        If the Dataset lacks a dimension, holds no reading or too many to be read again, or a label
        would break a row.
    OSError
        If the file cannot be written.
    """
    import pandas

    from feemu.curves.assemble import DIMS

    if "conductance" not in ds or set(ds["conductance"].dims) != set(DIMS):
        raise CurvesError(f"expected a Dataset with conductance over {', '.join(DIMS)}")
    values = ds["conductance"].transpose(*DIMS)
    at = _rows(ds, values.values)
    unit = values.attrs.get("units", "1")
    widths, devices, cycles, polarities, pulses = (ds[name].values for name in DIMS)
    columns = {
        "device": _labels(devices)[at[1]],
        "cycle": _labels(cycles)[at[2]],
        "polarity": polarities[at[3]],
        "pulse": pulses[at[4]],
        "conductance_S" if unit == "S" else "conductance (1)": values.values[at],
    }
    if not np.isnan(widths).all():
        columns["pulse_width_s"] = widths[at[0]]
    if "amplitude" in ds.coords and ds["amplitude"].ndim > 1:
        full = ds["amplitude"].broadcast_like(values.isel(device=0, cycle=0))
        column = full.transpose("pulse_width", "polarity", "pulse").values[at[0], at[3], at[4]]
        columns["voltage_V"] = column
    body = pandas.DataFrame(columns).to_csv(index=False, lineterminator="\n")
    raw = (_comments(ds) + body).encode()
    if len(raw) > MAX_BYTES or raw.count(b"\n") > MAX_LINES:
        raise CurvesError(
            f"{path}: {at[0].size} readings make {len(raw) / 1e6:.0f} MB; at most "
            f"{MAX_BYTES / 1e6:.0f} MB and {MAX_LINES} lines are read again: write one file per "
            "pulse width or device"
        )
    return write_bytes_atomic(path, raw)


def _rows(ds: xarray.Dataset, values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the places of all rows: of readings, and of a branch's last pulse if not read."""
    from feemu.curves.assemble import DIMS

    kept = ~np.isnan(values)
    if not kept.any():
        raise CurvesError("expected a Dataset with at least one reading that is not NaN")
    if "last_pulse" in ds:
        last = ds["last_pulse"].transpose(*DIMS[:-1]).values
        branch = np.nonzero(last > 0)
        kept[(*branch, last[branch])] = True
    return np.nonzero(kept)


def _labels(found: np.ndarray) -> np.ndarray:
    """Return labels that can stand in a cell."""
    for label in found:
        text = str(label)
        if (
            not text.strip()
            or text != text.strip()
            or set(text) & set('\n\r"')
            or text[0] in "#%!/"
        ):
            raise CurvesError(f"label {text!r} cannot stand in a CSV file; rename it")
    return found


def _comments(ds: xarray.Dataset) -> str:
    lines = ["# conductance after each pulse; pulse 0 is the reading before the first"]
    lines.append("# pulse_numbers = branch")
    told = [name for name in ("scheme", "first_polarity", "ended_by") if name in ds.attrs]
    lines += [f"# {name} = {ds.attrs[name]}" for name in told]
    if "continuous" in ds.attrs:
        lines.append(f"# continuous = {'yes' if ds.attrs['continuous'] else 'no'}")
    if "read_voltage" in ds.coords and np.isfinite(ds["read_voltage"]):
        lines.append(f"# read_voltage = {float(ds['read_voltage'])!r} V")
    if "amplitude" in ds.coords and ds["amplitude"].ndim == 1:
        for name, volts in zip(("up", "down"), ds["amplitude"].values):
            if np.isfinite(volts):
                lines.append(f"# amplitude_{name} = {float(volts)!r} V")
    more = {
        "labels": {name: ds[name].values.tolist() for name in ("device", "cycle")},
        "pulses": int(ds["pulse"].values[-1]),
        "order": [bool(x) for x in ds["order"].values] if "order" in ds.coords else None,
        "attrs": {k: v for k, v in ds.attrs.items() if k not in ("source", "notes")},
    }
    text = json.dumps(more, ensure_ascii=True)
    if len(text) <= _LONGEST:
        lines.append(_MARK + text)
    return "\n".join(lines) + "\n"


def restore(ds: xarray.Dataset, comment: str) -> xarray.Dataset:
    """Return a Dataset with labels, order and attributes from the comment of `write_curves`.

    A comment that does not fit the readings (somebody edited the file) is left out.
    """
    try:
        more = json.loads(comment.removeprefix(_MARK))
        labels = {name: more["labels"][name] for name in ("device", "cycle")}
        if any(set(map(str, ds[n].values)) - set(map(str, labels[n])) for n in labels):
            return ds
        pulses = range(min(max(int(more["pulses"]), ds.sizes["pulse"] - 1), 10**6) + 1)
        sizes = [len(labels["device"]), len(labels["cycle"]), len(pulses)]
        if np.prod(sizes, dtype=object) > max(10**6, 100 * ds["conductance"].size):
            return ds
        kinds = {n: np.array(labels[n]) for n in labels}
        for name in labels:
            ds = ds.assign_coords({name: (name, ds[name].values.astype(kinds[name].dtype),
                                          ds[name].attrs)})  # fmt: skip
        wide = ds.reindex({**kinds, "pulse": np.arange(len(pulses))})
        for name in wide.coords:
            wide[name].attrs = ds[name].attrs
        order = more["order"] if more["order"] else ds["order"].values
        wide.coords["order"] = ("cycle", np.array(order, bool), ds["order"].attrs)
        extra = {k: v for k, v in more["attrs"].items() if k not in (*_OWN, "scheme")}
        extra["first_polarity_source"] = more["attrs"].get("first_polarity_source", "given")
        wide.attrs = {**ds.attrs, **extra}
        return wide
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return ds
