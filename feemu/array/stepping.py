"""The event kernel: one programming pulse is one step from the synapse's present state.

A pulse is coded as ``column | DOWN`` in 32 bits; lists of such codes belong to a row. Everything
that one event needs of its synapse lies in one cache line: ``cells[i, j]`` holds the switched
fraction p, the step scales up and down, the conductance offset and span, and the reference.
"""

from __future__ import annotations

import numpy as np

from feemu._numba import inline, internal, jit
from feemu.rng import fill_normals

#: Fields of a cell, float32 each.
P, C_UP, C_DOWN, OFFSET, SPAN, REFERENCE = range(6)
#: Top bit of a pulse code: a depression pulse.
DOWN = np.uint32(1 << 31)
#: Longest pulse train: slots are bits of one 32-bit word.
MAX_SLOTS = 32

_COLUMN = np.uint32((1 << 31) - 1)
# Unsigned indices need no test for counting from the end.
_0, _1, _2, _3, _4, _5 = (np.uintp(i) for i in range(6))


@internal
def conductance_at(p, curve):
    """Return g(p) (float32) by linear interpolation in the conductance table."""
    u = p * np.float32(curve.shape[0] - 1)
    k = np.int32(u)
    return curve[np.uintp(k), 0] + (u - np.float32(k)) * curve[np.uintp(k), 1]


@jit
def step_lists(rows, ptr, codes, noise, ahead, lo, hi, ctx, hist, row_sums):
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
        Array state and constants, see `feemu.array.synapses.SynapseArray._context`.
    hist : ndarray of int64, shape (2, 32)
        Pulses by direction and state; added to.
    row_sums : ndarray of float64, shape (rows, 4)
        Per row: sum of ``|dp|`` up and down, sum of mean conductance up and down. The caller adds
        rows in order, so that the total does not depend on how rows were split.
    """
    cells, weights, events, variants, steps, curve, linear, scale = ctx
    n_steps = np.float32(steps.shape[2] - 1)
    many = steps.shape[1] > 1
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    for a in range(lo, hi):
        row = np.uintp(rows[a])
        sw_up, sw_down, g_up, g_down = 0.0, 0.0, 0.0, 0.0
        for i in range(ptr[a], ptr[a + 1]):
            code = codes[np.uintp(i)]
            j = np.uintp(code & _COLUMN)
            down = np.uintp(code >> np.uint32(31))
            p = cells[row, j, _0]
            u = p * n_steps
            k = np.uintp(np.int32(u))
            f = u - np.float32(np.int32(u))
            v = np.uintp(variants[row, j]) if many else _0
            mean = steps[down, v, k, _0] + f * steps[down, v, k, _1]
            sd = steps[down, v, k, _2] + f * steps[down, v, k, _3]
            step = cells[row, j, _1 + down] * (mean + sd * noise[np.uintp(i + ahead)])
            q = p - step if down else p + step
            q = zero if q < zero else min(q, one)
            hist[down, np.uintp(min(np.int32(p * np.float32(32.0)), np.int32(31)))] += 1
            before, after = p, q
            if not linear:
                before = conductance_at(p, curve)
                after = conductance_at(q, curve)
            offset, span = cells[row, j, _3], cells[row, j, _4]
            g = np.float64(offset + span * (half * (before + after)))
            moved = np.float64(abs(q - p))
            sw_up += 0.0 if down else moved
            g_up += 0.0 if down else g
            sw_down += moved if down else 0.0
            g_down += g if down else 0.0
            cells[row, j, _0] = q
            weights[row, j] = scale * (offset + span * after - cells[row, j, _5])
            events[row, j] += np.uint32(1)
        row_sums[a, 0], row_sums[a, 1] = sw_up, sw_down
        row_sums[a, 2], row_sums[a, 3] = g_up, g_down


@internal
def list_coincidences(masks, flips, slots, lo, hi, ptr, codes):
    """List the pulses of active rows from `lo` on while they fit; returns the row after the last.

    A row's pulses stand in the order slot, column.

    Parameters
    ----------
    masks, flips : ndarray of uint32
        Per active row: the slots in which it fires (bits), and `DOWN` where its input is negative.
    slots : tuple
        (codes, count, width): the columns that fire in slot s are
        ``codes[s * width : s * width + count[s]]``, with `DOWN` where d > 0.
    """
    slot_codes, slot_count, width = slots
    n, a = 0, lo
    ptr[lo] = 0
    while a < hi and n + MAX_SLOTS * width <= codes.size:
        mask, flip, slot = masks[a], flips[a], 0
        while mask != 0:
            if mask & np.uint32(1):
                count = slot_count[slot]
                for c in range(count):
                    codes[np.uintp(n + c)] = slot_codes[np.uintp(slot * width + c)] ^ flip
                n += count
            mask = np.uint32(mask >> np.uint32(1))
            slot += 1
        a += 1
        ptr[a] = n
    return a


@inline
def step_coincidences(rows, masks, flips, first, lo, hi, slots, ctx, draw, out, row_sums):
    """Step the coincidences of active rows ``lo..hi-1`` in place: row, then slot, then column.

    Parameters
    ----------
    rows, first : ndarray
        Number of each active row, and of the update's pulses before it.
    draw : tuple
        (key, update) of the noise: pulse ``e`` of the update takes normal number ``e``.
    out : tuple
        Histogram and scratch, see `feemu.array.meter.make_out`.
    """
    hist, noise, words, codes, ptr = out
    (k0, k1), update = draw
    a = lo
    while a < hi:
        b = list_coincidences(masks, flips, slots, a, hi, ptr, codes)
        block = first[a] // 4
        ahead = first[a] - 4 * block
        fill_normals(k0, k1, np.uint32(0), update, block, (ahead + ptr[b] + 3) // 4, words, noise)
        step_lists(rows, ptr, codes, noise, ahead, a, b, ctx, hist, row_sums)
        a = b


@jit
def count_lines(ptr, codes, lines):
    """Add to `lines` (int64, 4) the slots up and down, and the pulses up and down, of lists.

    Rows are programmed one by one: a row takes as many slots of a direction as the synapse with
    most pulses in it.
    """
    for a in range(ptr.size - 1):
        run, up, down = 0, 0, 0
        for i in range(ptr[a], ptr[a + 1]):
            run = run + 1 if i > ptr[a] and codes[i] == codes[i - 1] else 1
            if codes[i] & DOWN:
                down = max(down, run)
                lines[3] += 1
            else:
                up = max(up, run)
                lines[2] += 1
        lines[0] += up
        lines[1] += down


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
