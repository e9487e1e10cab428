"""A result in, its energy columns out; re-pricing a stored result is one call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from feemu import schema
from feemu.energy import terms
from feemu.energy.model import EnergyModel

if TYPE_CHECKING:
    import xarray as xr

NEEDS = (
    "pulses",
    "switched_fraction",
    "conductance_sum",
    "row_pulses",
    "column_pulses",
    "slots",
    "pulse_duration",
    "pulse_amplitude",
    "n_in",
    "n_out",
    "read_x2",
    "adc_conversions",
    "dac_conversions",
    "digital_ops",
    "digital_bits",
)
_INNER = ("layer", "pulse_kind", "read_kind", "digital_op")
_TERMS = {
    "energy_switching": terms.switching,
    "energy_capacitive": terms.capacitive,
    "energy_conductive": terms.conductive,
    "energy_half_select": terms.half_select,
    "energy_driver": terms.driver,
}
_CELL = ("area", "capacitance_per_area", "amplitude")
_LEAK = ("amplitude", "g_on", "g_off", "g_write_ratio")
_USES = {
    "energy_switching": ("area", "remanent_polarization", "amplitude"),
    "energy_capacitive": _CELL,
    "energy_conductive": _LEAK,
    "energy_half_select": (*_CELL, *_LEAK, "half_select"),
    "energy_driver": ("amplitude", "half_select", "wire_capacitance"),
    "energy_digital": ("random_bit",),
    "energy_read": (
        *("g_on", "g_off", "read_voltage", "read_time"),
        *("adc_energy", "dac_energy", "dac_bits"),
    ),
    "time_programming": ("gap_time",),
}
_USES["energy_device"] = tuple(name for term in _TERMS for name in _USES[term])
_USES["energy_total"] = tuple(
    name for part in ("device", "digital", "read") for name in _USES[f"energy_{part}"]
)
IDEAL_IO = "ideal I/O, priced ADC"


def energy(ds: xr.Dataset, model: EnergyModel | None = None) -> xr.Dataset:
    """Return what a result cost: energy [J] and programming time [s] per epoch and phase.

    Parameters
    ----------
    ds : xarray.Dataset
        A result or a sweep of results with its ledger.
    model : EnergyModel, optional
        Prices. A device that brings its conductances is priced with these, unless the model
        states others than its assumed defaults.

    Returns
    -------
    xarray.Dataset
        `energy_switching`, `energy_capacitive`, `energy_conductive`, `energy_half_select` and
        `energy_driver`; their sum `energy_device`; `energy_digital`, `energy_read` and the sum of
        the three, `energy_total`; `time_programming`; all summed over layers and kinds. Attribute
        `energy_model` is the model as JSON; `assumed` of a variable says what no source gives.

    Raises
    ------
    ValueError
        If the result lacks ledger variables, or holds digital operations without a price.
    """
    import xarray as xr

    model = EnergyModel() if model is None else model
    if not isinstance(model, EnergyModel):
        raise TypeError(f"model: expected an EnergyModel, got {type(model).__name__}")
    missing = [name for name in NEEDS if name not in ds]
    if missing:
        raise ValueError(f"the dataset cannot be priced: it lacks {', '.join(missing)}")
    out = {name: _sum(term(ds, model)) for name, term in _TERMS.items()}
    out["energy_device"] = sum(out.values())
    out["energy_digital"] = _sum(terms.digital(ds, model))
    out["energy_read"] = _sum(terms.read_cells(ds, model)) + _sum(terms.converters(ds, model))
    out["energy_total"] = out["energy_device"] + out["energy_digital"] + out["energy_read"]
    out["time_programming"] = _sum(time_programming(ds, model))
    priced = xr.Dataset({name: out[name].drop_attrs(deep=False) for name in schema.ENERGY})
    return _label(schema.annotate(priced.drop_attrs(deep=False)), ds, model)


def price(ds: xr.Dataset, model: EnergyModel | None = None) -> xr.Dataset:
    """Return the result with its energy columns added, or replaced by those of another model.

    Raises
    ------
    ValueError
        As `energy`.
    """
    priced = energy(ds, model)
    out = ds.drop_vars([n for n in schema.ENERGY if n in ds]).assign(priced.data_vars)
    out.attrs = {**ds.attrs, "energy_model": priced.attrs["energy_model"]}
    return schema.annotate(out)


def time_programming(ds: xr.Dataset, model: EnergyModel | None = None) -> xr.DataArray:
    """Return the programming time, ``slots (t + t_gap)`` [s], per layer, phase and pulse kind.

    Summed over layers and kinds it is the time of arrays programmed one after the other.
    """
    gap = (EnergyModel() if model is None else model).gap_time
    time = ds["slots"] * (ds["pulse_duration"] + gap)
    return time.where(ds["slots"] != 0, 0.0)


def _sum(term: xr.DataArray) -> xr.DataArray:
    """Sum over the inner dimensions; a case that was not run stays NaN."""
    inner = [d for d in _INNER if d in term.dims]
    total = term.astype(float).sum(inner, min_count=1) if inner else term.astype(float)
    total = total.drop_vars([n for n in total.coords if n not in total.dims])
    return total.transpose(..., "epoch", "phase", missing_dims="ignore")


def _label(out: xr.Dataset, ds: xr.Dataset, model: EnergyModel) -> xr.Dataset:
    out.attrs = {"energy_model": json.dumps(_used(ds, model), sort_keys=True)}
    known = set() if bool(ds["pulse_amplitude"].isnull().any()) else {"amplitude"}
    own = terms.own_conductance(ds, model)
    if own and not bool(ds["conductance_on"].isnull().any()):
        known |= {"g_on", "g_off"}
    assumed = [n for n in model.assumptions() if n not in known]
    for name in schema.ENERGY:
        used = [n for n in assumed if n in _USES[name]]
        if used:
            out[name].attrs["assumed"] = ", ".join(f"{n} = {getattr(model, n):g}" for n in used)
    simulated = ds.get("adc_bits")
    same = simulated is not None and bool((simulated == terms.priced_bits(ds, model)).all())
    if not same:
        out["energy_read"].attrs["io"] = IDEAL_IO
    return out


def _used(ds: xr.Dataset, model: EnergyModel) -> dict:
    """Return the model as a dict, with the conductances of the device where they were priced.

    Several devices: the lowest and the highest as a list.
    """
    out = model.to_dict()
    if terms.own_conductance(ds, model):
        for name, end in zip(("g_off", "g_on"), terms.ends(ds, model)):
            low, high = float(end.min()), float(end.max())
            out[name] = low if low == high else [low, high]
    return out
