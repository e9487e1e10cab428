"""Stochastic pulse trains: which rows and columns fire in which slot (Gokmen & Vlasov 2016).

A coincidence is found by slot lists: for each slot the columns that fire. Work is proportional
to lines and events, never to synapses times train length (doi:10.3389/fnins.2016.00333; update
and length management as in Gokmen et al. 2017, doi:10.3389/fnins.2017.00538).
"""

from __future__ import annotations

import numpy as np

from feemu._numba import bits_of, float_of, inline, internal, jit
from feemu.array import plan as pl
from feemu.array import tally as tl
from feemu.array.plan import DOWN
from feemu.array.stepping import step_coincidences
from feemu.rng import fill_words

# Typed, since numba compiles once more for a plain number.
_YES, _NO, _ZERO = np.bool_(True), np.bool_(False), np.int64(0)
_MAGNITUDE = np.int32(0x7FFFFFFF)


@internal
def survey(values):
    """Return (largest magnitude, any positive, any negative) of float32 values.

    The magnitude is not finite if a value is not. It is found among the bits, which order as
    magnitudes do and whose maxima vectorise.
    """
    up, down = np.int32(0), np.int32(0)
    for i in range(values.size):
        bits = bits_of(values[np.uintp(i)])
        rise = bits if bits > 0 else np.int32(0)
        fall = bits & _MAGNITUDE if bits < 0 else np.int32(0)
        up = rise if rise > up else up
        down = fall if fall > down else down
    top = up if up > down else down
    return float_of(np.int32(top)), up > 0, down > 0


@internal
def train_plan(x_max, d_max, lr, dw, options):
    """Return (length, row gain, column gain, clipped) of one sample's trains.

    Notes
    -----
    ``K = lr max|x| max|d| / dw``; length ``BL = clip(ceil(K), bl_min, bl_max)``; a row fires with
    probability ``B |x|``, a column with ``A |d|``, ``A B BL = lr / dw``, both maxima equal under
    management; above `bl_max` the larger d clip (physics of E.1).
    """
    bl_min, bl_max, managed = options
    x_max, d_max = np.float64(x_max), np.float64(d_max)
    k = lr * x_max * d_max / dw
    if not k > 0.0:
        return 0, 0.0, 0.0, 0
    length = bl_max if k > bl_max else np.int64(np.ceil(k))
    length = bl_min if bl_min > length else length
    amp = np.sqrt(lr / (dw * length))
    if not managed:
        return length, amp, amp, 1 if amp * x_max > 1.0 or amp * d_max > 1.0 else 0
    d_top = d_max * (length / k) if k > length else d_max
    clipped = 1 if k > length else 0
    return length, amp * np.sqrt(d_top / x_max), amp * np.sqrt(x_max / d_top), clipped


@internal
def list_lines(values, gain, up, down, n, units, thresholds):
    """Append the lines of positive (`up`) and negative (`down`) values; returns their number.

    Their thresholds are ``floor(min(gain |value|, 1) 2^24)``.
    """
    for i in range(values.size):
        v = np.float64(values[i])
        if v != 0.0:  # without branches: signs are random
            p = gain * abs(v)
            units[n] = i
            thresholds[n] = np.uint32((1.0 if p > 1.0 else p) * 16777216.0)
            n += np.int64((up and v > 0.0) or (down and v < 0.0))
    return n


@internal
def fire(n, length, k0, k1, update, units, masks, scratch):
    """Set the slots (bits) in which each of `n` lines fires.

    A line fires in a slot when the upper 24 bits of its word lie below its threshold.
    """
    thresholds = scratch[pl.THRESHOLDS]
    masks[:n] = 0
    for block in range((length + 3) // 4):
        fill_words(k0, k1, units, n, update, block, _ZERO, scratch)
        left = length - 4 * block
        for s in range(4 if left > 4 else left):
            slot, words = np.uint32(4 * block + s), scratch[s]
            for a in range(n):
                fires = (words[a] >> np.uint32(8)) < thresholds[a]
                masks[a] |= np.uint32(np.uint32(fires) << slot)


@internal
def list_slots(negative, n, length, width, units, masks, firing, index):
    """List the lines that fire slot by slot; returns how many firings, and of negative values.

    The first `negative` of the `n` lines have negative values, and so do those of each slot.
    """
    counts, first = index[pl.COUNTS], index[pl.NEGATIVE]
    total, of_negative = 0, 0
    for slot in range(length):
        start = slot * width
        count = start
        for a in range(n):
            if a == negative:
                first[slot] = count - start
            firing[np.uintp(count)] = units[a]
            count += np.int64(masks[a] >> np.uint32(slot) & np.uint32(1))
        counts[slot] = count - start
        if negative == n:
            first[slot] = counts[slot]
        total += counts[slot]
        of_negative += first[slot]
    return total, of_negative


@internal
def list_rows(x, n, length, counts, rows, masks, flips, first):
    """Keep the rows that meet a column, in place; returns (rows, events, row firings)."""
    active, events, firings = 0, 0, 0
    for a in range(n):
        here = 0
        for slot in range(length):
            fires = np.int64(masks[a] >> np.uint32(slot) & np.uint32(1))
            firings += fires
            here += fires * counts[slot]
        row, mask = rows[a], masks[a]  # without branches: whether a row meets one is random
        rows[active], masks[active], first[active] = row, mask, events
        flips[active] = DOWN if x[row] < 0 else np.uint32(0)
        active += np.int64(here > 0)
        events += here
    first[active] = events
    return active, events, firings


@inline
def plan_sample(x, d, lr, dw, options, keys, update, plan, tally, counted):
    """Draw one sample's trains; returns (active rows, events).

    Parameters
    ----------
    options : tuple
        (bl_min, bl_max, managed).
    keys : ndarray of uint32
        Two words each: keys of the x-train and d-train streams.
    plan : tuple
        (lanes, index, slot columns), see `feemu.array.plan`; filled.
    tally : ndarray of int64
        Counters, see `feemu.array.tally`; added to if `counted` is 1. The half-step of
        rows with x > 0 and columns with d < 0 is a potentiation, and so on; a half-step for which
        x has no line of that sign is left out.
    """
    lanes, index, firing = plan
    x_max, x_up, x_down = survey(x)
    tally[tl.SEARCHED] += counted * np.int64(options[2]) * (x.size + d.size)
    length, row_gain, column_gain, clipped = train_plan(x_max, survey(d)[0], lr, dw, options)
    rows, masks, thresholds = lanes[pl.ROWS], lanes[pl.ROW_SLOTS], lanes[pl.THRESHOLDS]
    columns, bits = lanes[pl.COLUMNS], lanes[pl.COLUMN_SLOTS]
    active, events = _ZERO, _ZERO
    if length > 0:
        n_rows = list_lines(x, row_gain, _YES, _YES, _ZERO, rows, thresholds)
        fire(n_rows, length, keys[0], keys[1], update, rows, masks, lanes)
        below = list_lines(d, column_gain, _NO, _YES, _ZERO, columns, thresholds)
        n_columns = list_lines(d, column_gain, _YES, _NO, below, columns, thresholds)
        fire(n_columns, length, keys[2], keys[3], update, columns, bits, lanes)
        total, negative = list_slots(below, n_columns, length, d.size, columns, bits, firing, index)
        active, events, firings = list_rows(
            x, n_rows, length, index[pl.COUNTS], rows, masks, lanes[pl.FLIPS], index[pl.FIRST]
        )
        positive, sides = total - negative, np.int64(x_up) + np.int64(x_down)
        tally[tl.WORDS] += counted * length * (n_rows + n_columns)
        tally[tl.ROWS] += counted * firings
        tally[tl.COLUMNS] += counted * (x_up * negative + x_down * positive)
        tally[tl.COLUMNS + 1] += counted * (x_up * positive + x_down * negative)
        tally[tl.SLOTS] += counted * length * sides
        tally[tl.CLIPPED] += counted * clipped
    return active, events


@internal
def first_row(first, active, pulses):
    """Return the first active row with at least so many pulses before it."""
    a = _ZERO
    while a < active and first[a] < pulses:
        a += 1
    return a


@jit
def coincidence(x, d, lr, dw, options, keys, update, share, ctx, out):
    """Program the request ``-lr d x^T`` sample by sample, in place; returns the pulses.

    Parameters
    ----------
    x, d : ndarray of float32, shapes (batch, n_in), (batch, n_out)
        Inputs and errors; `d` holds the factor 1 / batch of the mean loss.
    keys : ndarray of uint32
        Two words each: keys of the x-train, d-train and pulse streams.
    update : int
        Update counter of the first sample; each sample advances it by one.
    share : tuple
        (part, parts): of each sample's rows only one part is stepped, of about as many pulses as
        every other; those of all parts are returned.
    ctx : tuple
        Array state and constants, see `feemu.array.synapses.SynapseArray`.
    out : tuple
        Counters and scratch, see `feemu.array.running.make_out`.

    Returns
    -------
    int
        Pulses; -1, and nothing is done, where a value is not finite.
    """
    tally, noise, runs, plan = out
    part, parts = share
    if not (survey(x.reshape(-1))[0] < np.inf and survey(d.reshape(-1))[0] < np.inf):
        return -1
    total, counted, first = 0, 1 if part == 0 else 0, plan[1][pl.FIRST]
    for b in range(x.shape[0]):
        now = np.uint64(update + b)
        active, events = plan_sample(x[b], d[b], lr, dw, options, keys, now, plan, tally, counted)
        lo = first_row(first, active, part * events // parts)
        hi = first_row(first, active, (part + 1) * events // parts)
        draw = keys[4], keys[5], now
        step_coincidences(plan, lo, hi, ctx, draw, tally, noise, runs)
        total += events
    return total


def row_blocks(counts: np.ndarray, limit: int) -> list[slice]:
    """Return slices of rows that hold at most `limit` pulses each, one row at least."""
    per_row = np.abs(counts.astype(np.int64)).sum(axis=1)
    blocks, start, total = [], 0, 0
    for i, n in enumerate(per_row.tolist()):
        if total and total + n > limit:
            blocks.append(slice(start, i))
            start, total = i, 0
        total += n
    return [*blocks, slice(start, len(per_row))]


def list_counts(counts: np.ndarray, part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (rows, ptr, codes) of signed pulse counts, shape (n_in, n_out), for some rows."""
    n = counts[part].astype(np.int64)
    many = np.abs(n)
    per_row = many.sum(axis=1)
    own = np.flatnonzero(per_row)
    ptr = np.concatenate([[0], np.cumsum(per_row[own])]).astype(np.int64)
    column = np.broadcast_to(np.arange(n.shape[1], dtype=np.uint32), n.shape)
    codes = np.where(n < 0, column | DOWN, column).astype(np.uint32)
    rows = (own + part.start).astype(np.uint32)
    return rows, ptr, np.repeat(codes.ravel(), many.ravel())
