"""The likelihood of trajectories: a moment-matched Kalman filter over state and drift.

Hidden are the state ``p`` and the drift ``b`` of the level: with each cycle it moves by a known
rate and by a step of a random walk. A pulse moves ``p`` by ``d c (m(p) + sd z)`` and clips it to
[0, 1]; a reading is ``off + span p + b + noise``. Prediction linearises the step about the mean and
takes the mean and variance of the clipped normal, so that ends and zero steps are ordinary cases.
"""

from __future__ import annotations

import math

import numpy as np

from feemu._numba import inline, jit

#: Number of intervals of a table of steps.
INTERVALS = 1024
_LOG_2PI, _ROOT_2PI = math.log(2.0 * math.pi), math.sqrt(2.0 * math.pi)
_HALF_ROOT = math.sqrt(0.5)


@inline
def cdf(x):
    """Return the distribution function of the standard normal."""
    return 0.5 * math.erfc(-x * _HALF_ROOT)


@inline
def density(x):
    """Return the density of the standard normal."""
    return math.exp(-0.5 * x * x) / _ROOT_2PI


@inline
def clipped(mean, var):
    """Return mean, variance and pass fraction of a normal variable that is clipped to [0, 1]."""
    sd = math.sqrt(var)
    if mean - 6.0 * sd > 0.0 and mean + 6.0 * sd < 1.0:
        return mean, var, 1.0
    if sd < 1e-12:
        return min(1.0, max(0.0, mean)), 0.0, 1.0 if 0.0 < mean < 1.0 else 0.0
    # The distance from the nearer end, clipped at zero.
    upper = mean > 0.5
    x = 1.0 - mean if upper else mean
    r = x / sd
    inside, at = cdf(r), density(r)
    first = x * inside + sd * at
    second = (x * x + var) * inside + x * sd * at
    spread = max(second - first * first, 0.0)
    return (1.0 - first if upper else first), spread, inside


@inline
def look_up(table, slope, row, p):
    """Return step and slope at state `p` by linear interpolation."""
    x = min(1.0, max(0.0, p)) * INTERVALS
    i = min(int(x), INTERVALS - 1)
    f = x - i
    m = table[row, i] + f * (table[row, i + 1] - table[row, i])
    return m, slope[row, i] + f * (slope[row, i + 1] - slope[row, i])


@inline
def first_reading(y, off, span, b, var):
    """Return the log likelihood of the reading that begins a state: that of being in the range."""
    p, sd = (y - off - b) / span, math.sqrt(var) / span
    mass = cdf((1.0 - p) / sd) - cdf(-p / sd)
    return math.log(mass) if mass > 1e-12 else -0.5 * (max(-p, p - 1.0) / sd) ** 2


@jit
def run_filter(
    y, pulse, mark, start, table, slope, own, noise, limit, innovation, variance, state, begin
):
    """Run the filter over all devices; the last four arguments are written in place.

    Parameters
    ----------
    y, pulse, mark, start : ndarray
        See `feemu.fit.sequence.Sequence`.
    table, slope : ndarray, shape (2, INTERVALS + 1)
        Step [1] and its derivative over state, up and down.
    own : ndarray, shape (devices, 4)
        ``c_up``, ``c_down``, ``off``, ``span`` of each device.
    noise : ndarray, shape (5,)
        Relative and absolute step noise, variance of a reading, variance and mean of the drift per
        cycle.
    limit : float
        Innovations beyond this many standard deviations are outliers; inf for none.
    innovation, variance : ndarray, shape (n,)
        Innovation and its variance; variance 0 where there is no reading, or it only starts the
        state.
    state : ndarray, shape (n,)
        Mean of the state after the reading.
    begin : ndarray, shape (devices,)
        Log likelihood of the readings that start the state.
    """
    for d in range(start.size - 1):
        c_up, c_down, off, span = own[d, 0], own[d, 1], own[d, 2], own[d, 3]
        begin[d] = 0.0
        p, var, b, var_b, cov = 0.5, 0.0, 0.0, 0.0, 0.0
        known, was_outlier = False, False
        for t in range(start[d], start[d + 1]):
            if mark[t] & 2:
                b += noise[4]
                var_b += noise[3]
            if mark[t] & 1:
                known, cov = False, 0.0
            if not known:
                # Nothing is known of the state before its first reading.
                variance[t] = 0.0
                innovation[t] = 0.0
                if not math.isnan(y[t]):
                    spread = (noise[2] + var_b) / (span * span)
                    p = (y[t] - off - b) / span
                    begin[d] += first_reading(y[t], off, span, b, noise[2] + var_b)
                    share = -var_b / span
                    p, var, inside = clipped(p, spread)
                    cov = share * inside
                    known = True
                state[t] = p
                continue
            if pulse[t] != 0:
                up = pulse[t] > 0
                row = 0 if up else 1
                c = c_up if up else -c_down
                m, dm = look_up(table, slope, row, p)
                mean, gain, scatter = c * m, 1.0 + c * dm, 0.0
                if var > 1e-10:
                    # Gauss and Hermite's rule of three points.
                    far = math.sqrt(3.0 * var)
                    above, _ = look_up(table, slope, row, p + far)
                    below, _ = look_up(table, slope, row, p - far)
                    middle = (4.0 * m + above + below) / 6.0
                    gain = 1.0 + c * (above - below) / (2.0 * far)
                    bend = above + below - 2.0 * m
                    scatter = c * c * bend * bend / 18.0
                    mean, m = c * middle, middle
                extra = c * c * ((noise[0] * m) ** 2 + noise[1] ** 2) + scatter
                p, var, inside = clipped(p + mean, gain * gain * var + extra)
                cov *= gain * inside
            if math.isnan(y[t]):
                variance[t] = 0.0
                innovation[t] = 0.0
            else:
                nu = y[t] - off - span * p - b
                with_p, with_b = span * var + cov, span * cov + var_b
                s = span * with_p + with_b + noise[2]
                innovation[t], variance[t] = nu, s
                weight = 1.0
                size = abs(nu) / math.sqrt(s)
                if size > limit:
                    # A second outlier in a row is believed: the state has jumped.
                    weight = 1.0 if was_outlier else (limit / size) ** 2
                was_outlier = size > limit
                k_p, k_b = weight * with_p / s, weight * with_b / s
                p += k_p * nu
                b += k_b * nu
                var -= k_p * with_p
                var_b -= k_b * with_b
                cov -= k_p * with_b
                var = max(var, 0.0)
                var_b = max(var_b, 0.0)
            state[t] = p


@jit
def score(innovation, variance, start, begin, limit, out):
    """Write the log likelihood of each device into `out`, shape (devices,)."""
    for d in range(start.size - 1):
        total = begin[d]
        for t in range(start[d], start[d + 1]):
            s = variance[t]
            if s > 0.0:
                z2 = innovation[t] ** 2 / s
                if z2 > limit * limit:
                    z2 = limit * limit * (1.0 + math.log(z2 / (limit * limit)))
                total -= 0.5 * (math.log(s) + z2 + _LOG_2PI)
        out[d] = total


def steps(model: object) -> np.ndarray:
    """Return the steps of a response model up and down, shape (2, INTERVALS + 1)."""
    grid = np.linspace(0.0, 1.0, INTERVALS + 1)
    return np.stack([model.step_up(grid), model.step_down(grid)])


def tables(model: object) -> tuple[np.ndarray, np.ndarray]:
    """Return step and slope of a response model, each of shape (2, INTERVALS + 1)."""
    table = steps(model)
    slope = np.empty_like(table)
    slope[:, 1:-1] = (table[:, 2:] - table[:, :-2]) * (INTERVALS / 2)
    slope[:, 0] = (table[:, 1] - table[:, 0]) * INTERVALS
    slope[:, -1] = (table[:, -1] - table[:, -2]) * INTERVALS
    return table, slope
