"""Speed, memory, compile time and import time, each held to its limit.

    python -m pytest tests/benchmarks --benchmark-only -n 0

CPU time throughout, in units U where machines differ: the CPU time of one float32 normal of
numpy's generator, measured before every repetition, so that both meet the same machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import tracemalloc
from functools import partial

import numpy as np
import pytest

import feemu as fe
from feemu.array import SynapseArray
from feemu.training import build_network

PAIRS = 9
#: Timer of rows that work in this process.
cpu_time = pytest.mark.benchmark(timer=time.process_time)

#: The network that the limit is stated for.
PLAIN = {
    "algorithm": fe.algorithm("plain_sgd"),
    "task": "mnist",
    "hidden": (256, 128),
    "batch": 1,
    "lr": 0.05,
    "weight_scale": 0.6,
}

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


def per_image(benchmark, unit, mnist, **case) -> tuple[float, float, float]:
    """Return median CPU time [s] per image, the same in U, and U [s], over images 2000 to 4000.

    The first images make more pulses.
    """
    device = fe.tabulate(fe.preset("softbounds_aihwkit"))
    made = fe.Case(device=device, **{**PLAIN, **case})
    net, units = build_network(made, mnist), []
    parts = np.array_split(np.arange(2000, 4000), PAIRS)

    def images(part: np.ndarray) -> None:
        for i in range(part[0], part[-1] + 1, made.batch):
            batch = slice(i, min(i + made.batch, part[-1] + 1))
            net.train_step(mnist.train_x[batch], mnist.train_y[batch], made.lr)

    def before_each():
        units.append(unit())
        return (parts[len(units) - 1],), {}

    images(np.arange(2000))
    benchmark.pedantic(images, setup=before_each, rounds=PAIRS)
    each = [t / len(p) for t, p in zip(benchmark.stats.stats.data, parts)]
    ratio = statistics.median(t / u for t, u in zip(each, units))
    return statistics.median(each), ratio, statistics.median(units)


@cpu_time
def test_plain_sgd_on_mnist(benchmark, figure, unit, mnist):
    seconds, ratio, u = per_image(benchmark, unit, mnist)
    figure("U: one float32 normal", 1e9 * u, "ns")
    figure("plain SGD, 784-256-128-10, per image", 1e3 * seconds, "ms")
    figure("plain SGD, 784-256-128-10, per image", ratio, "U", 40_000)


@cpu_time
@pytest.mark.parametrize("batch, limit", [(1, 45_000), (8, 20_000)])
def test_tiki_taka_on_mnist(benchmark, figure, unit, mnist, batch, limit):
    made = fe.algorithm("tiki_taka_v2", ideal=True)
    _, ratio, _ = per_image(benchmark, unit, mnist, algorithm=made, batch=batch)
    figure(f"Tiki-Taka v2, 784-256-128-10, batch {batch}, per image", ratio, "U", limit)


@cpu_time
def test_memory_of_an_array(benchmark, figure):
    """Bytes that an array keeps per synapse, by Python's own account of allocations."""
    device, shape = fe.tabulate(fe.preset("hzo_superlattice").at("20ns")), (1024, 1024)
    tracemalloc.start()
    try:
        array = benchmark.pedantic(SynapseArray, args=(shape, device), rounds=1)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    figure("memory of an array", kept / array.weights.size, "bytes per synapse", 40)


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
