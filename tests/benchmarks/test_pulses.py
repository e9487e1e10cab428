"""CPU time per pulse event, everything included, and the gain of threads in one large update.

U is the CPU time of one float32 normal of numpy's generator, measured before every repetition,
so that both meet the same machine; figures are medians.
"""

from __future__ import annotations

import pytest

from feemu import bench

pytestmark = pytest.mark.benchmark(warmup=False)
LIMITS = dict(zip(bench.PULSES, (0.55, 0.7, 0.7)))


@pytest.mark.parametrize("load", bench.PULSES, ids=str)
def test_pulses(benchmark, figure, tables, load):
    work = bench.pulse_work(load, tables)
    seconds, in_u = benchmark.pedantic(bench.timed, args=(work, 15), rounds=1)
    figure(str(load), 1e9 * seconds, "ns/pulse")
    figure(str(load), in_u, "U/pulse", most=LIMITS[load])


def test_large_array(benchmark, figure, tables):
    work = bench.pulse_work(bench.LARGE, tables)
    seconds, in_u = benchmark.pedantic(bench.timed, args=(work, 7), rounds=1)
    figure(str(bench.LARGE), 1e9 * seconds, "ns/pulse")
    figure(str(bench.LARGE), in_u, "U/pulse", most=0.8)


def test_two_threads(benchmark, figure, tables):
    """Two threads in one update against what two copies of a compute-bound loop gain."""
    gain, possible = benchmark.pedantic(bench.thread_gains, args=(bench.LARGE, tables), rounds=1)
    figure("2 copies of a compute-bound loop against 1", possible, "x")
    figure("2 threads in an update of 4096 x 4096 against 1", gain, "x", least=0.85 * possible)
