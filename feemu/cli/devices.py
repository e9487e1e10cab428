"""List the devices that come with feemu.

``feemu devices NAME`` shows one in full.
"""

from __future__ import annotations

import argparse

from feemu.cli.parser import Parser

EXAMPLES = ["feemu devices", "feemu devices hzo_superlattice"]


def add_arguments(parser: Parser) -> None:
    """Declare the optional name."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="this one only, as 'feemu info'")


def run(options: argparse.Namespace) -> None:
    """Print one line per preset, then the sources."""
    from feemu.cli.text import table, wrapped
    from feemu.devices import Family, preset, preset_names
    from feemu.params import format_width

    if options.name is not None:
        from feemu.cli.info import show_preset

        show_preset(options.name)
        return
    rows, sources = [], {}
    for name in preset_names():
        found = preset(name)
        family = isinstance(found, Family)
        one = found.devices[0] if family else found
        widths = found.widths if family else (found.pulse_width,)
        number = sources.setdefault(found.source, len(sources) + 1) if found.source else ""
        rows.append((
            name,
            "family" if family else "device",
            type(one.response).__name__,
            " ".join(map(format_width, widths)),
            one.width_label if not family else "see info",
            f"[{number}]" if number else "",
        ))  # fmt: skip
    print(table(("name", "kind", "response", "pulse width", "origin", "source"), rows))
    print()
    for source, number in sources.items():
        print(wrapped(f"[{number}]", source))
    print("\nnext      feemu devices NAME")
