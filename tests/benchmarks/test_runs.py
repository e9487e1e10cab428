"""Whole runs: a sweep on two processes, and the first line of a result in a cold process."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time

import pytest

import feemu as fe
from feemu import bench

DEVICE = ["--device", "softbounds_aihwkit"]
TRAIN = ["train", *DEVICE, "--algorithm", "plain_sgd", "--task", "digits", "--epochs", "1"]


def sweep_time(cases, workers):
    """Return the wall time [s] of a sweep, start of its processes included."""
    start = time.perf_counter()
    fe.sweep(cases, workers=workers)
    return time.perf_counter() - start


def test_sweep_on_two_processes(benchmark, figure, tables):
    """Eight equal cases of ten seconds, against two copies of a compute-bound loop.

    The start of the workers, two to three seconds of each, is in it.
    """
    plain = fe.algorithm("plain_sgd")
    case = fe.Case(device=tables, algorithm=plain, task="digits", hidden=(256,), epochs=40)
    cases = [case.replace(seed=seed) for seed in range(8)]
    loop = lambda: bench.unit(200)  # noqa: E731
    sweep_time(cases[:1], 1), loop()

    def measure():
        possible = [2 * bench.wall(loop, 1) / bench.wall(loop, 2) for _ in range(3)]
        return sweep_time(cases, 1) / sweep_time(cases, 2), statistics.median(possible)

    gain, possible = benchmark.pedantic(measure, rounds=1)
    figure("2 copies of a compute-bound loop against 1", possible, "x")
    figure("sweep of 8 cases on 2 processes against 1", gain, "x", least=0.95 * possible)


def first_line(folder, word):
    """Return CPU and wall time [s] until `feemu train` prints a line that holds `word`."""
    environment = {**os.environ, "FEEMU_KERNEL_CACHE": str(folder), "PYTHONUNBUFFERED": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-m", "feemu", *TRAIN, "--out", str(folder / "run.nc")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if word in line:
                break
        else:
            pytest.fail(f"no line {word!r} in:\n{''.join(lines)}")
        wall = time.perf_counter() - start
        process.kill()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


@pytest.mark.parametrize("what, word", [("first line", "accuracy"), ("table", "validation [%]")])
def test_cold_process(benchmark, figure, tmp_path, what, word):
    """First figures of a network, and those after an epoch: import and compilation included."""
    cpu, wall = benchmark.pedantic(first_line, args=(tmp_path, word), rounds=1)
    figure(f"{what} of feemu train on digits, cold, by the clock", wall, "s")
    figure(f"{what} of feemu train on digits, cold, CPU time", cpu, "s", most=6)
