"""What the benchmarks share: the real data, and a table of the figures with their limits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feemu.devices import DeviceTables, preset, tabulate

_ROWS = pytest.StashKey[list]()


@pytest.fixture
def figure(request):
    """Return a function that notes a figure for the table at the end and holds it to its limit."""

    def note(
        name: str, value: float, unit: str, most: float | None = None, least: float | None = None
    ) -> None:
        missed = (most is not None and value > most) or (least is not None and value < least)
        request.config.stash.setdefault(_ROWS, []).append((name, value, unit, most, least, missed))
        assert not missed, f"{name}: {shown(value)} {unit}, {allowed(most, least)}"

    return note


def shown(value: float) -> str:
    """Return three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def allowed(most: float | None, least: float | None) -> str:
    """Return the limit in words."""
    return f"at most {shown(most)}" if most is not None else f"at least {shown(least)}"


def pytest_terminal_summary(terminalreporter, config):
    """Print the figures with their limits, and whether they are met."""
    rows = config.stash.get(_ROWS, [])
    if rows:
        terminalreporter.section("figures")
    for name, value, unit, most, least, missed in rows:
        bound = ""
        if most is not None or least is not None:
            bound = f"{allowed(most, least):<17} {'MISSED' if missed else 'met'}"
        terminalreporter.write_line(f"{name:<62}{shown(value):>9} {unit:<18} {bound}".rstrip())


@pytest.fixture(scope="session")
def tables() -> DeviceTables:
    """Return the device that the limits are stated for: 30 % noise and spreads."""
    return tabulate(preset("softbounds_aihwkit"))


@pytest.fixture(scope="session")
def mnist():
    """Return MNIST, or skip where its files are not at hand."""
    from feemu import load_task

    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("FEEMU_DATA") or beside)
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no mnist/ in {folder}: set FEEMU_DATA to the folder that holds it")
    return load_task("mnist", folder)
