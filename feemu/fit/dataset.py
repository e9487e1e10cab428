"""A fit as labelled data: values with intervals, readings, fitted levels, steps over state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from feemu.fit.averages import Averages
from feemu.fit.drawn import device_hash
from feemu.fit.filter import INTERVALS, tables
from feemu.fit.preset import preset_text
from feemu.fit.result import Fit, Part
from feemu.fit.traces import on_grid

if TYPE_CHECKING:
    import xarray

_STATES = np.linspace(0.0, 1.0, 101)
_BAND = 300


def fit_dataset(found: Fit) -> xarray.Dataset:
    """Return a fit as one dataset; several pulse widths make a dimension ``pulse_width`` [s]."""
    import xarray

    parts = [part_dataset(found, part) for part in found.parts]
    widths = [part.pulse_width for part in found.parts]
    ds = parts[0] if len(parts) == 1 else xarray.concat(parts, "pulse_width")
    ds = ds.assign_coords(pulse_width=widths[0] if len(parts) == 1 else widths)
    ds["pulse_width"].attrs = {"units": "s", "long_name": "pulse width"}
    ds.attrs = {
        "model": found.model,
        "device_sha256": device_hash(preset_text(found)),
        "level": found.level,
        "source": found.about["source"],
        "ranking": json.dumps([vars(r) for r in found.ranking]),
        "notes": json.dumps([list(p.notes) for p in found.parts]),
        "checks": json.dumps([p.checks for p in found.parts]),
        "emulation": json.dumps([p.emulation for p in found.parts]),
    }
    return ds


def part_dataset(found: Fit, part: Part) -> xarray.Dataset:
    """Return one pulse width of a fit as a dataset."""
    import xarray

    s = part.estimate.problem.sequence
    table = {**part.parameters, **part.derived}
    names = list(table)
    columns = {
        f: ("parameter", [getattr(v, f) for v in table.values()])
        for f in ("value", "lower", "upper", "unit", "note")
    }
    kinds = ["parameter"] * len(part.parameters) + ["derived"] * len(part.derived)
    drawn = np.stack([part.columns[n] for n in names], axis=1)
    rest = Averages(part.estimate.problem, part.x, part.u).residual(part.x)
    dims = ("device", "cycle", "polarity", "pulse")
    level = {"units": "1", "long_name": "level over the range of the levels"}
    ds = xarray.Dataset(
        {
            **columns,
            "kind": ("parameter", kinds),
            "drawn": (("draw", "parameter"), drawn, {"long_name": "draws from what is known"}),
            "correlation": (("parameter", "other"), _correlation(drawn), {"units": "1"}),
            "level": (dims, on_grid(s, s.y), level),
            "fitted": (dims, on_grid(s, s.y - rest), level | {"long_name": "noise-free curve"}),
            "residual": (dims, on_grid(s, rest), level | {"long_name": "level - fitted"}),
            **_steps(part),
            **{f"rms_{k}": ((), v, {"units": "1"}) for k, v in part.residuals.items()},
            "level_low": ((), s.low, {"units": found.unit}),
            "level_high": ((), s.high, {"units": found.unit}),
        },
        coords={
            "parameter": names,
            "other": names,
            "draw": np.arange(len(drawn)),
            "polarity": ["up", "down"],
            "pulse": np.arange(s.shape[3]),
            "state": ("state", _STATES, {"units": "1", "long_name": "state"}),
        },
    )
    return ds


def _correlation(drawn: np.ndarray) -> np.ndarray:
    """Return correlations of the columns; NaN where one does not vary or is not known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.atleast_2d(np.corrcoef(drawn.T))


def _steps(part: Part) -> dict:
    """Return the step over state with its band."""
    shape = part.estimate.problem.shape
    at = np.round(_STATES * INTERVALS).astype(int)
    curves = np.stack([tables(shape.model(x))[0][:, at] for x in part.draws.x[:_BAND]])
    ends = np.quantile(curves, [0.025, 0.975], axis=0)
    said = {"units": "1", "long_name": "step of the state per pulse"}
    return {
        "step": (("polarity", "state"), np.asarray(tables(shape.model(part.x))[0][:, at]), said),
        "step_lower": (("polarity", "state"), ends[0], said),
        "step_upper": (("polarity", "state"), ends[1], said),
    }
