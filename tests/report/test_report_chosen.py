"""Hyper-parameters that a search chose: one row for equal choices, ends of lists marked."""

import numpy as np
import pytest
import xarray as xr

from feemu import Case, preset, tabulate
from feemu.algorithms import Float, MixedPrecision
from feemu.report import chosen_text
from feemu.tuning import Tuned

RATES, SCALES, WIDTHS = [0.1, 1.0, 10.0], [0.5, 1.0, 2.0], ("20ns", "200ns", "20us")


@pytest.fixture(scope="module")
def tables():
    return [tabulate(preset("hzo_superlattice").at(width)) for width in WIDTHS]


def searched(chosen):
    """Return a search whose tries were the rates, with one weight scale each."""
    places = {(c.device.pulse_width, c.algorithm.label) for c in chosen}
    widths, names = (sorted({p[k] for p in places}) for k in (0, 1))
    shape = (len(RATES), len(widths), len(names), 1, 1)
    dims = ("try", "pulse_width", "algorithm", "seed")
    rates = np.broadcast_to(np.reshape(RATES, (-1, 1, 1, 1, 1)), shape)
    scales = np.broadcast_to(np.reshape(SCALES, (-1, 1, 1, 1, 1)), shape)
    first = xr.Dataset(
        {"learning_rate": ((*dims, "epoch"), rates), "weight_scale": ((*dims, "layer"), scales)},
        {"pulse_width": widths, "algorithm": names},
    )
    return Tuned(chosen, first, first)


def test_ends_are_marked_and_equal_choices_share_a_row(tables):
    own = [MixedPrecision(threshold=t) for t in (0.5, 0.5, 1.0)]
    rates = [(10.0, 2.0), (10.0, 2.0), (1.0, 1.0)]
    chosen = [
        Case(device=table, algorithm=one, lr=lr, weight_scale=scale)
        for table, one, (lr, scale) in zip(tables, own, rates)
    ]
    lines = chosen_text(searched(chosen)).splitlines()
    assert lines[3:] == [
        "mixed precision  20ns 200ns   lr 10 >, weight scale 2 >, threshold 0.5 <",
        "mixed precision  20us         lr 1, weight scale 1, threshold 1",
    ]


def test_a_float_network_has_no_weight_scale(tables):
    text = chosen_text(searched([Case(device=tables[0], algorithm=Float(), lr=0.1)]))
    assert text.splitlines()[-1].endswith("lr 0.1 <")
