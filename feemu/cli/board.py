"""The line that shows where a sweep stands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from feemu.cli import text
from feemu.cli.text import Line

if TYPE_CHECKING:
    import xarray as xr

    from feemu.case import Case
    from feemu.training import Progress


class Board:
    """Turns what a sweep reports into a line: cases, epochs, time left, accuracy so far."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.begin("cases")

    def begin(self, what: str, total: int = 0) -> Callable[[int, int, xr.Dataset | None], None]:
        """Begin to count anew, and return what is to be called when a case has ended."""
        self.what, self.done, self.total, self.failed = what, 0, total, 0
        self.best = math.nan
        self._start: tuple[float, int] | None = None
        return self.after

    def after(self, done: int, total: int, ds: xr.Dataset | None) -> None:
        """Count a case that has ended."""
        if self._start is None:
            self._start = time.monotonic(), done
        self.done, self.total = done, total
        if ds is None:
            self.failed += 1
        else:
            last = float(ds["validation_accuracy"].values[-1])
            self.best = last if math.isnan(self.best) else max(self.best, last)
        self._show()

    def within(self, case: Case, seen: Progress) -> None:
        """Show where a case stands that runs."""
        self._show(f"epoch {seen.epoch:.2f}, accuracy {text.percent(seen.validation_accuracy)} %")

    def _show(self, running: str = "") -> None:
        if not self.line.due():
            return
        parts = [
            f"{self.done}/{self.total} {self.what}" if self.total else f"first {self.what}",
            f"{self.failed} failed" if self.failed else "",
            self._left(),
            f"best accuracy {text.percent(self.best)} %" if not math.isnan(self.best) else "",
            f"now: {running}" if running else "",
        ]
        self.line.show("  ".join(filter(None, parts)))

    def _left(self) -> str:
        if self._start is None or self.done == self._start[1]:
            return ""
        begin, already = self._start
        rate = (time.monotonic() - begin) / (self.done - already)
        return f"{text.seconds(rate * (self.total - self.done))} left"
