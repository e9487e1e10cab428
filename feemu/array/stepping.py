"""The event kernel: one programming pulse is one step from the synapse's present state.

Pulses come in *runs* of one direction, as numbers of synapses, ``row n_out + column``. What one
pulse needs of its synapse lies in one cache line, ``cells[row, column]``, and is fetched ahead.
"""

from __future__ import annotations

import numpy as np

from feemu._numba import fma, inline, internal, jit, prefetch, trailing_zeros
from feemu.array import plan as pl
from feemu.array import tally as tl
from feemu.array.plan import AHEAD, DOWN
from feemu.rng import fill_normals

#: Fields of a cell, float32 each: switched fraction, step scales up and down, conductance offset
#: and span, reference.
P, C_UP, C_DOWN, OFFSET, SPAN, REFERENCE = range(6)
_LINE = np.uint32((1 << 31) - 1)
# Unsigned indices need no test for counting from the end.
_1, _2, _3, _4, _5, _FIELDS = (np.uintp(i) for i in range(1, 7))
_BINS, _PLACES, _AHEAD = np.float32(tl.STATE_BINS), np.uintp(tl.PLACES), np.uintp(AHEAD)
_SWITCHED, _CONDUCTANCE = np.uintp(tl.SWITCHED), np.uintp(tl.CONDUCTANCE)
#: Typed, since numba compiles once more for a plain number.
_UNIT = np.uint32(0)


@inline
def conductance_at(p, curve):
    """Return g(p) (float32) by linear interpolation in the conductance table."""
    u = p * np.float32(curve.shape[0] - 1)
    k = np.int32(u)
    return fma(u - np.float32(k), curve[np.uintp(k), 1], curve[np.uintp(k), 0])


@internal
def step_runs(runs, n, noise, ahead, ctx, tally):
    """Step the first `n` runs in place, in the order listed.

    Parameters
    ----------
    runs : tuple
        (downs, starts, synapses): run r pulses ``synapses[starts[r]:starts[r + 1]]``, down if
        ``downs[r]`` is 1; `AHEAD` more synapses may be looked at and not touched.
    noise : ndarray of float32
        Standard normals; pulse ``i`` takes ``noise[i + ahead]``.
    ctx : tuple
        Array state and constants, see `feemu.array.synapses.SynapseArray`.
    tally : ndarray of int64
        Counters, see `feemu.array.tally`; added to.
    """
    downs, starts, synapses = runs
    cells, weights, events, variants, steps, curve, linear, scale = ctx
    n_steps, stride = np.float32(steps.shape[2] - 1), np.uintp(4 * steps.shape[2])
    # Flat views made once: a view of every row would be counted in and out of memory.
    cell, weight, seen = cells.reshape(-1), weights.reshape(-1), events.reshape(-1)
    table, variant, many = steps.reshape(-1), variants.reshape(-1), steps.shape[1] > 1
    zero, half, one = np.float32(0.0), np.float32(0.5), np.float32(1.0)
    for r in range(n):
        down = np.uintp(downs[r])
        scales, curves, places = _1 + down, down * stride * np.uintp(steps.shape[1]), down * _PLACES
        sign = np.float32(1 - 2 * np.int32(down))
        switched, conductance = 0.0, 0.0
        for i in range(starts[r], starts[r + 1]):
            later = np.uintp(synapses[np.uintp(i) + _AHEAD])
            prefetch(cell, later * _FIELDS)
            prefetch(seen, later)
            prefetch(weight, later)
            s = np.uintp(synapses[np.uintp(i)])
            c = s * _FIELDS
            p = cell[c]
            u = p * n_steps
            k = np.int32(u)
            f = u - np.float32(k)
            at = curves + np.uintp(k) * _4
            if many:
                at += stride * np.uintp(variant[s])
            mean, sd = fma(f, table[at + _1], table[at]), fma(f, table[at + _3], table[at + _2])
            step = cell[c + scales] * fma(sd, noise[np.uintp(i + ahead)], mean)
            q = fma(sign, step, p)
            q = zero if q < zero else q
            q = one if q > one else q
            tally[places + np.uintp(np.int32(p * _BINS))] += 1
            before, after = p, q
            if not linear:
                before, after = conductance_at(p, curve), conductance_at(q, curve)
            offset, span = cell[c + _3], cell[c + _4]
            switched += np.float64(abs(q - p))
            conductance += np.float64(fma(span, half * (before + after), offset))
            cell[c] = q
            # Not fused: a reference that is a conductance read by numpy gives a weight of zero.
            weight[s] = scale * (offset + span * after - cell[c + _5])
            seen[s] += np.uint32(1)
        tally[_SWITCHED + down] += np.int64(tl.SWITCHED_ONE * switched + 0.5)
        tally[_CONDUCTANCE + down] += np.int64(tl.CONDUCTANCE_ONE * conductance + 0.5)


@internal
def list_coincidences(plan, lo, hi, width, runs):
    """List the pulses of active rows from `lo` on while they fit; returns the row after the last.

    Row ``lo + a`` makes runs 2 a (potentiation) and 2 a + 1, each in the order slot, column.
    """
    downs, starts, synapses = runs
    lanes, index, firing = plan
    rows, masks, flips = lanes[pl.ROWS], lanes[pl.ROW_SLOTS], lanes[pl.FLIPS]
    first, counts, negative = index[pl.FIRST], index[pl.COUNTS], index[pl.NEGATIVE]
    room, most = first[lo] + synapses.size - AHEAD, downs.size - 2
    n, a, r = 0, lo, 0
    starts[0] = 0
    # Slots (bits) in which a column with d < 0 fires, and one with d > 0.
    below, above = np.uint32(0), np.uint32(0)
    for slot in range(pl.MAX_SLOTS):
        below |= np.uint32(negative[slot] > 0) << np.uint32(slot)
        above |= np.uint32(counts[slot] > negative[slot]) << np.uint32(slot)
    while a < hi and first[a + 1] <= room and r <= most:
        base = rows[a] * np.uint32(width)
        for down in range(2):
            # With x > 0, columns with d < 0 potentiate.
            second = (flips[a] == 0) == (down == 1)
            mask = np.uint32(masks[a] & (above if second else below))
            while mask != 0:
                slot = np.int64(trailing_zeros(mask))
                mask = np.uint32(mask & (mask - np.uint32(1)))
                start = slot * width
                stop = start + (counts[slot] if second else negative[slot])
                start += negative[slot] if second else 0
                for c in range(start, stop):
                    synapses[np.uintp(n + c - start)] = base + firing[np.uintp(c)]
                n += stop - start
            downs[r] = down
            r += 1
            starts[r] = n
        a += 1
    return a


@inline
def draw_normals(draw, first, n, noise):
    """Write normals number `first` to ``first + n - 1`` of an update; returns where they start."""
    k0, k1, update = draw
    ahead = first % 4
    # A multiple of 16 blocks: no rest for the vectorised loop.
    blocks = (ahead + n + 63) // 64 * 16
    fill_normals(k0, k1, _UNIT, update, first // 4, blocks, noise)
    return ahead


@inline
def step_coincidences(plan, lo, hi, ctx, draw, tally, noise, runs):
    """Step the coincidences of active rows ``lo..hi-1`` in place.

    Order: row, potentiation before depression, slot, column.

    Parameters
    ----------
    plan : tuple
        What fires, see `feemu.array.plan.make_plan`.
    draw : tuple
        (two words of the key, update) of the noise: pulse ``e`` takes normal number ``e``.
    tally, noise, runs : tuple or ndarray
        See `step_runs`.
    """
    a = lo
    while a < hi:
        b = list_coincidences(plan, a, hi, ctx[1].shape[1], runs)
        ahead = draw_normals(draw, plan[1][pl.FIRST][a], runs[1][2 * (b - a)], noise)
        step_runs(runs, 2 * (b - a), noise, ahead, ctx, tally)
        a = b


@internal
def count_lines(ptr, codes, lo, hi, tally):
    """Add the slots and the pulses of listed rows, up and down, to the counters.

    Rows are programmed one by one: a row takes as many slots of a direction as the synapse with
    most pulses in it.
    """
    for a in range(lo, hi):
        if ptr[a] == ptr[a + 1]:
            continue
        last, again, up, down = ~codes[ptr[a]], 0, 0, 0
        for i in range(ptr[a], ptr[a + 1]):  # without branches: directions are random
            code = codes[i]
            again = again * np.int64(code == last) + 1
            many_down = again * np.int64(code >> np.uint32(31))
            many_up = again - many_down
            up = many_up if many_up > up else up
            down = many_down if many_down > down else down
            tally[np.uintp(tl.LISTED_PULSES) + np.uintp(code >> np.uint32(31))] += 1
            last = code
        tally[tl.LISTED_SLOTS] += up
        tally[tl.LISTED_SLOTS + 1] += down


@internal
def list_given(rows, ptr, codes, place, hi, width, runs):
    """List given pulses as runs while they fit; see `step_given`.

    Parameters
    ----------
    place : tuple
        The row to go on from and how many of its pulses are done.
    hi : int
        The row to stop at.
    width : int
        Synapses of a row.
    runs : tuple
        Filled, see `step_runs`.

    Returns
    -------
    ((int, int), int)
        Where to go on, and the number of runs.
    """
    downs, starts, synapses = runs
    a, done = place
    n, r, room = 0, 0, synapses.size - AHEAD
    while a < hi:
        left, base = ptr[a + 1] - ptr[a] - done, rows[a] * np.uint32(width)
        if left == 0:  # no runs: there is room for a few only
            a += 1
            continue
        # A row's runs, and so their sums, do not depend on the rows before it.
        if n > 0 and (left > room - n or r + 2 > downs.size):
            break
        taken, ups = left if left < room - n else room - n, 0
        for i in range(ptr[a], ptr[a + 1]):
            ups += np.int64(codes[np.uintp(i)] < DOWN)
        at_up, at_down = n - done, n - done + ups
        for i in range(ptr[a], ptr[a + 1]):
            code = codes[np.uintp(i)]
            down = np.int64(code >> np.uint32(31))
            at = at_down if down else at_up
            at_down += down
            at_up += 1 - down
            if n <= at < n + taken:
                synapses[np.uintp(at)] = base + (code & _LINE)
        ups -= done
        downs[r], starts[r], downs[r + 1] = 0, n, 1
        starts[r + 1] = n + min(max(ups, 0), taken)
        r += 2
        n += taken
        if taken < left:
            done += taken
            break
        a, done = a + 1, 0
    starts[r] = n
    return (a, done), r


@jit
def step_given(rows, ptr, codes, part, before, draw, ctx, out):
    """Step the given pulses of some rows in place, and count their lines.

    Order: row, potentiation before depression, place in the list.

    Parameters
    ----------
    rows, ptr, codes : ndarray
        Row ``rows[a]`` owns ``codes[ptr[a]:ptr[a + 1]]``: columns, with `DOWN` for depression.
    part : tuple
        Rows (lo, hi) to be stepped.
    before : int
        Pulses of the same update before those of row 0.
    draw, ctx : tuple
        See `step_coincidences`.
    out : tuple
        Counters and scratch, see `feemu.array.running.make_out`.
    """
    tally, noise, runs, _ = out
    lo, hi = part
    count_lines(ptr, codes, lo, hi, tally)
    place = lo, np.int64(0)
    while place[0] < hi:
        first = before + ptr[place[0]] + place[1]
        place, n = list_given(rows, ptr, codes, place, hi, ctx[1].shape[1], runs)
        ahead = draw_normals(draw, first, runs[1][n], noise)
        step_runs(runs, n, noise, ahead, ctx, tally)


@jit
def refresh_weights(cells, weights, curve, linear, scale):
    """Recompute every visible weight from its state, in place."""
    for i in range(weights.shape[0]):
        for j in range(weights.shape[1]):
            g = cells[i, j, 0]
            if not linear:
                g = conductance_at(g, curve)
            weights[i, j] = scale * (cells[i, j, 3] + cells[i, j, 4] * g - cells[i, j, 5])
