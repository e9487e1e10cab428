"""What the symmetry point shift repairs and what it cannot: one cause at a time.

    python studies/shift_causes.py --quick --out results/causes_quick
    python studies/shift_causes.py --data DIR --workers 2 --out results/causes

Virtual soft-bounds devices differ from a base device in one property; each point tunes plain SGD,
the shift (per-synapse reference) and mixed precision with the same budget on the validation split.
"""

import argparse
import sys
from pathlib import Path

import feemu as fe
from feemu.algorithms import Float, MixedPrecision, PlainSGD, SymmetryPointShift
from feemu.cli import told
from feemu.report import write_causes
from feemu.sweeping import process_pool, sweep
from feemu.tuning import Search, tune

#: Property -> values; the first row of each is measured against the same base device.
CAUSES = {
    "states": (10, 30, 100, 300, 1000),
    "symmetry_point": (0.5, 0.57, 0.65, 0.75, 0.85),
    "cycle_noise": (0.0, 0.1, 0.3, 1.0),
    "step_spread": (0.0, 0.1, 0.3),
    "asymmetry_spread": (0.0, 0.1, 0.3),
    "reference_error": (0.0, 0.01, 0.03, 0.1),
}
BASE = {"states": 100, "symmetry_point": 0.65, "cycle_noise": 0.0, "step_spread": 0.0,
        "asymmetry_spread": 0.0, "reference_error": 0.0}  # fmt: skip


def device(states, symmetry_point, cycle_noise, step_spread, asymmetry_spread, **_):
    """Return a virtual soft-bounds device: `states` steps of 1/states at its symmetry point."""
    up = 1 / states / (1 - symmetry_point)
    return fe.Device(
        name="virtual soft bounds",
        response=fe.SoftBounds(A_up=up, A_down=1 / states / symmetry_point),
        noise=fe.Noise(relative=cycle_noise),
        spread=fe.Spread(step_spread=step_spread, asymmetry_spread=asymmetry_spread),
        source="virtual device of this study",
    )


def cells(point, settings):
    """Return one case per algorithm on the virtual device of a point."""
    tables = fe.tabulate(device(**point))
    shift = SymmetryPointShift(n_pairs=2 * point["states"], sigma_copy=point["reference_error"])
    algorithms = [Float(), PlainSGD(), shift, MixedPrecision()]
    return [
        fe.Case(device=tables, algorithm=algorithm, lr_end=0.03, **settings)
        for algorithm in algorithms
    ]


def main():
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="digits, 3 seeds")
    parser.add_argument("--data", type=Path, help="folder of the MNIST files")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results/causes"))
    args = parser.parse_args()
    quick = {"task": "digits", "hidden": (32,), "batch": 4, "epochs": 6.0}
    full = {"task": "mnist", "hidden": (64,), "batch": 8, "epochs": 1.0, "train_images": 20_000}
    settings, seeds = (quick, 3) if args.quick else (full, 10)
    images = 4800 if args.quick else 10_000
    search = Search(tries=8, keep=2, images=images, images_long=2 * images, lr_min=0.01, lr_max=10)
    n_train = len(fe.load_task(settings["task"], args.data).train_y)
    n_train = settings.get("train_images", n_train)
    cases, marks = [], []
    with process_pool(args.workers) as pool:
        options = {"executor": pool, "data": args.data, "out": args.out / "shards"}
        for cause, values in CAUSES.items():
            for value in values:
                print(f"{cause} = {value}", flush=True)
                grid = cells({**BASE, cause: value}, settings)
                chosen = tune(grid, search, n_train=n_train, **options).chosen
                cases += [c.replace(seed=s) for c in chosen for s in range(seeds)]
                marks += [{"cause": cause, "value": float(value)}] * (len(chosen) * seeds)
        result = sweep(cases, coordinates=marks, **options)
    write_causes(args.out, result, BASE)


if __name__ == "__main__":
    sys.exit(told(main))
