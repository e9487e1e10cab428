"""Where a run stands in the grid of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feemu.case import Case

if TYPE_CHECKING:
    import xarray as xr

#: Scalars of a run that become dimensions of a sweep.
GRID = ("pulse_width", "algorithm", "seed")


def places(grid: list[dict], extra: list[dict] | None) -> tuple[list[str], list[tuple]]:
    """Return the dimensions of a sweep, and where each of its runs stands; no two alike."""
    extra = [{} for _ in grid] if extra is None else list(extra)
    if not grid or len(extra) != len(grid) or any(e.keys() != extra[0].keys() for e in extra):
        raise ValueError(
            f"combine: {len(extra)} sets of coordinates for {len(grid)} runs; give one for each "
            "of at least one run, all with the same names"
        )
    dims = [*(d for d in extra[0] if d not in GRID), *GRID]
    found = [tuple({**at, **more}[d] for d in dims) for at, more in zip(grid, extra)]
    if len(set(found)) < len(found):
        twice = next(p for p in found if found.count(p) > 1)
        raise ValueError(
            f"combine: two results at {dict(zip(dims, twice))}; give coordinates that tell them "
            "apart"
        )
    return dims, found


def place(ds: xr.Dataset) -> dict:
    """Return where a result stands, by name."""
    return {name: ds[name].item() for name in GRID}


def place_of(case: Case) -> dict:
    """Return where the result of a case will stand, by name."""
    return dict(zip(GRID, (case.device.pulse_width, case.algorithm.label, case.seed)))


def rank(value: object) -> tuple:
    """Return a key that puts numbers before names."""
    return isinstance(value, str), value


def axis(values: list) -> list:
    """Return the distinct values in order, numbers before names."""
    return sorted(set(values), key=rank)
