"""How much cycle-to-cycle noise and device-to-device spread training bears, at two pulse widths.

    python studies/robustness.py --quick --out results/robustness_quick
    python studies/robustness.py --workers 2 --out results/robustness

Plain SGD and mixed precision on the digits: 5 noises x 5 spreads x 2 widths x 2 algorithms x 2
seeds are 200 cases. Learning rate and weight scale are chosen per (width, algorithm) on the
validation split at the preset's own noise and spread, and held over the grid: what is shown is how
a tuned setting bears worse devices, not the best that each device allows. Two seeds tell the trend,
no more. Rerunning resumes; ``feemu status OUT`` shows where it stands.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np

import feemu as fe
from feemu.algorithms import MixedPrecision, PlainSGD
from feemu.cli import told
from feemu.sweeping import SEARCH, SHARDS, failures

FULL = {"cycle_noise": (0.0, 0.1, 0.3, 1.0, 3.0), "step_spread": (0.0, 0.1, 0.2, 0.4, 0.8)}
QUICK = {"cycle_noise": (0.0, 1.0), "step_spread": (0.0, 0.4)}
WIDTHS = ("20ns", "20us")
SETTINGS = {"task": "digits", "hidden": (64,), "batch": 4, "lr_end": 0.1}


def tuned(family, search, options):
    """Return the cells (width, algorithm) with the hyper-parameters of their best tries."""
    tables = [fe.tabulate(family.at(width)) for width in WIDTHS]
    cells = [
        fe.Case(device=table, algorithm=algorithm, **SETTINGS)
        for table in tables
        for algorithm in (PlainSGD(), MixedPrecision())
    ]
    n_train = len(fe.load_task("digits").train_y)
    return fe.tune(cells, search, n_train=n_train, **options).chosen


def grid(cells, family, values, epochs, seeds):
    """Return the cases, and where each stands besides width, algorithm and seed."""
    cases, marks = [], []
    for noise, spread in itertools.product(*values.values()):
        for cell in cells:
            base = family.at(cell.device.pulse_width)
            table = fe.tabulate(
                base.replace(
                    noise=base.noise.replace(relative=noise),
                    spread=base.spread.replace(step_spread=spread),
                )
            )
            cases += [cell.replace(device=table, epochs=epochs, seed=s) for s in range(seeds)]
            marks += [{"cycle_noise": noise, "step_spread": spread}] * seeds
    return cases, marks


def draw(mean, path):
    """Write one map of the accuracy for each width and algorithm."""
    from matplotlib.figure import Figure

    mean = mean.transpose("pulse_width", "algorithm", "step_spread", "cycle_noise")
    rows, columns = mean.shape[:2]
    figure = Figure(figsize=(1 + 3.6 * columns, 3.2 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for (i, j), ax in np.ndenumerate(axes):
        cell = mean[i, j]
        image = ax.imshow(100 * cell, origin="lower", vmin=0, vmax=100, aspect="auto")
        for (y, x), value in np.ndenumerate(100 * cell.values):
            ink = "white" if value < 60 else "black"
            ax.text(x, y, f"{value:.0f}", ha="center", va="center", color=ink)
        ax.set_title(f"{cell.algorithm.item()}, {fe.format_width(cell.pulse_width.item())}")
        ax.set_xticks(range(cell.sizes["cycle_noise"]), map(str, cell["cycle_noise"].values))
        ax.set_yticks(range(cell.sizes["step_spread"]), map(str, cell["step_spread"].values))
    figure.supxlabel("cycle-to-cycle noise / step [1]")
    figure.supylabel("device-to-device spread of the step [1]")
    figure.colorbar(image, ax=axes, label="test accuracy [%]")
    fe.plots.save_figure(figure, path)


def main():
    """Run the study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="16 cases of 2 epochs")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results/robustness"))
    args = parser.parse_args()
    values, epochs, seeds = (QUICK, 2.0, 1) if args.quick else (FULL, 6.0, 2)
    images, tries, keep = (1200, 4, 1) if args.quick else (3600, 8, 2)
    search = fe.Search(
        tries=tries, keep=keep, images=images, images_long=images, lr_min=0.03, lr_max=10
    )
    family = fe.preset("hzo_superlattice")
    cells = tuned(family, search, {"workers": args.workers, "out": args.out / SEARCH})
    cases, marks = grid(cells, family, values, epochs, seeds)
    ds = fe.sweep(cases, coordinates=marks, workers=args.workers, out=args.out / SHARDS)
    file = fe.save(fe.price(ds), args.out / "robustness.nc")
    mean = ds["test_accuracy"].isel(epoch=-1).mean("seed", keep_attrs=True)
    for width, name in itertools.product(mean["pulse_width"].values, mean["algorithm"].values):
        print(f"\n{fe.format_width(width)} {name}: test accuracy, mean of {seeds} seeds")
        print(mean.sel(pulse_width=width, algorithm=name).to_pandas().round(3))
    for failed in failures(ds.attrs["provenance"]):
        print("failed", failed)
    draw(mean, args.out / "robustness.png")
    print(f"\n{len(cases)} cases", file, args.out / "robustness.png", sep="\n")


if __name__ == "__main__":
    sys.exit(told(main))
