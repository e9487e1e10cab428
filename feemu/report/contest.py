"""All algorithms beside each other at the end of training: table, front, advice, files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu import plots
from feemu.energy import EnergyModel, price
from feemu.params import format_width
from feemu.plots import _cells as cells
from feemu.plots import _style as style
from feemu.report import grid
from feemu.report.pareto import best_so_far, on_front, tries_table
from feemu.statistics import MIN_SEEDS, mean_interval
from feemu.store import save, write_text_atomic

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from feemu.tuning import Tuned

DPI = 110
_COSTS = ("energy_device", "energy_total")


def standings(ds: xr.Dataset, model: EnergyModel | None = None) -> xr.Dataset:
    """Return what each algorithm came to at the end of training.

    Parameters
    ----------
    ds : xarray.Dataset
        Sweep over pulse width, algorithm and seed.
    model : EnergyModel, optional
        Prices.

    Returns
    -------
    xarray.Dataset
        `accuracy` (mean test accuracy [1]) with `low` and `high`, its 95 % interval (NaN under
        five seeds), `runs`, `energy_device` and `energy_total` (means [J], calibration and initial
        weights included), `calibration_pulses` (mean), and `front`: whether no other algorithm at
        this width is better for less total energy; over (pulse_width, algorithm).

    Raises
    ------
    TypeError, ValueError
        If the dataset is no such sweep.
    """
    grid.check(ds, "contest")
    out = mean_interval(grid.at_end(ds[grid.FINAL])).rename(mean="accuracy")
    priced = price(ds, model)
    for name in _COSTS:
        mean = grid.at_end(cells.spent(priced, name)).mean("seed")
        out[name] = mean.assign_attrs(units="J", long_name=f"{name.replace('_', ' ')} of a run")
    pulses = ds["pulses"].sel(phase="calibration").sum(["layer", "pulse_kind"], min_count=1)
    count = grid.at_end(pulses.astype(float)).mean("seed")
    out["calibration_pulses"] = count.assign_attrs(units="1", long_name="calibration pulses")
    out["front"] = (("pulse_width", "algorithm"), _fronts(out))
    out["front"].attrs = {"units": "1", "long_name": "on the front of accuracy and total energy"}
    return out


def _fronts(out: xr.Dataset) -> np.ndarray:
    """Return which algorithms are on the front of their width, shape (widths, algorithms)."""
    joules = out["energy_total"].where(out["algorithm"] != grid.BASELINE)
    pair = [v.transpose("pulse_width", "algorithm").values for v in (joules, out["accuracy"])]
    return np.array([on_front(cost, gain) for cost, gain in zip(*pair)])


def contest_text(table: xr.Dataset) -> str:
    """Return a table per pulse width, best first, and what it says about which to use."""
    lines = []
    for i, width in enumerate(table["pulse_width"].values):
        one = table.isel(pulse_width=i)
        lines += [f"pulse width {format_width(float(width))} ({grid.origins(table)[i]})", ""]
        lines += [*_rows(one), "", *_advice(one), ""]
    quick = int(table["runs"].max()) < MIN_SEEDS
    note = f"quick: fewer than {MIN_SEEDS} seeds, no intervals, nothing is decided by this"
    return "\n".join([*lines, *([note] if quick else [])]) + "\n"


def _rows(one: xr.Dataset) -> list[str]:
    head = f"{'algorithm':26s} {'test accuracy [%]':>24s} {'runs':>4s} {'calibrating':>12s}"
    rows = [f"{head} {'programming':>12s} {'total energy':>13s}  front"]
    for name in _ranked(one):
        at = one.sel(algorithm=name)
        low, high = 100 * float(at["low"]), 100 * float(at["high"])
        span = "" if np.isnan(low) else f" ({low:.2f} - {high:.2f})"
        rows.append(
            f"{style.algorithm_words(name):26s} {100 * float(at['accuracy']):6.2f}{span:>18s} "
            f"{int(at['runs']):4d} {float(at['calibration_pulses']):12.3g} "
            f"{float(at['energy_device']):10.3g} J {float(at['energy_total']):11.3g} J  "
            f"{'*' if bool(at['front']) else ''}".rstrip()
        )
    return rows


def _ranked(one: xr.Dataset) -> list[str]:
    """Return the algorithms that were run, most accurate first."""
    known = one["accuracy"].dropna("algorithm")
    order = np.argsort(-known.values, kind="stable")
    return [str(known["algorithm"].values[k]) for k in order]


def _advice(one: xr.Dataset) -> list[str]:
    """Say which algorithm is most accurate and which is the cheapest that is not told from it."""
    names = [n for n in _ranked(one) if n != grid.BASELINE]
    if not names:
        return ["No algorithm was run."]
    best = one.sel(algorithm=names[0])
    floor = float(best["low"])
    words = f"within its 95 % interval (from {100 * floor:.2f} %)"
    if np.isnan(floor):
        floor, words = float(best["accuracy"]) - 0.005, "within half a point of it"
    near = [n for n in names if float(one["accuracy"].sel(algorithm=n)) >= floor]
    cost = one["energy_total"].sel(algorithm=near)
    cheap = near[int(np.argmin(cost.values))]
    ratio = float(best["energy_total"]) / float(cost.min())
    said = f"Most accurate: {style.algorithm_words(names[0])}."
    if cheap == names[0]:
        return [f"{said} Nothing {words} takes less total energy: use it."]
    return [
        f"{said} Cheapest {words}: {style.algorithm_words(cheap)}, with {ratio:.3g} times less "
        "total energy: use that."
    ]


def contest_picture(table: xr.Dataset, axes: list[Axes] | None = None) -> list[Axes]:
    """Draw test accuracy over total energy, one panel per width, the front as a line."""
    names = [n for n in style.algorithm_order(map(str, table["algorithm"].values))
             if n != grid.BASELINE]  # fmt: skip
    widths = [float(w) for w in table["pulse_width"].values]
    panels = style.panels(axes, len(widths), "pulse width", single=False)
    for panel, width, origin in zip(panels, widths, grid.origins(table)):
        one = table.sel(pulse_width=width)
        for name in names:
            at = one.sel(algorithm=name)
            mean, spread = float(at["accuracy"]), [[0.0], [0.0]]
            if np.isfinite(float(at["low"])):
                spread = [[mean - float(at["low"])], [float(at["high"]) - mean]]
            panel.errorbar([float(at["energy_total"])], [mean], yerr=spread, linestyle="none",
                           **style.algorithm_marks(name))  # fmt: skip
        front = one.isel(algorithm=np.flatnonzero(one["front"].values)).sortby("energy_total")
        panel.plot(front["energy_total"], front["accuracy"], color=style.GREY, zorder=1)
        panel.set_xscale("log")
        panel.set_xlabel("total energy of the training [J]")
        style.finish(panel, style.width_words(width, origin))
    style.ylabel(panels, "test accuracy [1]")
    style.legend(style.beside(panels), True, style.algorithm_handles(names), "line: Pareto front")
    return panels


def write_contest(
    out: str | os.PathLike, ds: xr.Dataset, tuned: Tuned, model: EnergyModel | None = None
) -> dict[str, Path]:
    """Write runs, tries, table and pictures of a comparison of algorithms into a folder.

    Parameters
    ----------
    out : path
        Folder; made if it does not exist.
    ds : xarray.Dataset
        Final runs over pulse width, algorithm and seed.
    tuned : Tuned
        The search behind them.
    model : EnergyModel, optional
        Prices.

    Returns
    -------
    dict of Path
        Files by name: ``algorithms.nc``, ``tries.nc``, ``algorithms.txt``,
        ``accuracy_over_energy.png``, ``tuning_progress.png``.

    Raises
    ------
    TypeError, ValueError
        If the dataset is no such sweep.
    OSError
        If a file cannot be written.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    table, tries = standings(ds, model), tries_table(tuned, model)
    files = {"algorithms.nc": save(ds, folder / "algorithms.nc")}
    files["tries.nc"] = save(tries, folder / "tries.nc", complete=False)
    text = contest_text(table)
    files["algorithms.txt"] = write_text_atomic(folder / "algorithms.txt", text)
    drawn = {
        "accuracy_over_energy.png": style.root_figure(contest_picture(table)[0]),
        "tuning_progress.png": style.root_figure(plots.tuning_progress(best_so_far(tries))),
    }
    for name, figure in drawn.items():
        files[name] = plots.save_figure(figure, folder / name, dpi=DPI)
    return files
