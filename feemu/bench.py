"""What this machine does: CPU time per pulse, images per second, memory, gain of threads.

CPU time is also given in U, the CPU time of one float32 normal of numpy's generator, measured in
turn with the work, so that a figure says the same on a busy and on an idle machine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from feemu.algorithms import Algorithm, MixedPrecision, PlainSGD
from feemu.array import SynapseArray
from feemu.case import Case
from feemu.devices import DeviceTables, preset, tabulate
from feemu.tasks import Task
from feemu.training import build_network

#: Pairs of (U, work) that a figure is the median of.
PAIRS = 7
#: Images of one repetition.
IMAGES = 192
DEVICE = "softbounds_aihwkit"


class Figure(NamedTuple):
    """One measured figure.

    Attributes
    ----------
    name : str
        What was measured.
    value : float
        Median over pairs.
    unit : str
        Unit of `value`.
    in_u : float
        The same in U per pulse or image; NaN where it is no CPU time.
    """

    name: str
    value: float
    unit: str
    in_u: float = float("nan")


class PulseLoad(NamedTuple):
    """An update to be timed: array shape, part of inputs that are not zero, pulses asked for."""

    shape: tuple[int, int]
    active: float
    pulses: float

    def __str__(self) -> str:
        rows, columns = self.shape
        return f"{rows} x {columns}, {self.active:.0%} of inputs, {self.pulses:,.0f} pulses"


PULSES = (
    PulseLoad((784, 256), 1.0, 800_000),
    PulseLoad((784, 256), 0.2, 16_000),
    PulseLoad((1024, 1024), 0.2, 83_000),
)
LARGE = PulseLoad((4096, 4096), 1.0, 6_600_000)


def unit(draws: int = 3) -> float:
    """Return U [s]: CPU time of one float32 normal, drawn 100,000 at a time."""
    generator = np.random.default_rng(0)
    start = time.process_time()
    for _ in range(draws):
        generator.standard_normal(100_000, dtype=np.float32)
    return (time.process_time() - start) / (draws * 100_000)


def timed(work: Callable[[], float], pairs: int = PAIRS) -> tuple[float, float]:
    """Return medians of CPU time [s] and of U, each per item; `work` returns its items."""
    unit(), work()
    seconds, in_u = [], []
    for _ in range(pairs):
        one = unit()
        start = time.process_time()
        items = work()
        each = (time.process_time() - start) / items
        seconds.append(each)
        in_u.append(each / one)
    return statistics.median(seconds), statistics.median(in_u)


def _request(load: PulseLoad, dw: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Return (x, d, lr) whose outer product asks for `load.pulses` pulses."""
    generator = np.random.default_rng(1)
    n_in, n_out = load.shape
    x = generator.random((1, n_in), np.float32)
    x[0, generator.permutation(n_in)[round(load.active * n_in) :]] = 0.0
    d = generator.uniform(-1, 1, (1, n_out)).astype(np.float32)
    return x, d, load.pulses * dw / (float(np.abs(x).sum()) * float(np.abs(d).sum()))


def pulse_work(load: PulseLoad, tables: DeviceTables, threads: int = 1) -> Callable[[], int]:
    """Return a function that does the update of `load` again and returns its pulses."""
    array = SynapseArray(load.shape, tables, omega=0.6, seed=1, threads=threads)
    x, d, lr = _request(load, array.granularity)
    rounds = max(1, round(200_000 / load.pulses))
    batch = np.repeat(x, rounds, axis=0), np.repeat(d, rounds, axis=0)
    return lambda: array.pulse_coincidence(*batch, lr)


def synthetic_task(n: int = 2400) -> Task:
    """Return images like MNIST's in size and in zeros (80 %), of random pixels and labels."""
    generator = np.random.default_rng(2)
    x = generator.random((n, 784), np.float32) * (generator.random((n, 784)) < 0.2)
    x, y = x.astype(np.float32), generator.integers(0, 10, n)
    few = x[:10], y[:10]
    return Task("synthetic", x, y, *few, *few, n_classes=10, data_sha256="", source="random")


def image_work(
    algorithm: Algorithm, batch: int, tables: DeviceTables, task: Task
) -> Callable[[], int]:
    """Return a function that trains on the next `IMAGES` images and returns their number."""
    case = Case(
        device=tables, algorithm=algorithm, task=task.name, hidden=(256, 128), batch=batch,
        lr=0.05, weight_scale=0.6,
    )  # fmt: skip
    net, at = build_network(case, task), [0]

    def work() -> int:
        for _ in range(IMAGES // batch):
            part = slice(at[0], at[0] + batch)
            net.train_step(task.train_x[part], task.train_y[part], case.lr)
            at[0] = (at[0] + batch) % (len(task.train_y) - batch)
        return IMAGES

    return work


def _wall(work: Callable[[], object], copies: int) -> float:
    """Return the wall time [s] of `copies` calls side by side in threads."""
    with ThreadPoolExecutor(copies) as pool:
        start = time.perf_counter()
        for job in [pool.submit(work) for _ in range(copies)]:
            job.result()
        return time.perf_counter() - start


def thread_gains(
    load: PulseLoad, tables: DeviceTables, threads: int = 2, pairs: int = PAIRS
) -> tuple[float, float]:
    """Return the gain of threads in one large update, and what copies of a plain loop gain."""
    one, many = pulse_work(load, tables), pulse_work(load, tables, threads)
    loop = lambda: unit(20)  # noqa: E731
    one(), many()
    gains, possible = [], []
    for _ in range(pairs):
        gains.append(_wall(one, 1) / _wall(many, 1))
        possible.append(threads * _wall(loop, 1) / _wall(loop, threads))
    return statistics.median(gains), statistics.median(possible)


def bytes_per_synapse(tables: DeviceTables) -> float:
    """Return the memory of an array that was programmed once, per synapse [byte]."""
    import tracemalloc

    load = PulseLoad((784, 256), 0.2, 16_000)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work = pulse_work(load, tables)
    work()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return held / (784 * 256)


def figures(large: bool = False, pairs: int = PAIRS) -> Iterator[Figure]:
    """Measure everything, one figure after the other; `large` adds 4096 x 4096 (0.6 GB).

    Raises
    ------
    ValueError
        If `pairs` is no positive number.
    """
    if pairs < 1:
        raise ValueError(f"bench: pairs = {pairs}; measure one pair at least")
    tables, task = tabulate(preset(DEVICE)), synthetic_task()
    yield Figure("U: one float32 normal of numpy", 1e9 * unit(30), "ns")
    for load in (*PULSES, *([LARGE] if large else [])):
        seconds, in_u = timed(pulse_work(load, tables), pairs)
        yield Figure(str(load), 1e9 * seconds, "ns/pulse", in_u)
    for name, algorithm, batches in (
        ("plain SGD", PlainSGD(), (1, 8, 64)),
        ("mixed precision", MixedPrecision(), (1,)),
    ):
        for batch in batches:
            seconds, in_u = timed(image_work(algorithm, batch, tables, task), pairs)
            what = f"{name}, 784-256-128-10, batch {batch}"
            yield Figure(what, 1 / seconds, "images/s", in_u)
    yield Figure("memory of an array", bytes_per_synapse(tables), "byte/synapse")
    gain, possible = thread_gains(LARGE if large else PULSES[0], tables, pairs=pairs)
    yield Figure("2 threads in one update against 1", gain, "x")
    yield Figure("2 copies of a compute-bound loop against 1", possible, "x")
