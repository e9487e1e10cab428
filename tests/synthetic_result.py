"""A small result with made-up counts that follows the declared data model."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from feemu import schema

PHASES = ["init", "calibration", "train"]
READS = ["forward", "backward", "transfer", "verify", "calibration"]
DIGITAL = ["mac", "accumulator_rmw", "compare", "random_bits", "max_search"]
EPOCHS = np.array([0.0, 0.01, 0.1, 1.0, 2.0])
LAYERS = {"n_in": [65, 21], "n_out": [20, 10]}


def result(seed: int = 0, width: float = 2e-8, accuracy: np.ndarray | None = None) -> xr.Dataset:
    """Return one run of two layers, five points and two pulse kinds."""
    random = np.random.default_rng(seed)
    n, layers, phases = len(EPOCHS), 2, len(PHASES)

    def counts(*tail: int) -> np.ndarray:
        return np.cumsum(random.integers(0, 1000, (n, layers, phases, *tail)), axis=0)

    histogram = counts(2, 32)
    pulses = histogram.sum(axis=-1)
    centres = (np.arange(32) + 0.5) / 32
    pulse, read = (
        ("epoch", "layer", "phase", "pulse_kind"),
        ("epoch", "layer", "phase", "read_kind"),
    )
    conductance = np.cumsum(
        np.diff(histogram, axis=0, prepend=0) @ (centres + random.uniform(-1, 1, 32) / 64)[:, None],
        axis=0,
    )[..., 0]
    data = {
        "train_loss": ("epoch", np.linspace(2.3, 0.1, n)),
        "validation_loss": ("epoch", np.linspace(2.3, 0.2, n)),
        "validation_accuracy": (
            "epoch",
            np.array([0.1, 0.5, 0.8, 0.9, 0.95]) if accuracy is None else accuracy,
        ),
        "test_accuracy": ("epoch", np.linspace(0.1, 0.94, n)),
        "images": ("epoch", (EPOCHS * 50_000).astype(np.int64)),
        "learning_rate": ("epoch", np.full(n, 0.1)),
        "done": ("epoch", np.ones(n, bool)),
        "pulses": (pulse, pulses),
        "switched_fraction": (pulse, 0.03 * pulses),
        "conductance_sum": (pulse, conductance),
        "row_pulses": (pulse, pulses + 7),
        "column_pulses": (pulse, pulses + 11),
        "slots": (pulse, pulses // 2),
        "state_histogram": ((*pulse, "state_bin"), histogram),
        **{
            name: (read, counts(5))
            for name in ("reads", "read_rows", "adc_conversions", "dac_conversions")
        },
        "read_x2": (read, counts(5) * 0.5),
        "digital_ops": (("epoch", "layer", "phase", "digital_op"), counts(5)),
        "digital_bits": (("layer", "digital_op"), np.full((layers, 5), 32)),
        "clipped_updates": (("epoch", "layer", "phase"), counts()),
        "conductance_mean": (("epoch", "layer"), np.full((n, layers), 0.5)),
        **{name: ("layer", np.array(sizes)) for name, sizes in LAYERS.items()},
        "weight_scale": ("layer", np.full(layers, 0.5)),
        "granularity": ("layer", np.full(layers, 0.03)),
        "arrays": ("layer", np.ones(layers, np.int64)),
        "pulse_duration": ("pulse_kind", np.full(2, width)),
        "pulse_amplitude": ("pulse_kind", np.full(2, np.nan)),
    }
    axes = {"phase": PHASES, "pulse_kind": ["up", "down"], "read_kind": READS}
    scalars = {"pulse_width": width, "algorithm": "plain_sgd", "seed": seed, "task": "digits"}
    ds = xr.Dataset(
        data,
        coords={
            "epoch": EPOCHS,
            "layer": np.arange(layers),
            "digital_op": DIGITAL,
            "state_bin": centres,
            **axes,
            **scalars,
            "width_label": "measured",
            "device": "made-up",
        },
        attrs={"title": "synthetic", "provenance": json.dumps({"case": "none"})},
    )
    return schema.annotate(ds)


def sweep(widths: tuple = (2e-8, 2e-5), seeds: int = 3) -> xr.Dataset:
    """Return runs over pulse width and seed as one dataset."""
    rows = []
    for w in widths:
        runs = [result(s, w).drop_vars(["algorithm", "task", "device"]) for s in range(seeds)]
        rows.append(xr.concat(runs, "seed", data_vars="all", coords="minimal", compat="override"))
    out = xr.concat(rows, "pulse_width", data_vars="all", coords="minimal", compat="override")
    return schema.annotate(out)
