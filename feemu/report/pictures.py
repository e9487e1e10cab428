"""Pictures that belong to a study: part of the gap closed, fronts of all tries, map over tau_w."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MultipleLocator

from feemu.plots import _style as style
from feemu.report import grid
from feemu.report.pareto import ACCURACY, JOULES, on_front
from feemu.report.tau_w import PARTS, PUBLISHED
from feemu.statistics import MIN_SEEDS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

_PART_WORDS = {
    "pulses": "pulses alone",
    "programming": "programming energy",
    "total": "total energy",
}
#: Least part of the gap that the picture shows; what lies below is said in the legend.
FLOOR = -1.0


def recovered_over_width(ds: xr.Dataset, ax: Axes | None = None) -> Axes:
    """Draw the part of the gap that each shift closes over pulse width.

    Parameters
    ----------
    ds : xarray.Dataset
        Result of `feemu.report.recovered`.
    ax : matplotlib axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    matplotlib.axes.Axes
        Ratio of means over seeds, with 95 % intervals where there are five or more. Points below
        -100 % stand at the lower edge as arrows, with their value.
    """
    ax = style.new_axes(ax, (7.4, 4.2))
    widths = [float(w) for w in ds["pulse_width"].values]
    names = style.algorithm_order(map(str, ds["algorithm"].values))
    style.width_axis(ax, widths, grid.origins(ds))
    for i, name in enumerate(names):
        one = ds.sel(algorithm=name)
        x = style.dodge(widths, i, len(names), 0.5)
        _gap_points(ax, x, one, name)
    for level in (0.0, 1.0):
        ax.axhline(level, color=style.GREY, linewidth=0.9, linestyle=":", zorder=1)
    shown = ds["recovered"].values[np.isfinite(ds["recovered"].values)]
    low = max(FLOOR, min([0.0, *shown])) - 0.12
    ax.set_ylim(low, max([1.0, *shown]) + 0.12)
    ax.yaxis.set_major_locator(MultipleLocator(0.25))
    ax.yaxis.set_major_formatter(FuncFormatter(_gap_tick))
    ax.set_ylabel("part of the gap closed")
    runs = ds["runs"].values[ds["runs"].values > 0]
    few = runs.size and runs.min() < MIN_SEEDS
    words = grid.seeds_words(int(runs.min()), MIN_SEEDS) if runs.size else "no run"
    legend = f"{words}, no interval" if few else f"95 % interval of {words}"
    style.legend(ax, True, style.algorithm_handles(names), legend)
    gap = ", ".join(f"{100 * float(g):.1f}" for g in ds["gap"].values)
    note = f"gap at these widths: {gap} points of test accuracy"
    title = "(shift - plain SGD) / (mixed precision - plain SGD)"
    return style.finish(ax, title, [note])


def pareto_fronts(
    table: xr.Dataset, axes: Sequence[Axes] | None = None, *, floor: float = 0.5
) -> list[Axes]:
    """Draw accuracy against programming energy of all tries, one panel per pulse width.

    Parameters
    ----------
    table : xarray.Dataset
        Result of `feemu.report.tries_table`.
    axes : sequence of matplotlib axes, optional
        One per pulse width; a new figure if not given.
    floor : float
        Lowest accuracy shown.

    Returns
    -------
    list of matplotlib.axes.Axes
        Small marks are single tries, of every objective and round; the line joins those that no
        other try of the algorithm beats in accuracy without spending more energy.
    """
    names = [n for n in style.algorithm_order(map(str, table["algorithm"].values)) if n != "float"]
    widths = [float(w) for w in table["pulse_width"].values]
    panels = style.panels(axes, len(widths), "pulse width", single=False)
    for panel, width, origin in zip(panels, widths, grid.origins(table)):
        one = table.sel(pulse_width=width)
        for name in names:
            _front(panel, one.sel(algorithm=name), name)
        panel.set_xscale("log")
        panel.set_ylim(floor, 1.0)
        panel.set_xlabel("programming energy of the try [J]")
        style.finish(panel, style.width_words(width, origin))
    style.ylabel(panels, "validation accuracy at its end [1]")
    few = f"every try of the search;\nbelow {floor:g} not shown"
    style.legend(style.beside(panels), True, style.algorithm_handles(names), few)
    return panels


def tau_w_picture(ds: xr.Dataset, axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw the energy ratio of two pulse widths over tau_w, one panel per part of the energy.

    Parameters
    ----------
    ds : xarray.Dataset
        Result of `feemu.report.tau_w_map`.
    axes : sequence of matplotlib axes, optional
        One per part; a new figure if not given.

    Returns
    -------
    list of matplotlib.axes.Axes
        Below one the short width is cheaper; marks stand at the critical tau_w. Bands are 95 %
        intervals over paired seeds.
    """
    panels = style.panels(axes, len(PARTS), "part of the energy", single=False)
    names = style.algorithm_order(map(str, ds["algorithm"].values))
    told = [n for n in names if bool(np.isfinite(ds["ratio"].sel(algorithm=n)).any())]
    ends = [(ds.attrs[end], ds.attrs[f"{end}_origin"]) for end in ("short", "long")]
    short, long = (style.width_words(*end) for end in ends)
    for panel, part in zip(panels, PARTS):
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.axvspan(*PUBLISHED, color="#e8e8e8", zorder=0)
        panel.axhline(1.0, color=style.GREY, linewidth=0.9, zorder=1)
        for name in told:
            _ratio_line(panel, ds.sel(algorithm=name, part=part), name)
        if not told:
            text = {"ha": "center", "va": "center", "fontsize": style.TEXT_SIZE}
            panel.text(
                0.5, 0.4, "no algorithm reached\nthe target", text, transform=panel.transAxes
            )
        panel.set_xlabel("tau_w [s]")
        note = _critical_words(ds.sel(part=part), told, short) if len(told) < 3 else ""
        style.finish(panel, _PART_WORDS[part], [note])
    _ratio_limits(panels)
    style.ylabel(panels, f"energy to {100 * ds.attrs['target']:g} %: {short} over {long} [1]")
    lines = [*style.algorithm_handles(told, marks=False), *_tau_handles()]
    style.legend(style.beside(panels), True, lines, f"below 1: {short} is cheaper")
    return panels


def _gap_tick(value: float, _: int | None = None) -> str:
    names = {0.0: "plain SGD\n", 1.0: "mixed\nprecision\n"}
    return f"{names.get(round(value, 6), '')}{100 * value:.0f} %"


def _gap_points(ax: Axes, x: np.ndarray, one: xr.Dataset, name: str) -> None:
    value = one["recovered"].values
    seen = np.where(value >= FLOOR, value, np.nan)
    marks = style.algorithm_marks(name)
    ends = [value - one["low"].values, one["high"].values - value]
    bars = np.maximum(np.nan_to_num(ends, posinf=1e3), 0.0)
    ax.errorbar(x, seen, yerr=bars, capsize=3, linewidth=1.2, zorder=3, **marks)
    for j in np.flatnonzero(value < FLOOR):
        ax.plot(x[j], FLOOR - 0.06, marker="v", color=marks["color"], markersize=5, zorder=3)
        text = {"fontsize": style.NOTE_SIZE, "color": marks["color"], "ha": "center"}
        lift = {"xytext": (0, 5), "textcoords": "offset points"}
        ax.annotate(f"{100 * value[j]:.0f} %", (x[j], FLOOR - 0.06), **lift, **text)


def _front(ax: Axes, one: xr.Dataset, name: str) -> None:
    joules, accuracy = one[JOULES].values.ravel(), one[ACCURACY].values.ravel()
    colour, marker = style.algorithm_style(name)
    known = np.isfinite(joules) & np.isfinite(accuracy) & (joules > 0)
    joules, accuracy = joules[known], accuracy[known]
    ax.plot(joules, accuracy, marker, color=colour, markersize=3.5, alpha=0.45, linestyle="none")
    front = on_front(joules, accuracy)
    order = np.argsort(joules[front])
    x, y = joules[front][order], accuracy[front][order]
    ax.plot(x, y, drawstyle="steps-post", color=colour, linewidth=1.4)
    ax.plot(x, y, marker, color=colour, markersize=5.5, linestyle="none")


def _ratio_line(ax: Axes, one: xr.Dataset, name: str) -> None:
    colour, _ = style.algorithm_style(name)
    tau = one["tau_w"].values
    ax.plot(tau, one["ratio"].where(np.isfinite(one["ratio"])).values, color=colour, linewidth=1.6)
    low, high = one["low"].values, one["high"].values
    if np.isfinite(low).any():
        high = np.where(np.isinf(high), 1e6, high)
        ax.fill_between(tau, np.maximum(low, 1e-6), high, color=colour, alpha=0.18, linewidth=0)
    at = float(one["critical_tau_w"])
    if tau[0] <= at <= tau[-1]:
        ax.plot(at, 1.0, **style.algorithm_marks(name), zorder=4)
    own = float(one["model_tau_w"])
    if np.isfinite(own):
        ax.axvline(own, color=colour, linewidth=0.9, linestyle="--", zorder=1)


def _ratio_limits(panels: list[Axes]) -> None:
    """Give all panels the same range of y, around the lines and one."""
    drawn = [line.get_ydata() for ax in panels for line in ax.lines if len(line.get_ydata()) > 2]
    values = np.concatenate([np.asarray(y, float) for y in drawn]) if drawn else np.ones(1)
    values = values[np.isfinite(values) & (values > 0)]
    low, high = min([0.5, *values]), max([2.0, *values])
    for ax in panels:
        ax.set_ylim(low / 1.25, high * 1.25)
        style.log_labels(ax.yaxis)


def _critical_words(one: xr.Dataset, names: list[str], short: str) -> str:
    parts = []
    for name in names:
        at = float(one["critical_tau_w"].sel(algorithm=name))
        words = grid.si(at, "s").replace("u", "µ")
        text = "every tau_w" if np.isinf(at) else ("no tau_w" if at == 0 else f"tau_w < {words}")
        if not np.isnan(at):
            parts.append(f"{style.algorithm_words(name)} at {text}")
    return f"{short} cheaper: {', '.join(parts)}" if parts else ""


def _tau_handles() -> list:
    return [
        style.handle("the model's tau_w", color=style.GREY, linestyle="--", linewidth=0.9),
        style.handle("C/G of published devices", color="#e0e0e0", linewidth=7),
    ]
