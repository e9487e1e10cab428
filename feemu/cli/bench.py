"""Measure this machine: CPU time per pulse and per image, memory, gain of threads.

Soft-bounds device with 30 % noise, one thread, everything included: trains, noise, table, clip,
ledger, weights. U is the CPU time of one float32 normal of numpy's generator, measured in turn
with the work. Images are random, 20 % of their pixels not zero.
"""

from __future__ import annotations

import argparse
import json
import math

from feemu.cli.parser import Parser

EXAMPLES = ["feemu bench", "feemu bench --json > machine.json"]


def add_arguments(parser: Parser) -> None:
    """Declare what to measure and how to print it."""
    parser.add_argument("--large", action="store_true", help="add 4096 x 4096 synapses (0.6 GB)")
    parser.add_argument(
        "--pairs", type=int, default=7, metavar="N", help="repetitions; figures are medians (7)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> None:
    """Print each figure as it is measured."""
    from feemu import __version__
    from feemu.bench import figures

    found = figures(options.large, options.pairs)
    if options.json:
        rows = [{**f._asdict(), "in_u": None if math.isnan(f.in_u) else f.in_u} for f in found]
        print(json.dumps({"feemu": __version__, "figures": rows}, indent=1))
        return
    for figure in found:
        in_u = "" if math.isnan(figure.in_u) else f"{_number(figure.in_u)} U"
        print(
            f"{figure.name:<48}{_number(figure.value):>10} {figure.unit:<13}{in_u:>10}", flush=True
        )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
