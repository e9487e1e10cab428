"""What a pulse costs on this machine: over array size, pulses, train length, threads, workers.

    python studies/scaling.py --quick --out results/scaling_quick
    python studies/scaling.py --out results/scaling

Beside the measured times stand two bounds that are measured too: the time of one normal from
feemu's generator, and the time to move what an update touches through memory.
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import xarray as xr

import feemu as fe
from feemu import bench, rng, store
from feemu.array import SynapseArray
from feemu.cli import told

#: Pulses per synapse of a dense update, as in `feemu.bench.LARGE`.
DENSITY = 0.4
#: Bytes that an update moves per synapse of a row that is pulsed: six fields, weight and counter
#: read and, since the state lies among the fields, all of it written back.
TOUCHED = 32 + 32
#: Bytes of memory per synapse while an array is made.
MADE = 120


def update(load, tables, length=None, threads=1):
    """Return a function that does one update and returns its pulses."""
    array = SynapseArray(load.shape, tables, omega=0.6, seed=1, threads=threads)
    x, d, lr = bench.request(load, array.granularity)
    trains = {} if length is None else {"bl_min": length, "bl_max": length}
    return lambda: array.pulse_coincidence(x, d, lr, **trains)


def per_pulse(load, tables, pairs, length=None):
    """Return CPU time [s] of one pulse and the same in U, medians."""
    work = update(load, tables, length)
    rounds = max(1, round(100_000 / load.pulses))
    return bench.timed(lambda: sum(work() for _ in range(rounds)), pairs)


def curve(dim, values, loads, tables, pairs, lengths=None):
    """Return the cost of a pulse over one dimension."""
    found = []
    for value, load, length in zip(values, loads, lengths or [None] * len(loads)):
        found.append(per_pulse(load, tables, pairs, length))
        print(
            f"  {dim} {value:>9,}   {1e9 * found[-1][0]:6.2f} ns   {found[-1][1]:5.2f} U",
            flush=True,
        )
    seconds, in_u = zip(*found)
    told = f"CPU time of one pulse over {dim}"
    return {
        f"pulse_time_by_{dim}": (dim, list(seconds), {"units": "s", "long_name": told}),
        f"pulse_u_by_{dim}": (dim, list(in_u), {"units": "U", "long_name": f"{told}, in U"}),
    }


def rate(work, items, pairs):
    """Return items per second of CPU time, the median."""
    return 1 / bench.timed(lambda: work() or items, pairs)[0]


def bounds(pairs):
    """Return what the machine can do: bytes moved, random words and normals per second."""
    source, target = np.ones(32_000_000, np.float32), np.empty(32_000_000, np.float32)
    key, units = rng.key(1, 0, "draws"), np.arange(4000, dtype=np.uint32)
    lanes, out = np.empty((4, 4000), np.uint32), np.empty(16_000, np.float32)
    now, unit = np.uint64(1), np.uint32(0)
    return {
        "bytes_per_second": rate(lambda: np.copyto(target, source), 2 * source.nbytes, pairs),
        "words_per_second": rate(
            lambda: rng.fill_words(*key, units, 4000, now, 0, 0, lanes), lanes.size, pairs
        ),
        "normals_per_second": rate(
            lambda: rng.fill_normals(*key, unit, now, 0, 4000, out), out.size, pairs
        ),
    }


def gains(works, counts, pairs):
    """Return how many times faster each work is than the first, by the clock."""
    times = [[] for _ in works]
    for work in works:
        work()
    for _ in range(pairs):
        for n, work in enumerate(works):
            start = time.perf_counter()
            work()
            times[n].append(time.perf_counter() - start)
    found = [statistics.median(a / b for a, b in zip(times[0], own)) for own in times]
    print("  " + "   ".join(f"{n}: {g:.2f} x" for n, g in zip(counts, found)), flush=True)
    return found


def parallel(tables, quick, pairs):
    """Return the gains of threads in one update, of workers in a sweep, and of a plain loop."""
    counts = [1, 2] if (os.cpu_count() or 1) < 4 else [1, 2, 4]
    load = bench.PulseLoad((1024, 1024), 1.0, 420_000) if quick else bench.LARGE
    case = fe.Case(device=tables, algorithm=fe.algorithm("plain_sgd"), task="digits",
                   hidden=(64,) if quick else (256,), epochs=1 if quick else 40)  # fmt: skip
    cases = [case.replace(seed=s) for s in range(4)]
    threads = [update(load, tables, threads=n) for n in counts]
    workers = [lambda n=n: fe.sweep(cases, workers=n) for n in counts]
    loops = [lambda n=n: [bench.wall(lambda: bench.unit(40), n) for _ in range(8 // n)]
             for n in counts]  # fmt: skip
    found = {}
    for name, works, what in (
        ("threads", threads, f"threads in an update of {load.shape[0]}^2"),
        ("workers", workers, "worker processes of a sweep of 4 cases"),
        ("copies", loops, "copies of a compute-bound loop"),
    ):
        print(what)
        attrs = {"units": "1", "long_name": f"gain of {what}"}
        found[f"gain_of_{name}"] = ("count", gains(works, counts, min(pairs, 3)), attrs)
    return found, counts


def free_memory():
    """Return the memory [byte] that can be had, files in the cache included where that is told."""
    told = Path("/proc/meminfo")
    for line in told.read_text().splitlines() if told.exists() else ():
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def measure(quick):
    """Return the Dataset."""
    tables, pairs = fe.tabulate(fe.preset(bench.DEVICE)), 3 if quick else 7
    free = free_memory()
    sides = [2**n for n in range(6, 14) if 2 ** (2 * n) * MADE < free]
    sides = [s for s in sides if s <= 1024] if quick else sides
    pulses = [100, 1000, 10_000, 100_000, 800_000]
    lengths = [1, 2, 4, 8, 16, 31]
    load, wide = bench.PulseLoad, (784, 256)
    found = curve("side", sides, [load((s, s), 1.0, DENSITY * s * s) for s in sides], tables, pairs)
    found |= curve("pulses", pulses, [load(wide, 0.2, n) for n in pulses], tables, pairs)
    # As many pulses at any length, few enough that the shortest train can make them.
    same = [load(wide, 0.2, 8000)] * len(lengths)
    found |= curve("length", lengths, same, tables, pairs, lengths)
    more, counts = parallel(tables, quick, pairs)
    attrs = {"U_seconds": bench.unit(30), "density": DENSITY, "bytes_touched": TOUCHED}
    coords = {"side": sides, "pulses": pulses, "length": lengths, "count": counts}
    ds = xr.Dataset(found | more, coords, attrs | bounds(pairs))
    for name, words in (("side", "rows and columns of the array"), ("count", "threads or workers"),
                        ("pulses", "pulses of an update, 784 x 256"),
                        ("length", "slots of a pulse train")):  # fmt: skip
        ds[name].attrs |= {"units": "1", "long_name": words}
    return ds


def draw(ds):
    """Return the figure: cost over size, pulses and length with the bounds, and the gains."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 7), layout="constrained")
    panels = figure.subplots(2, 2).ravel()
    normal, byte = 1e9 / ds.normals_per_second, 1e9 / ds.bytes_per_second
    moved = {"side": ds.bytes_touched / ds.density * byte}
    for panel, dim in zip(panels, ("side", "pulses", "length")):
        panel.plot(
            ds[dim], 1e9 * ds[f"pulse_time_by_{dim}"], "o-", color="#0072B2", label="measured"
        )
        panel.axhline(normal, color="#D55E00", ls="--", label="bound: one normal (Philox, inverse)")
        panel.axhline(1e9 * ds.U_seconds, color="#595959", ls=":", label="U: one normal of numpy")
        if dim in moved:
            panel.axhline(
                moved[dim], color="#009E73", ls="-.", label="bound: memory, beyond the caches"
            )
        panel.set(xlabel=ds[dim].long_name, ylabel="CPU time per pulse [ns]")
        if dim == "pulses":
            panel.set(xscale="log", yscale="log")
        else:
            panel.set_xscale("log", base=2)
            panel.set_xticks(ds[dim].values, [f"{v:,}" for v in ds[dim].values])
            panel.minorticks_off()
            panel.set_ylim(0, 1.6e9 * float(max(ds[f"pulse_time_by_{dim}"].max(), ds.U_seconds)))
        panel.legend(fontsize=7.5, loc="upper right")
    for name, colour, mark in (("copies", "#595959", "s:"), ("threads", "#0072B2", "o-"),
                               ("workers", "#D55E00", "^--")):  # fmt: skip
        own = ds[f"gain_of_{name}"]
        panels[3].plot(ds["count"], own, mark, color=colour, label=own.long_name)
    panels[3].set(xlabel=ds["count"].long_name, ylabel="gain by the clock [1]")
    panels[3].set_xticks(ds["count"])
    panels[3].set_ylim(0)
    panels[3].legend(fontsize=7.5)
    figure.suptitle(
        f"Cost of a pulse, {bench.DEVICE}: {ds.bytes_per_second / 1e9:.1f} GB/s copied, "
        f"{ds.words_per_second / 1e6:,.0f} M random words/s, "
        f"{ds.normals_per_second / 1e6:,.0f} M normals/s", fontsize=10,
    )  # fmt: skip
    return figure


def main():
    """Measure, save and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="arrays up to 1024^2, a minute")
    parser.add_argument("--out", type=Path, default=Path("results/scaling"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    ds = measure(args.quick)
    store.write_dataset_atomic(ds, args.out / "scaling.nc")
    draw(ds).savefig(args.out / "scaling.png", dpi=130)
    print(args.out / "scaling.nc", args.out / "scaling.png", sep="\n")


if __name__ == "__main__":
    sys.exit(told(main))
