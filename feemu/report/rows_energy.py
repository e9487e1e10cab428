"""Rows about the energy of a pulse and the energy to a target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from feemu.energy import pulse_energy
from feemu.report import grid
from feemu.report.records import BY_CONSTRUCTION, Claim
from feemu.report.rows_accuracy import medians_note, ratio_row
from feemu.report.tau_w import PUBLISHED, critical
from feemu.statistics import energy_to

if TYPE_CHECKING:
    import xarray as xr

    from feemu.devices import Device
    from feemu.report.setting import Study

COLUMNS = {"programming": "energy_device", "total": "energy_total"}
#: What the energy of a single pulse depends on.
_OF_A_PULSE = (
    "area", "capacitance_per_area", "remanent_polarization", "amplitude", "g_on", "g_off",
    "g_write_ratio",
)  # fmt: skip


def rows(study: Study) -> Iterator[Claim]:
    """Yield the rows of the statements a and c."""
    yield _one_pulse(study)
    for name in grid.algorithms(study.energy):
        yield _per_pulse(study, name)
    for words, level in study.targets.items():
        flips = critical(study.energy, level, *study.ends)
        for name in grid.algorithms(study.energy):
            for part in COLUMNS:
                yield _to_target(study, name, part, words, level, flips)


def _one_pulse(study: Study) -> Claim:
    """Return the row of one pulse on a selected synapse, priced from parameters alone."""
    devices = [study.family.at(w, extrapolate=True) for w in study.ends]
    joules = [_joules(study, device) for device in devices]
    ratio = joules[0] / joules[1]
    told = all(not np.isnan(d.amplitude_up) for d in devices)
    assumed = [n for n in study.model.assumptions() if n in _OF_A_PULSE]
    assumed = [n for n in assumed if n != "amplitude" or not told]
    verdict = BY_CONSTRUCTION if assumed else ("holds" if ratio < 1 else "does not hold")
    shown = ", ".join(f"{grid.si(e, 'J')} at {words}" for e, words in zip(joules, study.end_words))
    volts = "" if told else f", the same {study.model.amplitude:g} V at every width among them"
    held = f"; from assumed parameters{volts}" if assumed else "; prices, no statistics"
    return Claim(
        key="a", **study.compared(), algorithm="", tuned_for="",
        quantity="energy of one pulse on one synapse", kind="ratio", effect=ratio, low=np.nan,
        high=np.nan, null=1.0, side="less", p_value=np.nan, runs=0, verdict=verdict,
        note=shown + held,
    )  # fmt: skip


def _joules(study: Study, device: Device) -> float:
    """Return the energy of a potentiating pulse at the symmetry point, else at weight zero [J]."""
    p = device.symmetry_point
    p = device.state_of(0.5) if np.isnan(p) else p
    step = device.response.step_up(np.array([p]))[0]
    model = study.model.with_ends(device.conductance_off, device.conductance_on)
    return float(pulse_energy(model, device.pulse_width, device.amplitude_up, step, device.g(p)))


def _per_pulse(study: Study, name: str) -> Claim:
    """Return the row of programming energy per pulse in training, all cells and lines included."""
    ds = study.energy.sel(algorithm=name, phase="train")
    pulses = grid.at_end(ds["pulses"].sum(["layer", "pulse_kind"], min_count=1))
    spent = grid.at_end(ds["energy_device"])
    values = (spent / pulses.where(pulses > 0)).rename("energy per pulse")
    share = float((grid.at_end(ds["energy_half_select"]) / spent).mean())
    note = medians_note(study, values, lambda v: grid.si(v, "J"), count=False)
    return ratio_row(
        study, "a", values, "less", algorithm=name, tuned_for="energy",
        quantity="programming energy per training pulse",
        note=f"{note}; {100 * share:.0f} % of it in half-selected cells",
    )  # fmt: skip


def _to_target(
    study: Study, name: str, part: str, words: str, level: float, flips: xr.Dataset
) -> Claim:
    """Return the row of one energy column to one target."""
    ds = study.energy.sel(algorithm=name)
    values = energy_to(ds, level, column=COLUMNS[part])
    note = medians_note(study, values, lambda v: grid.si(v, "J"))
    one = flips.sel(algorithm=name)
    at = float(one["critical_tau_w"].sel(part=part))
    if part == "programming" and not np.isnan(at):
        note += f"; training pulses alone: x {_train_only(study, ds, level):.3g}"
    if part == "total" and not np.isnan(at):
        note += f"; {_digital(ds)}"
    flip = _flip_words(at, float(one["model_tau_w"]))
    tuned = next(iter(study.targets))
    return ratio_row(
        study, "c", values, "less", algorithm=name,
        tuned_for="energy" if words == tuned else f"energy to {tuned}",
        quantity=f"{part} energy to {words}", target=words, critical_tau_w=at,
        note=f"{note}; {flip}",
    )  # fmt: skip


def _train_only(study: Study, ds: xr.Dataset, level: float) -> float:
    values = energy_to(ds, level, column="energy_device", phases="train")
    short, long = (np.median(values.sel(pulse_width=w).dropna("seed")) for w in study.ends)
    return float(short / long) if np.isfinite(short) or np.isfinite(long) else np.nan


def _digital(ds: xr.Dataset) -> str:
    spent = {
        n: grid.at_end(ds[n].sum("phase", min_count=1)) for n in ("energy_digital", "energy_device")
    }
    ratio = float((spent["energy_digital"] / spent["energy_device"]).median())
    return f"digital energy is {float(f'{ratio:.2g}'):,g} x programming energy"


def _flip_words(at: float, own: float) -> str:
    if np.isnan(at):
        return "no tau_w to give"
    if np.isinf(at):
        return "cheaper at every tau_w"
    if at == 0:
        return "cheaper at no tau_w"
    low, high = (grid.si(t, "s") for t in PUBLISHED)
    return (
        f"cheaper below tau_w = {grid.si(at, 's')} (model: {grid.si(own, 's')}, published"
        f" devices: {low} to {high})"
    )
