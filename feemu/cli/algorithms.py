"""List the training algorithms and their parameters.

``feemu train --set NAME=VALUE`` sets a parameter.
"""

from __future__ import annotations

import argparse

from feemu.cli.parser import Parser

EXAMPLES = ["feemu algorithms", "feemu algorithms symmetry_point_shift"]


def add_arguments(parser: Parser) -> None:
    """Declare the optional name."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="this one only, in full")


def run(options: argparse.Namespace) -> None:
    """Print the algorithms, each with a table of its parameters."""
    import inspect

    from feemu.algorithms import ALGORITHMS
    from feemu.params import unknown

    if options.name is not None and options.name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", options.name, ALGORITHMS))
    names = [options.name] if options.name else list(ALGORITHMS)
    for name in names:
        made = ALGORITHMS[name]()
        text = inspect.getdoc(ALGORITHMS[name]) or ""
        head, *rows = made.describe().splitlines()
        told = f"{text}\n" if options.name else text.splitlines()[0]
        cost = head.partition(": ")[2]
        print(name + "\n" + _indented("\n".join([told, f"{cost} by default", *rows])) + "\n")
    print("next      feemu train --device hzo_superlattice --pulse-width 20ns --algorithm NAME")


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
