"""Fixtures of the benchmarks: the unit of work, the real data, a table of the figures reached."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

_ROWS = pytest.StashKey[list]()


@pytest.fixture
def figure(request):
    """Return a function that notes a figure for the table at the end and holds it to its limit."""

    def note(name: str, value: float, unit: str, limit: float | None = None) -> None:
        request.config.stash.setdefault(_ROWS, []).append((name, value, unit, limit))
        assert limit is None or value <= limit, f"{name}: {value:,.3g} {unit}, allowed {limit:,g}"

    return note


def pytest_terminal_summary(terminalreporter, config):
    """Print the figures with their limits."""
    rows = config.stash.get(_ROWS, [])
    if rows:
        terminalreporter.section("figures")
    for name, value, unit, limit in rows:
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
        bound = "" if limit is None else f"  (allowed {limit:,g})"
        terminalreporter.write_line(f"{name:<66} {shown:>9} {unit}{bound}")


@pytest.fixture(scope="session")
def unit():
    """Return a function that measures U: the CPU time [s] of one float32 normal of numpy's.

    100,000 at a time, so that a draw costs what it costs inside a program.
    """
    draw = np.random.default_rng(0).standard_normal

    def measure(times: int = 30) -> float:
        start = time.process_time()
        for _ in range(times):
            draw(100_000, dtype=np.float32)
        return (time.process_time() - start) / (times * 100_000)

    measure()
    return measure


@pytest.fixture(scope="session")
def mnist():
    """Return MNIST, or skip where its files are not at hand."""
    from feemu import load_task

    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("FEEMU_DATA") or beside)
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no mnist/ in {folder}: set FEEMU_DATA to the folder that holds it")
    return load_task("mnist", folder)
