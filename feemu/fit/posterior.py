"""Draws from what a fit knows: global parameters, spreads and deviations of the devices."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from feemu.fit import spread
from feemu.fit.estimate import Estimate
from feemu.fit.problem import RATE
from feemu.fit.stream import Stream

#: Information of a weak prior (sd 3 on the fit's own scale) for what the data leave open.
WEAK = 0.1
#: Names that a fit reports for the last four global parameters, for all that follow those of the
#: shape, and for the spreads.
NOISE = ("relative", "absolute", "read_noise", "drift")
NAMES = ("drift_rate", "G_min", "G_max", *NOISE)
SPREADS = ("step_spread", "asymmetry_spread", "g_on_spread", "g_off_spread")


@dataclass
class Draws:
    """Draws of all parameters on the fit's own scale.

    Attributes
    ----------
    x : ndarray, shape (n, k)
        Global parameters.
    tau : ndarray, shape (n, 4)
        Spreads.
    u : ndarray, shape (n, devices, 4)
        Deviations of the devices.
    centre : tuple of ndarray
        Medians of ``x``, ``u`` and ``tau``; a parameter at a bound is there.
    """

    x: np.ndarray
    tau: np.ndarray
    u: np.ndarray
    centre: tuple[np.ndarray, np.ndarray, np.ndarray]


def draw(found: Estimate, n: int, generator: Stream) -> Draws:
    """Return `n` draws of the parameters of a fit."""
    point, devices = found.point, found.problem.sequence.devices
    k = point.x.size
    move = np.flatnonzero(point.free)
    h = point.information
    theta = h[np.ix_(move, move)] + WEAK * np.eye(move.size)
    x = np.repeat(point.x[None], n, axis=0)
    u = np.zeros((n, devices, 4))
    tau = np.zeros((n, 4))
    shift = np.zeros((n, move.size))
    if devices > 1:
        known = spread.deviations(point, found.tau)
        tau = spread.draw_spreads(known, found.tau, n, generator)
        flat = _given_spreads(known, tau, generator)
        u = flat.reshape(n, devices, 4)
        pull = point.gradient[move] - (flat - point.u.ravel()) @ h[k:, move]
        shift = np.linalg.solve(theta, pull.T).T
    low, high = found.problem.limits()
    x[:, move] += shift + _normal(theta, n, generator)
    x = np.clip(x, low, high)
    return Draws(x, tau, u, medians(x, u, tau))


def medians(*draws: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the medians of arrays of draws."""
    return tuple(np.median(a, axis=0) for a in draws)


def _given_spreads(known: spread.Deviations, tau: np.ndarray, generator: Stream) -> np.ndarray:
    """Return deviations, shape (n, 4 devices), one draw for each row of spreads."""
    n, size = tau.shape[0], known.vector.size
    a = np.broadcast_to(known.matrix, (n, size, size)).copy()
    index = np.arange(size)
    a[:, index, index] += np.tile(tau**-2, known.devices)
    low = np.linalg.cholesky(a)
    half = np.linalg.solve(low, np.broadcast_to(known.vector, (n, size))[..., None])
    z = generator.standard_normal((n, size, 1))
    return np.linalg.solve(low.transpose(0, 2, 1), half + z)[..., 0]


def _normal(information: np.ndarray, n: int, generator: Stream) -> np.ndarray:
    value, vector = np.linalg.eigh(information)
    sd = 1.0 / np.sqrt(np.maximum(value, 1e-6))
    return (generator.standard_normal((n, value.size)) * sd) @ vector.T


def physical(found: Estimate, x: np.ndarray, tau: np.ndarray) -> dict[str, float]:
    """Return the parameters that a fit reports, at one point.

    ``G_min`` and ``G_max`` in the unit of the conductance, in the first cycle; all else as
    `feemu.devices` has it; noise of a reading and drift per cycle (its standard deviation and its
    mean ``drift_rate``) as fractions of the range.
    """
    s, shape = found.problem.sequence, found.problem.shape
    off, on = x[-6], x[-5]
    size = s.high - s.low
    out = dict(shape.values(x))
    out |= {"G_min": s.low + off * size, "G_max": s.low + on * size}
    out |= {n: math.exp(v) for n, v in zip(NOISE, x[-4:])}
    out["drift_rate"] = float(x[RATE])
    if found.problem.sequence.devices > 1:
        out |= dict(zip(SPREADS, map(float, tau)))
    return out


def table(found: Estimate, draws: Draws) -> dict[str, np.ndarray]:
    """Return the draws of each parameter that a fit reports."""
    rows = [physical(found, x, tau) for x, tau in zip(draws.x, draws.tau)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
