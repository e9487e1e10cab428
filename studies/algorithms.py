"""All algorithms beside each other over pulse width: accuracy, total energy, pulses.

    python studies/algorithms.py --quick --out results/algorithms_quick
    python studies/algorithms.py --data DIR --workers 2 --out results/algorithms
    python studies/algorithms.py --data DIR --task fashion_mnist --only NAME --only NAME

Hyper-parameters are chosen per (width, algorithm) on the validation split with the same number of
tries for all: a round of short runs, and longer ones of the best. Rerunning resumes; `--only`
takes algorithms by their label, e.g. those on the front of an earlier result.
"""

import argparse
import itertools
import time
from pathlib import Path

import feemu as fe
from feemu.algorithms import ALGORITHMS, DynamicTracking, SymmetryPointShift
from feemu.report import write_contest
from feemu.sweeping import spread_float, sweep
from feemu.training import build_network
from feemu.tuning import Search, tune

EVERY = [
    *(made() for name, made in ALGORITHMS.items() if name != "symmetry_point_shift"),
    DynamicTracking(chop_prob=0.1),
    SymmetryPointShift(variant="reference"),
    SymmetryPointShift(variant="push_pull"),
]
QUICK = {"task": "digits", "hidden": (32,), "batch": 4}
FULL = {"task": "mnist", "hidden": (256,), "batch": 8}
RATES = {"lr_min": 0.03, "lr_max": 30.0}
SEARCH_QUICK = Search(tries=4, keep=1, images=1200, images_long=2400, seeds=1, **RATES)
#: 30,000 images x 3 epochs for the best of the first round.
SEARCH_FULL = Search(tries=16, keep=3, images=10_000, images_long=90_000, seeds=1, **RATES)


def cells(algorithms, settings, tables):
    """Return one case per algorithm and width; the float baseline needs no width."""
    return [
        fe.Case(device=table, algorithm=made, lr_end=0.03, **settings)
        for made in algorithms
        for table in (tables[:1] if made.devices_per_weight == 0 else tables)
    ]


def cost(case, task, steps=40):
    """Return the CPU seconds of building a network, calibration included, and of an image.

    Some mini-batches after a few to warm up; evaluations are left out.
    """
    began = time.process_time()
    net = build_network(case, task)
    built = time.process_time() - began
    for number, start in enumerate(itertools.count(0, case.batch)):
        if number == 5:
            began = time.process_time()
        if number == steps + 5:
            return built, (time.process_time() - began) / steps / case.batch
        part = slice(start, start + case.batch)
        net.train_step(task.train_x[part], task.train_y[part], case.lr)


def estimate(grid, search, images_last, seeds, task):
    """Return the CPU hours of a search and its final runs, evaluations left out."""
    images = search.tries * search.images + search.keep * search.seeds * search.images_long
    images += seeds * images_last
    runs = search.tries + search.keep * search.seeds + seeds
    costs = {case.algorithm.label: cost(case, task) for case in grid}
    both = [costs[case.algorithm.label] for case in grid]
    return sum(runs * built + images * each for built, each in both) / 3600


def progress(done, total, _):
    """Print every 50th run."""
    if done % 50 == 0 or done == total:
        print(f"  {done}/{total} runs", flush=True)


def main():
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="digits, 2 widths, 2 seeds, minutes")
    parser.add_argument("--task", help="data set [mnist, quick digits]")
    parser.add_argument("--data", type=Path, help="folder of the data files")
    parser.add_argument("--only", action="append", help="label of an algorithm, again for more")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=0, help="reporting seeds [5, quick 2]")
    parser.add_argument(
        "--epochs", type=float, default=0, help="epochs of final runs [10, quick 4]"
    )
    parser.add_argument("--out", type=Path, default=Path("results/algorithms"))
    args = parser.parse_args()
    settings, search = (QUICK, SEARCH_QUICK) if args.quick else (FULL, SEARCH_FULL)
    settings = settings | ({"task": args.task} if args.task else {})
    seeds, epochs = args.seeds or (2 if args.quick else 5), args.epochs or (4 if args.quick else 10)
    chosen = [made for made in EVERY if not args.only or made.label in args.only]
    if not chosen:
        parser.error(f"--only: known are {', '.join(made.label for made in EVERY)}")
    family, task = fe.preset("hzo_superlattice"), fe.load_task(settings["task"], args.data)
    widths = (family.widths[0], family.widths[-1]) if args.quick else family.widths
    grid = cells(chosen, settings, [fe.tabulate(family.at(width)) for width in widths])
    hours = estimate(grid, search, epochs * len(task.train_y), seeds, task)
    print(f"{len(grid)} cells, about {hours:.2f} CPU hours and evaluations", flush=True)
    options = {"data": args.data, "workers": args.workers, "out": args.out / "shards"}
    options["progress"] = progress
    tuned = tune(grid, search, n_train=len(task.train_y), **options)
    cases = [c.replace(epochs=float(epochs), seed=s) for c in tuned.chosen for s in range(seeds)]
    files = write_contest(args.out, spread_float(sweep(cases, **options)), tuned)
    print(files["algorithms.txt"].read_text(), *files.values(), sep="\n")


if __name__ == "__main__":
    main()
