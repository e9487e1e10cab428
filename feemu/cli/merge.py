"""Join the folders of several sweeps into one result.

Parts of one grid may run on several machines, each into a folder of its own. What is not finished
is NaN in the result; nothing in the folders is changed.
"""

from __future__ import annotations

import argparse

from feemu.cli.parser import Parser

EXAMPLES = ["feemu merge results/a results/b --out all.nc"]


def add_arguments(parser: Parser) -> None:
    """Declare the folders and the file."""
    parser.add_argument("folders", nargs="+", metavar="DIR", help="as given to 'feemu sweep'")
    parser.add_argument("--out", required=True, metavar="FILE.nc", help="result")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def run(options: argparse.Namespace) -> int:
    """Join, price and write; the exit code is 1 if cases failed."""
    from feemu.cli.output import check_output
    from feemu.cli.sweep import FAILED, failure_lines
    from feemu.energy import price
    from feemu.store import save
    from feemu.sweeping import failures, merge

    out = check_output(options.out, [".nc"], options.overwrite)
    ds = price(merge(options.folders))
    cells = ds["done"].any("epoch")
    save(ds, out)
    print(f"joined    {int(cells.sum()):,} of {cells.size:,} cells of the grid are finished")
    failed = failures(ds.attrs["provenance"])
    print("\n".join([*failure_lines(failed), f"wrote     {out}", f"next      feemu info {out}"]))
    return FAILED if failed else 0
