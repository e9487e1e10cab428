"""The event kernel: one programming pulse is one step from the synapse's present state.

Pulses come in *runs*: pulses of one direction on one row. A row's six fields lie one after the
other, ``cells[i, field, j]``, so that what a run touches stays in the first-level cache and what
is due once per run, such as the visible weights, is done for the whole row at once.
"""

from __future__ import annotations

import numpy as np

from feemu._numba import fma, inline, internal, jit
from feemu.array import plan as pl
from feemu.array import tally as tl
from feemu.array.plan import DOWN, MAX_SLOTS
from feemu.rng import fill_normals

#: Fields of a cell, float32 each: switched fraction, step scales up and down, conductance offset
#: and span, reference.
P, C_UP, C_DOWN, OFFSET, SPAN, REFERENCE = range(6)
#: More than one pulse for so many columns renews the weights of a whole row.
_SPARSE = np.uintp(16)
_LINE = np.uint32((1 << 31) - 1)
# Unsigned indices need no test for counting from the end.
_0, _1, _2, _3, _4, _5, _FIELDS = (np.uintp(i) for i in range(7))
_BINS, _PLACES = np.float32(tl.STATE_BINS), np.uintp(tl.PLACES)


@inline
def conductance_at(p, curve):
    """Return g(p) (float32) by linear interpolation in the conductance table."""
    u = p * np.float32(curve.shape[0] - 1)
    k = np.int32(u)
    return fma(u - np.float32(k), curve[np.uintp(k), 1], curve[np.uintp(k), 0])


@inline
def visible(p, offset, span, reference, curve, linear, scale):
    """Return the visible weight of one synapse."""
    g = p
    if not linear:
        g = conductance_at(p, curve)
    # Not fused: a reference that is a conductance read by numpy gives a weight of exactly zero.
    return scale * (offset + span * g - reference)


@jit
def step_runs(runs, noise, ahead, lo, hi, ctx, tally):
    """Step runs ``lo..hi-1`` in place, in the order listed.

    Parameters
    ----------
    runs : tuple
        (heads, ptr, columns): run r pulses ``columns[ptr[r]:ptr[r + 1]]`` of row ``heads[r]``,
        with `DOWN` for depression.
    noise : ndarray of float32
        Standard normals; pulse ``i`` takes ``noise[i + ahead]``.
    lo, hi : int
        Part of the runs to step.
    ctx : tuple
        Array state and constants, see `feemu.array.synapses.SynapseArray`.
    tally : ndarray of int64
        Counters, see `feemu.array.tally`; added to.
    """
    heads, ptr, columns = runs
    cells, weights, events, variants, steps, curve, linear = ctx[:7]
    n_steps, stride = np.float32(steps.shape[2] - 1), np.uintp(4 * steps.shape[2])
    # Flat views made once: a view of every row would be counted in and out of memory.
    cell, seen, table = cells.reshape(-1), events.reshape(-1), steps.reshape(-1)
    many, width = steps.shape[1] > 1, np.uintp(weights.shape[1])
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    for r in range(lo, hi):
        row, down = np.uintp(heads[r] & _LINE), np.uintp(heads[r] >> np.uint32(31))
        first, curves = row * width, stride * down * np.uintp(steps.shape[1])
        state = first * _FIELDS
        scales, offset, span = state + (_1 + down) * width, state + _3 * width, state + _4 * width
        sign, places = np.float32(1 - 2 * np.int32(down)), _PLACES * down
        switched, conductance = 0.0, 0.0
        for i in range(ptr[r], ptr[r + 1]):
            j = np.uintp(columns[np.uintp(i)])
            p = cell[state + j]
            u = p * n_steps
            k = np.int32(u)
            f = u - np.float32(k)
            at = curves + np.uintp(k) * _4
            if many:
                at += stride * np.uintp(variants[row, j])
            mean, sd = fma(f, table[at + _1], table[at]), fma(f, table[at + _3], table[at + _2])
            step = cell[scales + j] * fma(sd, noise[np.uintp(i + ahead)], mean)
            q = min(max(fma(sign, step, p), zero), one)
            tally[places + np.uintp(np.int32(p * _BINS))] += 1
            before, after = p, q
            if not linear:
                before, after = conductance_at(p, curve), conductance_at(q, curve)
            switched += np.float64(abs(q - p))
            conductance += np.float64(
                fma(cell[span + j], half * (before + after), cell[offset + j])
            )
            cell[state + j] = q
            seen[first + j] += np.uint32(1)
        tally[np.uintp(tl.SWITCHED) + down] += np.int64(tl.SWITCHED_ONE * switched + 0.5)
        tally[np.uintp(tl.CONDUCTANCE) + down] += np.int64(tl.CONDUCTANCE_ONE * conductance + 0.5)


@jit
def show_runs(runs, lo, hi, ctx):
    """Renew the visible weights that runs ``lo..hi-1`` changed, in place."""
    heads, ptr, columns = runs
    cells, weights, _, _, _, curve, linear, scale, rows_at_once = ctx
    cell, weight, width = cells.reshape(-1), weights.reshape(-1), np.uintp(weights.shape[1])
    r = lo
    while r < hi:
        row, start = heads[r] & _LINE, ptr[r]
        while r < hi and heads[r] & _LINE == row:  # the runs of one row
            r += 1
        first = np.uintp(row) * width
        at = first * _FIELDS
        offset, span, reference = at + _3 * width, at + _4 * width, at + _5 * width
        if rows_at_once and np.uintp(ptr[r] - start) * _SPARSE > width:
            for n in range(np.intp(width)):
                j = np.uintp(n)
                g = cell[offset + j] + cell[span + j] * cell[at + j]
                weight[first + j] = scale * (g - cell[reference + j])
        else:
            for i in range(start, ptr[r]):
                j = np.uintp(columns[np.uintp(i)])
                weight[first + j] = visible(
                    cell[at + j], cell[offset + j], cell[span + j], cell[reference + j],
                    curve, linear, scale,
                )  # fmt: skip


@internal
def list_coincidences(plan, lo, hi, heads, ptr, columns):
    """List the pulses of active rows from `lo` on while they fit; returns the row after the last.

    Row ``lo + a`` makes runs 2 a (potentiation) and 2 a + 1, each in the order slot, column.
    """
    lanes, index, firing = plan
    rows, masks, flips = lanes[pl.ROWS], lanes[pl.ROW_SLOTS], lanes[pl.FLIPS]
    first, counts, negative = index[pl.FIRST], index[pl.COUNTS], index[pl.NEGATIVE]
    width, slots = firing.size // MAX_SLOTS, np.empty(MAX_SLOTS + 1, np.int64)
    n, a, r = 0, lo, 0
    ptr[0] = 0
    while a < hi and first[a + 1] - first[lo] <= columns.size:
        mask, many, slot = masks[a], 0, 0
        while mask != 0:  # without branches: which slots fire is random
            slots[many] = slot
            many += np.int64(mask & np.uint32(1))
            mask = np.uint32(mask >> np.uint32(1))
            slot += 1
        for down in range(2):
            # With x > 0, columns with d < 0 potentiate.
            second = (flips[a] == 0) == (down == 1)
            for s in range(many):
                slot = slots[s]
                start = slot * width
                stop = start + (counts[slot] if second else negative[slot])
                start += negative[slot] if second else 0
                for c in range(start, stop):
                    columns[np.uintp(n + c - start)] = firing[np.uintp(c)]
                n += stop - start
            heads[r] = rows[a] | (DOWN if down else np.uint32(0))
            r += 1
            ptr[r] = n
        a += 1
    return a


@inline
def step_coincidences(plan, lo, hi, ctx, draw, out):
    """Step the coincidences of active rows ``lo..hi-1`` in place.

    Order: row, potentiation before depression, slot, column.

    Parameters
    ----------
    plan : tuple
        What fires, see `feemu.array.plan.make_plan`.
    draw : tuple
        (key, update) of the noise: pulse ``e`` of the update takes normal number ``e``.
    out : tuple
        Counters and scratch, see `feemu.array.meter.make_out`.
    """
    tally, noise, heads, ptr, columns = out
    (k0, k1), update = draw
    first = plan[1][pl.FIRST]
    a = lo
    while a < hi:
        b = list_coincidences(plan, a, hi, heads, ptr, columns)
        block = first[a] // 4
        ahead = first[a] - 4 * block
        # A multiple of 16 blocks: no rest for the vectorised loop.
        blocks = (ahead + ptr[2 * (b - a)] + 63) // 64 * 16
        fill_normals(k0, k1, np.uint32(0), update, block, blocks, noise)
        step_runs((heads, ptr, columns), noise, ahead, 0, 2 * (b - a), ctx, tally)
        show_runs((heads, ptr, columns), 0, 2 * (b - a), ctx)
        a = b


@jit
def list_runs(rows, ptr, codes, tally):
    """Return (first, heads, starts, columns): listed pulses as runs, see `step_runs`.

    Row ``rows[a]``, which owns ``codes[ptr[a]:ptr[a + 1]]``, makes runs
    ``first[a]..first[a + 1] - 1``. Slots and pulses of the lists, up and down, are added to the
    counters: rows are programmed one by one, and a row takes as many slots of a direction as the
    synapse with most pulses in it.
    """
    first, columns = np.empty(ptr.size, np.int64), np.empty(codes.size, np.uint32)
    heads, starts = np.empty(codes.size, np.uint32), np.empty(codes.size + 1, np.int64)
    runs = 0
    first[0], starts[0] = 0, 0
    for a in range(rows.size):
        last, again, up, down = np.uint32(0), 0, 0, 0
        for i in range(ptr[a], ptr[a + 1]):
            code = codes[i]
            new = i == ptr[a]
            again = 1 if new or code != last else again + 1
            if new or (code ^ last) & DOWN:
                heads[runs], starts[runs] = rows[a] | code & DOWN, i
                runs += 1
            if code & DOWN:
                down = max(down, again)
                tally[tl.LISTED_PULSES + 1] += 1
            else:
                up = max(up, again)
                tally[tl.LISTED_PULSES] += 1
            columns[i], last = code & _LINE, code
        tally[tl.LISTED_SLOTS] += up
        tally[tl.LISTED_SLOTS + 1] += down
        first[a + 1] = runs
    starts[runs] = codes.size
    return first, heads, starts, columns


@jit
def refresh_weights(cells, weights, curve, linear, scale):
    """Recompute every visible weight from its state, in place."""
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            weights[i, j] = visible(
                cells[i, P, j], cells[i, OFFSET, j], cells[i, SPAN, j], cells[i, REFERENCE, j],
                curve, linear, scale,
            )  # fmt: skip


@jit
def add_write_noise(rows, ptr, columns, weights, cells, curve, linear, scale, sd, z):
    """Redraw the write noise of every synapse in the lists: weight of its state plus ``sd z``."""
    for a in range(rows.size):
        i = rows[a]
        for e in range(ptr[a], ptr[a + 1]):
            j = np.int64(columns[e])
            w = visible(
                cells[i, P, j], cells[i, OFFSET, j], cells[i, SPAN, j], cells[i, REFERENCE, j],
                curve, linear, np.float32(1.0),
            )  # fmt: skip
            weights[i, j] = scale * (w + sd * z[i, j])
