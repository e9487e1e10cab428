"""Results to draw: a small real sweep and synthetic ones."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from synthetic_result import result

from feemu import schema
from feemu.algorithms import Float, MixedPrecision, PlainSGD
from feemu.case import Case
from feemu.devices import preset, tabulate
from feemu.sweeping import combine
from feemu.tasks import load_task
from feemu.training import train

WIDTHS = (2e-8, 2e-6, 2e-4)
ORIGINS = ("measured", "interpolated", "extrapolated")


@pytest.fixture(scope="session")
def family():
    """The superlattice family."""
    return preset("hzo_superlattice")


@pytest.fixture(scope="session")
def real(family):
    """Two widths, three algorithms, two seeds on 200 digits."""
    task, runs = load_task("digits"), []
    for width in WIDTHS[:2]:
        tables = tabulate(family.at(width))
        for algorithm, lr in ((Float(), 0.3), (MixedPrecision(), 0.3), (PlainSGD(), 0.02)):
            for seed in (0, 1):
                case = Case(
                    tables, algorithm, epochs=2, train_images=200, batch=4, lr=lr, hidden=(8,),
                    seed=seed,
                )  # fmt: skip
                runs.append(train(case, task))
    return combine(runs)


def made_up(seeds: int = 6) -> xr.Dataset:
    """Return a sweep whose plain SGD never reaches 90 % and whose other runs mostly do."""
    widths = []
    for width, origin in zip(WIDTHS, ORIGINS):
        cells = []
        for name in ("mixed_precision", "plain_sgd"):
            runs = [_run(name, width, seed) for seed in range(seeds)]
            runs = [ds.assign_coords(algorithm=name, width_label=origin) for ds in runs]
            cells.append(_concat(runs, "seed"))
        widths.append(_concat(cells, "algorithm"))
    return schema.annotate(_concat(widths, "pulse_width"))


def _run(name: str, width: float, seed: int) -> xr.Dataset:
    curve = np.array([0.1, 0.5, 0.8, 0.93, 0.95]) + 0.002 * seed
    if name == "plain_sgd" or (seed == 5 and width == WIDTHS[1]):
        curve = 0.6 * curve
    return result(seed, width, curve)


def _concat(parts: list[xr.Dataset], dim: str) -> xr.Dataset:
    labels = ["width_label"] if dim == "pulse_width" else []
    return xr.concat(parts, dim, data_vars="all", coords=labels, compat="override")


@pytest.fixture(scope="session")
def synthetic():
    """Three widths, two algorithms, six seeds with invented counts."""
    return made_up()


@pytest.fixture(scope="session")
def few():
    """The same with two seeds."""
    return made_up(2)


@pytest.fixture(params=["real", "synthetic"])
def ds(request):
    """Each of the two sweeps in turn."""
    return request.getfixturevalue(request.param)
