"""Derivatives of the filter by all parameters at once, propagated beside the filter itself.

Each line is the derivative of the same line of `feemu.fit.filter.run_filter`. One run takes about
as long as a few of the filter, where differences would take two for each parameter.
"""

from __future__ import annotations

import math

import numpy as np

from feemu._numba import inline, jit
from feemu.fit.filter import INTERVALS, cdf, clipped, density, first_reading, look_up


@inline
def _clip_factors(mean, var):
    """Return derivatives by mean and variance of mean, variance and pass fraction if clipped."""
    sd = math.sqrt(var)
    if mean - 6.0 * sd > 0.0 and mean + 6.0 * sd < 1.0:
        return 1.0, 0.0, 0.0, 1.0, 0.0, 0.0
    if sd < 1e-12:
        return (1.0 if 0.0 < mean < 1.0 else 0.0), 0.0, 0.0, 0.0, 0.0, 0.0
    sign = -1.0 if mean > 0.5 else 1.0
    x = 1.0 - mean if mean > 0.5 else mean
    r = x / sd
    inside, at = cdf(r), density(r)
    first = x * inside + sd * at
    if (x * x + var) * inside + x * sd * at - first * first <= 0.0:
        return inside, sign * at / (2.0 * sd), 0.0, 0.0, sign * at / sd, -at * r / (2.0 * var)
    return (
        inside,
        sign * at / (2.0 * sd),
        2.0 * sign * first * (1.0 - inside),
        inside - first * at / sd,
        sign * at / sd,
        -at * r / (2.0 * var),
    )


@inline
def _place(p):
    """Return interval, place within it, and INTERVALS inside the range of states, else 0."""
    x = min(1.0, max(0.0, p)) * INTERVALS
    i = min(int(x), INTERVALS - 1)
    return i, x - i, (INTERVALS if 0.0 <= p <= 1.0 else 0.0)


@inline
def _begin(y, off, span, b, var_b, read, tangents, own, d_read):
    """Begin the state with a reading; returns derivatives of the log likelihood in place."""
    dp, dv, db, dvb, dc, d_log = tangents
    spread = (read + var_b) / (span * span)
    p = (y - off - b) / span
    sd = math.sqrt(spread)
    above, below = (1.0 - p) / sd, -p / sd
    mass = cdf(above) - cdf(below)
    m_p, m_v, v_p, v_v, i_p, i_v = _clip_factors(p, spread)
    _, _, inside = clipped(p, spread)
    share = -var_b / span
    far = max(-p, p - 1.0) / sd
    for j in range(dp.size):
        d_span = own[j, 3]
        d_spread = (d_read[j] + dvb[j]) / (span * span) - 2.0 * spread * d_span / span
        d_p = (-own[j, 2] - db[j] - p * d_span) / span
        d_sd = d_spread / (2.0 * sd)
        if mass > 1e-12:
            gain = density(above) * (-d_p - above * d_sd) - density(below) * (-d_p - below * d_sd)
            d_log[j] += gain / (sd * mass)
        else:
            d_log[j] -= far * ((-d_p if -p > p - 1.0 else d_p) - far * d_sd) / sd
        dp[j] = m_p * d_p + m_v * d_spread
        dv[j] = v_p * d_p + v_v * d_spread
        d_share = (-dvb[j] - share * d_span) / span
        dc[j] = d_share * inside + share * (i_p * d_p + i_v * d_spread)


@inline
def _pulse(p, var, cov, c, row, table, slope, d_table, noise, tangents, d_c, d_noise):
    """Apply a pulse to state and tangents; returns mean, variance and covariance after it."""
    dp, dv, _, _, dc, _ = tangents
    shapes = d_table.shape[2]
    i, f, rise = _place(p)
    m0, dm = look_up(table, slope, row, p)
    s0 = rise * (table[row, i + 1] - table[row, i])
    wide = var > 1e-10
    far = math.sqrt(3.0 * var) if wide else 1.0
    hi, fh, rise_h = _place(p + far if wide else p)
    lo, fl, rise_l = _place(p - far if wide else p)
    above = table[row, hi] + fh * (table[row, hi + 1] - table[row, hi])
    below = table[row, lo] + fl * (table[row, lo + 1] - table[row, lo])
    s_a = rise_h * (table[row, hi + 1] - table[row, hi])
    s_b = rise_l * (table[row, lo + 1] - table[row, lo])
    m = (4.0 * m0 + above + below) / 6.0 if wide else m0
    bent = (above - below) / (2.0 * far) if wide else dm
    bend = above + below - 2.0 * m0 if wide else 0.0
    gain = 1.0 + c * bent
    size = (noise[0] * m) ** 2 + noise[1] ** 2
    before, after = p + c * m, gain * gain * var + c * c * (size + bend * bend / 18.0)
    m_p, m_v, v_p, v_v, i_p, i_v = _clip_factors(before, after)
    p_new, var_new, inside = clipped(before, after)
    use = 1.0 if wide else 0.0
    for j in range(dp.size):
        own = j < shapes
        t0 = (1.0 - f) * d_table[row, i, j] + f * d_table[row, i + 1, j] if own else 0.0
        ta = (1.0 - fh) * d_table[row, hi, j] + fh * d_table[row, hi + 1, j] if own else 0.0
        tb = (1.0 - fl) * d_table[row, lo, j] + fl * d_table[row, lo + 1, j] if own else 0.0
        d_far = use * 1.5 * dv[j] / far
        d_0 = s0 * dp[j] + t0
        d_a = s_a * (dp[j] + d_far) + ta
        d_b = s_b * (dp[j] - d_far) + tb
        d_m = (4.0 * d_0 + d_a + d_b) / 6.0
        d_bent = use * ((d_a - d_b) / (2.0 * far) - bent * d_far / far)
        d_gain = d_c[j] * bent + c * d_bent
        d_size = 2.0 * (
            noise[0] * m * (d_noise[j, 0] * m + noise[0] * d_m) + noise[1] * d_noise[j, 1]
        )
        d_bend = d_a + d_b - 2.0 * d_0
        d_before = dp[j] + d_c[j] * m + c * d_m
        d_after = 2.0 * gain * d_gain * var + gain * gain * dv[j]
        d_after += 2.0 * c * d_c[j] * (size + bend * bend / 18.0)
        d_after += c * c * (d_size + use * bend * d_bend / 9.0)
        d_inside = i_p * d_before + i_v * d_after
        dc[j] = dc[j] * gain * inside + cov * (d_gain * inside + gain * d_inside)
        dp[j] = m_p * d_before + m_v * d_after
        dv[j] = v_p * d_before + v_v * d_after
    return p_new, var_new, cov * gain * inside


@inline
def _reading(nu, s, weight, bent, span, state, tangents, own, d_read, d_nu, d_s):
    """Update tangents with a reading; `bent`: whether the weight depends on the innovation."""
    p, var, var_b, cov = state
    dp, dv, db, dvb, dc, _ = tangents
    with_p, with_b = span * var + cov, span * cov + var_b
    k_p, k_b = weight * with_p / s, weight * with_b / s
    low, low_b = var - k_p * with_p < 0.0, var_b - k_b * with_b < 0.0
    for j in range(dp.size):
        d_span = own[j, 3]
        e = -own[j, 2] - d_span * p - span * dp[j] - db[j]
        d_p = d_span * var + span * dv[j] + dc[j]
        d_b = d_span * cov + span * dc[j] + dvb[j]
        d_v = d_span * with_p + span * d_p + d_b + d_read[j]
        d_nu[j], d_s[j] = e, d_v
        d_w = weight * (d_v / s - 2.0 * e / nu) if bent else 0.0
        d_kp = (d_w * with_p + weight * d_p - k_p * d_v) / s
        d_kb = (d_w * with_b + weight * d_b - k_b * d_v) / s
        dp[j] += d_kp * nu + k_p * e
        db[j] += d_kb * nu + k_b * e
        dv[j] = 0.0 if low else dv[j] - d_kp * with_p - k_p * d_p
        dvb[j] = 0.0 if low_b else dvb[j] - d_kb * with_b - k_b * d_b
        dc[j] -= d_kp * with_b + k_p * d_b


@jit
def run_tangent(
    y, pulse, mark, start, table, slope, d_table, own, d_own, noise, d_noise, limit,
    innovation, variance, begin, d_nu, d_s, d_begin,
):  # fmt: skip
    """Run the filter with its derivatives; the last six arguments are written in place.

    Parameters
    ----------
    y, pulse, mark, start, table, slope, own, noise, limit, innovation, variance, begin
        See `feemu.fit.filter.run_filter`.
    d_table : ndarray, shape (2, INTERVALS + 1, shapes)
        Derivative of the steps by the first parameters.
    d_own : ndarray, shape (devices, k, 4)
        Derivative of `own` by all parameters.
    d_noise : ndarray, shape (k, 5)
        Derivative of `noise`.
    d_nu, d_s : ndarray, shape (n, k)
        Derivatives of innovation and variance.
    d_begin : ndarray, shape (devices, k)
        Derivative of `begin`.
    """
    k = d_noise.shape[0]
    dp, dv, db, dvb, dc = np.zeros(k), np.zeros(k), np.zeros(k), np.zeros(k), np.zeros(k)
    d_read, d_walk, d_rate = d_noise[:, 2].copy(), d_noise[:, 3].copy(), d_noise[:, 4].copy()
    d_up, d_down = np.empty(k), np.empty(k)
    for d in range(start.size - 1):
        c_up, c_down, off, span = own[d, 0], own[d, 1], own[d, 2], own[d, 3]
        d_up[:], d_down[:] = d_own[d, :, 0], -d_own[d, :, 1]
        d_begin[d], begin[d] = 0.0, 0.0
        tangents = (dp, dv, db, dvb, dc, d_begin[d])
        dp[:], dv[:], db[:], dvb[:], dc[:] = 0.0, 0.0, 0.0, 0.0, 0.0
        p, var, b, var_b, cov = 0.5, 0.0, 0.0, 0.0, 0.0
        known, was_outlier = False, False
        for t in range(start[d], start[d + 1]):
            if mark[t] & 2:
                b += noise[4]
                var_b += noise[3]
                db += d_rate
                dvb += d_walk
            if mark[t] & 1:
                known, cov = False, 0.0
                dc[:] = 0.0
            innovation[t], variance[t] = 0.0, 0.0
            if not known:
                d_nu[t], d_s[t] = 0.0, 0.0
                if not math.isnan(y[t]):
                    begin[d] += first_reading(y[t], off, span, b, noise[2] + var_b)
                    _begin(y[t], off, span, b, var_b, noise[2], tangents, d_own[d], d_read)
                    share = -var_b / span
                    p, var, inside = clipped((y[t] - off - b) / span, (noise[2] + var_b) / span**2)
                    cov, known = share * inside, True
                continue
            if pulse[t] != 0:
                up = pulse[t] > 0
                row, c, d_c = (0, c_up, d_up) if up else (1, -c_down, d_down)
                p, var, cov = _pulse(
                    p, var, cov, c, row, table, slope, d_table, noise, tangents, d_c, d_noise
                )
            if math.isnan(y[t]):
                d_nu[t], d_s[t] = 0.0, 0.0
                continue
            nu = y[t] - off - span * p - b
            with_p, with_b = span * var + cov, span * cov + var_b
            s = span * with_p + with_b + noise[2]
            innovation[t], variance[t] = nu, s
            size = abs(nu) / math.sqrt(s)
            bent = size > limit and not was_outlier
            weight = (limit / size) ** 2 if bent else 1.0
            was_outlier = size > limit
            _reading(
                nu, s, weight, bent, span, (p, var, var_b, cov), tangents, d_own[d], d_read,
                d_nu[t], d_s[t],
            )  # fmt: skip
            k_p, k_b = weight * with_p / s, weight * with_b / s
            p += k_p * nu
            b += k_b * nu
            var = max(var - k_p * with_p, 0.0)
            var_b = max(var_b - k_b * with_b, 0.0)
            cov -= k_p * with_b
