"""Where the symmetry point shift restores plain SGD, what it costs, and what else would do.

    python studies/symmetry_point.py --quick --out results/symmetry_point_quick
    python studies/symmetry_point.py --data DIR --workers 2 --out results/symmetry_point

Accuracy and energy over (offset of the symmetry point, states, cycle noise, error of the
reference) on virtual soft-bounds devices with 10 % spread of steps, for plain SGD, the shift (a
reference cell for each synapse) and its competitors. Every cell is tuned on the validation split
with the same budget. A calibration has as many pulse pairs as the device has states: about 1 % of
the offset is left. What knows no reference is the same at every error of it. Rerunning resumes.
`shift_causes.py` asks about the shift alone, one property at a time, spreads among them.
"""

import argparse
import itertools
import sys
from pathlib import Path

from algorithms import estimate, opened
from shift_causes import device

import feemu as fe
from feemu.algorithms import AGAD, MixedPrecision, PlainSGD, SymmetryPointShift, TikiTakaV2
from feemu.cli import told
from feemu.report import write_shift_map
from feemu.sweeping import process_pool, sweep
from feemu.tuning import Search, tune

#: Algorithms that know no reference.
FREE = ("plain_sgd", "mixed_precision", "agad")
FULL = {
    "offset": (0.0, 0.15, 0.35),
    "states": (10, 30, 100, 300, 1000),
    "cycle_noise": (0.0, 0.3, 1.0),
    "reference_error": (0.0, 0.01, 0.03, 0.1),
}
QUICK = {
    "offset": (0.0, 0.15, 0.3),
    "states": (20, 200),
    "cycle_noise": (0.3,),
    "reference_error": (0.01, 0.1),
}
SETTINGS_QUICK = {"task": "digits", "hidden": (32,), "batch": 4, "epochs": 4.0}
SETTINGS_FULL = {
    "task": "mnist", "hidden": (64,), "batch": 8, "epochs": 1.0, "train_images": 20_000,
}  # fmt: skip


def cells(point, settings):
    """Return a case per algorithm at a point of the grid."""
    own = {"symmetry_point": 0.5 + point["offset"], "step_spread": 0.1, "asymmetry_spread": 0.1}
    tables = fe.tabulate(device(**{**point, **own}))
    reference = {"n_pairs": int(point["states"]), "sigma_copy": point["reference_error"]}
    return [
        fe.Case(device=tables, algorithm=made, lr_end=0.03, **settings)
        for made in (
            PlainSGD(), SymmetryPointShift(**reference), MixedPrecision(), TikiTakaV2(**reference),
            AGAD(),
        )
    ]  # fmt: skip


def hours(values, settings, search, seeds, images, task):
    """Return the CPU hours of the grid, from a timed sample for each number of states."""
    devices, total = len(values["offset"]) * len(values["cycle_noise"]), 0.0
    for states in values["states"]:
        point = {axis: one[-1] for axis, one in values.items()} | {"states": states}
        for case in cells(point, settings):
            many = 1 if case.algorithm.label in FREE else len(values["reference_error"])
            total += devices * many * estimate([case], search, images, seeds, task)
    return total


def main():
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="digits, 2 seeds, minutes")
    parser.add_argument("--data", type=Path, help="folder of the MNIST files")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seeds", type=int, help="reporting seeds [5, quick 2]")
    parser.add_argument("--out", type=Path, default=Path("results/symmetry_point"))
    args = parser.parse_args()
    values, settings = (QUICK, SETTINGS_QUICK) if args.quick else (FULL, SETTINGS_FULL)
    task, seeds = opened(parser, settings["task"], args), args.seeds or (2 if args.quick else 5)
    n_train = settings.get("train_images", len(task.train_y))
    tries, images = (6, 2400) if args.quick else (8, 10_000)
    search = Search(tries=tries, keep=2, images=images, images_long=2 * images, seeds=1,
                    lr_min=0.01, lr_max=10)  # fmt: skip
    last = settings["epochs"] * n_train
    points = [dict(zip(values, at)) for at in itertools.product(*values.values())]
    about = hours(values, settings, search, seeds, last, task)
    print(f"{len(points)} points, about {about:.2f} CPU hours", flush=True)
    cases, marks = [], []
    with process_pool(args.workers) as pool:
        options = {"data": args.data, "out": args.out / "shards"}
        options["executor"] = pool if args.workers > 1 else None
        for number, point in enumerate(points, 1):
            chosen = tune(cells(point, settings), search, n_train=n_train, **options).chosen
            cases += [c.replace(seed=s) for c in chosen for s in range(seeds)]
            marks += [point] * (len(chosen) * seeds)
            print(f"  {number}/{len(points)} points searched", flush=True)
        result = sweep(cases, coordinates=marks, **options)
    files = write_shift_map(args.out, result)
    print(files["symmetry_point.txt"].read_text(), *files.values(), sep="\n")


if __name__ == "__main__":
    sys.exit(told(main))
