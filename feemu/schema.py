"""The one table that declares every variable of a result; checks and labels come from it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feemu.params import unknown

if TYPE_CHECKING:
    import xarray as xr

CONVENTIONS = "CF-1.10"

_KINDS = {"float": "fiu", "count": "iu", "flag": "b", "text": "UO"}
_WORDS = {"float": "numbers", "count": "whole numbers", "flag": "boolean", "text": "text"}


class SchemaError(ValueError):
    """A dataset breaks its declaration; `violations` lists every way in which it does."""

    def __init__(self, violations: list[str]) -> None:
        self.violations = tuple(violations)
        number = len(self.violations)
        head = f"not a valid feemu result ({number} violation{'s'[: number > 1]})"
        super().__init__(f"{head}: {'; '.join(self.violations)}")


@dataclass(frozen=True)
class Variable:
    """One variable or coordinate of a result.

    Parameters
    ----------
    name : str
        Name in the dataset.
    dims : tuple of str
        Its own dimensions, in order. A sweep may put further dimensions before them.
    kind : {"float", "count", "flag", "text"}
        What it holds. Counts may be stored as floats with NaN where a case was not run.
    unit, long_name, doc : str
        SI unit, axis label, and further explanation.
    lo, hi : float
        Allowed closed range of its finite values; an infinite end allows an infinite value.
    required : bool
        True where a result is no result without it.
    coordinate : bool
        True for coordinates.
    some : bool
        True where only some runs of a sweep may have it; NaN for the others.
    """

    name: str
    dims: tuple[str, ...]
    kind: str
    unit: str
    long_name: str
    doc: str = ""
    lo: float = -math.inf
    hi: float = math.inf
    required: bool = False
    coordinate: bool = False
    some: bool = False


def _rows(dims: tuple[str, ...], kind: str, unit: str, labels: dict, **more) -> list[Variable]:
    pairs = {k: (v, "") if isinstance(v, str) else v for k, v in labels.items()}
    return [Variable(name, dims, kind, unit, *pair, **more) for name, pair in pairs.items()]


def _axis(name: str, kind: str, label: str, doc: str = "", **more) -> Variable:
    return Variable(name, (name,), kind, "1", label, doc, coordinate=True, **more)


_EPOCH, _LAYER = ("epoch",), ("epoch", "layer")
_PHASE = ("epoch", "layer", "phase")
_PULSE, _READ = (*_PHASE, "pulse_kind"), (*_PHASE, "read_kind")

_COORDINATES = [
    _axis("epoch", "float", "epoch", lo=0, required=True),
    _axis("layer", "count", "layer", lo=0, required=True),
    _axis("phase", "text", "phase", required=True),
    _axis("pulse_kind", "text", "pulse kind", required=True),
    _axis("read_kind", "text", "kind of read"),
    _axis("digital_op", "text", "digital operation"),
    _axis("state_bin", "float", "switched fraction", "bin centres", lo=0, hi=1),
    _axis("weight_bin", "float", "weight over weight scale", "bin centres"),
    _axis("quantile", "float", "quantile over synapses", lo=0, hi=1),
    _axis("log2_bin", "float", "log2 of events per synapse", "lower edges"),
    Variable("pulse_width", (), "float", "s", "programming pulse width", lo=0, coordinate=True),
    Variable("seed", (), "count", "1", "seed", lo=0, coordinate=True),
    Variable(
        "draw", (), "count", "1", "draw from what a fit knows of the device", lo=0, coordinate=True
    ),
    *_rows(
        (),
        "text",
        "1",
        {
            "algorithm": "training algorithm",
            "width_label": "origin of the pulse width",
            "task": "task",
            "device": "device",
        },
        coordinate=True,
    ),
    *_rows((), "count", "bit", {"adc_bits": ("ADC resolution", "0: ideal")}, lo=0, coordinate=True),
]

_LOSSES = {"train_loss": "training loss", "validation_loss": "validation loss"}
_MUST = {"lo": 0, "required": True}
_CURVES = [
    *_rows(_EPOCH, "float", "1", _LOSSES),
    *_rows(_EPOCH, "float", "1", {"validation_accuracy": "validation accuracy"}, hi=1, **_MUST),
    *_rows(_EPOCH, "float", "1", {"test_accuracy": "test accuracy"}, hi=1, **_MUST),
    *_rows(_EPOCH, "count", "1", {"images": "training images seen"}, **_MUST),
    *_rows(_EPOCH, "float", "1", {"learning_rate": "learning rate"}, lo=0),
    *_rows(_EPOCH, "flag", "1", {"done": "evaluated"}, required=True),
]
_COMPLETE = ("validation_accuracy", "images")

_COUNTS = {
    _PULSE: {
        "row_pulses": ("driven rows", "summed over time steps"),
        "column_pulses": ("driven columns", "summed over time steps"),
        "slots": "programming time steps",
    },
    (*_PULSE, "state_bin"): {"state_histogram": "pulses by state at the pulse"},
    _READ: {
        "reads": "vector reads",
        "read_rows": ("input lines driven at reads", "lines with a non-zero input"),
        "adc_conversions": "analogue-to-digital conversions",
        "dac_conversions": "digital-to-analogue conversions",
    },
    (*_PHASE, "digital_op"): {"digital_ops": "digital operations"},
    _PHASE: {"clipped_updates": "updates that clipped"},
    (*_LAYER, "state_bin"): {"synapse_state_histogram": "synapses"},
    (*_LAYER, "weight_bin"): {"weight_histogram": "synapses"},
    (*_LAYER, "log2_bin"): {"events_histogram": "synapses"},
    ("layer",): {"n_in": "inputs", "n_out": "outputs", "arrays": "arrays of the layer"},
}

_SUMS = [
    *_rows(_PULSE, "float", "1", {"switched_fraction": ("summed switched fraction", "sum |dp|")}),
    *_rows(
        _PULSE,
        "float",
        "1",
        {
            "conductance_sum": (
                "summed normalised conductance at pulses",
                "sum of (g before + g after) / 2",
            )
        },
    ),
    *_rows(
        _READ,
        "float",
        "1",
        {"read_x2": ("summed squared read inputs", "relative to the largest of each vector")},
        lo=0,
    ),
    *_rows(("layer", "digital_op"), "count", "bit", {"digital_bits": "word length"}, lo=0),
]

_STATES = [
    *_rows(
        _LAYER,
        "float",
        "1",
        {
            "saturated_fraction": "saturated synapses",
            "no_symmetry_point": "synapses without a symmetry point",
            "pulsed_fraction": "synapses ever pulsed",
        },
        lo=0,
        hi=1,
    ),
    *_rows(
        _LAYER,
        "float",
        "1",
        {"weight_mean": "mean weight", "conductance_mean": "mean normalised conductance"},
    ),
    *_rows(_LAYER, "float", "1", {"weight_std": "standard deviation of the weights"}, lo=0),
    *_rows((*_LAYER, "quantile"), "float", "1", {"events_quantile": "events per synapse"}, lo=0),
    *_rows(
        ("layer",),
        "float",
        "1",
        {
            "weight_scale": ("weight scale", "weight at the end of the nominal range"),
            "granularity": ("weight change per pulse", "at the symmetry point"),
        },
        lo=0,
    ),
    *_rows(("pulse_kind",), "float", "s", {"pulse_duration": "pulse duration"}, lo=0),
    *_rows(("pulse_kind",), "float", "V", {"pulse_amplitude": ("pulse amplitude", "NaN: unknown")}),
    *_rows(
        (),
        "float",
        "S",
        {
            "conductance_on": ("conductance at state 1", "of the device; absent or NaN: not known"),
            "conductance_off": (
                "conductance at state 0",
                "of the device; absent or NaN: not known",
            ),
        },
        lo=0,
        some=True,
    ),
]

_PRICED = [
    *_rows(
        ("epoch", "phase"),
        "float",
        "J",
        {
            "energy_switching": "energy of polarization switching",
            "energy_capacitive": "energy of charging the pulsed synapses",
            "energy_conductive": "energy of conduction in the pulsed synapses",
            "energy_half_select": "energy in half-selected synapses",
            "energy_driver": "energy of charging the driven lines",
            "energy_device": "programming energy",
            "energy_digital": "digital energy",
            "energy_read": "read energy",
            "energy_total": "total energy",
        },
    ),
    *_rows(("epoch", "phase"), "float", "s", {"time_programming": "programming time"}, lo=0),
]


def _table() -> dict[str, Variable]:
    pulses = Variable("pulses", _PULSE, "count", "1", "programming pulses", lo=0, required=True)
    counts = [
        row for dims, labels in _COUNTS.items() for row in _rows(dims, "count", "1", labels, lo=0)
    ]
    rows = (*_COORDINATES, *_CURVES, pulses, *counts, *_SUMS, *_STATES, *_PRICED)
    return {row.name: row for row in rows}


VARIABLES: dict[str, Variable] = _table()
DIMENSIONS: frozenset[str] = frozenset(d for v in VARIABLES.values() for d in v.dims)
SOME: tuple[str, ...] = tuple(v.name for v in VARIABLES.values() if v.some)
ENERGY: tuple[str, ...] = tuple(v.name for v in _PRICED)


def annotate(ds: xr.Dataset) -> xr.Dataset:
    """Return the dataset with unit and label attached to every declared variable.

    Parameters
    ----------
    ds : xarray.Dataset
        A result; it is not changed. Attributes of variables that the table does not declare,
        and further attributes of those that it does, are kept.

    Returns
    -------
    xarray.Dataset
        A shallow copy with `units` and `long_name` on each declared variable and coordinate.
    """
    out = ds.copy()
    for name, variable in out.variables.items():
        if name in VARIABLES:
            row = VARIABLES[name]
            labels = {"units": row.unit, "long_name": row.long_name}
            if row.doc:
                labels["description"] = row.doc
            variable.attrs = {**variable.attrs, **labels}
    out.attrs = {**out.attrs, "Conventions": CONVENTIONS}
    return out


def validate(ds: xr.Dataset, *, complete: bool = True) -> xr.Dataset:
    """Check a dataset against the table and return it.

    Parameters
    ----------
    ds : xarray.Dataset
        A result, or a sweep of results with further dimensions before the declared ones.
    complete : bool
        False for a part or a derived table: then nothing is required to be present.

    Returns
    -------
    xarray.Dataset
        The dataset itself.

    Raises
    ------
    SchemaError
        With every violation at once: missing, mislabelled, of a wrong kind, dimension, range.
    TypeError
        If it is no dataset.
    """
    if not hasattr(ds, "data_vars"):
        raise TypeError(f"expected an xarray.Dataset, got {type(ds).__name__}")
    violations = list(_violations(ds, complete))
    if violations:
        raise SchemaError(violations)
    return ds


def table() -> str:
    """Return the declared variables as a Markdown table."""
    lines = ["| variable | dimensions | unit | meaning |", "|---|---|---|---|"]
    for row in VARIABLES.values():
        meaning = row.long_name + (f" ({row.doc})" if row.doc else "")
        lines.append(f"| `{row.name}` | {', '.join(row.dims)} | {row.unit} | {meaning} |")
    return "\n".join(lines)


def _violations(ds: xr.Dataset, complete: bool) -> Iterator[str]:
    yield from _header(ds, complete)
    for name, variable in ds.variables.items():
        row = VARIABLES.get(name)
        if row is None:
            yield from _undeclared(str(name), variable)
            continue
        problems = [*_labels(row, variable, name in ds.coords), *_layout(row, variable)]
        yield from problems or _values(row, variable)
    yield from _gaps(ds)


def _header(ds: xr.Dataset, complete: bool) -> Iterator[str]:
    if complete:
        for row in VARIABLES.values():
            if row.required and row.name not in ds.variables:
                yield f"{row.name} is missing"
        if "provenance" not in ds.attrs:
            yield "attribute provenance is missing"
    if "provenance" in ds.attrs:
        try:
            json.loads(ds.attrs["provenance"])
        except (TypeError, ValueError):
            yield "attribute provenance is not JSON text"


def _undeclared(name: str, array: xr.Variable) -> Iterator[str]:
    lacking = [a for a in ("units", "long_name") if a not in array.attrs]
    if lacking:
        yield f"{unknown('variable', name, VARIABLES).split(' known are')[0].rstrip(':')}" + (
            f" (an own variable needs attributes {' and '.join(lacking)})"
        )


def _labels(row: Variable, array: xr.Variable, coordinate: bool) -> Iterator[str]:
    if row.coordinate != coordinate:
        yield f"{row.name} must be a {'coordinate' if row.coordinate else 'data variable'}"
    got = array.attrs.get("units")
    if got != row.unit:
        yield f"{row.name} has units {got!r}, expected {row.unit!r}"
    if not array.attrs.get("long_name"):
        yield f"{row.name} has no long_name"


def _layout(row: Variable, array: xr.Variable) -> Iterator[str]:
    dims, number = tuple(map(str, array.dims)), len(row.dims)
    lead, own = dims[: len(dims) - number], dims[len(dims) - number :]
    stray = [d for d in lead if d in DIMENSIONS]
    if own != row.dims or stray or len(dims) < number:
        yield f"{row.name} has dimensions {dims}, expected {('...', *row.dims)}"
    kind = array.dtype.kind
    if kind not in _KINDS[row.kind] and not (row.kind == "count" and kind == "f"):
        yield f"{row.name} is {array.dtype}, expected {_WORDS[row.kind]}"


def _values(row: Variable, array: xr.Variable) -> Iterator[str]:
    if row.kind not in ("float", "count") or array.size == 0:
        return
    values = np.asarray(array.values)
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values.ravel()
    if known.size == 0:
        return
    low, high = known.min(), known.max()
    if low < row.lo or high > row.hi:
        yield f"{row.name} spans {low:g} to {high:g}, allowed is {row.lo:g} to {row.hi:g}"
    if row.kind == "count" and values.dtype.kind == "f" and np.any(known != np.floor(known)):
        yield f"{row.name} holds fractions, expected whole numbers"
    if row.name in row.dims and (known.size < values.size or np.any(np.diff(values) <= 0)):
        yield f"{row.name} must increase strictly and hold no NaN"


def _gaps(ds: xr.Dataset) -> Iterator[str]:
    done = ds.variables.get("done")
    if done is None or done.dtype.kind != "b":
        return
    for name in _COMPLETE:
        array = ds.variables.get(name)
        missing = 0 if array is None else int((array.isnull() & done).sum())
        if missing:
            yield f"{name} is NaN at {missing} points that are done"
