"""Test a trained network that ``feemu train --save-state`` saved.

The state file holds the network, its devices and its training case; the data set is loaded
again by its name.
"""

from __future__ import annotations

import argparse

from feemu.cli.parser import Parser

EXAMPLES = [
    "feemu eval state.npz",
    "feemu eval state.npz --data DIR",
    "feemu eval state.npz --task own.npz",
]


def add_arguments(parser: Parser) -> None:
    """Declare the state file and what may take the place of its data."""
    parser.add_argument("state", metavar="STATE", help="file that 'feemu train --save-state' wrote")
    parser.add_argument("--task", metavar="NAME", help="another data set of the same shape")
    parser.add_argument("--data", metavar="DIR", help="folder of data files (FEEMU_DATA)")


def run(options: argparse.Namespace) -> None:
    """Print what was trained and its accuracy now."""
    from feemu.case import PHYSICS_VERSION
    from feemu.cli.results import width_text
    from feemu.cli.text import percent, table
    from feemu.state import read_state
    from feemu.tasks import load_task
    from feemu.training import load_state

    recorded = read_state(options.state)
    other = None if options.task is None else load_task(options.task, options.data)
    case, task, net = load_state(options.state, other, data=options.data)
    where = width_text(case.device.pulse_width, case.device.width_label)
    print(f"state     {case.algorithm.label} on {case.device.name} at {where}, seed {case.seed}")
    print(f"trained   {recorded['images']:,} images of {case.task}")
    print(f"tested    {task.name} ({task.source})")
    if task.data_sha256 != case.data_sha256:
        print("caveat    these are not the data that the network was trained with")
    if case.physics_version != PHYSICS_VERSION:
        theirs = case.physics_version
        print(f"caveat    trained with physics version {theirs}, this is {PHYSICS_VERSION}")
    same = task.data_sha256 == case.data_sha256
    rows = []
    for part in ("validation", "test"):
        x, y = getattr(task, f"{part}_x"), getattr(task, f"{part}_y")
        loss, accuracy = net.evaluate(x, y)
        before = percent(float(recorded[f"rows/{part}_accuracy"][-1])) if same else "-"
        rows.append((part, f"{len(y):,}", percent(accuracy), f"{loss:.4f}", before))
    header = ("split", "images", "accuracy [%]", "loss", "after training [%]")
    print(f"\n{table(header, rows, right=range(1, 5))}")
