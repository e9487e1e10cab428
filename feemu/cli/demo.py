"""Run the pulse-width study in small: a superlattice family on 8x8 handwritten digits.

Five pulse widths x (plain SGD, the symmetry point shift, mixed precision, float) x 2 seeds, from
data that come with scikit-learn. Writes PREFIX.nc and PREFIX.png. The study itself, with tuning
and intervals: studies/pulse_width_tradeoff.py.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.cli.parser import Parser, at_least_one, whole

if TYPE_CHECKING:
    from feemu.case import Case
    from feemu.devices import Family

EXAMPLES = ["feemu demo", "feemu demo --out results/demo --seeds 3 --workers 2"]
FAMILY = "hzo_superlattice"


def add_arguments(parser: Parser) -> None:
    """Declare the few options."""
    parser.add_argument("--out", default="demo", metavar="PREFIX", help="files to write (demo)")
    parser.add_argument(
        "--seeds", type=at_least_one, default=2, metavar="N", help="runs per cell (2)"
    )
    parser.add_argument("--seed", type=whole, default=0, metavar="N", help="seed of the first (0)")
    parser.add_argument(
        "--workers", type=at_least_one, default=1, metavar="N", help="processes (1)"
    )


def run(options: argparse.Namespace) -> None:
    """Run all cells, print the table, write the result and the picture."""
    from feemu.cli import jobs, text
    from feemu.cli.plot import draw
    from feemu.devices import preset
    from feemu.energy import price
    from feemu.store import save
    from feemu.tasks import load_task
    from feemu.training import with_data

    result, picture = _files(options.out)
    family = preset(FAMILY)
    task = load_task("digits")
    cases = [with_data(case, task) for case in demo_cases(family, options.seed, options.seeds)]
    print("\n".join(_introduction(family, cases, task, options.seeds)), flush=True)
    line = text.Line()
    ds = price(jobs.run_cases(cases, jobs.Watch(cases, line), workers=options.workers))
    ds.attrs["title"] = f"feemu demo: {FAMILY} on digits over pulse width"
    written = [save(ds, result), draw(ds, "study", picture)]
    print("\n".join(_conclusion(ds, written, line.elapsed, options.seeds)))


def demo_cases(family: Family, first: int, seeds: int) -> list[Case]:
    """Return the demo's cases: every width, algorithm and seed."""
    from feemu.algorithms import algorithm
    from feemu.case import Case
    from feemu.cli.demo_rates import COMMON, RATES, SHORTEST_TRAIN
    from feemu.devices import tabulate
    from feemu.params import format_width

    cases = []
    for width in family.widths:
        tables = tabulate(family.at(width))
        for name, by_width in RATES.items():
            lr, scale = by_width[format_width(width)]
            trains = (
                {"bl_min": SHORTEST_TRAIN} if name in ("plain_sgd", "symmetry_point_shift") else {}
            )
            cases += [
                Case(device=tables, algorithm=algorithm(name, **trains), seed=first + i, lr=lr,
                     weight_scale=scale, **COMMON)
                for i in range(seeds)
            ]  # fmt: skip
    return cases


def _files(prefix: str) -> tuple[Path, Path]:
    from feemu.cli.output import check_output

    stem = Path(prefix).expanduser()
    if stem.is_dir():
        stem = stem / "demo"
    if stem.suffix in (".nc", ".png"):
        stem = stem.with_suffix("")
    files = [stem.with_name(f"{stem.name}{suffix}") for suffix in (".nc", ".png")]
    return check_output(files[0], [".nc"]), check_output(files[1], [".png"])


def _introduction(family: Family, cases: list[Case], task, seeds: int) -> list[str]:
    from feemu.cli.results import width_text
    from feemu.cli.text import wrapped

    case = cases[0]
    shape = "-".join(map(str, (task.n_features, *case.hidden, task.n_classes)))
    widths = [width_text(w, label) for w, label in zip(family.widths, family.labels)]
    notes = dict.fromkeys(note for w in family.widths for note in family.at(w).caveats)
    return [
        wrapped("device", f"{family.name}, a family over pulse width: {', '.join(widths)}"),
        wrapped("source", family.source),
        *(wrapped("caveat", note) for note in notes),
        wrapped("network", f"{shape}, {case.activation}, bias on the array; {case.epochs:g} "
                f"epochs, batch {case.batch}"),
        wrapped("task", f"{task.name}: {len(task.train_y):,} training, {len(task.validation_y)} "
                f"validation, {len(task.test_y)} test images ({task.source})"),
        wrapped("rates", "learning rate and weight scale of each cell are fixed demo values, the "
                "best of a small search on the validation split, on other seeds"),
        wrapped("runs", f"{len(cases)}: {len(family.widths)} pulse widths x 4 algorithms x {seeds} "
                f"seed{'s'[: seeds > 1]}; about half a minute, the first seconds compile"),
    ]  # fmt: skip


def _conclusion(ds, written: list[Path], elapsed: float, seeds: int) -> list[str]:
    from feemu.cli.results import assumed_note, cell_table, gridded
    from feemu.cli.text import seconds, wrapped

    spread = "mean and range" if seeds > 1 else "values"
    return [
        "",
        cell_table(gridded(ds)),
        "",
        wrapped("accuracy", f"{spread} of {seeds} seed{'s'[: seeds > 1]} on the test split: an "
                "illustration, too few for a claim"),
        wrapped("pulses", "of all phases: initial weights, calibration and training; calibrating: "
                "the part that the shift takes to find its references"),
        wrapped("energy", "programming: what the pulses cost in the array; total: with reads and "
                "digital work"),
        wrapped("", _digital_share(ds)),
        *filter(None, [assumed_note(ds)]),
        f"took      {seconds(elapsed)}",
        *(f"wrote     {file}" for file in written),
        f"next      feemu info {written[0]}",
        f"          feemu plot {written[0]} --kind accuracy-over-energy",
    ]  # fmt: skip


def _digital_share(ds) -> str:
    """Return how many times mixed precision's digital work costs its programming."""
    from feemu.cli.results import final, gridded

    last = final(gridded(ds)).sel(algorithm="mixed_precision").mean("seed")
    ratio = last["energy_digital"] / last["energy_device"]
    low, high = (f"{r.item():.0f}" for r in (ratio.min(), ratio.max()))
    return f"mixed precision spends {low} to {high} times its programming energy on digital work"
