"""Small trainings on digits, each run once however many tests look at it.

Run as a script it trains one and prints the SHA-256 of the saved file and the hash of its case.
"""

import hashlib
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

import feemu as fe
from feemu.algorithms import algorithm

SMALL = {"hidden": (10,), "epochs": 2.0, "batch": 4, "lr": 0.2, "seed": 3}
#: Algorithm and further fields of each case; together they use every part of the training loop.
CASES = {
    "float": ("float", {}),
    "mixed_precision": ("mixed_precision", {"bias": "digital", "lr_end": 0.1}),
    "plain_sgd": ("plain_sgd", {"activation": "tanh", "hidden": (10, 8)}),
    "reference": ("symmetry_point_shift", {"train_images": 400, "epochs": 3.5, "bias": "none"}),
    "scaled": ("plain_sgd", {"bias": "digital", "output_scale": "learned"}),
    "push_pull": ("symmetry_point_shift", {"train_images": 300, "batch": 7, "device_seed": 8}),
}
OPTIONS = {"reference": {"n_pairs": 10}, "push_pull": {"variant": "push_pull"}}


@cache
def task():
    """Return the digits."""
    return fe.load_task("digits")


@cache
def device(name="family"):
    """Return tables: the superlattice at 20 ns, or one with noise wherever there can be some."""
    if name == "family":
        return fe.tabulate(fe.preset("hzo_superlattice").at("20ns"))
    noisy = fe.Device(
        name="noisy", noise=fe.Noise(0.3, 0.01), read_noise=0.03, write_noise=0.01,
        spread=fe.Spread(0.2, 0.1, 0.05, 0.05, stuck_fraction=0.02, fab_spread=0.1),
        conductance="exponential", on_off=10.0, pulse_width=1e-6,
    )  # fmt: skip
    return fe.tabulate(noisy)


def case(name, **changes):
    """Return one of `CASES`, some fields changed."""
    label, fields = CASES[name]
    made = algorithm(label, **OPTIONS.get(name, {}))
    given = {"device": device(), "algorithm": made, **SMALL, **fields, **changes}
    return fe.Case(**given)


@cache
def result(name):
    """Return the result of one of `CASES`."""
    return fe.train(case(name), task())


@cache
def digest(name):
    """Return the SHA-256 of the saved result of one of `CASES`."""
    return file_digest(result(name))


def file_digest(ds):
    """Return the SHA-256 of the file that `save` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = fe.save(ds, Path(folder) / "run.nc")
        return hashlib.sha256(path.read_bytes()).hexdigest()


def differing(a, b):
    """Return the names of variables and coordinates that are not the same in both."""
    return {n for n in {*a.variables, *b.variables} if n not in a or not same(a, b, n)}


def same(a, b, name):
    """Return whether a variable is equal in both, NaN included."""
    if name not in b:
        return False
    x, y = a[name].values, b[name].values
    return x.shape == y.shape and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")


if __name__ == "__main__":
    print(digest(sys.argv[1]), case(sys.argv[1]).digest())
