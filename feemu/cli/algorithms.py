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
    import dataclasses
    import inspect

    from feemu.algorithms import ALGORITHMS
    from feemu.params import unknown

    if options.name is not None and options.name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", options.name, ALGORITHMS))
    names = [options.name] if options.name else list(ALGORITHMS)
    for name in names:
        cls = ALGORITHMS[name]
        text = inspect.getdoc(cls) or ""
        print(f"{name}\n" + _indented(text if options.name else text.splitlines()[0]))
        if dataclasses.fields(cls):
            print(_indented("\n".join(_parameters(cls()))))
        print()
    print("next      feemu train --device hzo_superlattice --pulse-width 20ns --algorithm NAME")


def _parameters(record) -> list[str]:
    import dataclasses

    body = record.describe().splitlines()[1:]
    lines = []
    for line, field in zip(body, dataclasses.fields(record)):
        choices = field.metadata["param"]["choices"]
        lines.append(line + (f": {', '.join(map(str, choices))}" if choices else ""))
    return lines


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
