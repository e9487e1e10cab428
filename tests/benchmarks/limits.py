"""What a pulse event costs part by part: a loop that begins with "..." adds to the one before.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/limits.py

The lists of pulses and the normals are at hand before a loop starts. U is the CPU time of one
float32 normal of numpy's generator, measured before every repetition; figures are medians.
"""

from __future__ import annotations

import argparse

import numpy as np

from feemu import bench, rng
from feemu._numba import fma, jit
from feemu.array import SynapseArray
from feemu.array import plan as pl
from feemu.array import stepping as st
from feemu.array.trains import plan_sample
from feemu.devices import preset, tabulate

LIMITS = dict(zip(bench.PULSES, (0.55, 0.7, 0.7)))
OPTIONS = (1, 31, True)


@jit
def list_all(plan, rows, heads, ptr, columns):
    """List every pulse of a planned sample."""
    return st.list_coincidences(plan, 0, rows, heads, ptr, columns)


@jit
def touch(runs, last, cells):
    """Read and write the state of each pulsed synapse."""
    heads, ptr, columns = runs
    cell, width = cells.reshape(-1), np.uintp(cells.shape[2])
    for r in range(last):
        at = np.uintp(heads[r] & st._LINE) * st._FIELDS * width
        for i in range(ptr[r], ptr[r + 1]):
            j = np.uintp(columns[np.uintp(i)])
            cell[at + j] = np.float32(1.0) - cell[at + j]


@jit
def step_without_table(runs, last, cells, noise, mean, sd):
    """Step each pulsed synapse by its scale, a constant curve and a normal, and clip."""
    heads, ptr, columns = runs
    cell, width = cells.reshape(-1), np.uintp(cells.shape[2])
    zero, one = np.float32(0.0), np.float32(1.0)
    for r in range(last):
        down = np.uintp(heads[r] >> np.uint32(31))
        at = np.uintp(heads[r] & st._LINE) * st._FIELDS * width
        scales, sign = at + (st._1 + down) * width, np.float32(1 - 2 * np.int32(down))
        for i in range(ptr[r], ptr[r + 1]):
            j = np.uintp(columns[np.uintp(i)])
            step = cell[scales + j] * fma(sd, noise[np.uintp(i)], mean)
            cell[at + j] = min(max(fma(sign, step, cell[at + j]), zero), one)


@jit
def step_without_ledger(runs, last, cells, noise, steps):
    """Step each pulsed synapse by its curves, from the table, and clip."""
    heads, ptr, columns = runs
    cell, table, width = cells.reshape(-1), steps.reshape(-1), np.uintp(cells.shape[2])
    n_steps, stride = np.float32(steps.shape[2] - 1), np.uintp(4 * steps.shape[2])
    zero, one = np.float32(0.0), np.float32(1.0)
    for r in range(last):
        down = np.uintp(heads[r] >> np.uint32(31))
        at = np.uintp(heads[r] & st._LINE) * st._FIELDS * width
        scales, sign = at + (st._1 + down) * width, np.float32(1 - 2 * np.int32(down))
        for i in range(ptr[r], ptr[r + 1]):
            j = np.uintp(columns[np.uintp(i)])
            p = cell[at + j]
            u = p * n_steps
            k = np.int32(u)
            f, t = u - np.float32(k), stride * down + np.uintp(k) * st._4
            mean = fma(f, table[t + st._1], table[t])
            sd = fma(f, table[t + st._3], table[t + st._2])
            step = cell[scales + j] * fma(sd, noise[np.uintp(i)], mean)
            cell[at + j] = min(max(fma(sign, step, p), zero), one)


def planned(load, tables):
    """Return (array, request, runs, number of runs, pulses) of one update."""
    array = SynapseArray(load.shape, tables, omega=0.6, seed=1)
    x, d, lr = bench.request(load, array.granularity)
    array.pulse_coincidence(x, d, lr)
    tally, keys, dw = array._meter.tally, array._train_keys, array.granularity
    now = np.uint64(7)
    rows, pulses = plan_sample(x[0], d[0], lr, dw, OPTIONS, keys, now, array._plan, tally)
    room = pulses + pl.MAX_SLOTS * load.shape[1]
    runs = np.empty(2 * rows, np.uint32), np.zeros(2 * rows + 1, np.int64)
    runs = (*runs, np.empty(room, np.uint32))
    return array, (x, d, lr), runs, rows, pulses


def parts(load, tables):
    """Return (name, function, whether it holds what the one before does) of each part."""
    array, (x, d, lr), runs, rows, pulses = planned(load, tables)
    list_all(array._plan, rows, *runs)
    last, cells, ctx, tally = 2 * rows, array._cells, array._context(), array._meter.tally
    key, now, keys = rng.key(1, 0, "pulse"), np.uint64(1), array._train_keys
    blocks = -(-pulses // 64) * 16
    noise, lanes = np.empty(4 * blocks, np.float32), np.empty((4, blocks), np.uint32)
    units, unit = np.zeros(blocks, np.uint32), np.uint32(0)
    mean, sd = (np.float32(v) for v in (1e-3, 3e-4))
    start, dw, plan = cells[:, st.P].copy(), array.granularity, array._plan

    def again(function, *given):
        def work():
            cells[:, st.P] = start
            function(*given)

        return work

    return pulses, again(lambda: None), (
        ("random words (Philox4x32-10)",
         lambda: rng.fill_words(*key, units, blocks, now, 0, 1, lanes), False),
        ("... made normals", lambda: rng.fill_normals(*key, unit, now, 0, blocks, noise), True),
        ("trains of rows and columns",
         lambda: plan_sample(x[0], d[0], lr, dw, OPTIONS, keys, now, plan, tally), False),
        ("... and the list of pulses", lambda: (
            plan_sample(x[0], d[0], lr, dw, OPTIONS, keys, now, plan, tally),
            list_all(plan, rows, *runs)), True),
        ("state read and written", again(touch, runs, last, cells), False),
        ("... with scale, normal, clip",
         again(step_without_table, runs, last, cells, noise, mean, sd), True),
        ("... with the table", again(step_without_ledger, runs, last, cells, noise, ctx[4]), True),
        ("... with ledger and event counter",
         again(st.step_runs, runs, noise, 0, 0, last, ctx, tally), True),
        ("visible weights", lambda: st.show_runs(runs, 0, last, ctx), False),
    )  # fmt: skip


def show(load, tables, pairs):
    """Print the parts of one load, their sum, and the whole update beside its limit."""
    pulses, restore, listed = parts(load, tables)
    rounds = max(1, round(100_000 / pulses))

    def in_u(work):
        return bench.timed(lambda: [work() for _ in range(rounds)] and rounds * pulses, pairs)[1]

    print(f"{load}: {pulses:,} pulses")
    print(f"  {'':<36}{'U per pulse':>12}{'adds':>8}")
    total, before, idle = 0.0, 0.0, in_u(restore)
    for name, work, more in listed:
        own = in_u(work) - (idle if "state" in name or "with" in name else 0.0)
        adds = own - before if more else own
        total, before = total + adds, own
        print(f"  {name:<36}{own:>12.3f}{adds:>8.3f}", flush=True)
    _, whole = bench.timed(bench.pulse_work(load, tables), pairs)
    verdict = "met" if whole <= LIMITS[load] else "MISSED"
    print(f"  {'sum of the parts':<36}{'':>12}{total:>8.3f}")
    print(
        f"  {'an update as users get it':<36}{whole:>12.3f}{'':>8}   limit {LIMITS[load]} {verdict}"
    )


def main() -> None:
    """Print the parts of every load."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=15, help="repetitions [15]")
    pairs = parser.parse_args().pairs
    tables = tabulate(preset(bench.DEVICE))
    for load in LIMITS:
        show(load, tables, pairs)


if __name__ == "__main__":
    main()
