"""Memory of an array, CPU time of compilation and of the import, each held to its limit.

python -m pytest tests/benchmarks --benchmark-only
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tracemalloc
from functools import partial

import pytest

import feemu as fe
from feemu.bench import synthetic_task
from feemu.training import build_network

COMPILE = """
import sys, time
import feemu as fe
task = fe.load_task("digits")
device = fe.tabulate(fe.preset("softbounds_aihwkit"))
def spend(names):
    start = time.process_time()
    for name in names:
        fe.train(fe.Case(device=device, algorithm=fe.algorithm(name), hidden=(8,), epochs=1,
                         train_images=20), task)
    return time.process_time() - start
spend(["float"])  # what is imported on first use
names = sys.argv[1:]
first = spend(names)
print(first - spend(names))
"""
IMPORT = "import time; t = time.process_time(); {}; print(time.process_time() - t)"
ALL_OF_IT = "import feemu as fe; fe.train, fe.sweep, fe.plots, fe.load, fe.price"


def in_process(code: str, *arguments: str, cache: str = "0") -> float:
    """Return the number that a fresh interpreter prints; by default it keeps no kernels."""
    environment = {**os.environ, "FEEMU_KERNEL_CACHE": cache}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.parametrize("name, most", [("plain_sgd", 32), ("mixed_precision", 36)])
def test_memory(benchmark, figure, tables, name, most):
    """Bytes that a layer in training keeps per synapse, by Python's own account of allocations."""
    case = fe.Case(device=tables, algorithm=fe.algorithm(name), task="synthetic", hidden=(256, 128))
    task = synthetic_task(64)

    def trained():
        net = build_network(case, task)
        net.train_step(task.train_x[:1], task.train_y[:1], 0.05)
        return net

    trained()
    tracemalloc.start()
    try:
        net = benchmark.pedantic(trained, rounds=1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    synapses = sum(layer.weights.size for layer in net.layers)
    figure(f"memory of {name}, 784-256-128-10", kept / synapses, "byte/synapse", most=most)


@pytest.mark.parametrize("names", ["plain_sgd", "plain_sgd mixed_precision symmetry_point_shift"])
def test_compile_time(benchmark, figure, names):
    """CPU time that a process spends on compiling when no kernel is kept from an earlier one."""
    seconds = benchmark.pedantic(in_process, args=(COMPILE, *names.split()), rounds=1)
    figure(f"compile time, {names.replace(' ', ', ')}", seconds, "s", 5)


def test_compile_time_with_kept_kernels(benchmark, figure, tmp_path):
    """CPU time that a process spends on getting kernels that an earlier one compiled."""
    in_process(COMPILE, "plain_sgd", cache=str(tmp_path))
    run = partial(in_process, COMPILE, "plain_sgd", cache=str(tmp_path))
    figure("compile time, plain_sgd, kernels kept", benchmark.pedantic(run, rounds=1), "s", 5)


@pytest.mark.parametrize("what", ["import feemu", ALL_OF_IT])
def test_import_time(benchmark, figure, what):
    """CPU time of the import, and of everything that a sweep with pictures loads."""
    seconds = benchmark.pedantic(lambda: [in_process(IMPORT.format(what)) for _ in range(5)])
    name = "import feemu" if what == "import feemu" else "import of everything"
    figure(name, statistics.median(seconds), "s", 2)
