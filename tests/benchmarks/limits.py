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
from feemu.array.trains import coincidence
from feemu.devices import preset, tabulate

LIMITS = dict(zip(bench.PULSES, (0.55, 0.7, 0.7)))
OPTIONS = (1, 31, True)


@jit
def list_all(plan, rows, width, runs):
    """List every pulse of a planned sample."""
    return st.list_coincidences(plan, np.int64(0), rows, width, runs)


@jit
def step_all(runs, n, noise, ctx, tally):
    """Step listed pulses."""
    st.step_runs(runs, np.int64(n), noise, np.int64(0), ctx, tally)


@jit
def touch(runs, n, cells):
    """Read and write the state of each pulsed synapse."""
    _, starts, synapses = runs
    cell = cells.reshape(-1)
    for i in range(starts[n]):
        c = np.uintp(synapses[np.uintp(i)]) * st._FIELDS
        cell[c] = np.float32(1.0) - cell[c]


@jit
def step_without_table(runs, n, cells, noise, mean, sd):
    """Step each pulsed synapse by its scale, a constant curve and a normal, and clip."""
    downs, starts, synapses = runs
    cell, zero, one = cells.reshape(-1), np.float32(0.0), np.float32(1.0)
    for r in range(n):
        down = np.uintp(downs[r])
        sign = np.float32(1 - 2 * np.int32(down))
        for i in range(starts[r], starts[r + 1]):
            c = np.uintp(synapses[np.uintp(i)]) * st._FIELDS
            step = cell[c + st._1 + down] * fma(sd, noise[np.uintp(i)], mean)
            q = fma(sign, step, cell[c])
            q = zero if q < zero else q
            cell[c] = one if q > one else q


@jit
def step_without_ledger(runs, n, cells, noise, steps):
    """Step each pulsed synapse by its curves, from the table, and clip."""
    downs, starts, synapses = runs
    cell, table = cells.reshape(-1), steps.reshape(-1)
    n_steps, stride = np.float32(steps.shape[2] - 1), np.uintp(4 * steps.shape[2])
    zero, one = np.float32(0.0), np.float32(1.0)
    for r in range(n):
        down = np.uintp(downs[r])
        sign = np.float32(1 - 2 * np.int32(down))
        for i in range(starts[r], starts[r + 1]):
            c = np.uintp(synapses[np.uintp(i)]) * st._FIELDS
            p = cell[c]
            u = p * n_steps
            k = np.int32(u)
            f, t = u - np.float32(k), stride * down + np.uintp(k) * st._4
            mean = fma(f, table[t + st._1], table[t])
            sd = fma(f, table[t + st._3], table[t + st._2])
            step = cell[c + st._1 + down] * fma(sd, noise[np.uintp(i)], mean)
            q = fma(sign, step, p)
            q = zero if q < zero else q
            cell[c] = one if q > one else q


def parts(load, tables):
    """Return pulses, what restores the states, and (name, function, adds to the one before)."""
    array = SynapseArray(load.shape, tables, omega=0.6, seed=1)
    x, d, lr = bench.request(load, array.granularity)
    pulses = array.pulse_coincidence(x, d, lr)
    cells, ctx, (tally, _, _, plan) = array._cells, array._context(), array._running.out
    given = x, d, lr, array.granularity, OPTIONS, array._train_keys, 0
    # A share beyond the last steps nothing.
    draw_trains = lambda: coincidence(*given, (1, 1), ctx, array._running.out)  # noqa: E731
    draw_trains()
    rows, width = int(np.flatnonzero(plan[1][pl.FIRST] == pulses)[0]), load.shape[1]
    runs = np.empty(2 * rows + 2, np.uint32), np.zeros(2 * rows + 3, np.int64)
    runs = (*runs, np.zeros(pulses + pl.AHEAD, np.uint32))
    list_all(plan, rows, width, runs)
    n, start = 2 * rows, cells[..., st.P].copy()
    key, now, unit = rng.key(1, 0, "pulse"), np.uint64(1), np.uint32(0)
    blocks = -(-pulses // 64) * 16
    noise, lanes = np.empty(4 * blocks, np.float32), np.empty((4, blocks), np.uint32)
    units, (mean, sd) = np.zeros(blocks, np.uint32), (np.float32(v) for v in (1e-3, 3e-4))

    def again(function, *given):
        def work():
            cells[..., st.P] = start
            function(*given)

        return work

    return pulses, again(lambda: None), (
        ("random words (Philox4x32-10)",
         lambda: rng.fill_words(*key, units, blocks, now, 0, 1, lanes), False),
        ("... made normals", lambda: rng.fill_normals(*key, unit, now, 0, blocks, noise), True),
        ("trains of rows and columns", draw_trains, False),
        ("... and the list of pulses",
         lambda: (draw_trains(), list_all(plan, rows, width, runs)), True),
        ("state read and written", again(touch, runs, n, cells), False),
        ("... with scale, normal, clip",
         again(step_without_table, runs, n, cells, noise, mean, sd), True),
        ("... with the table", again(step_without_ledger, runs, n, cells, noise, ctx[4]), True),
        ("... with ledger, events, weights",
         again(step_all, runs, n, noise, ctx, tally), True),
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
