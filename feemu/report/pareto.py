"""All tries of a search as one small table, and which of them nothing else beats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from feemu.energy import EnergyModel, price
from feemu.report.grid import METRIC, at_end
from feemu.tuning import Tuned

if TYPE_CHECKING:
    import xarray as xr

TRY = "try"
ACCURACY, JOULES = "final_validation_accuracy", "spent_energy_device"
ROUNDS = ("first", "second")
_SPENT = {
    JOULES: ("energy_device", "J", "programming energy"),
    "spent_energy_total": ("energy_total", "J", "total energy"),
    "seen_images": ("images", "1", "training images seen"),
    "spent_pulses": ("pulses", "1", "programming pulses"),
}


def tries_table(tuned: Tuned | dict[str, Tuned], model: EnergyModel | None = None) -> xr.Dataset:
    """Return what every try of one or more searches came to, at its end.

    Parameters
    ----------
    tuned : Tuned or dict of Tuned
        Result of `feemu.tune`; several by what they were tuned for. One alone is taken as
        tuned for accuracy.
    model : EnergyModel, optional
        Prices.

    Returns
    -------
    xarray.Dataset
        `final_validation_accuracy` [1], `score`, `start_learning_rate` [1], `kappa` (weight scale
        of the first layer) [1], `seen_images` [1], `spent_pulses` [1], `spent_energy_device` and
        `spent_energy_total` [J], all phases together, over (objective, round, try, pulse_width,
        algorithm, seed). What was not run is NaN. Numbers of tries in the second round are ranks
        of the first. The provenance holds every case of every round.

    Raises
    ------
    ValueError
        If no search is given.
    """
    import xarray as xr

    named = by_objective(tuned)
    if not named:
        raise ValueError("tuned: no search; give the result of feemu.tune")
    parts, origin = [], {}
    for objective, search in named.items():
        rounds = [_ends(getattr(search, name), model) for name in ROUNDS]
        axis = xr.DataArray(list(ROUNDS), dims="round", name="round")
        parts.append(xr.concat(rounds, axis, join="outer", coords="minimal", compat="override"))
        for name in ROUNDS:
            text = getattr(search, name).attrs.get("provenance", "{}")
            origin[f"{objective}, {name} round"] = json.loads(text)
    axis = xr.DataArray(list(named), dims="objective", name="objective")
    out = xr.concat(parts, axis, join="outer", coords="minimal", compat="override")
    for name in ("objective", "round", TRY):
        out[name].attrs = {"units": "1", "long_name": f"{name} of the search"}
    title = {"title": "tries of the search", "provenance": json.dumps(origin, sort_keys=True)}
    out.attrs = title
    return out


def by_objective(tuned: Tuned | dict[str, Tuned]) -> dict[str, Tuned]:
    """Return searches by what they were tuned for; a single one was tuned for accuracy."""
    return {"accuracy": tuned} if isinstance(tuned, Tuned) else dict(tuned)


def on_front(joules: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Return which points no other beats in accuracy without spending more.

    Parameters
    ----------
    joules, accuracy : ndarray, shape (n,)
        Cost (less is better) and gain (more is better); a NaN is never on the front.

    Returns
    -------
    ndarray of bool, shape (n,)
        Of equal points the first one counts.
    """
    out = np.zeros(joules.size, bool)
    known = np.flatnonzero(~(np.isnan(joules) | np.isnan(accuracy)))
    best = -np.inf
    for i in known[np.lexsort((-accuracy[known], joules[known]))]:
        if accuracy[i] > best:
            out[i], best = True, accuracy[i]
    return out


def best_so_far(table: xr.Dataset) -> xr.Dataset:
    """Return the best first-round validation accuracy over number of tries, mean over widths."""
    first = table[ACCURACY].sel(round="first").isel(objective=0, drop=True)
    first = first.drop_vars("round").mean("seed").transpose(TRY, ...)
    run = first.notnull()
    best = first.copy(data=np.fmax.accumulate(first.values, axis=0)).where(run)
    mean = best.mean("pulse_width").assign_attrs(
        units="1", long_name="validation accuracy of round 1, mean over widths"
    )
    return mean.to_dataset(name=METRIC)


def _ends(ds: xr.Dataset, model: EnergyModel | None) -> xr.Dataset:
    """Return the final values of one round."""
    import xarray as xr

    priced = price(ds, model)
    out: dict[str, Any] = {ACCURACY: (at_end(ds[METRIC]), "1", "final validation accuracy")}
    for name, (source, unit, words) in _SPENT.items():
        values = priced[source]
        inner = [d for d in ("layer", "phase", "pulse_kind") if d in values.dims]
        spent = values.astype(float).sum(inner, min_count=1) if inner else values.astype(float)
        out[name] = (at_end(spent), unit, words)
    rate = ds["learning_rate"].max("epoch")
    out["start_learning_rate"] = (rate, "1", "learning rate at the start")
    out["kappa"] = (ds["weight_scale"].isel(layer=0, drop=True), "1", "weight scale")
    if "score" in ds:
        out["score"] = (ds["score"], "1", "score of the search")
    table = xr.Dataset({name: values for name, (values, _, _) in out.items()})
    for name, (_, unit, words) in out.items():
        table[name].attrs = {"units": unit, "long_name": words}
    return table
