"""What the parts of a report need to know about a study: widths, labels, targets, final values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from feemu.params import format_width

if TYPE_CHECKING:
    import xarray as xr

GRID = ("pulse_width", "algorithm", "seed")
BASELINE = "float"
PLAIN, MIXED = "plain_sgd", "mixed_precision"
#: Metric of targets, and metric that accuracies are reported in.
METRIC, FINAL = "validation_accuracy", "test_accuracy"


def check(ds: xr.Dataset, name: str) -> None:
    """Raise an error in one line unless a dataset is a sweep over the grid.

    Raises
    ------
    TypeError
        If it is no dataset.
    ValueError
        If it lacks a dimension of the grid, or has more than those.
    """
    if not hasattr(ds, "data_vars"):
        raise TypeError(f"{name}: expected an xarray.Dataset, got {type(ds).__name__}")
    missing = [d for d in GRID if d not in ds.dims]
    if missing:
        raise ValueError(
            f"{name}: lacks dimension {', '.join(missing)}; expected a sweep over {', '.join(GRID)}"
        )
    extra = [d for d in ds[METRIC].dims if d not in (*GRID, "epoch")]
    if extra:
        raise ValueError(f"{name}: has a further dimension {extra[0]!r}; select one value of it")


def origins(ds: xr.Dataset) -> list[str]:
    """Return where each pulse width comes from; ``measured`` where the sweep does not say."""
    if "width_label" not in ds.coords:
        return ["measured"] * ds.sizes["pulse_width"]
    labels = np.broadcast_to(ds["width_label"].values, ds.sizes["pulse_width"])
    return [str(v) for v in labels]


def measured(ds: xr.Dataset) -> list[float]:
    """Return the pulse widths [s] that the device was measured at."""
    return [float(w) for w, o in zip(ds["pulse_width"].values, origins(ds)) if o == "measured"]


def algorithms(ds: xr.Dataset) -> list[str]:
    """Return the algorithms that program synapses."""
    return [str(name) for name in ds["algorithm"].values if name != BASELINE]


def at_end(values: xr.DataArray) -> xr.DataArray:
    """Return the last known value along epoch; NaN where nothing was run."""
    last = values["epoch"].where(values.notnull()).max("epoch")
    return values.where(values["epoch"] == last).max("epoch", keep_attrs=True)


def levels(targets: Iterable[float | str], accuracy: xr.Dataset) -> dict[str, float]:
    """Return targets by the words they are shown with.

    ``'float-0.01'`` is the mean final validation accuracy of the float baseline minus one point.

    Raises
    ------
    ValueError
        If a target is no fraction, or refers to a baseline that was not run.
    """
    out = {}
    for target in targets:
        if isinstance(target, str):
            out |= _below_float(target, accuracy)
        elif 0 < float(target) <= 1:
            out[f"{100 * float(target):g} %"] = float(target)
        else:
            raise ValueError(f"target = {target!r}: must be in (0, 1]; write 0.95 for 95 %")
    return out


def _below_float(target: str, accuracy: xr.Dataset) -> dict[str, float]:
    head, _, tail = target.partition("-")
    try:
        margin = float(tail)
    except ValueError:
        margin = np.nan
    if head.strip() != BASELINE or not 0 <= margin < 1:
        raise ValueError(f"target = {target!r}: expected a number or text such as 'float-0.01'")
    if BASELINE not in accuracy["algorithm"].values:
        raise ValueError(f"target = {target!r}: the accuracy runs hold no {BASELINE!r} baseline")
    best = float(at_end(accuracy[METRIC]).sel(algorithm=BASELINE).mean())
    return {f"{100 * (best - margin):.1f} % (float - {100 * margin:g} pt)": best - margin}


def width_text(width: float, origin: str = "measured") -> str:
    """Return a pulse width as shown in tables, with its origin unless it was measured."""
    text = format_width(width)
    digits = len(text.rstrip("pnums"))
    shown = f"{text[:digits]} {text[digits:]}"
    return shown if origin in ("measured", "") else f"{shown} ({origin[:6]}.)"


def si(value: float, unit: str) -> str:
    """Return a quantity with three digits and an SI prefix, e.g. ``173 nJ``."""
    from matplotlib.ticker import EngFormatter

    if not np.isfinite(value):
        return "never" if value > 0 else "unknown"
    return EngFormatter(unit=unit)(float(f"{value:.3g}")).replace("µ", "u").strip()


def seeds_words(n: int, quick_below: int = 5) -> str:
    """Return the number of seeds, with the word quick where they are too few for intervals."""
    words = f"{n} seed{'s'[: n > 1]}"
    return f"quick: {words}" if n < quick_below else words
