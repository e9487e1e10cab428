"""What a run shows at each evaluation: ledgers, states and curves as one labelled Dataset."""

from __future__ import annotations

import json
import math
import platform
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from feemu import schema
from feemu.algorithms import ArrayLayer
from feemu.array import DIGITAL, PHASES, READS
from feemu.array.tally import STATE_BINS
from feemu.case import Case

if TYPE_CHECKING:
    import xarray as xr

WEIGHT_EDGES = np.linspace(-1.5, 1.5, 65)
QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
LOG2_BINS = 33
#: A synapse is saturated when a scaled step is below this part of the granularity.
SATURATED = 0.1

_PULSE = {
    "pulses": "pulses",
    "switched_fraction": "switched",
    "conductance_sum": "conductance",
    "row_pulses": "row_pulses",
    "column_pulses": "column_pulses",
    "slots": "slots",
}
_READ = {
    "reads": "reads",
    "read_rows": "read_rows",
    "read_x2": "read_x2",
    "adc_conversions": "adc",
    "dac_conversions": "dac",
}
_COUNTERS = {
    **_PULSE,
    **_READ,
    "state_histogram": "state_hist",
    "digital_ops": "digital",
    "clipped_updates": "clipped_updates",
}
_DIMS = {
    **dict.fromkeys(_PULSE, ("layer", "phase", "pulse_kind")),
    "state_histogram": ("layer", "phase", "pulse_kind", "state_bin"),
    **dict.fromkeys(_READ, ("layer", "phase", "read_kind")),
    "digital_ops": ("layer", "phase", "digital_op"),
    "clipped_updates": ("layer", "phase"),
    "synapse_state_histogram": ("layer", "state_bin"),
    "weight_histogram": ("layer", "weight_bin"),
    "events_quantile": ("layer", "quantile"),
    "events_histogram": ("layer", "log2_bin"),
}


def snapshot(layer: ArrayLayer) -> dict[str, np.ndarray]:
    """Return the layer's ledger (summed over its arrays) and statistics of its synapses."""
    books = layer.ledgers
    out = {ours: sum(getattr(b, theirs) for b in books) for ours, theirs in _COUNTERS.items()}
    return out | _weights(layer) | _states(layer)


def _weights(layer: ArrayLayer) -> dict[str, np.ndarray]:
    w = layer.weights
    scale = layer.weight_scale if layer.arrays else 1.0
    inside = np.clip(w / scale, WEIGHT_EDGES[0], WEIGHT_EDGES[-1])
    return {
        "weight_mean": np.mean(w, dtype=np.float64),
        "weight_std": np.std(w, dtype=np.float64),
        "weight_histogram": np.histogram(inside, WEIGHT_EDGES)[0],
    }


def _states(layer: ArrayLayer) -> dict[str, np.ndarray]:
    if not layer.arrays:
        nan = np.nan
        empty = {"saturated_fraction": nan, "no_symmetry_point": nan, "conductance_mean": nan}
        return empty | {
            "pulsed_fraction": nan,
            "synapse_state_histogram": np.zeros(STATE_BINS, np.int64),
            "events_quantile": np.full(len(QUANTILES), nan),
            "events_histogram": np.zeros(LOG2_BINS, np.int64),
        }
    p = np.concatenate([a.state.ravel() for a in layer.arrays])
    events = np.concatenate([a.events.ravel() for a in layer.arrays])
    bins = np.minimum((p * STATE_BINS).astype(np.int64), STATE_BINS - 1)
    doublings = np.where(events > 0, np.floor(np.log2(np.maximum(events, 1))) + 1, 0)
    return {
        "saturated_fraction": np.mean([a.saturated_fraction(SATURATED) for a in layer.arrays]),
        "no_symmetry_point": np.mean([a.no_symmetry_point() for a in layer.arrays]),
        "conductance_mean": np.mean([a.conductance.mean(dtype=np.float64) for a in layer.arrays]),
        "pulsed_fraction": np.mean(events > 0),
        "synapse_state_histogram": np.bincount(bins, minlength=STATE_BINS),
        "events_quantile": np.quantile(events, QUANTILES),
        "events_histogram": np.bincount(doublings.astype(np.int64), minlength=LOG2_BINS),
    }


class Recorder:
    """Collects one row per evaluation; `dataset` labels them."""

    def __init__(self) -> None:
        self.rows: list[dict[str, np.ndarray]] = []

    def add(self, layers: list[ArrayLayer], **curves: float) -> None:
        """Record the layers and the scalars of one evaluation (epoch, images, losses, ...)."""
        shots = [snapshot(layer) for layer in layers]
        row = {name: np.stack([shot[name] for shot in shots]) for name in shots[0]}
        self.rows.append(row | {name: np.asarray(v) for name, v in curves.items()})

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return all rows stacked, for a checkpoint."""
        return {name: np.stack([row[name] for row in self.rows]) for name in self.rows[0]}

    def load_state_dict(self, saved: dict[str, np.ndarray]) -> None:
        """Continue from a `state_dict`, in place."""
        n = len(next(iter(saved.values())))
        self.rows = [{name: values[i] for name, values in saved.items()} for i in range(n)]

    def dataset(self, case: Case, layers: list[ArrayLayer], source: str) -> xr.Dataset:
        """Return the run as a Dataset over epoch, layer, phase and so on, labelled throughout."""
        import xarray as xr

        stacked = self.state_dict()
        epochs = stacked.pop("epoch")
        variables = {
            name: (("epoch", *_DIMS.get(name, ("layer",) if values.ndim == 2 else ())), values)
            for name, values in stacked.items()
        }
        variables["done"] = (("epoch",), np.ones(len(epochs), bool))
        ds = xr.Dataset(variables | _constants(case, layers), _coordinates(case, epochs, layers))
        ds.attrs = {
            "title": f"feemu training run: {case.algorithm.label} on {case.task}",
            "provenance": provenance(case, layers, source),
        }
        return schema.annotate(ds)


def _constants(case: Case, layers: list[ArrayLayer]) -> dict:
    kinds = case.device.kinds
    bits = [np.max([b.digital_bits for b in layer.ledgers], axis=0) for layer in layers]
    shapes = [layer.weights.shape for layer in layers]
    return {
        "n_in": (("layer",), np.array([s[0] for s in shapes])),
        "n_out": (("layer",), np.array([s[1] for s in shapes])),
        "arrays": (("layer",), np.array([len(layer.arrays) for layer in layers])),
        "weight_scale": (("layer",), np.array([layer.weight_scale for layer in layers])),
        "granularity": (("layer",), np.array([layer.granularity for layer in layers])),
        "digital_bits": (("layer", "digital_op"), np.stack(bits)),
        "pulse_duration": (("pulse_kind",), np.array([k.width for k in kinds], float)),
        "pulse_amplitude": (("pulse_kind",), np.array([k.amplitude for k in kinds], float)),
        **_own_conductance(case),
    }


def _own_conductance(case: Case) -> dict:
    """Return the ends of the conductance range [S] of a device that has both."""
    names = ("conductance_on", "conductance_off")
    found = {n: float(case.device.device.get(n, math.nan)) for n in names}
    return {n: ((), v) for n, v in found.items()} if np.isfinite([*found.values()]).all() else {}


def _coordinates(case: Case, epochs: np.ndarray, layers: list[ArrayLayer]) -> dict:
    middles = (WEIGHT_EDGES[1:] + WEIGHT_EDGES[:-1]) / 2
    return {
        "epoch": epochs,
        "layer": np.arange(len(layers)),
        "phase": list(PHASES),
        "pulse_kind": [k.name for k in case.device.kinds],
        "read_kind": list(READS),
        "digital_op": list(DIGITAL),
        "state_bin": (np.arange(STATE_BINS) + 0.5) / STATE_BINS,
        "weight_bin": middles,
        "quantile": list(QUANTILES),
        "log2_bin": np.arange(LOG2_BINS) - 1,
        "pulse_width": case.device.pulse_width,
        "algorithm": case.algorithm.label,
        "seed": case.seed,
        "width_label": case.device.width_label,
        "task": case.task,
        "device": case.device.name,
        "adc_bits": case.adc_bits,
    }


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """Return the versions that a result depends on, by name."""
    from importlib.metadata import version

    names = ("feemu", "numpy", "numba", "scipy", "xarray", "netCDF4")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def provenance(case: Case, layers: list[ArrayLayer], source: str) -> str:
    """Return the JSON text that says what a result came from; nothing of clock or host."""
    arrays = [a.tables for layer in layers for a in layer.arrays]
    caveats = dict.fromkeys(note for t in (case.device, *arrays) for note in t.caveats)
    body = {
        **versions(),
        "case": case.to_dict(),
        "case_sha256": case.digest(),
        "data_source": source,
        "caveats": list(caveats),
        "physics_version": case.physics_version,
    }
    return json.dumps(body, sort_keys=True)
