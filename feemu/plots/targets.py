"""Pictures over pulse width of what it takes to reach a target accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from feemu.plots import _cells as cells
from feemu.plots import _style as style
from feemu.statistics import MIN_SEEDS, energy_to, epochs_to, median_interval, reached, time_to

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from feemu.energy import EnergyModel

METRIC = "validation_accuracy"
PROGRAMMING, TOTAL = "energy_device", "energy_total"
#: Part of the height that is kept for runs that never reach the target.
STRIP = 0.14


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
    ax.set_yscale("log")
    style.width_axis(ax, g.widths, g.origins)
    missed = False
    for i, name in enumerate(g.algorithms):
        x = style.dodge(g.widths, i, len(g.algorithms))
        for k, part in enumerate(values.values()):
            _series(ax, x, part.sel(algorithm=name), name, part=k > 0)
        missed |= _missed(ax, x, main.sel(algorithm=name), counts.sel(algorithm=name), name)
    _room(ax, list(values.values()), missed)
    label = style.label_of(main)
    quantity, _, level = main.attrs["long_name"].rpartition(" to ")
    shown = label if len(values) == 1 else f"energy to {level} [{main.attrs['units']}]"
    ax.set_ylabel(shown)
    extra = [] if len(values) == 1 else _parts(list(values))
    told = [n for n in g.algorithms if bool((main.sel(algorithm=n) > 0).any())]
    handles = style.algorithm_handles(told) + extra
    style.legend(ax, legend, handles, _says(counts["runs"].values, missed))
    title = quantity if len(values) == 1 else "energy"
    return style.finish(ax, f"{title} to {level}", [note])


def _series(ax: Axes, x: np.ndarray, values: xr.DataArray, name: str, part: bool) -> None:
    stats = median_interval(values)
    median = stats["median"].values
    drawn = np.isfinite(median) & (median > 0)
    if not drawn.any():
        return
    marks = style.algorithm_marks(name)
    if part:
        marks["markerfacecolor"] = "white"
    line = "--" if part else "-"
    shown = np.where(drawn, median, np.nan)
    ax.plot(x, shown, linestyle=line, linewidth=1.2, zorder=3, **marks)
    few = stats["runs"].values < MIN_SEEDS
    for j in np.flatnonzero(drawn):
        if few[j]:
            single = values.isel(pulse_width=j).values
            single = single[np.isfinite(single) & (single > 0)]
            ax.plot(np.full(single.size, x[j]), single, ".", color=marks["color"], alpha=0.6, ms=4)
            continue
        low, high = float(stats["low"][j]), float(stats["high"][j])
        top = high if np.isfinite(high) else 1e300
        ax.plot([x[j], x[j]], [low, top], color=marks["color"], linewidth=1.2, zorder=2)


def _missed(ax: Axes, x: np.ndarray, values: xr.DataArray, counts: xr.Dataset, name: str) -> bool:
    """Mark the cells in which not every run reached the target: k of n above the width."""
    k, n = counts["reached"].values, counts["runs"].values
    median = median_interval(values)["median"].values
    across = ax.get_xaxis_transform()
    marks = style.algorithm_marks(name)
    for j in np.flatnonzero((n > 0) & (k < n)):
        if np.isinf(median[j]):
            ax.plot(x[j], 1 - 0.3 * STRIP, transform=across, zorder=4, **marks)
        ax.text(
            x[j],
            1 - 0.76 * STRIP,
            f"{k[j]}/{n[j]}",
            transform=across,
            ha="center",
            va="center",
            fontsize=style.NOTE_SIZE - 0.5,
            color=style.GREY,
        )
    return bool(np.any((n > 0) & (k < n)))


def _room(ax: Axes, values: list[xr.DataArray], missed: bool) -> None:
    """Set the limits of y so that finite values stay below the strip."""
    finite = np.concatenate([v.values.ravel() for v in values])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.1, 1.0)
    low, high = np.log10(low) - 0.15, np.log10(high) + 0.15
    if missed:
        high = low + (high - low) / (1 - STRIP)
        strip = Rectangle((0, 1 - STRIP), 1, STRIP, transform=ax.transAxes, color="#eeeeee")
        strip.set_zorder(0)
        ax.add_patch(strip)
    ax.set_ylim(10**low, 10**high)
    style.log_labels(ax.yaxis)
    if not finite.size:
        ax.yaxis.set_major_formatter(NullFormatter())


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
    return seeds + ";\ntop strip: not reached\n(k/n runs reached it)" * missed
