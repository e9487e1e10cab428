"""Fetch a data set into the user's cache folder, or into --folder.

Files that are there with the right checksum are kept; nothing half-written stays.
"""

from __future__ import annotations

import argparse

from feemu.cli.parser import Parser

EXAMPLES = ["feemu data fetch mnist", "feemu data fetch fashion_mnist --folder data"]


def add_arguments(parser: Parser) -> None:
    """Declare the action, the name and where to put the files."""
    parser.add_argument("action", metavar="fetch", nargs="?", help="what to do: fetch")
    parser.add_argument("name", metavar="NAME", nargs="?", help="mnist or fashion_mnist")
    parser.add_argument("--folder", metavar="DIR", help="data folder (default: the user's cache)")
    parser.add_argument("--mirror", metavar="URL", help="address of a folder with the files")


def run(options: argparse.Namespace) -> None:
    """Fetch the files and say where they are."""
    from feemu.cli.text import Line
    from feemu.params import unknown
    from feemu.tasks import IMAGE_SETS, fetch

    if options.name is None:
        raise ValueError(f"expected 'feemu data fetch NAME', NAME is {' or '.join(IMAGE_SETS)}")
    if options.action != "fetch":
        raise ValueError(unknown("action", options.action, ("fetch",)))
    line = Line()

    def progress(name: str, received: int, total: int) -> None:
        line.show(f"{name}: {received / 1e6:.1f} of {total / 1e6:.1f} MB")

    try:
        folder = fetch(options.name, options.folder, options.mirror, progress)
    finally:
        line.close()
    print(f"files     {folder}")
    given = f" --data {options.folder}" if options.folder else ""
    print(f"next      feemu train --task {options.name}{given} --device hzo_superlattice "
          "--pulse-width 20ns --algorithm mixed_precision --hidden 256 --out run.nc")  # fmt: skip
