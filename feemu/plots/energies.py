"""Pictures of energy: of one pulse, and of trainings split into device, read and digital."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import EngFormatter

from feemu.devices import Device, Family
from feemu.energy import EnergyModel, pulse_terms, tau_w
from feemu.plots import _cells as cells
from feemu.plots import _strip as strip
from feemu.plots import _style as style
from feemu.plots.devices import devices_of
from feemu.statistics import energy_to, reached

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: Colour of each term of a pulse, dark to light.
TERMS = {
    "switching": "#0072B2",
    "capacitive": "#E69F00",
    "conductive": "#CC79A7",
    "half-selected cells": "#bdbdbd",
}
_OF_A_PULSE = (
    "area", "amplitude", "capacitance_per_area", "remanent_polarization", "g_on", "g_off",
    "g_write_ratio",
)  # fmt: skip
COLUMNS = {
    "total": ("energy_total", "_"),
    "digital": ("energy_digital", "s"),
    "read": ("energy_read", "o"),
    "programming": ("energy_device", "^"),
}


def pulse_energy_over_width(
    model: EnergyModel | None,
    family: Family | Device,
    ax: Axes | None = None,
    *,
    widths: Sequence[float | str] | None = None,
    half_selected: int = 0,
    legend: bool | str = True,
) -> Axes:
    """Draw the energy of one potentiating pulse over pulse width, its terms stacked.

    Parameters
    ----------
    model : EnergyModel or None
        Prices; None for the default model.
    family : Family or Device
        Whose step at the symmetry point (else at weight zero) is switched.
    ax : matplotlib axes, optional
        Where to draw; a new figure if not given.
    widths : sequence of float or str, optional
        Pulse widths [s, or text] of a family; by default those of its studies.
    half_selected : int
        Number of half-selected cells per pulse whose energy is added.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes
        Linear in energy, so that the heights of a stack add up.

    Raises
    ------
    TypeError, ValueError
        If the model or the family is none, or a number is negative.
    """
    model = EnergyModel() if model is None else model
    if not isinstance(model, EnergyModel):
        raise TypeError(f"model: expected an EnergyModel, got {type(model).__name__}")
    if half_selected < 0:
        raise ValueError(f"half_selected = {half_selected!r}: must be >= 0 cells")
    devices = devices_of(family, widths)
    ax = style.new_axes(ax)
    places = [one.pulse_width for one in devices]
    left, right = style.dodge(places, 0, 2, 0.9), style.dodge(places, 1, 2, 0.9)
    if len(places) == 1:
        left, right = np.array(places) * 0.6, np.array(places) * 1.6
    bottom = np.zeros(len(devices))
    models = [model.with_ends(one.conductance_off, one.conductance_on) for one in devices]
    rows = [_pulse(own, one, half_selected) for own, one in zip(models, devices)]
    for term in rows[0]:
        height = np.array([float(row[term]) for row in rows])
        ax.bar(left, height, right - left, bottom, align="edge", color=TERMS[term])
        bottom += height
    style.width_axis(ax, places, [one.width_label for one in devices])
    ax.set_ylim(0, 1.08 * bottom.max() if bottom.max() > 0 else 1)
    ax.yaxis.set_major_formatter(EngFormatter())
    ax.set_ylabel("energy of one pulse [J]")
    entries = [style.handle(t, color=TERMS[t], linewidth=6) for t in reversed(rows[0])]
    style.legend(ax, legend, entries)
    cells_too = f" and {half_selected} half-selected cells" if half_selected else ""
    return style.finish(ax, "energy of one pulse" + cells_too, _pulse_notes(models, devices))


def energy_over_width(
    ds: xr.Dataset,
    ax: Axes | None = None,
    model: EnergyModel | None = None,
    *,
    target: float | None = None,
    metric: str = "validation_accuracy",
    legend: bool | str = True,
) -> Axes:
    """Draw training energy over pulse width, split into programming, reads and digital.

    Parameters
    ----------
    ds : xarray.Dataset
        A result or a sweep over pulse width, algorithm and seed.
    ax : matplotlib axes, optional
        Where to draw; a new figure if not given.
    model : EnergyModel, optional
        Prices; by default those the dataset was priced with, else the default model.
    target : float, optional
        Count until this level of `metric` is reached and held; by default the whole training.
    metric : str
        Variable over epoch.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes
        Medians over seeds; one column of marks per algorithm and width.

    Raises
    ------
    TypeError, ValueError
        If a variable is missing, or the target is no level of the metric.
    """
    source = cells.priced(ds, model)
    spent = {column: cells.spent(source, column) for column, _ in COLUMNS.values()}
    g = cells.grid(source.assign(spent), metric, "images", *spent)
    g.need_widths()
    ax = style.new_axes(ax)
    values = {
        name: cells.last(g.ds[column])
        if target is None
        else energy_to(g.ds, target, metric, column=column)
        for name, (column, _) in COLUMNS.items()
    }
    style.width_axis(ax, g.widths, g.origins)
    strip.room(ax, list(values.values()))
    counts = reached(values["total"])
    size = style.mark_size(ax, len(g.widths) * len(g.algorithms))
    for i, name in enumerate(g.algorithms):
        x, here = style.dodge(g.widths, i, len(g.algorithms)), {"algorithm": name}
        _column(ax, x, values, name, size)
        strip.missed(ax, x, values["total"].sel(here), counts.sel(here), name)
    missed = bool(np.isinf(values["total"]).any())
    words = "of the whole training" if target is None else _level(values["total"])
    ax.set_ylabel(f"energy [{values['total'].attrs['units']}]")
    names = style.algorithm_handles(g.algorithms, marks=False)
    style.legend(ax, legend, names + component_handles(), seeds_median(g.seeds, missed))
    return style.finish(ax, f"energy {words}", [cells.assumption_note(source)])


def component_handles() -> list:
    """Return the legend entries of the components of energy."""
    return [
        style.handle(name, color=style.GREY, linestyle="none", **_mark(marker))
        for name, (_, marker) in COLUMNS.items()
    ]


def seeds_median(seeds: int, missed: bool) -> str:
    """Return what a mark stands for, for a legend."""
    words = "1 seed" if seeds == 1 else f"median of {seeds} seeds"
    return words + f";\n{strip.WORDS}" * missed


def _mark(marker: str, size: float = 11.0) -> dict:
    if marker == "_":
        return {"marker": marker, "markersize": size, "markeredgewidth": 2.4}
    return {"marker": marker, "markersize": min(5.0, 0.8 * size)}


def _column(
    ax: Axes, x: np.ndarray, values: dict[str, xr.DataArray], name: str, size: float
) -> None:
    colour, _ = style.algorithm_style(name)
    shown = {}
    for part, (_, marker) in COLUMNS.items():
        median = cells.median(values[part].sel(algorithm=name))
        shown[part] = np.where(np.isfinite(median) & (median > 0), median, np.nan)
        ax.plot(x, shown[part], linestyle="none", color=colour, zorder=3, **_mark(marker, size))
    heights = np.array(list(shown.values()))
    for place, column in zip(x, heights.T):
        if np.isfinite(column).any():
            ends = [np.nanmin(column), np.nanmax(column)]
            ax.plot([place, place], ends, color=colour, linewidth=1, alpha=0.5)


def _level(values: xr.DataArray) -> str:
    return "to " + values.attrs["long_name"].rpartition(" to ")[2]


def _pulse(model: EnergyModel, device: Device, half_selected: int) -> dict[str, np.ndarray]:
    p, dp = _point(device)
    g, volts = float(device.g(p)), device.amplitude_up
    terms = pulse_terms(model, device.pulse_width, volts, dp, g)
    if half_selected:
        volts = model.half_select * (model.amplitude if np.isnan(volts) else abs(volts))
        cell = pulse_terms(model, device.pulse_width, volts, 0.0, 0.5)
        cell = cell["capacitive"] + cell["conductive"]
        terms["half-selected cells"] = half_selected * cell
    return terms


def _point(device: Device) -> tuple[float, float]:
    """Return the state that a typical pulse finds, and its step [1]."""
    p = device.symmetry_point
    p = device.state_of(0.5) if np.isnan(p) else p
    return p, float(device.response.step_up(np.array([p]))[0])


def _pulse_notes(models: list[EnergyModel], devices: list[Device]) -> list[str]:
    names = {name: getattr(model, name) for model in models for name in model.assumptions()}
    if not any(np.isnan(one.amplitude_up) for one in devices):
        names.pop("amplitude", None)
    values = {n: names[n] for n in _OF_A_PULSE if n in names}
    assumed = ", ".join(cells.parameter_words(n, v) for n, v in values.items())
    points = [_point(one) for one in devices]
    tau = [
        float(tau_w(model, dp, one.amplitude_up, one.g(p)))
        for model, one, (p, dp) in zip(models, devices, points)
    ]
    ends = [style.width_words(float(f"{t:.2g}")) for t in (min(tau), max(tau)) if 0 < t < np.inf]
    held = f"tau_w (conduction equals the rest): {' to '.join(dict.fromkeys(ends))}" if ends else ""
    return [held, f"assumed: {assumed}" if assumed else ""]
