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
from feemu.report.chosen import chosen_text
from feemu.report.pareto import best_so_far, on_front, tries_table
from feemu.statistics import MIN_SEEDS, mean_interval, paired_difference
from feemu.store import save, write_text_atomic

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

    from feemu.tuning import Tuned

DPI = 110
_COSTS = ("energy_device", "energy_digital", "energy_read", "energy_total")
_PARTS = {"energy_device": "programming", "energy_digital": "digital", "energy_read": "reads"}
#: Loss of accuracy that is looked past where there are too few seeds for an interval.
_NEAR = 0.005


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
        five seeds), `runs`, `energy_device`, `energy_digital`, `energy_read` and `energy_total`
        (means [J], calibration and initial weights included), `calibration_pulses` (mean),
        `behind` (how much less accurate than the best at this width, float aside) with `least`,
        the lower end of its 95 % interval over paired seeds, and `front`: whether no other
        algorithm at this width is better for less total energy; over (pulse_width, algorithm).

    Raises
    ------
    TypeError, ValueError
        If the dataset is no such sweep.
    """
    grid.check(ds, "contest")
    final = grid.at_end(ds[grid.FINAL])
    out = mean_interval(final).rename(mean="accuracy").assign(_behind(final))
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


def _behind(final: xr.DataArray) -> xr.Dataset:
    """Return by how much each algorithm is behind the best of its width, paired by seed."""
    names = grid.algorithms(final)
    mean = final.sel(algorithm=names).mean("seed").fillna(-np.inf)
    best = final.sel(algorithm=mean.idxmax("algorithm")).drop_vars("algorithm")
    gap = paired_difference(best.broadcast_like(final), final)
    return gap[["difference", "low"]].rename(difference="behind", low="least")


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
    head = f"{'algorithm':26s} {'test accuracy [%]':>24s} {'runs':>4s} {'calibration pulses':>18s}"
    rows = [f"{head} {'programming':>12s} {'total energy':>13s}  front"]
    for name in _ranked(one):
        at = one.sel(algorithm=name)
        mean, low, high = (100 * float(at[k]) for k in ("accuracy", "low", "high"))
        span = "" if np.isnan(low) else f" ({low:.2f} - {high:.2f})"
        rows.append(
            f"{style.algorithm_words(name):26s} {f'{mean:.2f}{span}':>24s} "
            f"{int(at['runs']):4d} {float(at['calibration_pulses']):18,.0f} "
            f"{grid.si(at['energy_device'], 'J'):>12s} {grid.si(at['energy_total'], 'J'):>13s}  "
            f"{'*' if bool(at['front']) else ''}".rstrip()
        )
    return rows


def _ranked(one: xr.Dataset) -> list[str]:
    """Return the algorithms that were run, most accurate first."""
    known = one["accuracy"].dropna("algorithm")
    order = np.argsort(-known.values, kind="stable")
    return [str(known["algorithm"].values[k]) for k in order]


def _advice(one: xr.Dataset) -> list[str]:
    """Say which algorithms are not told from the most accurate, and which of them is cheapest."""
    names = [n for n in _ranked(one) if n != grid.BASELINE]
    if not names:
        return ["No algorithm was run."]
    decided = int(one["runs"].sel(algorithm=names).min()) >= MIN_SEEDS
    mark, most = ("least", 0.0) if decided else ("behind", _NEAR)
    near = [n for n in names[1:] if not float(one[mark].sel(algorithm=n)) > most]
    cheap = min([names[0], *near], key=lambda n: float(one["energy_total"].sel(algorithm=n)))
    first, words = style.algorithm_words(names[0]), style.algorithm_words(cheap)
    others = ", ".join(map(style.algorithm_words, near)) or "none"
    if not decided:
        return [f"Undecided, too few seeds. Highest mean: {first}; within half a point: {others}; "
                f"of these {words} took the least total energy."]  # fmt: skip
    said = f"Highest mean: {first}; not told from it by paired seeds (95 %): {others}."
    if cheap == names[0]:
        return [f"{said} It takes the least total energy of these: use it. {_why(one, cheap)}"]
    ratio = float(one["energy_total"].sel(algorithm=names[0]))
    ratio /= float(one["energy_total"].sel(algorithm=cheap))
    return [f"{said} {words} takes {ratio:.3g} times less total energy: use that. "
            f"{_why(one, cheap)}"]  # fmt: skip


def _why(one: xr.Dataset, name: str) -> str:
    """Say what the energy of an algorithm goes into."""
    at = one.sel(algorithm=name)
    shares = [f"{100 * float(at[k] / at['energy_total']):.0f} % {w}" for k, w in _PARTS.items()]
    return f"Its energy: {', '.join(shares)}."


def contest_picture(table: xr.Dataset, axes: list[Axes] | None = None) -> list[Axes]:
    """Draw test accuracy over total energy, one panel per width, the front as a line."""
    names = style.algorithm_order(map(str, table["algorithm"].values))
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
        style.accuracy_axis(panel)
        panel.set_xlabel("total energy of the training [J]")
        style.finish(panel, style.width_words(width, origin))
    ends = np.array([panel.get_xlim() for panel in panels])
    for panel in panels:
        panel.set_xlim(ends.min(), ends.max())
        style.log_labels(panel.xaxis)
    style.ylabel(panels, "test accuracy [1]")
    style.legend(
        style.beside(panels),
        True,
        style.algorithm_handles(names),
        "line: Pareto front,\nfloat aside",
    )
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
    text = f"{contest_text(table)}\n{chosen_text(tuned)}"
    files["algorithms.txt"] = write_text_atomic(folder / "algorithms.txt", text)
    drawn = {
        "accuracy_over_energy.png": style.root_figure(contest_picture(table)[0]),
        "tuning_progress.png": style.root_figure(plots.tuning_progress(best_so_far(tries))),
    }
    for name, figure in drawn.items():
        files[name] = plots.save_figure(figure, folder / name, dpi=DPI)
    return files
