"""Hyper-parameters of a cell, chosen on the validation split with the same budget for all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from feemu import rng
from feemu.case import Case
from feemu.params import Record, param
from feemu.sweeping import sweep

if TYPE_CHECKING:
    import xarray as xr

#: Seeds of tuning runs start here, so that reporting seeds are never tuned on.
TUNING_SEED = 1000


@dataclass(frozen=True)
class Search(Record):
    """Budget and space of a search; every cell gets the same.

    Learning rates come from a scrambled-lattice sequence on a log scale, weight scales and an
    algorithm's own parameters from their lists; the best `keep` tries of the first round run
    again for longer, on `seeds` seeds.
    """

    tries: int = param(16, "1", "tries of the first round", lo=1, hi=10_000)
    keep: int = param(4, "1", "tries of the second round", lo=1, hi=10_000)
    images: int = param(10_000, "1", "images of a try in the first round", lo=1)
    images_long: int = param(30_000, "1", "images of a try in the second round", lo=1)
    seeds: int = param(2, "1", "tuning seeds of the second round", lo=1, hi=100)
    lr_min: float = param(0.003, "1", "smallest learning rate", lo=1e-9, hi=1e6)
    lr_max: float = param(3.0, "1", "largest learning rate", lo=1e-9, hi=1e6)
    scales: tuple[float, ...] = param((0.25, 0.5, 1.0, 2.0, 4.0, 8.0), doc="weight scales")
    seed: int = param(0, "1", "seed of the candidates", lo=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lr_min > self.lr_max:
            raise ValueError(
                f"Search.lr_min = {self.lr_min:g}: must not exceed lr_max = {self.lr_max:g}"
            )
        if self.keep > self.tries:
            raise ValueError(f"Search.keep = {self.keep}: must not exceed tries = {self.tries}")


def candidates(case: Case, search: Search) -> list[Case]:
    """Return the tries of one cell: the same learning rates and scales for every cell."""
    k = rng.key(search.seed, 0, "draws")
    own = case.algorithm.search
    shift = rng.uniforms(k, 0, 0, 2 + len(own))
    # Additive recurrence with irrational steps: evenly spread in every single parameter.
    steps = [math.sqrt(p) % 1 for p in (5, 2, 3, 7, 11, 13, 17)]
    tries = []
    for i in range(search.tries):
        u = [(shift[j] + (i + 1) * steps[j]) % 1 for j in range(len(shift))]
        lr = math.exp(
            math.log(search.lr_min) + u[0] * (math.log(search.lr_max) - math.log(search.lr_min))
        )
        scale = search.scales[int(u[1] * len(search.scales))]
        if case.algorithm.devices_per_weight == 0:
            scale = case.weight_scale
        chosen = {n: v[int(u[2 + j] * len(v))] for j, (n, v) in enumerate(own.items())}
        tries.append(
            case.replace(
                lr=float(f"{lr:.4g}"),
                weight_scale=scale,
                algorithm=case.algorithm.replace(**chosen),
                seed=TUNING_SEED,
            )
        )
    return tries


class Tuned(NamedTuple):
    """What a search found.

    Attributes
    ----------
    chosen : list of Case
        Each cell with the hyper-parameters of its best try.
    first, second : xarray.Dataset
        All tries of both rounds over (try, pulse_width, algorithm, seed), `score` included; the
        second round holds the kept tries, numbered by their rank in the first.
    """

    chosen: list[Case]
    first: xr.Dataset
    second: xr.Dataset


def tune(
    cells: list[Case],
    search: Search | None = None,
    *,
    n_train: int,
    score: Callable[[xr.Dataset], xr.DataArray] | None = None,
    early: Callable[[xr.Dataset], xr.DataArray] | None = None,
    **options: Any,
) -> Tuned:
    """Search the hyper-parameters of every cell with the same budget.

    Parameters
    ----------
    cells : list of Case
        One case per (pulse width, algorithm label); learning rate, weight scale and the
        parameters that the algorithm declares are searched, the rest stays.
    search : Search, optional
        Budget and space.
    n_train : int
        Training images of the task, which turns images into epochs.
    score : callable, optional
        Dataset to the figure to maximise (no dimension `epoch`); default `final_accuracy`. Only
        validation results may enter it.
    early : callable, optional
        The same for the first round; default `score`. What costs little on the way to a target is
        lost in a first round too short to reach it, unless that is asked for less.
    options
        `data`, `out`, `workers`, `executor`, `progress` of `feemu.sweep`; with `out` the
        same search resumes, and another score takes the first round from there.
    """
    search, score = search or Search(), score or final_accuracy
    early = early or score
    places = [_place(cell) for cell in cells]
    if len(set(places)) < len(places):
        twice = next(p for p in places if places.count(p) > 1)
        raise ValueError(
            f"tune: two cells at (pulse width, algorithm) = {twice}; search them apart"
        )
    tries = {_place(cell): candidates(cell, search) for cell in cells}
    runs = [(i, case) for own in tries.values() for i, case in enumerate(own)]
    first = _round(runs, search.images / n_train, 1, early, options)
    kept = {at: [own[i] for i in _ranking(first, at)[: search.keep]] for at, own in tries.items()}
    runs = [(i, case) for own in kept.values() for i, case in enumerate(own)]
    second = _round(runs, search.images_long / n_train, search.seeds, score, options)
    chosen = []
    for cell in cells:
        won = kept[_place(cell)][_ranking(second, _place(cell))[0]]
        changes = {"lr": won.lr, "weight_scale": won.weight_scale, "algorithm": won.algorithm}
        chosen.append(cell.replace(**changes))
    return Tuned(chosen, first, second)


def _place(case: Case) -> tuple[float, str]:
    return case.device.pulse_width, case.algorithm.label


def _round(runs: list, epochs: float, seeds: int, score: Callable, options: dict) -> xr.Dataset:
    cases, marks = [], []
    for number, case in runs:
        for seed in range(seeds):
            cases.append(case.replace(epochs=epochs, seed=TUNING_SEED + seed))
            marks.append({"try": number})
    ds = sweep(cases, coordinates=marks, **options)
    ds["score"] = score(ds).assign_attrs(units="1", long_name="score of the search")
    return ds


def _ranking(ds: xr.Dataset, place: tuple[float, str]) -> list[int]:
    """Return the tries of a cell, best mean score over seeds first."""
    mean = ds["score"].sel(pulse_width=place[0], algorithm=place[1]).mean("seed", skipna=False)
    values = np.nan_to_num(mean.values, nan=-np.inf)
    return np.argsort(-values, kind="stable").tolist()


def final_accuracy(ds: xr.Dataset) -> xr.DataArray:
    """Return the validation accuracy at the end of each run."""
    accuracy = ds["validation_accuracy"]
    last = accuracy["epoch"].where(accuracy.notnull()).max("epoch")
    return accuracy.where(accuracy["epoch"] == last).max("epoch")


def least_energy(target: float, column: str = "energy_device") -> Callable:
    """Return a score that prefers little energy [J] to reach a validation accuracy.

    Runs that do not reach it rank below all that do, by their final accuracy.
    """

    def score(ds: xr.Dataset) -> xr.DataArray:
        from feemu.energy import price
        from feemu.statistics import energy_to

        energy = energy_to(price(ds), target, column=column)
        reached = np.isfinite(energy)
        powers = np.log10(energy.where(reached, 1.0).clip(1e-30))  # the float baseline takes none
        return (100.0 - powers).where(reached, final_accuracy(ds))

    return score
