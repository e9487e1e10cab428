"""A grid of trainings of a tenth of a second each, run once for all tests."""

from functools import cache

import small_cases

import feemu as fe
from feemu.algorithms import algorithm
from feemu.sweeping import sweep
from feemu.training import train

WIDTHS = ("20ns", "20us")
FIELDS = {"hidden": (6,), "epochs": 1.0, "train_images": 120, "batch": 4, "lr": 0.2}


@cache
def tables(width):
    """Return the superlattice's tables at a width."""
    return fe.tabulate(fe.preset("hzo_superlattice").at(width))


def case(width="20ns", name="mixed_precision", seed=0, **changes):
    """Return one case of the grid; `changes` may hold options of its algorithm."""
    own = algorithm(name)
    options = {n: changes.pop(n) for n in [*changes] if hasattr(own, n)}
    made = {"device": tables(width), "algorithm": own.replace(**options), "seed": seed}
    return fe.Case(**{**made, **FIELDS, **changes})


def grid(names=("plain_sgd", "mixed_precision"), seeds=(0, 1)):
    """Return all cases over width, algorithm and seed."""
    return [case(w, name, seed) for w in WIDTHS for name in names for seed in seeds]


@cache
def run(made_of):
    """Return the result of a case given by its arguments."""
    return train(case(*made_of), small_cases.task())


@cache
def whole():
    """Return the sweep over `grid`."""
    return sweep(grid())
