"""Show where a sweep stands, from another shell.

Reads the folder that 'feemu sweep --out' writes; the sweep itself does not notice.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from feemu.cli.parser import Parser

if TYPE_CHECKING:
    from feemu.sweeping import Folder

EXAMPLES = ["feemu status results/noise"]


def add_arguments(parser: Parser) -> None:
    """Declare the folder."""
    parser.add_argument("folder", metavar="DIR", help="as given to 'feemu sweep'")


def run(options: argparse.Namespace) -> None:
    """Print what is finished, what runs and what failed."""
    from feemu.sweeping import folders

    for folder in folders(options.folder):
        print("\n".join(_lines(folder)))


def _lines(folder: Folder) -> list[str]:
    from feemu.cli.sweep import at_text
    from feemu.cli.text import percent, wrapped
    from feemu.sweeping import holder

    grid, known = folder.grid() or [], folder.digests()
    done = [digest for digest, _ in grid if digest in known]
    rest = [(digest, at) for digest, at in grid if digest not in known]
    running = [(at, seen) for digest, at in rest if (seen := folder.running(digest))]
    failed = [(at, told) for digest, at in rest if (told := folder.failure(digest))]
    held = holder(folder.path)
    lines = [
        f"folder    {folder.path}",
        f"cases     {len(done):,} of {len(grid):,} finished, {len(failed):,} failed",
    ]
    if held is None:
        lines.append(
            "state     finished" if len(done) == len(grid) else "state     no sweep runs here"
        )
        return [*lines, *_failed(failed)]
    who = f"process {held.get('pid', '?')} on {held.get('host', '?')}"
    lines.append(f"state     runs: {who}{_left(folder, held, done, rest)}")
    for at, seen in running:
        lines.append(
            wrapped("running", f"{at_text(at)}: epoch {seen.epoch:.2f}, validation accuracy "
                    f"{percent(seen.validation_accuracy)} %")
        )  # fmt: skip
    return [*lines, *_failed(failed)]


def _failed(failed: list[tuple[dict, str]]) -> list[str]:
    from feemu.cli.sweep import failure_lines

    return failure_lines([{"at": at, "error": told} for at, told in failed])


def _left(folder: Folder, held: dict, done: list[str], rest: list) -> str:
    """Return the time left, from the cases that ended since the sweep began."""
    from feemu.cli.text import seconds

    start = held.get("started", time.time())
    times = [path.stat().st_mtime for path in map(folder.find, done) if path is not None]
    ended = sum(t >= start for t in times)
    gone = time.time() - start
    return f", about {seconds(gone / ended * len(rest))} left" if ended and rest else ""
