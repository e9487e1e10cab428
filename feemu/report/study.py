"""A finished study as files: datasets, tables, pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from feemu import plots
from feemu.energy import EnergyModel, price
from feemu.plots import _style as style
from feemu.report import grid
from feemu.report.claims import TARGETS, claims
from feemu.report.pareto import best_so_far, by_objective, tries_table
from feemu.report.pictures import pareto_fronts, recovered_over_width, tau_w_picture
from feemu.report.records import Claim
from feemu.report.recovered import recovered
from feemu.report.tau_w import tau_w_map
from feemu.report.text import study_text
from feemu.statistics import MIN_SEEDS
from feemu.store import save, write_json_atomic, write_text_atomic

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from feemu.devices import Family
    from feemu.tuning import Tuned

DPI = 110


def write_study(
    out: str | os.PathLike,
    accuracy: xr.Dataset,
    energy: xr.Dataset,
    tuned: Tuned | dict[str, Tuned],
    family: Family,
    target: float = 0.9,
    model: EnergyModel | None = None,
) -> dict[str, Path]:
    """Write datasets, tables and pictures of a pulse-width study into a folder.

    Parameters
    ----------
    out : path
        Folder; made if it does not exist. Files of the same names are replaced, each at once.
    accuracy, energy : xarray.Dataset
        Sweeps over pulse width, algorithm and seed: runs tuned for accuracy, and runs tuned for
        little programming energy to the target.
    tuned : Tuned or dict of Tuned
        The search behind them, or several by what they were tuned for.
    family : Family
        The device over pulse width.
    target : float
        Validation accuracy that epochs and energies are counted to; the claims are given for
        95 % and for one point below the float baseline, too.
    model : EnergyModel, optional
        Prices.

    Returns
    -------
    dict of Path
        Files by name: ``accuracy.nc``, ``energy.nc``, ``tries.nc``, ``claims.json``,
        ``claims.txt`` and the pictures (.png).

    Raises
    ------
    TypeError, ValueError
        If a dataset is not such a sweep.
    OSError
        If a file cannot be written.
    """
    folder, model = Path(out), EnergyModel() if model is None else model
    folder.mkdir(parents=True, exist_ok=True)
    files = {"accuracy.nc": save(accuracy, folder / "accuracy.nc")}
    files["energy.nc"] = save(energy, folder / "energy.nc")
    tries = tries_table(tuned, model)
    files["tries.nc"] = save(tries, folder / "tries.nc", complete=False)
    targets = tuple(dict.fromkeys((target, *(t for t in TARGETS[1:] if _possible(t, accuracy)))))
    rows = claims(accuracy, energy, family, model, targets)
    energy = price(energy, model)
    text = study_text(accuracy, energy, rows, target)
    files["claims.txt"] = write_text_atomic(folder / "claims.txt", text)
    body = _body(accuracy, rows, model)
    files["claims.json"] = write_json_atomic(folder / "claims.json", body)
    for name, draw in _pictures(accuracy, energy, tries, tuned, family, target, model).items():
        files[name] = plots.save_figure(draw(), folder / name, dpi=DPI)
    return files


def _possible(target: float | str, accuracy: xr.Dataset) -> bool:
    return not isinstance(target, str) or grid.BASELINE in accuracy["algorithm"].values


def _body(accuracy: xr.Dataset, rows: list[Claim], model: EnergyModel) -> dict:
    body = {
        "seeds": accuracy.sizes["seed"],
        "quick": accuracy.sizes["seed"] < MIN_SEEDS,
        "energy_model": model,
        "assumed": model.assumptions(),
        "claims": [row.to_dict() for row in rows],
    }
    try:
        closed = recovered(accuracy).reset_coords(drop=True)
    except ValueError:
        return body
    frame = closed[["recovered", "low", "high", "runs"]].to_dataframe().reset_index()
    return {**body, "recovered": frame.to_dict("records")}


def _pictures(
    accuracy: xr.Dataset, energy: xr.Dataset, tries: xr.Dataset, tuned: Tuned | dict[str, Tuned],
    family: Family, target: float, model: EnergyModel,
) -> dict[str, Callable[[], Figure]]:  # fmt: skip
    """Return what draws each picture."""
    priced = price(accuracy, model)
    level = f"{100 * target:g} %"
    accurate = _label(accuracy, "runs tuned for accuracy")
    frugal = _label(energy, f"runs tuned for little programming energy to {level}")
    every = f"searches for {' and for '.join(by_objective(tuned))}, all rounds"
    searched = _label(accuracy, every, seeds=False)
    first = _label(accuracy, "first round of the search, mean over widths", seeds=False)
    made = {
        "study.png": lambda: accurate(plots.study_figure(priced, None, target, family=family)),
        "accuracy_over_epoch.png": lambda: accurate(
            plots.accuracy_over_epoch(accuracy, target=target)
        ),
        "accuracy_over_energy.png": lambda: frugal(plots.accuracy_over_energy(energy)),
        "epochs_to_target.png": lambda: accurate(plots.epochs_to_target(accuracy, target)),
        "energy_to_target.png": lambda: frugal(plots.energy_to_target(energy, target)),
        "tau_w_map.png": lambda: frugal(tau_w_picture(tau_w_map(energy, target, model))),
        "tuning_progress.png": lambda: first(plots.tuning_progress(best_so_far(tries))),
        "pareto.png": lambda: searched(pareto_fronts(tries)),
        "pulse_energy.png": lambda: style.root_figure(plots.pulse_energy_over_width(model, family)),
    }
    known = grid.measured(energy)
    if 2 <= len(known) < energy.sizes["pulse_width"]:
        ends = {"short": min(known), "long": max(known)}
        made["tau_w_map_measured.png"] = lambda: frugal(
            tau_w_picture(tau_w_map(energy, target, model, **ends))
        )
    try:
        closed = recovered(accuracy)
    except ValueError:
        return made
    return {**made, "recovered.png": lambda: accurate(recovered_over_width(closed))}


def _label(
    ds: xr.Dataset, words: str, *, seeds: bool = True
) -> Callable[[Axes | list[Axes] | Figure], Figure]:
    """Return a function that writes over a picture what was run, and returns its figure."""
    task = str(ds["task"].item()) if "task" in ds.coords else ""
    number = grid.seeds_words(ds.sizes["seed"], MIN_SEEDS)
    if not seeds:
        number = "quick" if ds.sizes["seed"] < MIN_SEEDS else ""
    text = ", ".join(part for part in (task, words, number) if part)

    def body(drawn: Axes | list[Axes] | Figure) -> Figure:
        first = drawn[0] if isinstance(drawn, list) else drawn
        figure = style.root_figure(first) if hasattr(first, "spines") else first
        figure.suptitle(text, x=0.01, ha="left", fontsize=style.NOTE_SIZE + 0.5, color=style.GREY)
        return figure

    return body
