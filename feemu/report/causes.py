"""What the shift repairs, one property of the device at a time: table and picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu import plots
from feemu.plots import _style as style
from feemu.report.grid import FINAL, at_end
from feemu.report.recovered import recovered
from feemu.statistics import MIN_SEEDS, mean_interval
from feemu.store import save, write_text_atomic

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LABELS = {
    "states": "states (steps over the range) [1]",
    "symmetry_point": "symmetry point, weight zero at 0.5 [1]",
    "cycle_noise": "cycle noise over step [1]",
    "step_spread": "common step spread [1]",
    "asymmetry_spread": "differential step spread [1]",
    "reference_error": "error of the reference [range]",
}


def one_cause(result: xr.Dataset, cause: str) -> xr.Dataset:
    """Return the runs of one cause over (value, algorithm, seed), values without runs left out."""
    part = result.sel(cause=cause).isel(pulse_width=0)
    ran = part["done"].any([d for d in part["done"].dims if d != "value"])
    return part.isel(value=np.flatnonzero(ran.values))


def write_causes(out: str | os.PathLike, result: xr.Dataset, base: dict) -> dict[str, Path]:
    """Write dataset, table and picture of the study of causes into a folder.

    Parameters
    ----------
    out : path
        Folder; made if it does not exist.
    result : xarray.Dataset
        Sweep over (cause, value, pulse_width, algorithm, seed).
    base : dict
        Properties of the device that each cause changes one of.

    Returns
    -------
    dict of Path
        ``causes.nc``, ``causes.txt``, ``causes.png``.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    picture = plots.save_figure(causes_picture(result, base), folder / "causes.png", dpi=110)
    return {
        "causes.nc": save(result, folder / "causes.nc"),
        "causes.txt": write_text_atomic(folder / "causes.txt", causes_text(result, base)),
        "causes.png": picture,
    }


def causes_text(result: xr.Dataset, base: dict) -> str:
    """Return accuracies [%] and the part of the gap closed, one row per cause and value."""
    names = [str(n) for n in result["algorithm"].values]
    head = ["cause", "value", *(style.algorithm_words(n) for n in names), "gap closed (95 %)"]
    rows = [head]
    for cause in result["cause"].values:
        part = one_cause(result, str(cause))
        for value in part["value"].values:
            here = part.sel(value=value)
            final = 100 * at_end(here[FINAL]).mean("seed")
            cells = [f"{final.sel(algorithm=n).item():.1f}" for n in names]
            mark = " (base)" if np.isclose(value, base[str(cause)]) else ""
            rows.append([str(cause), f"{value:g}{mark}", *cells, _closed(here)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]
    seeds = result.sizes["seed"]
    quick = ", quick: no intervals" if seeds < MIN_SEEDS else ""
    title = (
        f"Test accuracy [%] on {result['task'].item()}, virtual soft bounds, {seeds} seeds{quick}"
    )
    return "\n".join([title, "", *lines, ""])


def _closed(here: xr.Dataset) -> str:
    closed = recovered(here.expand_dims("pulse_width")).isel(pulse_width=0, algorithm=0)
    if np.isnan(closed["recovered"]):
        return "no gap"
    text = f"{closed['recovered'].item():.2f}"
    if np.isnan(closed["low"]):
        return text
    return f"{text} ({closed['low'].item():.2f} to {closed['high'].item():.2f})"


def causes_picture(result: xr.Dataset, base: dict) -> Figure:
    """Return a figure with one panel per cause: final accuracy over its value."""
    from matplotlib.figure import Figure

    causes = [str(c) for c in result["cause"].values]
    figure = Figure(figsize=(10.5, 3.1 * -(-len(causes) // 3) + 0.4), layout="constrained")
    axes = figure.subplots(-(-len(causes) // 3), 3, squeeze=False, sharey=True).ravel()
    for ax, cause in zip(axes, causes):
        _panel(ax, one_cause(result, cause), cause, base[cause])
    for ax in axes[len(causes) :]:
        ax.set_axis_off()
    for ax in axes[::3]:
        ax.set_ylabel("test accuracy [%]")
    axes[0].legend(fontsize=style.NOTE_SIZE, loc="lower right")
    spans = "95 % t interval" if result.sizes["seed"] >= MIN_SEEDS else "min to max"
    words = f"{result['task'].item()}, virtual soft-bounds devices, {result.sizes['seed']} seeds"
    figure.suptitle(f"{words}, bars: {spans}; dotted: base device", fontsize=style.TEXT_SIZE)
    return figure


def _panel(ax: Axes, part: xr.Dataset, cause: str, base: float) -> None:
    final = 100 * at_end(part[FINAL])
    values = part["value"].values
    for name in style.algorithm_order(str(n) for n in part["algorithm"].values):
        own = final.sel(algorithm=name)
        if part.sizes["seed"] >= MIN_SEEDS:
            band = mean_interval(own)
            mean, low, high = band["mean"], band["low"], band["high"]
        else:
            mean, low, high = own.mean("seed"), own.min("seed"), own.max("seed")
        bars = np.abs(np.stack([mean - low, high - mean]))
        marks = style.algorithm_marks(name)
        words = style.algorithm_words(name)
        ax.errorbar(values, mean, bars, label=words, lw=1, capsize=2, **marks)
    if cause == "states":
        ax.set_xscale("log")
    ax.axvline(base, color=style.GREY, ls=":", lw=1)
    ax.set_xlabel(_LABELS.get(cause, cause.replace("_", " ")), fontsize=style.TEXT_SIZE)
