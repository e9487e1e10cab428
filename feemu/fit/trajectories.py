"""Trajectories drawn from the model that the filter approximates, on the protocol of the data."""

from __future__ import annotations

import math

import numpy as np

from feemu import rng
from feemu._numba import jit
from feemu.fit.filter import look_up
from feemu.fit.problem import Problem


@jit
def draw_readings(pulse, mark, start, first, table, slope, own, noise, quantum, z, out):
    """Write readings of all entries into `out` (n,), from normals `z` (3, n).

    The other arguments are those of `feemu.fit.filter.run_filter`; `first` holds the state after
    each entry as the data have it, where a trajectory of unknown state begins.
    """
    read, walk = math.sqrt(noise[2]), math.sqrt(noise[3])
    for d in range(start.size - 1):
        c_up, c_down, off, span = own[d, 0], own[d, 1], own[d, 2], own[d, 3]
        p, b = 0.5, 0.0
        for t in range(start[d], start[d + 1]):
            z_step = float(z[0, t])
            if mark[t] & 2:
                b += noise[4] + walk * float(z[2, t])
            if mark[t] & 1:
                p = min(1.0, max(0.0, first[t]))
            elif pulse[t] != 0:
                up = pulse[t] > 0
                m, _ = look_up(table, slope, 0 if up else 1, p)
                c = c_up if up else -c_down
                sd = math.sqrt((noise[0] * m) ** 2 + noise[1] ** 2)
                p = min(1.0, max(0.0, p + c * (m + sd * z_step)))
            y = off + span * p + b + read * float(z[1, t])
            out[t] = y if quantum == 0.0 else quantum * math.floor(y / quantum + 0.5)


def simulated(
    problem: Problem, x: np.ndarray, u: np.ndarray, states: np.ndarray, number: int
) -> np.ndarray:
    """Return readings of the same protocol, missing ones included, drawn at a point.

    Parameters
    ----------
    problem : Problem
        Protocol and model.
    x, u : ndarray
        Parameters on the fit's own scale.
    states : ndarray, shape (n,)
        State after each entry as the data have it.
    number : int
        Number of the draw.
    """
    s = problem.sequence
    own, noise = problem.physical(x, u)
    noise[2] -= s.quantum**2 / 12.0
    n = s.y.size
    z = rng.normals(rng.key(0, 0, "draws"), number, 0, 3 * n).reshape(3, n)
    out = np.empty(n)
    table, slope = problem.curves(x)
    draw_readings(
        s.pulse, s.mark, s.start, states, table, slope, own, noise, s.quantum, z, out
    )  # fmt: skip
    return np.where(np.isfinite(s.y), out, np.nan)
