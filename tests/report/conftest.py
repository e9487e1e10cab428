"""A made-up study in which nothing happens, and a tiny real one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from known_study import made_up

from feemu.algorithms import Float, MixedPrecision, PlainSGD, SymmetryPointShift
from feemu.case import Case
from feemu.devices import preset, tabulate
from feemu.sweeping import spread_float, sweep
from feemu.tuning import Search, least_energy, tune


@pytest.fixture(scope="session")
def family():
    """The superlattice family."""
    return preset("hzo_superlattice")


@pytest.fixture(scope="session")
def plain():
    """Return a study in which nothing differs between widths but their pulses."""
    return made_up()


@pytest.fixture(scope="session")
def real(family):
    """Return (accuracy, energy, searches): two widths and two seeds on 200 digits."""
    settings = {"epochs": 2.0, "train_images": 200, "batch": 4, "hidden": (8,)}
    tables = [tabulate(family.at(width)) for width in (2e-8, 2e-5)]
    search = Search(tries=2, keep=1, images=200, images_long=400, seeds=1, lr_min=0.3, lr_max=3)
    everything = (PlainSGD(), SymmetryPointShift(variant="push_pull"), MixedPrecision(), Float())
    sweeps, searches = {}, {}
    for name, score in (("accuracy", None), ("energy", least_energy(0.3))):
        grid = [
            Case(device=table, algorithm=algorithm, **settings)
            for algorithm in (everything if name == "accuracy" else everything[::2])
            for table in (tables[:1] if isinstance(algorithm, Float) else tables)
        ]
        searches[name] = tune(grid, search, n_train=200, score=score)
        runs = [c.replace(seed=s) for c in searches[name].chosen for s in (0, 1)]
        sweeps[name] = spread_float(sweep(runs))
    return sweeps["accuracy"], sweeps["energy"], searches
