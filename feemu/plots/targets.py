"""Pictures over pulse width of what it takes to reach a target accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu.plots import _cells as cells
from feemu.plots import _strip as strip
from feemu.plots import _style as style
from feemu.statistics import MIN_SEEDS, energy_to, epochs_to, median_interval, reached, time_to

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from feemu.energy import EnergyModel

METRIC = "validation_accuracy"
PROGRAMMING, TOTAL = "energy_device", "energy_total"


def epochs_to_target(
    ds: xr.Dataset,
    target: float,
    ax: Axes | None = None,
    *,
    metric: str = METRIC,
    legend: bool | str = True,
) -> Axes:
    """Draw the epochs until a target is reached and held, over pulse width, per algorithm.

    Parameters
    ----------
    ds : xarray.Dataset
        A result or a sweep over pulse width, algorithm and seed.
    target : float
        Level of the metric; of a loss, lower is better.
    ax : matplotlib axes, optional
        Where to draw; a new figure if not given.
    metric : str
        Variable over epoch.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes
        Medians over seeds with 95 % bootstrap interval, or the single seeds where there are
        under five. Cells whose median run never reaches the target stand in the strip at the
        top, with the number of runs that did.

    Raises
    ------
    TypeError, ValueError
        If a variable is missing, or the target is no level of the metric.
    """
    g = cells.grid(ds, metric, "images")
    return _draw({"": epochs_to(g.ds, target, metric)}, g, ax, legend)


def energy_to_target(
    ds: xr.Dataset,
    target: float,
    ax: Axes | None = None,
    model: EnergyModel | None = None,
    *,
    metric: str = METRIC,
    legend: bool | str = True,
) -> Axes:
    """Draw the energy until a target is reached and held, over pulse width, per algorithm.

    Total energy is solid, programming energy alone dashed and hollow; all phases count.

    Parameters
    ----------
    ds, target, ax, metric, legend
        As in `epochs_to_target`.
    model : EnergyModel, optional
        Prices; by default those the dataset was priced with, else the default model.

    Returns
    -------
    matplotlib.axes.Axes
        As `epochs_to_target`.

    Raises
    ------
    TypeError, ValueError
        As `epochs_to_target`.
    """
    source = cells.priced(ds, model)
    spent = {name: cells.spent(source, name) for name in (TOTAL, PROGRAMMING)}
    g = cells.grid(source.assign(spent), metric, "images", *spent)
    columns = {"total": TOTAL, "programming": PROGRAMMING}
    values = {k: energy_to(g.ds, target, metric, column=c) for k, c in columns.items()}
    return _draw(values, g, ax, legend, cells.assumption_note(source))


def time_to_target(
    ds: xr.Dataset,
    target: float,
    ax: Axes | None = None,
    model: EnergyModel | None = None,
    *,
    metric: str = METRIC,
    legend: bool | str = True,
) -> Axes:
    """Draw the programming time until a target is reached and held, over pulse width.

    Parameters, result and errors are those of `energy_to_target`.
    """
    source = cells.priced(ds, model)
    source = source.assign(time_programming=cells.spent(source, "time_programming"))
    g = cells.grid(source, metric, "images", "time_programming")
    note = cells.assumption_note(source, "time_programming")
    return _draw({"": time_to(g.ds, target, metric)}, g, ax, legend, note)


def _draw(
    values: dict[str, xr.DataArray],
    g: cells.Grid,
    ax: Axes | None,
    legend: bool | str,
    note: str = "",
) -> Axes:
    """Draw one or two quantities [total, then part] over pulse width."""
    g.need_widths()
    ax = style.new_axes(ax)
    main = next(iter(values.values()))
    counts = reached(main)
    style.width_axis(ax, g.widths, g.origins)
    edge = strip.room(ax, list(values.values()))
    for i, name in enumerate(g.algorithms):
        x = style.dodge(g.widths, i, len(g.algorithms))
        for k, part in enumerate(values.values()):
            _series(ax, x, part.sel(algorithm=name), name, part=k > 0, edge=edge)
        strip.missed(ax, x, main.sel(algorithm=name), counts.sel(algorithm=name), name)
    label = style.label_of(main)
    quantity, _, level = main.attrs["long_name"].rpartition(" to ")
    shown = label if len(values) == 1 else f"energy to {level} [{main.attrs['units']}]"
    ax.set_ylabel(shown)
    extra = [] if len(values) == 1 else _parts(list(values))
    told = [n for n in g.algorithms if bool((main.sel(algorithm=n) > 0).any())]
    handles = style.algorithm_handles(told) + extra
    style.legend(ax, legend, handles, _says(counts["runs"].values, bool(np.isinf(main).any())))
    title = quantity if len(values) == 1 else "energy"
    return style.finish(ax, f"{title} to {level}", [note])


def _series(
    ax: Axes, x: np.ndarray, values: xr.DataArray, name: str, part: bool, edge: float
) -> None:
    stats = median_interval(values)
    median = stats["median"].values
    drawn = np.isfinite(median) & (median > 0)
    if not drawn.any():
        return
    marks = style.algorithm_marks(name)
    if part:
        marks["markerfacecolor"] = "white"
    shown = np.where(drawn, median, np.nan)
    ax.plot(x, shown, linestyle="--" if part else "-", linewidth=1.2, zorder=3, **marks)
    few = stats["runs"].values < MIN_SEEDS
    for j in np.flatnonzero(drawn):
        if few[j]:
            _dots(ax, x[j], values.isel(pulse_width=j).values, marks["color"])
        else:
            _interval(ax, x[j], float(stats["low"][j]), float(stats["high"][j]), marks, edge)


def _dots(ax: Axes, x: float, values: np.ndarray, colour: str) -> None:
    values = values[np.isfinite(values) & (values > 0)]
    ax.plot(np.full(values.size, x), values, ".", color=colour, alpha=0.6, markersize=4)


def _interval(ax: Axes, x: float, low: float, high: float, marks: dict, edge: float) -> None:
    """Draw an interval; one without upper end goes to the strip and ends in an arrow head."""
    line = {"color": marks["color"], "linewidth": 1.2, "zorder": 2}
    ax.plot([x, x], [low, min(high, edge)], **line)
    if np.isinf(high):
        ax.plot(x, edge, marker="^", markersize=4, color=marks["color"], zorder=2)


def _parts(names: list[str]) -> list:
    total = style.handle(f"{names[0]} energy", color=style.GREY, linestyle="-", marker="o")
    hollow = {"marker": "o", "markerfacecolor": "white", "linestyle": "--"}
    return [total, style.handle(f"{names[1]} energy", color=style.GREY, **hollow)]


def _says(runs: np.ndarray, missed: bool) -> str:
    known = runs[runs > 0]
    if known.size == 0:
        return "no run"
    low, high = int(known.min()), int(known.max())
    number = f"{low}" if low == high else f"{low} to {high}"
    spans = "95 % interval" if low >= MIN_SEEDS else "dots: single seeds"
    if low < MIN_SEEDS <= high:
        spans = f"95 % interval (dots under {MIN_SEEDS})"
    seeds = "1 seed" if high == 1 else f"median of {number} seeds,\n{spans}"
    return seeds + f";\n{strip.WORDS}" * missed
