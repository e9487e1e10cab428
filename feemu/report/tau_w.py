"""For which devices short pulses save programming energy: the map over tau_w.

``tau_w`` is the pulse width at which conduction through a synapse costs as much as charging and
switching it, ``E(t) = E(0) (1 + t / tau_w)``: the only number about the device that the ratio of
two programming energies depends on, whatever the area.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from feemu.energy import EnergyModel, price
from feemu.report.grid import METRIC, algorithms, at_end, check, origins
from feemu.statistics import energy_to, ratio_of_medians

if TYPE_CHECKING:
    import xarray as xr

#: C / G of published devices [s], from the shortest to the longest.
PUBLISHED = (42e-6, 6.3e-3)
PARTS = ("pulses", "programming", "total")
_RANGE = (1e-12, 1e9)
RESAMPLES = 1000


def tau_w_map(
    energy: xr.Dataset,
    target: float,
    model: EnergyModel | None = None,
    *,
    short: float | None = None,
    long: float | None = None,
    taus: Sequence[float] | None = None,
    metric: str = METRIC,
) -> xr.Dataset:
    """Return the energy to a target at a short width over that at a long one, over tau_w.

    Parameters
    ----------
    energy : xarray.Dataset
        Sweep over pulse width, algorithm and seed with its ledger.
    target : float
        Level of the metric.
    model : EnergyModel, optional
        Prices; its conductance at write voltage is what tau_w varies.
    short, long : float, optional
        Pulse widths [s] to compare; by default the shortest and the longest.
    taus : sequence of float, optional
        Values of tau_w [s]; by default 31 from 1 us to 1 s.
    metric : str
        Variable over epoch.

    Returns
    -------
    xarray.Dataset
        `ratio` [1] of the medians over seeds, `low` and `high` over (part, algorithm, tau_w), and
        `critical_tau_w` [s] over (part, algorithm), below which the short width is cheaper: +inf
        where it always is, 0 where it never is, NaN where neither reaches the target. Parts:
        ``pulses`` counts the pulses, each priced ``1 + t / tau_w``; ``programming`` takes
        switching, half-selected cells and lines from the ledger; ``total`` adds reads and digital
        operations, whose size against the rest is that of the model. `model_tau_w` [s] is the
        model's own.

    Raises
    ------
    ValueError
        If the sweep lacks the ledger, or two widths to compare.
    """
    import xarray as xr

    model = EnergyModel() if model is None else model
    check(energy, "energy")
    short, long = _ends(energy, short, long)
    spent = _spent(split(energy, model), target, (short, long), metric)
    taus = np.logspace(-6, 0, 31) if taus is None else np.asarray(taus, float)
    axis = xr.DataArray(taus, dims="tau_w", coords={"tau_w": taus})
    rows = [
        ratio_of_medians(*_sides(_cost(spent, part, axis)), resamples=RESAMPLES) for part in PARTS
    ]
    part = xr.DataArray(list(PARTS), dims="part", name="part")
    out = xr.concat(rows, part)[["ratio", "low", "high"]]
    out["critical_tau_w"] = xr.concat([_flips(spent, name) for name in PARTS], part)
    out["model_tau_w"] = spent["model_tau_w"]
    out.attrs = {"target": float(target), "short": short, "long": long}
    label = dict(zip(energy["pulse_width"].values.tolist(), origins(energy)))
    out.attrs |= {"short_origin": label[short], "long_origin": label[long]}
    return _labelled(out, short, long)


def critical(
    parts: xr.Dataset, target: float, short: float, long: float, metric: str = METRIC
) -> xr.Dataset:
    """Return `critical_tau_w` and `model_tau_w` of `tau_w_map` alone, from a split ledger."""
    import xarray as xr

    spent = _spent(parts, target, (short, long), metric)
    part = xr.DataArray(list(PARTS), dims="part", name="part")
    flips = xr.concat([_flips(spent, name) for name in PARTS], part)
    return xr.Dataset({"critical_tau_w": flips, "model_tau_w": spent["model_tau_w"]})


def split(energy: xr.Dataset, model: EnergyModel) -> xr.Dataset:
    """Return the priced sweep with its costs told apart: what grows with the width, what not.

    `part_charge` [J] is charging and switching with half-selected cells and lines (priced
    without conductance), `part_conduction` [J] the rest of programming, `part_rest` [J] reads
    and digital operations, and `part_pulses` [1] the number of pulses.
    """
    live = price(energy, model)
    dead = price(energy, model.replace(g_on=0.0, g_off=0.0))["energy_device"]
    return live.assign(
        part_pulses=energy["pulses"].sum(["layer", "pulse_kind"], min_count=1),
        part_charge=dead,
        part_conduction=live["energy_device"] - dead,
        part_rest=live["energy_read"] + live["energy_digital"],
    )


def _ends(energy: xr.Dataset, short: float | None, long: float | None) -> tuple[float, float]:
    widths = energy["pulse_width"].values
    short = float(widths.min()) if short is None else float(short)
    long = float(widths.max()) if long is None else float(long)
    for width in (short, long):
        if width not in widths:
            known = ", ".join(f"{w:g}" for w in widths)
            raise ValueError(f"pulse width {width:g} s: the sweep has {known} s")
    if not short < long:
        raise ValueError(f"pulse widths {short:g} and {long:g} s: need two, the shorter one first")
    return short, long


def _spent(parts: xr.Dataset, target: float, ends: tuple[float, float], metric: str) -> xr.Dataset:
    """Return pulses, charge, conduction and the rest to the target, and the model's tau_w."""
    import xarray as xr

    names = ("energy_switching", "energy_capacitive", "energy_conductive")
    columns = ("pulses", "charge", "conduction", "rest")
    needed = [metric, "images", *names, *(f"part_{name}" for name in columns)]
    live = parts[needed].sel(pulse_width=list(ends), algorithm=algorithms(parts))
    out = {name: energy_to(live, target, metric, column=f"part_{name}") for name in columns}
    switching, charging, conducting = (
        at_end(live[name].sum("phase", min_count=1)) for name in names
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = (switching + charging) * live["pulse_width"] / conducting
        tau = np.exp(np.log(tau).mean(["pulse_width", "seed"]))
    return xr.Dataset(out).assign(model_tau_w=tau)


def _cost(spent: xr.Dataset, part: str, tau: xr.DataArray | float) -> xr.DataArray:
    if part == "pulses":
        return spent["pulses"] * (1 + spent["pulse_width"] / tau)
    device = spent["charge"] + spent["conduction"] * (spent["model_tau_w"] / tau)
    return device if part == "programming" else device + spent["rest"]


def _sides(cost: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    return cost.isel(pulse_width=0, drop=True), cost.isel(pulse_width=1, drop=True)


def _flips(spent: xr.Dataset, part: str) -> xr.DataArray:
    """Return the tau_w at which the ratio of medians passes one, per algorithm."""
    import xarray as xr

    values = []
    for name in spent["algorithm"].values:
        one = spent.sel(algorithm=name)
        values.append(_root(lambda x, one=one: _log_ratio(_cost(one, part, 10.0**x).values)))
    return xr.DataArray(values, dims="algorithm", coords={"algorithm": spent["algorithm"]})


def _log_ratio(cost: np.ndarray) -> float:
    """Return log of median over median; `cost` has shape (2, seed)."""
    known = cost[:, ~np.isnan(cost).any(axis=0)]
    if known.size == 0:
        return np.nan
    short, long = np.median(known, axis=1)
    with np.errstate(invalid="ignore"):
        return float(np.log(short) - np.log(long))


def _root(difference: Callable[[float], float]) -> float:
    from scipy.optimize import brentq

    low, high = (float(np.log10(end)) for end in _RANGE)
    first, last = difference(low), difference(high)
    if np.isnan(first) or np.isnan(last):
        return np.nan
    if first < 0 and last < 0:
        return np.inf
    if first >= 0 and last >= 0:
        return 0.0
    return 10.0 ** brentq(difference, low, high, xtol=1e-9)


def _labelled(out: xr.Dataset, short: float, long: float) -> xr.Dataset:
    labels = {
        "ratio": ("1", f"energy at {short:g} s over energy at {long:g} s"),
        "low": ("1", "lower end of the 95 % interval"),
        "high": ("1", "upper end of the 95 % interval"),
        "critical_tau_w": ("s", "tau_w below which the short width is cheaper"),
        "model_tau_w": ("s", "tau_w of the energy model"),
        "tau_w": ("s", "pulse width at which conduction equals charging and switching"),
    }
    for name, (unit, words) in labels.items():
        out[name].attrs = {"units": unit, "long_name": words}
    return out
