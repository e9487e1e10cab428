"""Trajectories drawn from the model that the filter approximates, on the protocol of the data."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from feemu import rng
from feemu._numba import jit
from feemu.fit.filter import look_up
from feemu.fit.problem import Problem
from feemu.fit.sequence import Sequence

#: Further pulses for which a simulated branch has room, beside as many again as the data took.
MORE = 20


@jit
def draw_readings(
    pulse, mark, start, turn, until, first, table, slope, own, noise, quantum, z, out
):
    """Write readings of all entries into `out` (n,), from normals `z` (3, n).

    The other arguments are those of `feemu.fit.filter.run_filter`; `first` holds the state after
    each entry as the data have it, where a trajectory of unknown state begins; `turn` is 1 at the
    first entry of a branch, which ends with the reading that reaches `until` (NaN: with its last
    entry); entries left over get infinity.
    """
    read, walk = math.sqrt(noise[2]), math.sqrt(noise[3])
    for d in range(start.size - 1):
        c_up, c_down, off, span = own[d, 0], own[d, 1], own[d, 2], own[d, 3]
        p, b, ended = 0.5, 0.0, False
        for t in range(start[d], start[d + 1]):
            ended = ended and turn[t] == 0
            if ended:
                out[t] = math.inf
                continue
            z_step = float(z[0, t])
            if mark[t] & 2:
                b += noise[4] + walk * float(z[2, t])
            up = pulse[t] > 0
            if mark[t] & 1:
                p = min(1.0, max(0.0, first[t]))
            elif pulse[t] != 0:
                m, _ = look_up(table, slope, 0 if up else 1, p)
                c = c_up if up else -c_down
                sd = math.sqrt((noise[0] * m) ** 2 + noise[1] ** 2)
                p = min(1.0, max(0.0, p + c * (m + sd * z_step)))
            y = off + span * p + b + read * float(z[1, t])
            out[t] = y if quantum == 0.0 else quantum * math.floor(y / quantum + 0.5)
            ended = pulse[t] != 0 and (out[t] >= until[t] if up else out[t] <= until[t])


class Simulation:
    """Measurements by the same protocol, missing readings included, drawn at a point.

    Where the branches of the data end on a level, each simulated branch goes on until its reading
    reaches the level at which that branch ended.

    Parameters
    ----------
    problem : Problem
        Protocol and model.
    x, u : ndarray
        Parameters on the fit's own scale.
    """

    def __init__(self, problem: Problem, x: np.ndarray, u: np.ndarray) -> None:
        self.problem = problem
        self.sequence, self.turn, self.until, entry = _with_room(problem.sequence)
        self.first = problem.run(x, u)[2][entry]
        self.own, self.noise = problem.physical(x, u)
        self.noise[2] -= problem.sequence.quantum**2 / 12.0
        self.table, self.slope = problem.curves(x)

    def draw(self, number: int) -> Problem:
        """Return the problem with simulated readings; `number` counts draws."""
        s, n = self.sequence, self.sequence.y.size
        z = rng.normals(rng.key(0, 0, "draws"), number, 0, 3 * n).reshape(3, n)
        out = np.empty(n)
        draw_readings(
            s.pulse, s.mark, s.start, self.turn, self.until, self.first, self.table, self.slope,
            self.own, self.noise, s.quantum, z, out,
        )  # fmt: skip
        keep = ~np.isinf(out)
        drawn = dataclasses.replace(s, y=np.where(np.isfinite(s.y), out, np.nan))
        return self.problem.with_sequence(drawn if keep.all() else drawn.taken(keep))


def _with_room(s: Sequence) -> tuple[Sequence, np.ndarray, np.ndarray, np.ndarray]:
    """Return a sequence with room for longer branches, `turn`, `until`, and the original entries.

    Only where branches end on a level; then each may take twice as many pulses and `MORE`. The
    level is half a step before the last reading, as the level asked for lies between the last two.
    """
    if not s.on_level:
        n = s.y.size
        return s, np.zeros(n, np.int8), np.full(n, np.nan), np.arange(n)
    device, cycle, polarity, number = np.unravel_index(s.place, s.shape)
    key = (device * s.shape[1] + cycle) * 2 + polarity
    begin = np.flatnonzero(np.append(True, key[1:] != key[:-1]))
    length = np.diff(np.append(begin, key.size))
    until = np.array([last_level(s.y[b : b + n]) for b, n in zip(begin, length)])
    room = np.where(np.isfinite(until), length + MORE, 0)
    size = length + room
    within = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    beyond = np.maximum(within - np.repeat(length, size) + 1, 0)
    entry = np.repeat(begin, size) + within - beyond
    at = [index[entry] for index in (device, cycle, polarity)]
    number = number[entry] + beyond
    shape = (*s.shape[:3], int(number.max()) + 1)
    owner = s.owner()[entry]
    longer = dataclasses.replace(
        s,
        y=np.where(beyond > 0, 0.0, s.y[entry]),
        pulse=s.pulse[entry],
        mark=np.where(beyond > 0, 0, s.mark[entry]).astype(np.int8),
        place=np.ravel_multi_index((*at, number), shape),
        start=np.append(0, np.cumsum(np.bincount(owner, minlength=s.devices))),
        shape=shape,
    )
    return longer, (within == 0).astype(np.int8), np.repeat(until, size), entry


def last_level(y: np.ndarray) -> float:
    """Return the mean of the last two readings of a branch, NaN of a shorter one."""
    known = y[np.isfinite(y)]
    return float(known[-2:].mean()) if known.size > 1 else math.nan
