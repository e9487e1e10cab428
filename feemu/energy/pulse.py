"""One programming pulse: its energy over width, and the area-free form of a claim about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from feemu.energy.model import EnergyModel
from feemu.energy.terms import siemens


def pulse_terms(
    model: EnergyModel, width: Any, amplitude: Any = np.nan, dp: Any = 0.0, g: Any = 0.5
) -> dict[str, np.ndarray]:
    """Return the energies of one pulse on the selected synapse [J], by term.

    Parameters
    ----------
    model : EnergyModel
        Area, charge and conductance.
    width : float or ndarray
        Pulse width [s], >= 0.
    amplitude : float or ndarray
        Amplitude [V] of either sign; the model's where NaN.
    dp : float or ndarray
        Change of the switched fraction [1]; its magnitude counts.
    g : float or ndarray
        Normalised conductance during the pulse [1].

    Returns
    -------
    dict of ndarray
        `switching`, `capacitive` and `conductive`.

    Raises
    ------
    ValueError
        If the width is negative or NaN.
    """
    width, volts, dp, g = np.broadcast_arrays(width, _volts(model, amplitude), dp, g)
    if not np.all(width >= 0):
        raise ValueError("width: must be >= 0 s and not NaN; got " + repr(float(np.min(width))))
    charge = 2 * model.remanent_polarization * model.area * np.abs(dp)
    return {
        "switching": charge * volts,
        "capacitive": model.capacitance * volts**2 * np.ones(width.shape),
        "conductive": volts**2 * model.g_write_ratio * siemens(g, model.g_off, model.g_on) * width,
    }


def pulse_energy(
    model: EnergyModel,
    width: Any,
    amplitude: Any = np.nan,
    dp: Any = 0.0,
    g: Any = 0.5,
) -> np.ndarray:
    """Return the energy of one pulse on the selected synapse [J]; arguments of `pulse_terms`.

    Half-selected cells, lines and periphery are not in it.
    """
    return sum(pulse_terms(model, width, amplitude, dp, g).values())


def tau_w(model: EnergyModel, dp: Any, amplitude: Any = np.nan, g: Any = 0.5) -> np.ndarray:
    """Return the width at which conduction costs as much as charging and switching [s].

    ``tau_w = (C V^2 + 2 Pr A |dp| V) / (V^2 G_write)``, so that the energy of a pulse is
    ``E(t) = E(0) (1 + t / tau_w)``. Infinite for a device that does not conduct.

    Parameters
    ----------
    model, dp, amplitude, g
        As in `pulse_terms`.
    """
    terms = pulse_terms(model, 1.0, amplitude, dp, g)
    with np.errstate(divide="ignore"):
        return (terms["capacitive"] + terms["switching"]) / terms["conductive"]


def relative_energy(width: Any, tau: Any) -> np.ndarray:
    """Return the energy of a pulse over that of an infinitely short one, ``1 + t / tau_w`` [1]."""
    return 1 + np.asarray(width, float) / np.asarray(tau, float)


def critical_tau_w(events_ratio: Any, short: float, long: float) -> np.ndarray:
    """Return the tau_w [s] at which two widths need the same programming energy.

    Parameters
    ----------
    events_ratio : float or ndarray
        Pulses needed at the short width over those at the long one [1].
    short, long : float
        Pulse widths [s].

    Returns
    -------
    ndarray
        ``(t_long - r t_short) / (r - 1)``. Below it the short width is cheaper, above it the
        long one. Infinite where the short width needs no more pulses (always cheaper), 0 where
        the long one is always cheaper.

    Raises
    ------
    ValueError
        Unless 0 < short < long.
    """
    if not 0 < short < long:
        raise ValueError(f"widths {short!r}, {long!r} s: need 0 < short < long")
    ratio = np.asarray(events_ratio, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        tau = (long - ratio * short) / (ratio - 1)
    return np.where(ratio <= 1, np.inf, np.maximum(tau, 0.0))


def _volts(model: EnergyModel, amplitude: Any) -> np.ndarray:
    volts = np.abs(np.asarray(amplitude, float))
    return np.where(np.isnan(volts), model.amplitude, volts)
