"""The event kernel: one programming pulse is one step from the synapse's present state.

A pulse is coded as ``column | DOWN`` in 32 bits; lists of such codes belong to a row. Everything
that one event needs of its synapse lies in one cache line: ``cells[i, j]`` holds the switched
fraction p, the step scales up and down, the conductance offset and span, and the reference.
"""

from __future__ import annotations

import numpy as np

from feemu._numba import jit
from feemu.rng import fill_normals

#: Fields of a cell, float32 each.
P, C_UP, C_DOWN, OFFSET, SPAN, REFERENCE = range(6)
#: Top bit of a pulse code: a depression pulse.
DOWN = np.uint32(1 << 31)
#: Normals generated at a time (a multiple of 64).
NOISE_BLOCK = 256
#: Bins of the ledger's state histogram.
STATE_BINS = 32

_COLUMN = np.uint32((1 << 31) - 1)


@jit
def conductance_at(p, curve):
    """Return g(p) (float32) by linear interpolation in the conductance table."""
    u = p * np.float32(curve.shape[0] - 1)
    k = np.int32(u)
    return curve[np.uintp(k), 0] + (u - np.float32(k)) * curve[np.uintp(k), 1]


@jit
def step_list(row, codes, start, n, flip, event, last, ctx, out):
    """Step the `n` pulses ``codes[start:start + n]`` of one row, in order, in place.

    Parameters
    ----------
    row : int
        Row of the array.
    codes : ndarray of uint32
        Pulse codes; `flip` (0 or `DOWN`) turns their direction.
    event, last : int
        Running number of the first event within the update, and the update's number of events:
        event ``e`` takes normal number ``e`` of the update.
    ctx : tuple
        Array state and constants, see `feemu.array.synapses.SynapseArray._context`.
    out : tuple
        (hist int64 (2, 32), sums float64 (4,), noise float32, words uint32, cursor int64 (2,)):
        pulses by state; sum of ``|dp|`` up and down, sum of mean conductance up and down; scratch.
    """
    cells, weights, events, variants, steps, curve, linear, scale, key, update = ctx
    hist, sums, noise, words, cursor = out
    k0, k1 = key
    row_cells, row_weights, row_events = cells[row], weights[row], events[row]
    n_steps = np.float32(steps.shape[2] - 1)
    many = steps.shape[1] > 1
    one, zero, half = np.float32(1.0), np.float32(0.0), np.float32(0.5)
    sw_up, sw_down, g_up, g_down = sums[0], sums[1], sums[2], sums[3]
    done = 0
    while done < n:
        e = event + done
        if e < cursor[0] or e >= cursor[1]:
            block = e // 4
            n_blocks = min(NOISE_BLOCK // 4, (last + 3) // 4 - block)
            fill_normals(k0, k1, 0, update, block, n_blocks, words, noise)
            cursor[0] = 4 * block
            cursor[1] = 4 * (block + n_blocks)
        m = min(n - done, cursor[1] - e)
        z0, c0 = e - cursor[0], start + done
        for i in range(m):
            code = np.uint32(codes[np.uintp(c0 + i)] ^ flip)
            j = np.uintp(code & _COLUMN)
            down = np.uintp(code >> np.uint32(31))
            p = row_cells[j, np.uintp(0)]
            u = p * n_steps
            k = np.uintp(np.int32(u))
            f = u - np.float32(np.int32(u))
            v = np.uintp(variants[row, j]) if many else np.uintp(0)
            mean = steps[down, v, k, np.uintp(0)] + f * steps[down, v, k, np.uintp(1)]
            sd = steps[down, v, k, np.uintp(2)] + f * steps[down, v, k, np.uintp(3)]
            z = noise[np.uintp(z0 + i)]
            step = row_cells[j, np.uintp(1) + down] * (mean + sd * z)
            q = p - step if down else p + step
            q = zero if q < zero else (min(q, one))
            hist[down, np.uintp(min(np.int32(p * np.float32(32.0)), np.int32(31)))] += 1
            before, after = p, q
            if not linear:
                before = conductance_at(p, curve)
                after = conductance_at(q, curve)
            offset, span = row_cells[j, np.uintp(3)], row_cells[j, np.uintp(4)]
            g = np.float64(offset + span * (half * (before + after)))
            moved = np.float64(abs(q - p))
            sw_up += 0.0 if down else moved
            g_up += 0.0 if down else g
            sw_down += moved if down else 0.0
            g_down += g if down else 0.0
            row_cells[j, np.uintp(0)] = q
            row_weights[j] = scale * (offset + span * after - row_cells[j, np.uintp(5)])
            row_events[j] += np.uint32(1)
        done += m
    sums[0], sums[1], sums[2], sums[3] = sw_up, sw_down, g_up, g_down


@jit
def step_rows(rows, masks, flips, first, lo, hi, last, slots, ctx, out, row_sums):
    """Step the coincidences of active rows ``lo..hi-1``: row, then slot, then column.

    Parameters
    ----------
    rows, masks, flips, first : ndarray
        Per active row: its number, the slots in which it fires (bits), `DOWN` where its input is
        negative, and the number of events before it in the update.
    slots : tuple
        (codes, count, width): the columns that fire in slot s are
        ``codes[s * width : s * width + count[s]]``.
    row_sums : ndarray of float64, shape (active rows, 4)
        Sums of each row, so that the caller adds rows in order whatever the split.
    """
    sums = out[1]
    slot_codes, slot_count, width = slots
    for a in range(lo, hi):
        for q in range(4):
            sums[q] = 0.0
        event = first[a]
        mask = masks[a]
        slot = 0
        while mask != 0:
            if mask & np.uint32(1):
                n = slot_count[slot]
                start = slot * width
                step_list(rows[a], slot_codes, start, n, flips[a], event, last, ctx, out)
                event += n
            mask = np.uint32(mask >> np.uint32(1))
            slot += 1
        for q in range(4):
            row_sums[a, q] = sums[q]


@jit
def step_counts(rows, ptr, codes, lo, hi, ctx, out, row_sums, row_slots):
    """Step listed pulses of rows ``lo..hi-1``; `row_slots` gets the longest run of a cell.

    Parameters
    ----------
    rows, ptr, codes : ndarray
        Row ``rows[a]`` owns ``codes[ptr[a]:ptr[a + 1]]``; equal codes follow each other.
    row_slots : ndarray of int64, shape (rows, 2)
        Slots that the row needs for its up and its down pulses.
    """
    sums = out[1]
    last = ptr[ptr.size - 1]
    for a in range(lo, hi):
        for q in range(4):
            sums[q] = 0.0
        n = ptr[a + 1] - ptr[a]
        step_list(rows[a], codes, ptr[a], n, np.uint32(0), ptr[a], last, ctx, out)
        for q in range(4):
            row_sums[a, q] = sums[q]
        run = 0
        for i in range(ptr[a], ptr[a + 1]):
            run = run + 1 if i > ptr[a] and codes[i] == codes[i - 1] else 1
            down = np.int64(codes[i] >> np.uint32(31))
            row_slots[a, down] = max(row_slots[a, down], run)


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
