"""Stochastic pulse trains: which rows and columns fire in which slot (Gokmen & Vlasov 2016).

A coincidence is found by slot lists: for each slot the columns that fire. Work is proportional
to lines and events, never to synapses times train length (doi:10.3389/fnins.2016.00333; update
and length management as in Gokmen et al. 2017, doi:10.3389/fnins.2017.00538).
"""

from __future__ import annotations

import numpy as np

from feemu._numba import jit
from feemu.array.stepping import DOWN, step_rows
from feemu.rng import fill_units

#: Longest pulse train: slots are bits of one 32-bit word.
MAX_SLOTS = 32


@jit
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


@jit
def threshold(probability):
    """Return the 24-bit firing threshold of a probability: ``floor(min(p, 1) 2^24)``."""
    return np.uint32(min(probability, 1.0) * 16777216.0)


@jit
def active_lines(values, gain, units, thresholds):
    """List the non-zero lines with their thresholds; returns their number and sign bits seen."""
    n, signs = 0, 0
    for i in range(values.size):
        v = np.float64(values[i])
        if v != 0.0:
            units[n] = i
            thresholds[n] = threshold(gain * abs(v))
            signs |= 1 if v > 0.0 else 2
            n += 1
    return n, signs


@jit
def column_slots(d, gain, length, key, update, work, slots):
    """Fill the slot lists with the columns that fire; returns (with d > 0, with d < 0)."""
    units, thresholds, words = work
    slot_codes, slot_count, width = slots
    n, _ = active_lines(d, gain, units, thresholds)
    positive, negative = 0, 0
    for block in range((length + 3) // 4):
        fill_units(key[0], key[1], units, n, update, block, words)
        for s in range(min(4, length - 4 * block)):
            slot = 4 * block + s
            count = 0
            for a in range(n):
                j = units[a]
                slot_codes[slot * width + count] = np.uint32(j) | (
                    DOWN if d[j] > 0 else np.uint32(0)
                )
                fires = (words[4 * a + s] >> np.uint32(8)) < thresholds[a]
                count += 1 if fires else 0
                positive += 1 if fires and d[j] > 0 else 0
            slot_count[slot] = count
            negative += count
    return positive, negative - positive


@jit
def row_masks(x, gain, length, key, update, work, slots, rows, masks, flips, first):
    """List the rows that fire; returns (rows, events, row firings, sign bits of x).

    Rows that meet no column are dropped from the list but their firings are counted.
    """
    units, thresholds, words = work
    slot_count = slots[1]
    n, signs = active_lines(x, gain, units, thresholds)
    for a in range(n):
        masks[a] = 0
    for block in range((length + 3) // 4):
        fill_units(key[0], key[1], units, n, update, block, words)
        for s in range(min(4, length - 4 * block)):
            bit = np.uint32(1) << np.uint32(4 * block + s)
            for a in range(n):
                fires = (words[4 * a + s] >> np.uint32(8)) < thresholds[a]
                masks[a] |= np.uint32(bit) if fires else np.uint32(0)
    active, events, firings = 0, 0, 0
    for a in range(n):
        mask = masks[a]
        here = 0
        for slot in range(length):
            if mask >> np.uint32(slot) & np.uint32(1):
                firings += 1
                here += slot_count[slot]
        if here > 0:
            rows[active] = units[a]
            masks[active] = mask
            flips[active] = DOWN if x[units[a]] < 0 else np.uint32(0)
            first[active] = events
            active += 1
            events += here
    return active, events, firings, signs


@jit
def plan_sample(x, d, lr, dw, options, keys, update, scratch, lines):
    """Draw one sample's trains; returns (active rows, events) and adds to the line counts.

    Parameters
    ----------
    options : tuple
        (bl_min, bl_max, managed).
    keys : tuple
        Keys of the x-train and d-train streams.
    scratch : tuple
        Work arrays, see `feemu.array.synapses.SynapseArray`.
    lines : ndarray of int64, shape (5,)
        Row pulses of either direction, column pulses up and down, slots of either direction,
        clipped updates; added to. The half-step of rows with x > 0 and columns with d < 0 is a
        potentiation, and so on; a half-step for which x has no line of that sign is left out.
    """
    work, slots, rows, masks, flips, first = scratch
    length, row_gain, column_gain, clipped = train_plan(x, d, lr, dw, *options)
    if length == 0:
        return 0, 0
    positive, negative = column_slots(d, column_gain, length, keys[1], update, work, slots)
    active, events, firings, signs = row_masks(
        x, row_gain, length, keys[0], update, work, slots, rows, masks, flips, first
    )
    lines[0] += firings
    lines[1] += (negative if signs & 1 else 0) + (positive if signs & 2 else 0)
    lines[2] += (positive if signs & 1 else 0) + (negative if signs & 2 else 0)
    lines[3] += length * (2 if signs == 3 else 1)
    lines[4] += clipped
    return active, events


@jit
def add_rows(row_sums, active, totals):
    """Add the rows' sums to the ledger's totals, row by row in order."""
    for a in range(active):
        for q in range(4):
            totals[q] += row_sums[a, q]


@jit
def coincidence(x, d, lr, dw, options, keys, update, scratch, state, out, row_sums, totals, lines):
    """Program the request ``-lr d x^T`` sample by sample, in place; returns the events.

    Parameters
    ----------
    x, d : ndarray of float32, shapes (batch, n_in), (batch, n_out)
        Inputs and errors; `d` holds the factor 1 / batch of the mean loss.
    update : uint64
        Update counter of the first sample; each sample advances it by one.
    state : tuple
        The step context without its update counter, see `step_list`.
    """
    slots, rows, masks, flips, first = scratch[1:]
    total = 0
    for b in range(x.shape[0]):
        now = np.uint64(update + np.uint64(b))
        active, events = plan_sample(x[b], d[b], lr, dw, options, keys, now, scratch, lines)
        out[4][0] = 0
        out[4][1] = 0
        ctx = state + (now,)
        step_rows(rows, masks, flips, first, 0, active, events, slots, ctx, out, row_sums)
        add_rows(row_sums, active, totals)
        total += events
    return total


def list_codes(masks: np.ndarray, slots: tuple) -> tuple[np.ndarray, np.ndarray]:
    """Return (ptr, codes) of the synapses that a planned sample pulses, row by row."""
    codes, count, width = slots
    firing = [codes[s * width : s * width + count[s]] for s in range(MAX_SLOTS)]
    lists = [
        np.concatenate([firing[s] for s in range(MAX_SLOTS) if mask >> s & 1])
        for mask in masks.tolist()
    ]
    ptr = np.concatenate([[0], np.cumsum([len(codes) for codes in lists])]).astype(np.int64)
    return ptr, np.concatenate(lists) if lists else np.empty(0, np.uint32)


def list_counts(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (rows, ptr, codes) of signed pulse counts, shape (n_in, n_out)."""
    many = np.abs(counts.astype(np.int64))
    per_row = many.sum(axis=1)
    rows = np.flatnonzero(per_row).astype(np.int32)
    ptr = np.concatenate([[0], np.cumsum(per_row[rows])]).astype(np.int64)
    column = np.broadcast_to(np.arange(counts.shape[1], dtype=np.uint32), counts.shape)
    codes = np.where(counts < 0, column | DOWN, column).astype(np.uint32)
    return rows, ptr, np.repeat(codes.ravel(), many.ravel())
