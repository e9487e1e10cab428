"""A picture of what a fit's uncertainty does to training, beside what the seed does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from feemu.plots import _cells as cells
from feemu.plots import _style as style
from feemu.plots.accuracy import PROGRAMMING, TOTAL, image_axis
from feemu.statistics import draw_bands

if TYPE_CHECKING:
    import xarray as xr

    from feemu.energy import EnergyModel

DRAW, FINAL = "draw", "test_accuracy"
_COLOURS = {"draws": "#0072b2", "seeds": "#d55e00", "both": style.GREY}
_WORDS = {"draws": "over draws of the device", "seeds": "over seeds", "both": "over both"}


def bands_over_draws(
    ds: xr.Dataset, model: EnergyModel | None = None, *, metric: str = "validation_accuracy"
) -> list[Axes]:
    """Draw accuracy and energy with their bands over draws of a fitted device and over seeds.

    Parameters
    ----------
    ds : xarray.Dataset
        Result of ``feemu train --draws``: one pulse width and algorithm, dimension ``draw``.
    model : EnergyModel, optional
        Prices; by default those the dataset was priced with, else the default model.
    metric : str
        Variable over epoch of the first panel.

    Returns
    -------
    list of Axes
        The metric over images; test accuracy and energies at the end.

    Raises
    ------
    TypeError, ValueError
        If a variable or the dimension is missing, or there is more than one width or algorithm.
    """
    source = cells.priced(ds, model)
    spent = {name: cells.spent(source, name) for name in (PROGRAMMING, TOTAL)}
    g = cells.grid(source.assign(spent), metric, FINAL, "images", *spent, also=(DRAW,))
    if DRAW not in g.ds.dims:
        raise ValueError("the dataset has no dimension 'draw': train with --draws N")
    if len(g.widths) > 1 or len(g.algorithms) > 1:
        raise ValueError("draws: one pulse width and one algorithm; select one, e.g. ds.isel(...)")
    part = g.ds.isel(pulse_width=0, algorithm=0)
    figure = Figure(figsize=(13.0, 4.4), dpi=100, layout="constrained")
    axes = list(figure.subplots(1, 3, width_ratios=(1.5, 1, 1.2)))
    _over_images(axes[0], part, metric, g)
    _at_the_end(axes[1], {"": cells.last(part[FINAL])})
    axes[1].set_ylabel(part[FINAL].attrs.get("long_name", FINAL))
    axes[1].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
    energies = {PROGRAMMING: "programming", TOTAL: "total"}
    _at_the_end(axes[2], {word: cells.last(part[n]) for n, word in energies.items()})
    axes[2].set_yscale("log")
    for of in (axes[2].yaxis.set_major_formatter, axes[2].yaxis.set_minor_formatter):
        of(EngFormatter())
    axes[2].set_ylabel("energy at the end [J]")
    style.finish(axes[1], "at the end")
    style.finish(axes[2], "energy", [cells.assumption_note(source)])
    return axes


def _over_images(ax: Axes, part: xr.Dataset, metric: str, g: cells.Grid) -> None:
    part = part[[metric, "images"]].dropna("epoch", how="all", subset=[metric])
    values = part[metric]
    x = part["images"].mean([DRAW, "seed"]).values
    image_axis(ax, part)
    middle = values.median([DRAW, "seed"])
    ax.plot(x, middle, color="black", linewidth=1.4)
    handles = [style.handle("median", color="black", linewidth=1.4)]
    bands = draw_bands(values)
    for name in ("draws", "seeds"):
        if name in bands:
            low, _, high = bands[name].transpose("quantile", "epoch").values
            ax.fill_between(x, low, high, color=_COLOURS[name], alpha=0.3, linewidth=0)
            handles.append(style.handle(_WORDS[name], color=_COLOURS[name], linewidth=6, alpha=0.4))
    ax.set_ylabel(style.label_of(values))
    title = f"5 to 95 %, {part.sizes[DRAW]} draws, {part.sizes['seed']} seed(s)"
    style.legend(ax, "lower right", handles, title)
    notes = [] if "seeds" in bands else ["one seed has no band: add --seeds"]
    style.finish(ax, f"{style.algorithm_words(g.algorithms[0])}, {g.width_labels[0]}", notes)


def _at_the_end(ax: Axes, columns: dict[str, xr.DataArray]) -> None:
    """Draw bands with all runs as points: for each column, over draws, seeds and both."""
    places, labels = [], []
    for i, (word, values) in enumerate(columns.items()):
        bands = draw_bands(values)
        first = i * (len(bands) + 2)
        for x, (name, band) in enumerate(bands.items(), first):
            low, middle, high = band.values
            ax.fill_between([x - 0.3, x + 0.3], low, high, color=_COLOURS[name], alpha=0.4, lw=0)
            ax.plot([x - 0.3, x + 0.3], [middle] * 2, color="black", linewidth=1.4)
        last, points = first + len(bands), values.values.ravel()
        ax.plot(last + np.linspace(-0.3, 0.3, points.size), points, ".", color=style.GREY, ms=4)
        places += range(first, last + 1)
        labels += [*bands, "runs"]
        ax.text((first + last) / 2, -0.11, word, transform=ax.get_xaxis_transform(), ha="center")
    ax.set_xticks(places, labels)
