"""Pictures of accuracy: over images seen, over energy spent, over pulse width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from feemu.plots import _cells as cells
from feemu.plots import _style as style

if TYPE_CHECKING:
    import xarray as xr

    from feemu.energy import EnergyModel

PROGRAMMING, TOTAL = "energy_device", "energy_total"


def accuracy_over_epoch(
    ds: xr.Dataset,
    ax: Axes | Sequence[Axes] | None = None,
    *,
    metric: str = "validation_accuracy",
    target: float | None = None,
    legend: bool | str = True,
) -> Axes | list[Axes]:
    """Draw a metric over the training images seen, per algorithm and pulse width.

    Parameters
    ----------
    ds : xarray.Dataset
        A result or a sweep over pulse width, algorithm and seed.
    ax : matplotlib axes, or one per pulse width, optional
        In one axes the widths differ in line style. By default a new figure with one panel per
        width.
    metric : str
        Variable over epoch.
    target : float, optional
        Level to mark by a line.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes or list of Axes
        The axes given, or those made (a list where there are several).

    Raises
    ------
    TypeError, ValueError
        If a variable is missing, or the axes do not fit.
    """
    g = cells.grid(ds, metric, "images")
    panels = style.panels(ax, len(g.widths), "pulse width")
    several = len(panels) == 1 and len(g.widths) > 1
    stats = cells.summary(g.ds[metric])
    images = g.ds["images"].mean("seed")
    label = style.label_of(g.ds[metric])
    for w, title in enumerate(g.width_labels):
        panel = panels[w % len(panels)]
        image_axis(panel, g.ds)
        for a, name in enumerate(g.algorithms):
            here = {"pulse_width": w, "algorithm": a}
            line = style.line_style(w if several else 0)
            _curve(panel, images.isel(here), stats.isel(here), name, line)
        if target is not None:
            panel.axhline(target, color=style.GREY, linewidth=0.8, linestyle=":", zorder=0)
        style.finish(panel, label.split(" [")[0] if several else title)
    style.ylabel(panels, label)
    names = style.algorithm_handles(g.algorithms, marks=False)
    more = style.style_handles(g.width_labels) if several else []
    style.legend(style.beside(panels), legend, names + more, cells.seeds_words(stats["runs"]))
    return ax if ax is not None else style.one_or_all(panels)


def accuracy_over_energy(
    ds: xr.Dataset,
    ax: Axes | Sequence[Axes] | None = None,
    model: EnergyModel | None = None,
    *,
    metric: str = "validation_accuracy",
    legend: bool | str = True,
) -> Axes | list[Axes]:
    """Draw a metric over the energy spent so far: programming alone, and all together.

    Parameters
    ----------
    ds, metric, legend
        As in `accuracy_over_epoch`.
    ax : matplotlib axes, or a pair of them, optional
        A pair shows programming energy and total energy, widths by line style; one axes shows
        both for a single width, programming dashed. By default a new pair.
    model : EnergyModel, optional
        Prices; by default those the dataset was priced with, else the default model.

    Returns
    -------
    matplotlib.axes.Axes or list of Axes
        The axes given, or those made.

    Raises
    ------
    TypeError, ValueError
        If a variable is missing, or the axes do not fit.
    """
    source = cells.priced(ds, model)
    spent = {name: cells.spent(source, name) for name in (PROGRAMMING, TOTAL)}
    g = cells.grid(source.assign(spent), metric, *spent)
    panels = style.panels(ax, 2, "kind of energy", single=len(g.widths) == 1)
    stats = cells.summary(g.ds[metric])
    for i, column in enumerate(spent):
        panel = panels[i % len(panels)]
        panel.set_xscale("log")
        _spending(panel, g, stats, column, 1 - i if len(panels) == 1 else None)
        panel.set_xlabel(
            "cumulative energy [J]" if len(panels) == 1 else style.label_of(spent[column])
        )
    style.ylabel(panels, style.label_of(g.ds[metric]))
    words = g.width_labels if len(panels) > 1 else ["total energy", "programming energy"]
    names = style.algorithm_handles(g.algorithms, marks=False)
    lines = style.style_handles(words)
    style.legend(style.beside(panels), legend, names + lines, cells.seeds_words(stats["runs"]))
    titles = ["programming alone", "all together"] if len(panels) > 1 else [g.width_labels[0]]
    for panel, title in zip(panels, titles):
        style.finish(panel, title, [cells.assumption_note(source)])
    return ax if ax is not None else style.one_or_all(panels)


def final_accuracy(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    metric: str = "test_accuracy",
    legend: bool | str = True,
) -> Axes:
    """Draw a metric at the end of training over pulse width, per algorithm.

    Parameters
    ----------
    ds, ax, metric, legend
        As in `accuracy_over_epoch`.

    Returns
    -------
    matplotlib.axes.Axes
        Means over seeds with bars; `float` is a line if it was run at one width only.

    Raises
    ------
    TypeError, ValueError
        If the metric or the pulse width is missing.
    """
    g = cells.grid(ds, metric)
    g.need_widths()
    ax = style.new_axes(ax)
    stats = cells.summary(cells.last(g.ds[metric]))
    for i, name in enumerate(g.algorithms):
        x = style.dodge(g.widths, i, len(g.algorithms), 0.5)
        _bars(ax, x, stats.sel(algorithm=name), name)
    style.width_axis(ax, g.widths, g.origins)
    ax.set_ylabel(style.label_of(g.ds[metric]) + " at the end")
    handles = style.algorithm_handles(g.algorithms)
    style.legend(ax, legend, handles, cells.seeds_words(stats["runs"]))
    return style.finish(ax, style.label_of(g.ds[metric]).split(" [")[0] + " over pulse width")


def _bars(ax: Axes, x: np.ndarray, row: xr.Dataset, name: str) -> None:
    marks = style.algorithm_marks(name)
    known = row["mean"].notnull().values
    if name == "float" and known.sum() == 1 and known.size > 1:
        level = float(row["mean"].values[known][0])
        ax.axhline(level, color=marks["color"], linewidth=1.2)
        return
    ends = [(row["mean"] - row["low"]).values, (row["high"] - row["mean"]).values]
    bars = np.maximum(np.nan_to_num(ends), 0.0)
    ax.errorbar(x, row["mean"], yerr=bars, capsize=3, linewidth=1.2, **marks)


def _spending(ax: Axes, g: cells.Grid, stats: xr.Dataset, column: str, line: int | None) -> None:
    joules = g.ds[column].mean("seed")
    for w in range(len(g.widths)):
        shape = style.line_style(w if line is None else line)
        for a, name in enumerate(g.algorithms):
            here = {"pulse_width": w, "algorithm": a}
            _curve(ax, joules.isel(here), stats.isel(here), name, shape)


def _curve(ax: Axes, x: xr.DataArray, stats: xr.Dataset, name: str, line: object) -> None:
    known = (stats["mean"].notnull() & x.notnull()).values
    if ax.get_xscale() == "log":
        known &= x.values > 0
    if not known.any():
        return
    colour, _ = style.algorithm_style(name)
    x, mean = x.values[known], stats["mean"].values[known]
    ax.plot(x, mean, color=colour, linestyle=line, linewidth=1.6)
    low, high = stats["low"].values[known], stats["high"].values[known]
    ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


def image_axis(ax: Axes, ds: xr.Dataset) -> None:
    """Make x logarithmic in images, with a short linear part that holds 0."""
    images = ds["images"].values
    first = float(np.nanmin(images[images > 0])) if np.any(images > 0) else 1.0
    end = max(float(np.nanmax(images)), 2 * first)
    ax.set_xscale("symlog", linthresh=first, linscale=0.35)
    ax.set_xlim(0, end * 1.05)
    steps = (1, 2, 5) if end / first < 100 else (1,)
    decades = 10.0 ** np.arange(np.floor(np.log10(first)), np.ceil(np.log10(end)))
    ticks = np.outer(decades, steps).ravel()
    ticks = [0.0, *ticks[(ticks >= first) & (ticks <= end)]]
    ax.set_xticks(ticks, [_thousands(t) for t in ticks])
    minor = np.outer(decades, np.arange(2, 10)).ravel()
    ax.set_xticks(minor[(minor >= first) & (minor <= end)], minor=True)
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(style.label_of(ds["images"]) + _per_epoch(ds))


def _thousands(count: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return f"{count:g}"


def _per_epoch(ds: xr.Dataset) -> str:
    sizes = (ds["images"] / ds["epoch"].where(ds["epoch"] > 0)).values
    sizes = np.unique(np.round(sizes[~np.isnan(sizes)]))
    return f", {int(sizes[0]):,} per epoch" if sizes.size == 1 else ""
