"""Rows about epochs to a target and about final accuracy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from feemu.report import grid
from feemu.report.records import Claim
from feemu.report.recovered import SHIFT, recovered
from feemu.statistics import epochs_to, paired_difference, ratio_of_medians
from feemu.statistics.claims import MARGIN

if TYPE_CHECKING:
    import xarray as xr

    from feemu.report.setting import Study


def rows(study: Study) -> Iterator[Claim]:
    """Yield the rows of the statements b, d, e and f."""
    yield from _epochs(study)
    final = grid.at_end(study.accuracy[grid.FINAL])
    names = grid.algorithms(study.accuracy)
    if grid.PLAIN in names and grid.MIXED in names:
        yield _difference(study, "d", final, grid.PLAIN, grid.MIXED, 0.0, "less")
    shifts = [n for n in names if n.startswith(SHIFT)]
    closed = None
    if shifts and grid.PLAIN in names and grid.MIXED in names:
        closed = recovered(study.accuracy)
    for name in shifts:
        if grid.PLAIN in names:
            more = "" if closed is None else f"; {_closed(closed.sel(algorithm=name))}"
            yield _difference(study, "e", final, name, grid.PLAIN, 0.0, "greater", more)
        if grid.MIXED in names:
            yield _difference(study, "e", final, name, grid.MIXED, -MARGIN, "greater")
    for name in names:
        yield _loss(study, final.sel(algorithm=name))


def ratio_row(study: Study, key: str, values: xr.DataArray, side: str, **fields) -> Claim:
    """Return the row that compares the medians of a quantity at the two end widths."""
    a, b = (values.sel(pulse_width=w, drop=True) for w in study.ends)
    found = ratio_of_medians(a, b)
    effect = float(found["ratio"])
    interval = (float(found["low"]), float(found["high"]), float(found["p_value"]))
    low, high, p = (np.nan,) * 3 if np.isnan(effect) else interval
    return Claim(
        key=key, **study.compared(), kind="ratio", effect=effect, low=low, high=high, null=1.0,
        side=side, p_value=p, runs=int(found["runs"]), **fields,
    )  # fmt: skip


def medians_note(
    study: Study, values: xr.DataArray, show: Callable[[float], str], *, count: bool = True
) -> str:
    """Return medians at the two end widths, and how many runs reached the target."""
    parts = []
    for width, words in zip(study.ends, study.end_words):
        runs = values.sel(pulse_width=width).values
        runs = runs[~np.isnan(runs)]
        middle = show(float(np.median(runs))) if runs.size else "not run"
        reached = f" ({np.isfinite(runs).sum()}/{runs.size} runs)" * count
        parts.append(f"{middle}{reached} at {words}")
    return "median " + ", ".join(parts)


def _epochs(study: Study) -> Iterator[Claim]:
    for ds, tuned in ((study.accuracy, "accuracy"), (study.energy, "energy")):
        for words, level in study.targets.items():
            epochs = epochs_to(ds, level)
            for name in grid.algorithms(ds):
                values = epochs.sel(algorithm=name)
                fields = {"algorithm": name, "tuned_for": tuned, "quantity": f"epochs to {words}"}
                fields |= {"target": words, "note": medians_note(study, values, _epoch_words)}
                yield ratio_row(study, "b", values, "greater", **fields)


def _epoch_words(value: float) -> str:
    return f"{value:.3g} epochs" if np.isfinite(value) else "never"


def _difference(
    study: Study, key: str, final: xr.DataArray, name: str, other: str, null: float, side: str,
    more: str = "",
) -> Claim:  # fmt: skip
    """Return the row of the mean over widths of a paired difference between algorithms."""
    gain = final.sel(algorithm=name, drop=True) - final.sel(algorithm=other, drop=True)
    found = _against(gain.mean("pulse_width", skipna=False), null)
    each = gain.mean("seed")
    whole = bool(each.notnull().all())
    places = [int(each.values.argmin()), int(each.values.argmax())] if whole else []
    ends = [
        f"{100 * float(each[i]):+.2f} pt at {grid.width_text(study.widths[i], study.origins[i])}"
        for i in places
    ]
    quantity = f"accuracy against {other}" + (f", margin {-100 * null:g} pt" * (null < 0))
    return Claim(
        key=key, **study.averaged(), algorithm=name, tuned_for="accuracy", quantity=quantity,
        kind="difference", null=null, side=side, **found,
        note=(f"mean of {' to '.join(ends)}" if ends else "not all widths were run") + more,
    )  # fmt: skip


def _loss(study: Study, final: xr.DataArray) -> Claim:
    """Return the non-inferiority row of the shortest against the longest width."""
    a, b = (final.sel(pulse_width=w, drop=True) for w in study.ends)
    means = [
        f"{100 * float(x.mean()):.2f} % at {words}" for x, words in zip((a, b), study.end_words)
    ]
    return Claim(
        key="f", **study.compared(), algorithm=str(final["algorithm"].item()),
        tuned_for="accuracy", quantity=f"accuracy, margin {100 * MARGIN:g} pt",
        kind="difference", null=-MARGIN, side="greater", **_against(a - b, -MARGIN),
        note="mean " + ", ".join(means),
    )  # fmt: skip


def _against(gain: xr.DataArray, null: float) -> dict:
    """Return effect, interval, p value and number of pairs of a paired difference."""
    found = paired_difference(gain, gain * 0, null=null)
    names = {"effect": "difference", "low": "low", "high": "high", "p_value": "p_value"}
    return {k: float(found[v]) for k, v in names.items()} | {"runs": int(found["runs"])}


def _closed(one: xr.Dataset) -> str:
    point = float(one["mean_recovered"])
    if np.isnan(point):
        return "no gap to close"
    text = f"closes {100 * point:.0f} % of the gap"
    low, high = float(one["mean_low"]), float(one["mean_high"])
    return text + (f" [{100 * low:.0f}, {100 * high:.0f}]" if not np.isnan(low) else "")
