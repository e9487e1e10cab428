"""What holds for every array: memory per synapse, and the same bits without compilation."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tiny_update
from array_cases import tables

import feemu
from feemu.array import SynapseArray


def held(value):
    """Yield every array that an object holds, through its attributes, tuples and records."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from held(item)
    elif isinstance(value, dict):
        yield from held(list(value.values()))
    elif type(value).__module__.startswith("feemu."):
        yield from held(list(vars(value).values()))


@pytest.mark.parametrize("name", ("beta", "variants", "softbounds_aihwkit"))
def test_memory_per_synapse(name):
    """At most 40 bytes per synapse, tables, ledger and scratch included (784 x 256)."""
    array = SynapseArray((784, 256), tables(name))
    arrays = {id(a): a for a in held(array)}.values()
    assert all(a.base is None for a in arrays)
    total = sum(a.nbytes for a in arrays)
    per_synapse = total / (784 * 256)
    print(f"{name}: {per_synapse:.2f} bytes per synapse")
    assert 32 <= per_synapse <= 40


def test_same_bits_without_compilation():
    """Updates and reads in an interpreter that compiles nothing; some 3 s in all."""
    root = str(Path(feemu.__file__).resolve().parents[1])
    path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "ignore::RuntimeWarning", tiny_update.__file__],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    print(f"without compilation: {time.perf_counter() - begin:.1f} s")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == tiny_update.digest()
