"""The event kernel: one programming pulse is one step from the synapse's present state.

A pulse is coded as in `feemu.array.plan`; lists of such codes belong to a row. Everything
that one event needs of its synapse lies in one cache line: ``cells[i, j]`` holds the switched
fraction p, the step scales up and down, the conductance offset and span, and the reference.
"""

from __future__ import annotations

import numpy as np

from feemu._numba import inline, internal, jit
from feemu.array import plan as pl
from feemu.array import tally as tl
from feemu.array.plan import DOWN, MAX_SLOTS
from feemu.rng import fill_normals

#: Fields of a cell, float32 each.
P, C_UP, C_DOWN, OFFSET, SPAN, REFERENCE = range(6)
_COLUMN = np.uint32((1 << 31) - 1)
# Unsigned indices need no test for counting from the end.
_1, _2, _3, _4, _5, _FIELDS = (np.uintp(i) for i in range(1, 7))
_BINS, _LAST = np.float32(tl.STATE_BINS), np.int32(tl.STATE_BINS - 1)


@internal
def conductance_at(p, curve):
    """Return g(p) (float32) by linear interpolation in the conductance table."""
    u = p * np.float32(curve.shape[0] - 1)
    k = np.int32(u)
    return curve[np.uintp(k), 0] + (u - np.float32(k)) * curve[np.uintp(k), 1]


@jit
def step_lists(rows, ptr, codes, noise, ahead, lo, hi, ctx, tally):
    """Step the listed pulses of rows ``lo..hi-1`` in place: row by row, in the order listed.

    Parameters
    ----------
    rows, ptr, codes : ndarray
        Row ``rows[a]`` owns ``codes[ptr[a]:ptr[a + 1]]``.
    noise : ndarray of float32
        Standard normals; pulse ``i`` takes ``noise[i + ahead]``.
    lo, hi : int
        Part of the rows to step.
    ctx : tuple
        Array state and constants, see `feemu.array.synapses.SynapseArray`.
    tally : ndarray of int64
        Counters, see `feemu.array.tally`; added to.
    """
    cells, weights, events, variants, steps, curve, linear, scale = ctx
    n_steps, stride = np.float32(steps.shape[2] - 1), np.uintp(4 * steps.shape[2])
    # Flat views made once: a view of every row would be counted in and out of memory.
    cell, weight, seen = cells.reshape(-1), weights.reshape(-1), events.reshape(-1)
    many, table, width = steps.shape[1] > 1, steps.reshape(-1), np.uintp(weights.shape[1])
    down_at = stride * np.uintp(steps.shape[1])
    half = np.float32(0.5)
    switched_one, conductance_one = np.float32(tl.SWITCHED_ONE), np.float32(tl.CONDUCTANCE_ONE)
    switched, switched_down = np.int64(0), np.int64(0)
    conductance, conductance_down = np.int64(0), np.int64(0)
    for a in range(lo, hi):
        row = np.uintp(rows[a])
        start = row * width
        for i in range(ptr[a], ptr[a + 1]):
            code = codes[np.uintp(i)]
            j = np.uintp(code & _COLUMN)
            down = np.uintp(code >> np.uint32(31))
            at_weight = start + j
            c = at_weight * _FIELDS
            p = cell[c]
            u = p * n_steps
            k = np.int32(u)
            f = u - np.float32(k)
            at = np.uintp(k) * _4 + down * down_at
            if many:
                at += stride * np.uintp(variants[row, j])
            mean = table[at] + f * table[at + _1]
            sd = table[at + _2] + f * table[at + _3]
            step = cell[c + _1 + down] * (mean + sd * noise[np.uintp(i + ahead)])
            sign = np.float32(1 - 2 * np.int32(down))  # a branch would be mispredicted
            q = min(max(p + sign * step, np.float32(0.0)), np.float32(1.0))
            tally[np.uintp(min(np.int32(p * _BINS), _LAST)) + np.uintp(_BINS) * down] += 1
            before, after = p, q
            if not linear:
                before = conductance_at(p, curve)
                after = conductance_at(q, curve)
            offset, span = cell[c + _3], cell[c + _4]
            g = np.int64(conductance_one * (offset + span * (half * (before + after))) + half)
            moved = np.int64(switched_one * abs(q - p) + half)
            mine = -np.int64(down)
            switched += moved
            switched_down += moved & mine
            conductance += g
            conductance_down += g & mine
            cell[c] = q
            weight[at_weight] = scale * (offset + span * after - cell[c + _5])
            seen[at_weight] += np.uint32(1)
    tally[tl.SWITCHED] += switched - switched_down
    tally[tl.SWITCHED + 1] += switched_down
    tally[tl.CONDUCTANCE] += conductance - conductance_down
    tally[tl.CONDUCTANCE + 1] += conductance_down


@internal
def list_coincidences(masks, flips, counts, slot_codes, lo, hi, ptr, codes):
    """List the pulses of active rows from `lo` on while they fit; returns the row after the last.

    A row's pulses stand in the order slot, column.

    Parameters
    ----------
    masks, flips : ndarray of uint32
        Per active row: the slots in which it fires (bits), and `DOWN` where its input is negative.
    counts, slot_codes : ndarray
        The columns that fire, see `feemu.array.plan.make_plan`.
    """
    width = slot_codes.size // MAX_SLOTS
    n, a = 0, lo
    ptr[lo] = 0
    while a < hi and n + MAX_SLOTS * width <= codes.size:
        mask, flip, slot = masks[a], flips[a], 0
        while mask != 0:
            if mask & np.uint32(1):
                count = counts[slot]
                for c in range(count):
                    codes[np.uintp(n + c)] = slot_codes[np.uintp(slot * width + c)] ^ flip
                n += count
            mask = np.uint32(mask >> np.uint32(1))
            slot += 1
        a += 1
        ptr[a] = n
    return a


@inline
def step_coincidences(plan, lo, hi, ctx, draw, out):
    """Step the coincidences of active rows ``lo..hi-1`` in place: row, then slot, then column.

    Parameters
    ----------
    plan : tuple
        What fires, see `feemu.array.plan.make_plan`.
    draw : tuple
        (key, update) of the noise: pulse ``e`` of the update takes normal number ``e``.
    out : tuple
        Counters and scratch, see `feemu.array.meter.make_out`.
    """
    lanes, index, slot_codes = plan
    tally, noise, codes, ptr = out
    (k0, k1), update = draw
    first, counts = index[pl.FIRST], index[pl.COUNTS]
    masks, flips = lanes[pl.ROW_SLOTS], lanes[pl.FLIPS]
    a = lo
    while a < hi:
        b = list_coincidences(masks, flips, counts, slot_codes, a, hi, ptr, codes)
        block = first[a] // 4
        ahead = first[a] - 4 * block
        # A multiple of 16 blocks: no rest for the vectorised loop.
        blocks = (ahead + ptr[b] + 63) // 64 * 16
        fill_normals(k0, k1, np.uint32(0), update, block, blocks, noise)
        step_lists(lanes[pl.ROWS], ptr, codes, noise, ahead, a, b, ctx, tally)
        a = b


@jit
def count_lines(ptr, codes, tally):
    """Add the slots and the pulses of lists, up and down, to the counters.

    Rows are programmed one by one: a row takes as many slots of a direction as the synapse with
    most pulses in it.
    """
    for a in range(ptr.size - 1):
        run, up, down = 0, 0, 0
        for i in range(ptr[a], ptr[a + 1]):
            run = run + 1 if i > ptr[a] and codes[i] == codes[i - 1] else 1
            if codes[i] & DOWN:
                down = max(down, run)
                tally[tl.LISTED_PULSES + 1] += 1
            else:
                up = max(up, run)
                tally[tl.LISTED_PULSES] += 1
        tally[tl.LISTED_SLOTS] += up
        tally[tl.LISTED_SLOTS + 1] += down


@jit
def refresh_weights(cells, weights, curve, linear, scale):
    """Recompute every visible weight from its state, in place."""
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            g = cells[i, j, 0] if linear else conductance_at(cells[i, j, 0], curve)
            weights[i, j] = scale * (cells[i, j, 3] + cells[i, j, 4] * g - cells[i, j, 5])


@jit
def add_write_noise(rows, ptr, codes, weights, cells, curve, linear, scale, sd, z):
    """Redraw the write noise of every synapse in the lists: weight of its state plus ``sd z``."""
    for a in range(rows.size):
        i = rows[a]
        for e in range(ptr[a], ptr[a + 1]):
            j = np.int64(codes[e] & _COLUMN)
            g = cells[i, j, 0] if linear else conductance_at(cells[i, j, 0], curve)
            w = cells[i, j, 3] + cells[i, j, 4] * g - cells[i, j, 5] + sd * z[i, j]
            weights[i, j] = scale * w
