"""The digital buffer between two arrays: readings add up until they are worth a pulse."""

from __future__ import annotations

import numpy as np

from feemu._numba import jit
from feemu.array.plan import DOWN


@jit
def fill_lines(buffer, lines, v, gain, most, momentum, forget, ptr, codes):
    """Add ``gain v`` to some lines of the buffer, in place, and list the pulses that come out.

    Parameters
    ----------
    buffer : ndarray of float32, shape (n_in, n_out)
        In units of the threshold.
    lines : ndarray of uint32
        Lines of `v`, ascending.
    v : ndarray of float32, shape (lines, n_out)
        Readings.
    most : int
        Most pulses of one synapse.
    momentum, forget : float, bool
        After n pulses the buffer keeps ``momentum`` of itself, or loses ``(1 - momentum) n``.
    ptr, codes : ndarray
        Receive the pulses, see `feemu.array.SynapseArray.pulse_list`.

    Returns
    -------
    pulses : int
    """
    e = 0
    limit = np.float32(most)
    for a in range(lines.size):
        i = lines[a]
        ptr[a] = e
        for j in range(buffer.shape[1]):
            h = buffer[i, j] + gain * v[a, j]
            n = np.int32(min(abs(h), limit))
            if n > 0:
                code = np.uint32(j) | (DOWN if h < 0 else np.uint32(0))
                left = (np.float32(1.0) - momentum) * np.float32(n)
                h = momentum * h if forget else h - (left if h > 0 else -left)
                for _ in range(n):
                    codes[e] = code
                    e += 1
            buffer[i, j] = h
    ptr[lines.size] = e
    return e


class Buffer:
    """A digital number for each weight, in units of the threshold of one pulse.

    ``H += gain v``; ``n = trunc(H)``, at most `most` pulses; where n is not 0 ``H = momentum H``
    (forget) or ``H -= (1 - momentum) n`` (Gokmen 2021, doi:10.3389/frai.2021.699148).

    Attributes
    ----------
    values : ndarray of float32, shape (n_in, n_out)
        The buffer H.
    """

    def __init__(self, shape: tuple[int, int], most: int, momentum: float, forget: bool) -> None:
        self.values = np.zeros(shape, np.float32)
        self._rule = (int(most), np.float32(momentum), bool(forget))

    def add(self, lines: np.ndarray, v: np.ndarray, gain: float) -> tuple[np.ndarray, np.ndarray]:
        """Add ``gain v`` to the lines, in place; returns (ptr, codes) of the pulses."""
        ptr = np.empty(lines.size + 1, np.int64)
        codes = np.empty(v.size * self._rule[0], np.uint32)
        n = fill_lines(self.values, lines, v, np.float32(gain), *self._rule, ptr, codes)
        return ptr, codes[:n]
