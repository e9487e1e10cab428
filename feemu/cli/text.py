"""Text on the terminal: tables, numbers with units, the line that shows progress."""

from __future__ import annotations

import math
import shutil
import sys
import textwrap
import time
from collections.abc import Sequence
from typing import TextIO

_PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M"}
#: A run shows progress once it takes longer than this [s].
QUIET = 2.0
#: Where nobody watches a terminal, progress lines are at least this far apart [s].
SPACING = 5.0


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return a text table; columns listed in `right` are aligned there, the last is as it is."""
    cells = [list(map(str, row)) for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row: list[str]) -> str:
        parts = [
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))
        ]
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * w for w in widths)
    return "\n".join([line(cells[0]), rule, *(line(row) for row in cells[1:])])


def si(value: float, unit: str) -> str:
    """Return a value in three digits with a prefixed unit, e.g. ``'1.25 uJ'``."""
    if not math.isfinite(value):
        return "-" if math.isnan(value) else f"{value:g} {unit}"
    if value == 0:
        return f"0 {unit}"
    power = 3 * math.floor(math.log10(abs(float(f"{value:.2e}"))) / 3)
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    scaled = value / 10.0**power
    digits = max(2 - math.floor(math.log10(abs(float(f"{scaled:.2e}")))), 0)
    return f"{scaled:.{min(digits, 3)}f} {_PREFIXES[power]}{unit}"


def percent(value: float) -> str:
    """Return a fraction as percent, e.g. ``'97.8'``; a hyphen for NaN."""
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def count(value: float) -> str:
    """Return a whole number with thousands apart, e.g. ``'1,037,500'``; a hyphen for NaN."""
    return "-" if math.isnan(value) else f"{round(value):,}"


def seconds(value: float) -> str:
    """Return a duration for people, e.g. ``'45 s'``, ``'3 min 20 s'``, ``'2 h 05 min'``."""
    whole = max(round(value), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def wrapped(label: str, text: str, width: int = 100) -> str:
    """Return text behind a label, its further lines indented as far as the label."""
    lead = f"{label.ljust(9)} "
    return textwrap.fill(text, width, initial_indent=lead, subsequent_indent=" " * len(lead))


class Line:
    """Progress on stderr: one line that is written over on a terminal, else plain lines.

    Nothing appears in the first two seconds. `close` leaves the last state on a terminal.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.terminal = self.stream.isatty()
        self.start = time.monotonic()
        self._next, self._open = self.start + QUIET, False

    @property
    def elapsed(self) -> float:
        """Seconds since the line was made."""
        return time.monotonic() - self.start

    def due(self) -> bool:
        """Return whether `show` would show something now."""
        return time.monotonic() >= self._next

    def show(self, text: str) -> None:
        """Show the state, unless it is too early or too soon."""
        if not self.due():
            return
        now = time.monotonic()
        if self.terminal:
            room = max(shutil.get_terminal_size().columns - 1, 20)
            self.stream.write(f"\r{text[:room]}\x1b[K")
            self._next, self._open = now + 0.1, True
        else:
            self.stream.write(f"{text}\n")
            self._next = now + SPACING
        self.stream.flush()

    def close(self) -> None:
        """End the line, so that what follows begins on its own."""
        if self._open:
            self.stream.write("\n")
            self.stream.flush()
            self._open = False
