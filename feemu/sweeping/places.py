"""Where a run stands in the grid of a sweep."""

from __future__ import annotations

from feemu import schema
from feemu.case import Case
from feemu.sweeping.runs import Run

#: Scalars of a run that become dimensions of a sweep.
GRID = ("pulse_width", "algorithm", "seed")


def places(grid: list[dict], extra: list[dict] | None) -> tuple[list[str], list[tuple]]:
    """Return the dimensions of a sweep, and where each of its runs stands; no two alike.

    Raises
    ------
    ValueError
        If two stand at one place, names differ between runs, or one is that of a variable.
    """
    extra = [{} for _ in grid] if extra is None else list(extra)
    if not grid or len(extra) != len(grid) or any(e.keys() != extra[0].keys() for e in extra):
        raise ValueError(
            f"combine: {len(extra)} sets of coordinates for {len(grid)} runs; give one for each "
            "of at least one run, all with the same names"
        )
    dims = [*(d for d in extra[0] if d not in GRID), *GRID]
    if taken := [d for d in dims if not free(d)]:
        raise ValueError(
            f"combine: {taken[0]!r} is a variable of results; name the dimension otherwise, "
            f"e.g. '{taken[0]}_set'"
        )
    found = [tuple({**at, **more}[d] for d in dims) for at, more in zip(grid, extra)]
    if len(set(found)) < len(found):
        twice = next(p for p in found if found.count(p) > 1)
        raise ValueError(
            f"combine: two results at {dict(zip(dims, twice))}; give coordinates that tell them "
            "apart"
        )
    return dims, found


def free(name: str) -> bool:
    """Return whether a dimension of a sweep may have a name."""
    known = schema.VARIABLES.get(name)
    return known is None or (known.coordinate and known.dims == ())


def place(run: Run) -> dict:
    """Return where a result stands, by name."""
    return {name: run.item(name) for name in GRID}


def place_of(case: Case) -> dict:
    """Return where the result of a case will stand, by name."""
    return dict(zip(GRID, (case.device.pulse_width, case.algorithm.label, case.seed)))


def rank(value: object) -> tuple:
    """Return a key that puts numbers before names."""
    return isinstance(value, str), value


def axis(values: list) -> list:
    """Return the distinct values in order, numbers before names."""
    return sorted(set(values), key=rank)
