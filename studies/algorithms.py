"""All algorithms beside each other over pulse width: accuracy, total energy, pulses.

    python studies/algorithms.py --quick --out results/algorithms_quick
    python studies/algorithms.py --reduced --data DIR --out results/algorithms_reduced
    python studies/algorithms.py --data DIR --workers 2 --out results/algorithms
    python studies/algorithms.py --data DIR --task fashion_mnist --only agad@20ns --only NAME
    python studies/algorithms.py --quick --device mine.toml

Hyper-parameters are chosen per (width, algorithm) on the validation split with the same number of
tries for all: 16 short runs, and 3 epochs of 30,000 images for the best 3 of them; final runs see
all images. Rerunning resumes; `--only` takes algorithms by their label, or one width of them, and
so makes parts. The last line is the command for Fashion-MNIST with what is on a Pareto front.
"""

import argparse
import sys
import time
from pathlib import Path

import feemu as fe
from feemu.algorithms import ALGORITHMS, DynamicTracking, SymmetryPointShift
from feemu.cli import told
from feemu.params import format_width, unknown
from feemu.report import standings, write_contest
from feemu.sweeping import spread_float, sweep
from feemu.training import build_network, evaluation_points
from feemu.tuning import Search, tune

EVERY = [
    *(made() for name, made in ALGORITHMS.items() if name != "symmetry_point_shift"),
    DynamicTracking(chop_prob=0.1),
    SymmetryPointShift(variant="reference"),
    SymmetryPointShift(variant="push_pull"),
]
RATES = {"lr_min": 0.03, "lr_max": 30.0}
#: Case, search, images of an epoch while searching and in final runs (0: all), their epochs and
#: seeds, and widths by number.
QUICK = (
    {"task": "digits", "hidden": (32,), "batch": 4},
    Search(tries=4, keep=1, images=1200, images_long=2400, seeds=1, **RATES),
    1198, 0, 4.0, 2, (0, 4),
)  # fmt: skip
REDUCED = (
    {"task": "mnist", "hidden": (64,), "batch": 8},
    Search(tries=8, keep=1, images=4000, images_long=10_000, seeds=1, **RATES),
    20_000, 20_000, 1.0, 2, (0, 2, 3),
)  # fmt: skip
#: The best of the first round see 3 epochs of 30,000 images.
FULL = (
    {"task": "mnist", "hidden": (256,), "batch": 8},
    Search(tries=16, keep=3, images=10_000, images_long=90_000, seeds=1, **RATES),
    30_000, 0, 10.0, 5, (0, 1, 2, 3, 4),
)  # fmt: skip


def cells(algorithms, settings, tables):
    """Return one case per algorithm and width; the float baseline needs no width."""
    return [
        fe.Case(device=table, algorithm=made, lr_end=0.03, **settings)
        for made in algorithms
        for table in (tables[:1] if made.devices_per_weight == 0 else tables)
    ]


def picked(parser, only, grid):
    """Return the cells that are asked for by label, or by label@width; all if none is."""
    places = [(c.algorithm.label, format_width(c.device.pulse_width)) for c in grid]
    for name in only:
        label, _, width = name.partition("@")
        if label not in (known := {place[0] for place in places}):
            parser.error(f"--only: {unknown('algorithm', label, known)}")
        if width and (label, width) not in places:
            known = {place[1] for place in places if place[0] == label}
            parser.error(f"--only {name}: {unknown('pulse width', width, known)}")
    wanted = [not only or {label, f"{label}@{width}"} & {*only} for label, width in places]
    return [case for case, one in zip(grid, wanted) if one]


def cost(case, task, steps=40):
    """Return CPU seconds: to build a network, calibration included, of an image, an evaluation.

    Images are timed over some mini-batches after a few to warm up.
    """
    began = time.process_time()
    net = build_network(case, task)
    built = time.process_time() - began
    for number in range(steps + 5):
        if number == 5:
            began = time.process_time()
        part = slice(number * case.batch, (number + 1) * case.batch)
        net.train_step(task.train_x[part], task.train_y[part], case.lr)
    image = (time.process_time() - began) / steps / case.batch
    began = time.process_time()
    net.evaluate(task.validation_x[:1000], task.validation_y[:1000])
    share = min(1000, len(task.validation_y)) / len(task.validation_y)
    return built, image, (time.process_time() - began) / share


def estimate(grid, search, images, seeds, task):
    """Return the CPU hours of a search and of final runs that see `images` each."""
    n, hours, costs = len(task.train_y), 0.0, {}
    budgets = [(search.tries, search.images), (search.keep * search.seeds, search.images_long)]
    for case in grid:
        if case.algorithm.label not in costs:
            costs[case.algorithm.label] = cost(case, task)
        built, image, look = costs[case.algorithm.label]
        for runs, seen in (*budgets, (seeds, images)):
            looks = len(evaluation_points(n, seen / n, case.batch))
            hours += runs * (built + seen * image + looks * look) / 3600
    return hours


def opened(parser, name, args):
    """Return the data set, after a look at the numbers that are given."""
    for option in ("workers", "seeds"):
        if (given := getattr(args, option)) is not None and given < 1:
            parser.error(f"--{option} {given}: must be at least 1")
    return fe.load_task(name, args.data)


def tables_of(name, places):
    """Return tables of a preset or a preset file: a family at some of its widths, or one device."""
    device = fe.read_preset(name) if name.endswith(".toml") else fe.preset(name)
    if isinstance(device, fe.Device):
        return [fe.tabulate(device)]
    last = len(device.widths) - 1
    widths = sorted({device.widths[min(k, last)] for k in places})
    return [fe.tabulate(device.at(width)) for width in widths]


def progress(done, total, _):
    """Print every 10th run."""
    if done % 10 == 0 or done == total:
        print(f"  {done}/{total} runs, {time.strftime('%H:%M')}", flush=True)


def main():
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="digits, 2 widths, 2 seeds, minutes")
    parser.add_argument("--reduced", action="store_true", help="smaller net, 3 widths, 1 epoch")
    parser.add_argument("--device", default="hzo_superlattice", help="preset or preset file")
    parser.add_argument("--task", help="data set [mnist, quick digits]")
    parser.add_argument("--data", type=Path, help="folder of the data files")
    parser.add_argument(
        "--only", action="append", default=[], metavar="LABEL[@WIDTH]",
        help="an algorithm, at one width if that is given; again for more",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seeds", type=int, help="reporting seeds [5, else 2]")
    parser.add_argument("--out", type=Path, default=Path("results/algorithms"))
    args = parser.parse_args()
    mode = QUICK if args.quick else REDUCED if args.reduced else FULL
    settings, search, searched, final, epochs, seeds, places = mode
    settings, seeds = settings | ({"task": args.task} if args.task else {}), args.seeds or seeds
    task = opened(parser, settings["task"], args)
    grid = picked(parser, args.only, cells(EVERY, settings, tables_of(args.device, places)))
    hours = estimate(grid, search, epochs * (final or len(task.train_y)), seeds, task)
    print(f"{len(grid)} cells, about {hours:.2f} CPU hours; high rates take more", flush=True)
    options = {"data": args.data, "workers": args.workers, "out": args.out / "shards"}
    options["progress"] = progress
    search_on = [case.replace(train_images=searched) for case in grid]
    tuned = tune(search_on, search, n_train=searched, **options)
    last = [case.replace(train_images=final, epochs=epochs) for case in tuned.chosen]
    # Seed by seed: what is there after a part of the time holds all algorithms and widths.
    runs = sweep([case.replace(seed=s) for s in range(seeds) for case in last], **options)
    files = write_contest(args.out, result := spread_float(runs), tuned)
    print(files["algorithms.txt"].read_text(), *files.values(), sep="\n")
    front = standings(result)["front"].stack(cell=("pulse_width", "algorithm"))
    named = [f"{label}@{format_width(w)}" for w, label in front["cell"].values[front.values]]
    if named:
        print("those on a Pareto front, and float, on Fashion-MNIST in full (hours):")
        same = f"--device {args.device} --task fashion_mnist --data DIR"
        cells_of = " ".join(f"--only {name}" for name in ("float", *named))
        print(f"python studies/algorithms.py {same} {cells_of}")


if __name__ == "__main__":
    sys.exit(told(main))
