"""Made-up studies with known curves, accuracies and numbers of events."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from synthetic_result import result

from feemu import schema

WIDTHS = (2e-8, 2e-6, 2e-5)
ORIGINS = ("measured", "interpolated", "measured")
#: Counters that grow with the number of events.
_COUNTS = (
    "pulses", "switched_fraction", "conductance_sum", "row_pulses", "column_pulses", "slots",
    "state_histogram",
)  # fmt: skip
GRID = ("pulse_width", "algorithm", "seed")
NAMES = ("plain_sgd", "shift_push_pull", "mixed_precision", "float")
QUICK = np.array([0.1, 0.5, 0.92, 0.96, 0.97])
SLOW = np.array([0.1, 0.2, 0.5, 0.92, 0.96])
NEVER = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def noise(seed: int) -> float:
    """Return a number of a seed, of mean zero over eight seeds and in [-1, 1]."""
    return (0.4, -1.0, 0.8, -0.2, 1.0, -0.4, 0.2, -0.8)[seed % 8]


def made_up(
    curve: Callable = lambda name, width, seed: QUICK,
    test: Callable = lambda name, width, seed: 0.9,
    load: Callable = lambda name, width, seed: 1,
    *,
    seeds: int = 8,
    names: tuple[str, ...] = NAMES,
    widths: tuple[float, ...] = WIDTHS,
    origins: tuple[str, ...] = ORIGINS,
) -> xr.Dataset:
    """Return a sweep with given validation curve, final test accuracy and multiple of events."""
    seen = _runs(seeds)
    lead = (len(widths), len(names), seeds)
    cells = [(w, n, s) for w in widths for n in names for s in range(seeds)]
    events = np.reshape([load(*_named(cell)) for cell in cells], lead)
    data = {}
    for name, values in seen.data_vars.items():
        array = np.broadcast_to(values.values, (*lead[:2], *values.shape))
        if name in _COUNTS:
            array = array * events.reshape(*lead, *(1,) * (array.ndim - 3))
        data[name] = ((*GRID, *values.dims[1:]), array)
    curves = np.array([curve(*_named(cell)) for cell in cells]).reshape(*lead, -1)
    tests = np.reshape([test(*_named(cell)) for cell in cells], (*lead, 1)) + 0 * curves
    data["validation_accuracy"] = ((*GRID, "epoch"), curves)
    data["test_accuracy"] = ((*GRID, "epoch"), tests)
    durations = np.broadcast_to(np.reshape(widths, (-1, 1, 1, 1)), (*lead, 2))
    data["pulse_duration"] = ((*GRID, "pulse_kind"), durations)
    coords = {n: c for n, c in seen.coords.items() if n not in (*GRID, "width_label")}
    coords |= {"pulse_width": list(widths), "algorithm": list(names), "seed": range(seeds)}
    coords["width_label"] = ("pulse_width", list(origins))
    return schema.annotate(xr.Dataset(data, coords, seen.attrs))


def _named(cell: tuple) -> tuple:
    width, name, seed = cell
    return name, width, seed


@lru_cache(maxsize=4)
def _runs(seeds: int) -> xr.Dataset:
    """Return one run per seed, joined over it."""
    runs = [
        result(seed).drop_vars(["algorithm", "width_label", "pulse_width"]) for seed in range(seeds)
    ]
    return xr.concat(runs, "seed", data_vars="all", coords="minimal", compat="override")
