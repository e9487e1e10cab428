"""The likelihood of one measurement under one model, with derivatives and information."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from feemu.fit.filter import run_filter, score, tables
from feemu.fit.sequence import Sequence
from feemu.fit.shapes import Shape

#: Global parameters that follow those of the shape, on the fit's own scale.
COMMON = ("g_off", "g_on", "ln_relative", "ln_absolute", "ln_read", "ln_drift")
#: Deviations of one device: log gain, asymmetry, upper and lower end of the range.
OWN = ("step", "asymmetry", "g_on", "g_off")
#: Lowest and highest values of `COMMON`.
LOWEST = np.array([-3.0, 0.3, math.log(1e-4), math.log(1e-7), math.log(1e-6), math.log(1e-6)])
HIGHEST = np.array([0.7, 5.0, math.log(5.0), math.log(0.5), math.log(0.5), math.log(0.5)])
_STEP = 2e-5


@dataclass
class Problem:
    """One measurement, one model: evaluates the log likelihood at global and own parameters.

    Parameters
    ----------
    sequence : Sequence
        The readings.
    shape : Shape
        The model.
    limit : float
        Outliers are innovations beyond this many standard deviations; inf for none.

    Notes
    -----
    ``x`` holds the shape's free parameters and `COMMON`; ``u`` of shape (devices, 4) holds `OWN`:
    ``ln c_up = S + A/2``, ``ln c_down = S - A/2``; the ends of a device are ``g_on + R u_on`` and
    ``g_off + R u_off`` with ``R = g_on - g_off``.
    """

    sequence: Sequence
    shape: Shape
    limit: float = 4.0
    calls: int = 0
    _work: tuple = field(init=False, repr=False)

    def __post_init__(self) -> None:
        n, devices = self.sequence.y.size, self.sequence.devices
        self._work = (np.empty(n), np.empty(n), np.empty(n), np.empty(devices))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the global parameters on the fit's own scale."""
        return (*self.shape.free, *COMMON)

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return lowest and highest values of the global parameters."""
        low, high = self.shape.limits()
        return np.concatenate([low, LOWEST]), np.concatenate([high, HIGHEST])

    def physical(self, x: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``own`` and ``noise`` as the filter takes them."""
        off, on, relative, absolute, read, drift = x[-6:]
        span = on - off
        low, high = off + span * u[:, 3], on + span * u[:, 2]
        own = np.stack(
            [
                np.exp(u[:, 0] + u[:, 1] / 2),
                np.exp(u[:, 0] - u[:, 1] / 2),
                low,
                np.maximum(high - low, 0.02),
            ],
            axis=1,
        )
        floor = self.sequence.quantum**2 / 12.0
        noise = np.array(
            [
                math.exp(relative),
                math.exp(absolute),
                math.exp(2 * read) * span**2 + floor + 1e-14,
                math.exp(2 * drift) * span**2,
            ]
        )
        return own, noise

    def run(self, x: np.ndarray, u: np.ndarray, curves: tuple | None = None) -> tuple:
        """Return innovation, variance, state (views that the next call overwrites) and begin."""
        own, noise = self.physical(x, u)
        table, slope = tables(self.shape.model(x)) if curves is None else curves
        s, work = self.sequence, self._work
        self.calls += 1
        run_filter(s.y, s.pulse, s.mark, s.start, table, slope, own, noise, self.limit, *work)
        return work

    def log_likelihood(self, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return the log likelihood of each device."""
        work = self.run(x, u)
        out = np.empty(self.sequence.devices)
        score(work[0], work[1], self.sequence.start, work[3], self.limit, out)
        return out

    def information(
        self, x: np.ndarray, u: np.ndarray, own: bool = True, central: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log likelihood, gradient and expected information of each device.

        Returns
        -------
        value : ndarray, shape (devices,)
        gradient : ndarray, shape (devices, k + 4)
            Over the global parameters, then the device's own (``own``: else only global).
        information : ndarray, shape (devices, k + 4, k + 4)
        """
        s, k = self.sequence, x.size
        value = self.log_likelihood(x, u)
        nu, var, _, begin = (w.copy() for w in self._work)
        used = var > 0
        n_par = k + (u.shape[1] if own else 0)
        d_nu, d_var = np.empty((n_par, nu.size)), np.empty((n_par, nu.size))
        d_begin = np.empty((n_par, s.devices))
        low, high = self.limits()
        curves = tables(self.shape.model(x))
        for j in range(n_par):
            h = _STEP
            if j < k and x[j] + h > high[j]:
                h = -h
            moved = self._moved(x, u, j, h, curves)
            d_nu[j], d_var[j], d_begin[j] = (moved[i] / h for i in (0, 1, 3))
            if central and not (j < k and not low[j] < x[j] - abs(h) < high[j] - 2 * abs(h)):
                back = self._moved(x, u, j, -h, curves)
                d_nu[j], d_var[j] = (d_nu[j] - back[0] / h) / 2, (d_var[j] - back[1] / h) / 2
                d_begin[j] = (d_begin[j] - back[3] / h) / 2
            else:
                d_nu[j] -= nu / h
                d_var[j] -= var / h
                d_begin[j] -= begin / h
        return value, *self._assemble(nu, var, used, d_nu, d_var, d_begin)

    def _moved(self, x: np.ndarray, u: np.ndarray, j: int, h: float, curves: tuple) -> tuple:
        if j >= x.size:
            u = u.copy()
            u[:, j - x.size] += h
            return self.run(x, u, curves)
        x = x.copy()
        x[j] += h
        return self.run(x, u, None if j < len(self.shape.free) else curves)

    def _assemble(self, nu, var, used, d_nu, d_var, d_begin) -> tuple[np.ndarray, np.ndarray]:
        safe = np.where(used, var, 1.0)
        z2 = nu**2 / safe
        weight = np.where(z2 > self.limit**2, self.limit**2 / np.maximum(z2, 1e-300), 1.0) * used
        along = d_nu * np.sqrt(weight / safe)
        across = d_var * (np.sqrt(weight / 2) / safe)
        pull = -weight * nu / safe
        push = 0.5 * (weight * z2 - used) / safe
        start = self.sequence.start
        gradient, information = [], []
        for d in range(self.sequence.devices):
            part = slice(start[d], start[d + 1])
            gradient.append(
                d_nu[:, part] @ pull[part] + d_var[:, part] @ push[part] + d_begin[:, d]
            )
            a, b = along[:, part], across[:, part]
            information.append(a @ a.T + b @ b.T)
        return np.array(gradient), np.array(information)
