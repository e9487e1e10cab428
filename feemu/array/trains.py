"""Stochastic pulse trains: which rows and columns fire in which slot (Gokmen & Vlasov 2016).

A coincidence is found by slot lists: for each slot the columns that fire. Work is proportional
to lines and events, never to synapses times train length (doi:10.3389/fnins.2016.00333; update
and length management as in Gokmen et al. 2017, doi:10.3389/fnins.2017.00538).
"""

from __future__ import annotations

import numpy as np

from feemu._numba import internal, jit
from feemu.array import plan as pl
from feemu.array import tally as tl
from feemu.array.plan import DOWN
from feemu.array.stepping import step_coincidences
from feemu.rng import fill_words


@internal
def train_plan(x, d, lr, dw, bl_min, bl_max, managed):
    """Return (length, row gain, column gain, clipped) of one sample's trains.

    Notes
    -----
    ``K = lr max|x| max|d| / dw``; length ``BL = clip(ceil(K), bl_min, bl_max)``; a row fires with
    probability ``B |x|``, a column with ``A |d|``, ``A B BL = lr / dw``, both maxima equal under
    management; above `bl_max` the larger d clip (physics of E.1).
    """
    x_max, d_max = 0.0, 0.0
    for i in range(x.size):
        x_max = max(x_max, abs(np.float64(x[i])))
    for j in range(d.size):
        d_max = max(d_max, abs(np.float64(d[j])))
    k = lr * x_max * d_max / dw
    if not k > 0.0:
        return 0, 0.0, 0.0, 0
    length = min(max(np.int64(min(np.ceil(k), 1e6)), bl_min), bl_max)
    amp = np.sqrt(lr / (dw * length))
    clipped = 0
    if not managed:
        if amp * x_max > 1.0 or amp * d_max > 1.0:
            clipped = 1
        return length, amp, amp, clipped
    d_top = d_max
    if k > length:
        d_top = d_max * (length / k)
        clipped = 1
    return length, amp * np.sqrt(d_top / x_max), amp * np.sqrt(x_max / d_top), clipped


@internal
def fire(values, gain, length, key, update, units, masks, scratch):
    """List the non-zero lines in `units` and the slots in which each fires in `masks` (bits).

    A line fires in a slot when the upper 24 bits of its word lie below
    ``floor(min(gain |value|, 1) 2^24)``. Returns (lines, signs): signs has bit 0 set if a value is
    positive and bit 1 if one is negative.
    """
    thresholds = scratch[pl.THRESHOLDS]
    n, signs = np.int64(0), 0
    for i in range(values.size):
        v = np.float64(values[i])
        if v != 0.0:
            units[n] = i
            thresholds[n] = np.uint32(min(gain * abs(v), 1.0) * 16777216.0)
            masks[n] = 0
            signs |= 1 if v > 0.0 else 2
            n += 1
    for block in range((length + 3) // 4):
        fill_words(key[0], key[1], units, n, update, block, 0, scratch)
        for s in range(min(4, length - 4 * block)):
            slot, words = np.uint32(4 * block + s), scratch[s]
            for a in range(n):
                fires = (words[a] >> np.uint32(8)) < thresholds[a]
                masks[a] |= np.uint32(np.uint32(fires) << slot)
    return n, signs


@internal
def list_columns(d, n, length, units, masks, codes, counts):
    """Fill the slot lists with the columns that fire; returns how many with d > 0 and d < 0."""
    positive, total = 0, 0
    for slot in range(length):
        start = slot * d.size
        count = start
        for a in range(n):
            j = units[a]
            fires = masks[a] >> np.uint32(slot) & np.uint32(1)
            codes[np.uintp(count)] = j | (DOWN if d[j] > 0 else np.uint32(0))
            count += np.int64(fires)
            positive += 1 if fires and d[j] > 0 else 0
        counts[slot] = count - start
        total += counts[slot]
    return positive, total - positive


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
        if here > 0:
            rows[active], masks[active] = rows[a], masks[a]
            flips[active] = DOWN if x[rows[a]] < 0 else np.uint32(0)
            first[active] = events
            active += 1
            events += here
    return active, events, firings


@jit
def plan_sample(x, d, lr, dw, options, keys, update, plan, tally):
    """Draw one sample's trains; returns (active rows, events) and adds to the line counts.

    Parameters
    ----------
    options : tuple
        (bl_min, bl_max, managed).
    keys : tuple
        Keys of the x-train and d-train streams (and others).
    plan : tuple
        (lanes, index, slot codes), see `feemu.array.plan`; filled.
    tally : ndarray of int64
        Counters, see `feemu.array.tally`; added to. The half-step of rows with x > 0 and columns
        with d < 0 is a potentiation, and so on; a half-step for which x has no line of that sign
        is left out.
    """
    lanes, index, codes = plan
    length, row_gain, column_gain, clipped = train_plan(x, d, lr, dw, *options)
    if length == 0:
        return 0, 0
    rows, masks = lanes[pl.ROWS], lanes[pl.ROW_SLOTS]
    columns, bits = lanes[pl.COLUMNS], lanes[pl.COLUMN_SLOTS]
    n_rows, signs = fire(x, row_gain, length, keys[0], update, rows, masks, lanes)
    n_columns, _ = fire(d, column_gain, length, keys[1], update, columns, bits, lanes)
    counts = index[pl.COUNTS]
    positive, negative = list_columns(d, n_columns, length, columns, bits, codes, counts)
    active, events, firings = list_rows(
        x, n_rows, length, counts, rows, masks, lanes[pl.FLIPS], index[pl.FIRST]
    )
    tally[tl.ROWS] += firings
    tally[tl.COLUMNS] += (negative if signs & 1 else 0) + (positive if signs & 2 else 0)
    tally[tl.COLUMNS + 1] += (positive if signs & 1 else 0) + (negative if signs & 2 else 0)
    tally[tl.SLOTS] += length * (2 if signs == 3 else 1)
    tally[tl.CLIPPED] += clipped
    return active, events


@jit
def coincidence(x, d, lr, dw, options, keys, update, plan, ctx, out):
    """Program the request ``-lr d x^T`` sample by sample, in place; returns the pulses.

    Parameters
    ----------
    x, d : ndarray of float32, shapes (batch, n_in), (batch, n_out)
        Inputs and errors; `d` holds the factor 1 / batch of the mean loss.
    keys : tuple
        Keys of the x-train, d-train and pulse streams.
    update : uint64
        Update counter of the first sample; each sample advances it by one.
    """
    total, start = 0, np.int64(0)
    for b in range(x.shape[0]):
        now = np.uint64(update + np.uint64(b))
        active, events = plan_sample(x[b], d[b], lr, dw, options, keys, now, plan, out[0])
        step_coincidences(plan, start, active, ctx, (keys[2], now), out)
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
