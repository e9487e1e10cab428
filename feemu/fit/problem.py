"""The likelihood of one measurement under one model, with derivatives and information."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np

from feemu.fit.filter import INTERVALS, run_filter, score, steps, tables
from feemu.fit.sequence import NEW_CYCLE, Sequence
from feemu.fit.shapes import Shape
from feemu.fit.tangent import run_tangent

#: Global parameters that follow those of the shape, on the fit's own scale.
COMMON = ("drift_rate", "g_off", "g_on", "ln_relative", "ln_absolute", "ln_read", "ln_drift")
#: Place of the rate of the drift among all global parameters.
RATE = -len(COMMON)
#: Deviations of one device: log gain, asymmetry, upper and lower end of the range.
OWN = ("step", "asymmetry", "g_on", "g_off")
#: Lowest and highest values of `COMMON`. An end of the range lies at most a few times the measured
#: levels away: over a fifth of the range ``(1 - p)**g`` and the exponential that it becomes in an
#: endless one differ by at most 0.0025 g of a step, so that no steps tell a longer range. Half the
#: range per cycle is no slow drift.
LOWEST = np.append([-0.5, -3.0, 0.3], np.log([1e-4, 1e-7, 1e-6, 1e-6]))
HIGHEST = np.append([0.5, 0.7, 5.0], np.log([5.0, 0.5, 0.5, 0.5]))
#: Fewest steps from one cycle to the next, over all devices, that tell a rate from a random walk.
FEWEST_STEPS = 4
_STEP = 2e-5
#: Smallest range of a device, in units of the measured levels.
SMALLEST_SPAN = 0.02


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
    _memo: dict = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        n, devices = self.sequence.y.size, self.sequence.devices
        self._work = (np.empty(n), np.empty(n), np.empty(n), np.empty(devices))

    def with_sequence(self, sequence: Sequence) -> Problem:
        """Return the same model on other readings."""
        return Problem(sequence, self.shape, self.limit, _memo=self._memo)

    def curves(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return steps and slopes as the filter takes them; those of the last `x` are kept."""
        key = x[: len(self.shape.free)].tobytes()
        found = self._memo.get(key)
        if found is None:
            found = tables(self.shape.model(x))
            self._memo.clear()
            self._memo[key] = found
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the global parameters on the fit's own scale."""
        return (*self.shape.free, *COMMON)

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return lowest and highest values of the global parameters."""
        low, high = (np.append(*pair) for pair in zip(self.shape.limits(), (LOWEST, HIGHEST)))
        if self.cycle_steps < FEWEST_STEPS:
            low[RATE] = high[RATE] = 0.0
        return low, high

    @functools.cached_property
    def cycle_steps(self) -> int:
        """Steps from a cycle with readings to the next one, summed over devices.

        A fit of fewer than `FEWEST_STEPS` holds the rate of the drift at 0.
        """
        s = self.sequence
        seen = s.place[np.isfinite(s.y)] // (s.shape[2] * s.shape[3])
        cycles = np.bincount(seen, minlength=s.shape[0] * s.shape[1]).reshape(s.shape[:2])
        return int(np.maximum((cycles > 0).sum(axis=1) - 1, 0).sum())

    def steady(self, x: np.ndarray) -> np.ndarray:
        """Return the readings less the drift at its rate, as if all were of the first cycle."""
        s = self.sequence
        new = (s.mark & NEW_CYCLE) > 0
        passed = np.cumsum(new)
        passed -= np.repeat((passed - new)[s.start[:-1]], np.diff(s.start))
        return s.y - x[RATE] * (x[-5] - x[-6]) * passed

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
                np.maximum(high - low, SMALLEST_SPAN),
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
                x[RATE] * span,
            ]
        )
        return own, noise

    def run(self, x: np.ndarray, u: np.ndarray) -> tuple:
        """Return innovation, variance, state (views that the next call overwrites) and begin."""
        own, noise = self.physical(x, u)
        table, slope = self.curves(x)
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

    def slopes(self, x: np.ndarray, u: np.ndarray, own: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return derivatives of ``own`` and ``noise`` by global parameters and deviations.

        Returns
        -------
        ndarray, shape (devices, k, 4), and ndarray, shape (k, 5)
            ``own``: with the four deviations as the last parameters; else only global ones.
        """
        values, noise = self.physical(x, u)
        k, ends = x.size + 4 * own, x.size - 6
        span = x[-5] - x[-6]
        of_own, of_noise = np.zeros((len(u), k, 4)), np.zeros((k, noise.size))
        open_range = span * (1.0 + u[:, 2] - u[:, 3]) > SMALLEST_SPAN
        # Lower end and range of a device, by the two ends of all.
        for j, (low, high) in enumerate(((1.0 - u[:, 3], -u[:, 2]), (u[:, 3], 1.0 + u[:, 2]))):
            of_own[:, ends + j, 2] = low
            of_own[:, ends + j, 3] = np.where(open_range, high - low, 0.0)
        if own:
            up, down = values[:, 0], values[:, 1]
            of_own[:, -4, 0], of_own[:, -4, 1] = up, down
            of_own[:, -3, 0], of_own[:, -3, 1] = up / 2.0, -down / 2.0
            of_own[:, -2, 3] = np.where(open_range, span, 0.0)
            of_own[:, -1, 2], of_own[:, -1, 3] = span, np.where(open_range, -span, 0.0)
        read, drift = math.exp(2 * x[-2]) * span, math.exp(2 * x[-1]) * span
        for j, sign in ((0, -1.0), (1, 1.0)):
            of_noise[ends + j, 2:] = 2.0 * sign * read, 2.0 * sign * drift, sign * x[RATE]
        of_noise[ends - 1, 4] = span
        for j, (column, value) in enumerate(
            ((0, noise[0]), (1, noise[1]), (2, 2.0 * read * span), (3, 2.0 * drift * span))
        ):
            of_noise[ends + 2 + j, column] = value
        return of_own, of_noise

    def _table_slopes(self, x: np.ndarray) -> np.ndarray:
        """Return derivatives of the steps, shape (2, INTERVALS + 1, shapes)."""
        low, high = self.limits()
        out = np.empty((2, INTERVALS + 1, len(self.shape.free)))
        for j, name in enumerate(self.shape.free):
            if name in self.shape.scales and not self.shape.gauge:
                # The step is proportional to it, and its own scale is the logarithm.
                row = self.shape.scales.index(name)
                out[:, :, j] = 0.0
                out[row, :, j] = self.curves(x)[0][row]
                continue
            a, b = x.copy(), x.copy()
            a[j], b[j] = max(x[j] - _STEP, low[j]), min(x[j] + _STEP, high[j])
            ends = (steps(self.shape.model(v)) for v in (a, b))
            out[:, :, j] = -np.subtract(*ends) / (b[j] - a[j])
        return out

    def information(
        self, x: np.ndarray, u: np.ndarray, own: bool = True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return log likelihood, gradient and expected information of each device.

        Returns
        -------
        value : ndarray, shape (devices,)
        gradient : ndarray, shape (devices, k + 4)
            Over the global parameters, then the device's own (``own``: else only global).
        information : ndarray, shape (devices, k + 4, k + 4)
        """
        s = self.sequence
        of_own, of_noise = self.slopes(x, u, own)
        values, noise = self.physical(x, u)
        n, k = s.y.size, len(of_noise)
        nu, var, _, begin = self._work
        d_nu, d_var, d_begin = np.empty((n, k)), np.empty((n, k)), np.empty((s.devices, k))
        self.calls += 1
        run_tangent(
            s.y, s.pulse, s.mark, s.start, *self.curves(x), self._table_slopes(x),
            values, of_own, noise, of_noise, self.limit, nu, var, begin, d_nu, d_var, d_begin,
        )  # fmt: skip
        value = np.empty(s.devices)
        score(nu, var, s.start, begin, self.limit, value)
        return value, *self._assemble(nu, var, d_nu, d_var, d_begin)

    def _assemble(self, nu, var, d_nu, d_var, d_begin) -> tuple[np.ndarray, np.ndarray]:
        used = var > 0
        safe = np.where(used, var, 1.0)
        z2 = nu**2 / safe
        weight = np.where(z2 > self.limit**2, self.limit**2 / np.maximum(z2, 1e-300), 1.0) * used
        pull = -weight * nu / safe
        push = 0.5 * (weight * z2 - used) / safe
        along, across = np.sqrt(weight / safe), np.sqrt(weight / 2) / safe
        start = self.sequence.start
        gradient, information = [], []
        for d in range(self.sequence.devices):
            part = slice(start[d], start[d + 1])
            gradient.append(pull[part] @ d_nu[part] + push[part] @ d_var[part] + d_begin[d])
            a, b = along[part, None] * d_nu[part], across[part, None] * d_var[part]
            information.append(a.T @ a + b.T @ b)
        return np.array(gradient), np.array(information)
