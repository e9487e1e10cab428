"""Train a network on one device with one algorithm.

The result is a netCDF file (--out) with accuracy, pulses and energy over the epochs of every
seed. A run that was interrupted continues when the same command is given again.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.cli.parser import Parser, at_least_one, number, sizes, whole

if TYPE_CHECKING:
    from feemu.case import Case
    from feemu.tasks import Task

EXAMPLES = [
    "feemu train --device hzo_superlattice --pulse-width 20ns --algorithm mixed_precision "
    "--out run.nc",
    "feemu train --device hzo_superlattice --pulse-width 20ns --algorithm mixed_precision \\",
    "    --task mnist --data DIR --hidden 256 --epochs 10 --seeds 3 --out run.nc",
    "feemu train --device softbounds_aihwkit --algorithm symmetry_point_shift "
    "--set variant=push_pull",
    "feemu train --device fitted/device.toml --draws 20 --seeds 3 --algorithm mixed_precision",
]


def add_arguments(parser: Parser) -> None:
    """Declare the options of ``feemu train``."""
    what = parser.add_argument_group("what to train")
    what.add_argument(
        "--device", required=True, metavar="NAME", help="see 'feemu devices'; or FILE.toml"
    )
    what.add_argument("--pulse-width", metavar="TIME", help="e.g. 20ns; required for a family")
    what.add_argument("--extrapolate", action="store_true", help="allow more than a decade outside")
    what.add_argument("--algorithm", required=True, metavar="NAME", help="see 'feemu algorithms'")
    what.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                      help="a parameter of the algorithm; may be given again")  # fmt: skip
    what.add_argument("--task", default="digits", metavar="NAME",
                      help="digits, mnist, fashion_mnist or FILE.npz (digits)")  # fmt: skip
    what.add_argument("--data", metavar="DIR", help="folder of data files (FEEMU_DATA)")
    net = parser.add_argument_group("network and training (default)")
    net.add_argument(
        "--hidden", type=sizes, default=(64,), metavar="SIZES", help="e.g. 256 or 256,128 (64)"
    )
    net.add_argument(
        "--activation", default="sigmoid", metavar="NAME", help="sigmoid, tanh, relu (sigmoid)"
    )
    net.add_argument(
        "--bias", default="array", metavar="PLACE", help="array, digital, none (array)"
    )
    net.add_argument("--output-scale", default="none", metavar="HOW",
                     help="digital number behind each layer: none, learned (none)")  # fmt: skip
    net.add_argument(
        "--epochs", type=number, default=10.0, metavar="N", help="passes over the data (10)"
    )
    net.add_argument(
        "--batch", type=whole, default=1, metavar="N", help="images per mini-batch (1)"
    )
    net.add_argument("--lr", type=number, default=0.1, metavar="X", help="learning rate (0.1)")
    net.add_argument("--lr-end", type=number, default=1.0, metavar="X",
                     help="learning rate at the end over that at the start (1)")  # fmt: skip
    net.add_argument("--lr-period", type=number, default=0.0, metavar="N",
                     help="epochs between steps of the rate; 0: exponential (0)")  # fmt: skip
    net.add_argument("--weight-scale", type=number, default=1.0, metavar="X",
                     help="weight at the end of the nominal range (1)")  # fmt: skip
    net.add_argument(
        "--train-images", type=whole, default=0, metavar="N", help="images per epoch; 0: all"
    )
    net.add_argument(
        "--dac-bits", type=whole, default=0, metavar="N", help="input resolution; 0: ideal"
    )
    net.add_argument(
        "--adc-bits", type=whole, default=0, metavar="N", help="output resolution; 0: ideal"
    )
    runs = parser.add_argument_group("runs and files (default)")
    runs.add_argument(
        "--seeds", type=at_least_one, default=1, metavar="N", help="number of runs (1)"
    )
    runs.add_argument(
        "--seed", type=whole, default=0, metavar="N", help="seed of the first run (0)"
    )
    runs.add_argument("--device-seed", type=whole, default=-1, metavar="N",
                      help="one chip for all runs; -1: a chip for each seed")  # fmt: skip
    runs.add_argument("--draws", type=at_least_one, metavar="N",
                      help="train on N devices drawn from what the fit of --device knows, each "
                      "with all seeds")  # fmt: skip
    runs.add_argument("--workers", type=at_least_one, default=1, metavar="N", help="processes (1)")
    runs.add_argument("--out", metavar="FILE.nc", help="result; without it nothing is kept")
    runs.add_argument("--save-state", metavar="FILE.npz", help="trained network, for 'feemu eval'")
    runs.add_argument("--overwrite", action="store_true", help="replace files that are there")


def run(options: argparse.Namespace) -> None:
    """Check everything, train, print and write the result."""
    from feemu.cli import jobs, results, text
    from feemu.energy import price
    from feemu.store import save
    from feemu.tasks import load_task

    device_lines, cases = _cases(options)
    out, states = _files(options, cases)
    task = load_task(options.task, options.data)
    cases = _with_task(cases, task)
    print("\n".join([*device_lines, *_network_lines(cases[0], task, options.seeds)]), flush=True)
    parts = None if out is None else out.with_name(f"{out.name}.parts")
    line = text.Line()
    watch = jobs.Watch(cases, line)
    try:
        ds = jobs.run_cases(
            cases,
            watch,
            workers=options.workers,
            data=options.data,
            parts=parts,
            states=states,
            coordinates=_draws(options),
        )
    except BaseException:
        if parts is not None and jobs.keep_parts(parts):
            print(f"feemu: the same command continues from {parts}", file=sys.stderr)
        raise
    ds = price(ds)
    ds.attrs["title"] = f"feemu training: {cases[0].algorithm.label} on {cases[0].task}"
    written = list(states or [])
    if out is not None:
        written = [save(ds, out), jobs.write_run_record(out, line, options.workers), *written]
        jobs.remove_parts(cases, parts)
    _report(ds, written, options, line.elapsed, results, text)


def _cases(options: argparse.Namespace) -> tuple[list[str], list[Case]]:
    from feemu.case import Case
    from feemu.cli.choose import open_algorithm, open_device
    from feemu.cli.results import device_lines
    from feemu.cli.text import wrapped
    from feemu.devices import tabulate

    algorithm = open_algorithm(options.algorithm, options.set)
    device = open_device(options.device, options.pulse_width, options.extrapolate)
    same = ("task", "hidden", "activation", "bias", "output_scale", "epochs", "batch", "lr",
            "lr_end", "lr_period", "weight_scale", "train_images", "dac_bits", "adc_bits",
            "device_seed")  # fmt: skip
    given = {name: getattr(options, name) for name in same}
    devices, lines = [device], device_lines(device)
    if options.draws:
        from feemu.fit import drawn_devices

        width = (options.pulse_width, options.extrapolate)
        devices = drawn_devices(_fitted(options.device), options.draws, *width)
        lines.append(wrapped("draws", f"{options.draws} devices drawn from what its fit knows"))
    try:
        cases = [
            Case(device=tables, algorithm=algorithm, seed=options.seed + i, **given)
            for tables in map(tabulate, devices)
            for i in range(options.seeds)
        ]
    except (ValueError, TypeError) as error:
        raise type(error)(_as_option(str(error), (*same, "seed"))) from None
    return lines, cases


def _fitted(name: str) -> str:
    from feemu.cli.choose import device_file

    name = device_file(name)
    if not name.endswith(".toml") and not Path(name).is_file():
        raise ValueError(
            f"--draws: device {name!r} is no fit; name the device.toml that 'feemu fit' wrote"
        )
    return name


def _draws(options: argparse.Namespace) -> list[dict] | None:
    """Return the place of each case in the dimension of draws, if there is one."""
    if not options.draws:
        return None
    return [{"draw": i} for i in range(options.draws) for _ in range(options.seeds)]


def _as_option(message: str, names: tuple[str, ...]) -> str:
    """Return the message of a record with the option in place of the field."""
    for name in names:
        option = f"--{name.replace('_', '-')}"
        message = message.replace(f"Case.{name} = ", f"{option} ").replace(
            f"<= {name} <=", "<= value <="
        )
        message = message.replace(f"Case: unknown {name}", f"{option}: unknown {name}")
    return message


def _files(options: argparse.Namespace, cases: list[Case]) -> tuple[Path | None, list[Path] | None]:
    from feemu.cli.output import check_output

    out = states = None
    if options.out is not None:
        out = check_output(options.out, [".nc"], options.overwrite)
    if options.save_state is not None:
        name = Path(options.save_state)
        files = [name]
        if len(cases) > 1:
            at = [f"-draw{p['draw']}" for p in _draws(options) or []] or [""] * len(cases)
            ends = [f"{d}-seed{c.seed}{name.suffix}" for d, c in zip(at, cases)]
            files = [name.with_name(name.stem + end) for end in ends]
        states = [check_output(file, [".npz"], options.overwrite) for file in files]
    return out, states


def _with_task(cases: list[Case], task: Task) -> list[Case]:
    from feemu.training import with_data

    n = len(task.train_y)
    if cases[0].train_images > n:
        raise ValueError(
            f"--train-images {cases[0].train_images}: the task has {n} training images"
        )
    return [with_data(case, task) for case in cases]


def _network_lines(case: Case, task: Task, seeds: int) -> list[str]:
    from feemu.cli.text import wrapped
    from feemu.params import plain

    shape = [task.n_features, *case.hidden, task.n_classes]
    extra = 1 if case.bias == "array" else 0
    synapses = sum((a + extra) * b for a, b in itertools.pairwise(shape))
    own = ", ".join(f"{k} {v}" for k, v in plain(case.algorithm).items() if k != "kind")
    decay = f" falling to {case.lr * case.lr_end:g}" if case.lr_end < 1 else ""
    decay += f" in steps of {case.lr_period:g} epochs" if decay and case.lr_period else ""
    outputs = "" if case.output_scale == "none" else f", output scale {case.output_scale}"
    runs = f"{seeds} seeds from {case.seed}" if seeds > 1 else f"seed {case.seed}"
    return [
        wrapped("network", f"{'-'.join(map(str, shape))}, {case.activation}, bias: "
                f"{case.bias}{outputs}; "
                f"{synapses:,} weights, weight scale {case.weight_scale:g}"),
        wrapped("task", f"{task.name}: {len(task.train_y):,} training, {len(task.validation_y):,} "
                f"validation, {len(task.test_y):,} test images ({task.source})"),
        wrapped("algorithm", case.algorithm.label + (f" ({own})" if own else "")),
        wrapped("training", f"{case.epochs:g} epochs, batch {case.batch}, learning rate "
                f"{case.lr:g}{decay}, {runs}"),
    ]  # fmt: skip


def _report(ds, written, options, elapsed, results, text) -> None:
    table = results.band_table if options.draws else results.seed_table
    print(f"\n{table(ds)}\n")
    print(text.wrapped("pulses", "of all phases: initial weights, calibration and training"))
    if note := results.assumed_note(ds):
        print(note)
    print(f"took      {text.seconds(elapsed)}")
    for file in written:
        print(f"wrote     {file}")
    if options.out is None:
        print("kept      nothing: add --out run.nc to keep the result")
    else:
        print(f"next      feemu info {options.out}\n          feemu plot {options.out}")
