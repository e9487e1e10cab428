"""One pure function per energy term: ledger variables in, joules out.

Every function takes a result (or a sweep of results) and a model, and returns a DataArray [J]
that keeps the dimensions of the ledger variable, so that a term can be looked at per layer, phase
and pulse kind. Counters are cumulative over `epoch`, and so are the energies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from feemu.energy.model import EnergyModel
from feemu.params import unknown

if TYPE_CHECKING:
    import xarray as xr

OPERATIONS = ("mac", "accumulator_rmw", "compare", "random_bits", "max_search")


def amplitude(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the magnitude of each pulse kind's amplitude [V]; the model's where unpublished."""
    return abs(ds["pulse_amplitude"]).fillna(model.amplitude)


def siemens(g: Any, off: Any, on: Any) -> Any:
    """Return the conductance [S] of a normalised one [1], from those at state 0 and 1."""
    return off + (on - off) * g


def own_conductance(ds: xr.Dataset, model: EnergyModel) -> bool:
    """Return whether a result's device brings conductances and the model holds no others."""
    known = {"conductance_on", "conductance_off"} <= set(ds.variables)
    return known and model.yields_ends()


def ends(ds: xr.Dataset, model: EnergyModel) -> tuple[Any, Any]:
    """Return the conductances [S] at state 0 and 1: the device's own, else the model's."""
    if not own_conductance(ds, model):
        return model.g_off, model.g_on
    off, on = ds["conductance_off"], ds["conductance_on"]
    known = off.notnull() & on.notnull()
    return off.where(known, model.g_off), on.where(known, model.g_on)


def switching(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy of polarization switching, ``2 Pr A V sum |dp|`` [J].

    The charge ``2 Pr A |dp|`` passes through the source at the amplitude V.
    """
    charge = 2 * model.remanent_polarization * model.area * ds["switched_fraction"]
    return _zero_safe(charge * amplitude(ds, model), ds["pulses"])


def capacitive(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy of charging the pulsed synapses, ``C V^2`` per pulse [J].

    Half of it is lost while charging and half while discharging.
    """
    energy = model.capacitance * amplitude(ds, model) ** 2
    return _zero_safe(energy * ds["pulses"], ds["pulses"])


def conductive(
    ds: xr.Dataset,
    model: EnergyModel,
    *,
    by: str = "conductance_sum",
    conductance: Callable[[np.ndarray], np.ndarray] | None = None,
) -> xr.DataArray:
    """Return the energy of conduction in the pulsed synapses, ``V^2 G t`` per pulse [J].

    Parameters
    ----------
    ds, model : Dataset, EnergyModel
        Result and model.
    by : {"conductance_sum", "state_histogram"}
        Price the summed conductance of the pulses (mean of before and after), or their histogram
        over the state before. They agree within half a bin plus half a step per pulse, for
        synapses with nominal ends of the conductance range.
    conductance : callable, optional
        Normalised conductance [1] of a switched fraction [1], for the histogram only; by default
        the linear map. A map other than the device's own prices another conduction law.

    Raises
    ------
    ValueError
        For an unknown `by`.
    """
    if by == "conductance_sum":
        total = ds["conductance_sum"]
    elif by == "state_histogram":
        centres = ds["state_bin"]
        g = centres if conductance is None else centres.copy(data=conductance(centres.values))
        total = (ds["state_histogram"] * g).sum("state_bin", skipna=False)
    else:
        raise ValueError(unknown("way to price", by, ("conductance_sum", "state_histogram")))
    pulses = ds["pulses"]
    off, on = ends(ds, model)
    summed = off * pulses + (on - off) * total
    power = amplitude(ds, model) ** 2 * model.g_write_ratio * summed
    return _zero_safe(power * ds["pulse_duration"], pulses)


def half_selected(ds: xr.Dataset) -> xr.DataArray:
    """Return the number of half-selected cells, summed over time steps [1]."""
    lines = ds["n_out"] * ds["row_pulses"] + ds["n_in"] * ds["column_pulses"]
    return _zero_safe(lines - 2 * ds["pulses"], ds["row_pulses"] + ds["column_pulses"])


def half_select(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy in half-selected synapses, ``(C + G t) (h V)^2`` per cell [J].

    The conductance is the mean of the layer; `g_write_ratio` applies to it as at full amplitude,
    which is too much for a superlinear device. Disturbance of the state is neglected.
    """
    cells = half_selected(ds)
    charging = model.capacitance * cells
    leaking = model.g_write_ratio * _times_mean_conductance(cells, ds, model)
    voltage = model.half_select * amplitude(ds, model)
    return _zero_safe(voltage**2 * (charging + leaking * ds["pulse_duration"]), cells)


def driver(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy of charging the wires of the driven lines, ``C_line V_line^2`` [J].

    A row line has n_out cells, a column line n_in; each swings by ``(1 - half_select) V``.
    """
    lengths = ds["n_out"] * ds["row_pulses"] + ds["n_in"] * ds["column_pulses"]
    swing = (1 - model.half_select) * amplitude(ds, model)
    energy = model.wire_capacitance * lengths * swing**2
    return _zero_safe(energy, ds["row_pulses"] + ds["column_pulses"])


def read_cells(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy of conduction in the read synapses, ``V_r^2 G t_r sum x^2`` [J].

    Each driven line feeds all cells across it: n_in of a backward read, else n_out. The mean
    conductance of the layer stands for theirs; a reference column is neglected.
    """
    backward = ds["read_kind"] == "backward"
    squares = ds["read_x2"] * ds["n_in"].where(backward, ds["n_out"])
    energy = model.read_voltage**2 * model.read_time
    return _zero_safe(energy * _times_mean_conductance(squares, ds, model), squares)


def converters(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy of analogue-to-digital and digital-to-analogue conversions [J].

    A conversion of b bits costs ``2^(b - 8)`` of one of 8 bits (a constant figure of merit per
    conversion step, Walden, doi:10.1109/49.761034).
    """
    adc = model.adc_energy * 2.0 ** (priced_bits(ds, model) - 8)
    dac = model.dac_energy * 2.0 ** (model.dac_bits - 8)
    return adc * ds["adc_conversions"] + dac * ds["dac_conversions"]


def priced_bits(ds: xr.Dataset, model: EnergyModel) -> Any:
    """Return the ADC resolution that is priced [bit]: the model's, else the simulated one."""
    if model.adc_bits:
        return model.adc_bits
    if "adc_bits" not in ds:
        return 8
    simulated = ds["adc_bits"].astype(float)
    return simulated.where(simulated > 0, 8)


def digital(ds: xr.Dataset, model: EnergyModel) -> xr.DataArray:
    """Return the energy of digital operations [J], see `operation_energy`.

    Raises
    ------
    ValueError
        If an operation has no price, or was counted without a word length.
    """
    import xarray as xr

    ops, bits = ds["digital_ops"], ds["digital_bits"]
    if bool(((ops > 0) & ~(bits > 0)).any()):
        raise ValueError("digital_bits: must be > 0 bit wherever digital_ops were counted")
    prices = [
        xr.apply_ufunc(
            lambda b, name=str(name): operation_energy(model, name, b),
            bits.sel(digital_op=name),
        )
        for name in ds["digital_op"].values
    ]
    price = xr.concat(prices, ds["digital_op"], coords="minimal", compat="override")
    return _zero_safe(ops * price, ops)


def operation_energy(model: EnergyModel, name: str, bits: Any) -> np.ndarray:
    """Return the energy of one digital operation of a word length [J].

    Parameters
    ----------
    model : EnergyModel
        Prices.
    name : {"mac", "accumulator_rmw", "compare", "random_bits", "max_search"}
        Operation: multiply and add; read and write of one word in memory (its addition belongs
        to the mac); comparison (priced as an addition); random bits, one unless there is a word
        length; one comparison with the largest value so far.
    bits : int or ndarray of int
        Word length [bit].

    Notes
    -----
    A mac takes the next longer of 8, 16 and 32 bit; above 32 it grows with the square of the
    word length. An addition is linear between 0, 8 and 32 bit and grows linearly above.

    Raises
    ------
    ValueError
        For an operation without a price.
    """
    bits = np.asarray(bits, float)
    if name == "mac":
        above = model.mac_32 * (bits / 32) ** 2
        return np.select([bits <= 8, bits <= 16, bits <= 32], _macs(model), above)
    if name == "accumulator_rmw":
        return 2 * model.sram * bits / 64
    if name in ("compare", "max_search"):
        above = model.add_32 * bits / 32
        within = np.interp(bits, [0, 8, 32], [0, model.add_8, model.add_32])
        return np.where(bits > 32, above, within)
    if name == "random_bits":
        return model.random_bit * bits
    raise ValueError(unknown("digital operation", name, OPERATIONS))


def _macs(model: EnergyModel) -> list[float]:
    return [model.mac_8, model.mac_16, model.mac_32]


def _times_mean_conductance(
    counts: xr.DataArray, ds: xr.Dataset, model: EnergyModel
) -> xr.DataArray:
    """Return the counts, weighted with the mean conductance [S] of the time they arose in."""
    import xarray as xr

    known = "conductance_mean" in ds
    g = ds["conductance_mean"].fillna(0.5).clip(min=0) if known else 0.5
    mean = siemens(g, *ends(ds, model))
    if not known or "epoch" not in counts.dims or "epoch" not in mean.dims:
        return counts * mean
    return xr.apply_ufunc(
        _integrate,
        counts.astype(float),
        mean,
        input_core_dims=[["epoch"], ["epoch"]],
        output_core_dims=[["epoch"]],
    )


def _integrate(counts: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return sum weight d(counts) along the last axis, trapezoidal; NaN counts are stepped over."""
    out = np.full(np.broadcast_shapes(counts.shape, weight.shape), np.nan)
    total, last, before = 0.0, 0.0, weight[..., 0]
    for i in range(out.shape[-1]):
        now, known = counts[..., i], ~np.isnan(counts[..., i])
        total = total + np.where(known, (now - last) * (weight[..., i] + before) / 2, 0.0)
        out[..., i] = np.where(known, total, np.nan)
        last, before = np.where(known, now, last), np.where(known, weight[..., i], before)
    return out


def _zero_safe(energy: xr.DataArray, counts: xr.DataArray) -> xr.DataArray:
    """Return zero where nothing was counted, whatever else is unknown there."""
    return energy.where(counts != 0, 0.0)
