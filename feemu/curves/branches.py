"""From rows to branches: which polarity, which cycle, which pulse, and what came first."""

from __future__ import annotations

import numpy as np

from feemu.curves.errors import refuse
from feemu.curves.mapping import Mapping
from feemu.curves.readings import Readings


def arrange(readings: Readings, mapping: Mapping) -> None:
    """Give every reading its polarity, cycle and pulse, in place.

    Raises
    ------
    CurvesError
        If nothing tells the polarity, or a pulse of 0 V stands within a branch.
    """
    group = _groups(readings)
    order = np.argsort(group, kind="stable")
    readings.keep(order)
    group = group[order]
    before = _set_polarity(readings, mapping, group)
    if before.any():
        kept = ~before | _last_before(readings, before, group)
        readings.keep(kept)
        group, before = group[kept], before[kept]
    if readings.cycle is None:
        _infer_cycles(readings, group)
    branch = _branches(readings, group)
    if readings.pulse is None:
        _number(readings, branch, before)
    elif mapping.pulse_numbers == "auto":
        _renumber(readings, branch, group)
    _shift(readings, mapping, branch)
    if readings.in_row_order:
        _order(readings, branch, group)


def _groups(readings: Readings) -> np.ndarray:
    """Return one code per (pulse width, device)."""
    _, width = np.unique(readings.width, return_inverse=True)
    return _dense(width * len(readings.devices) + readings.device)


def _dense(keys: np.ndarray) -> np.ndarray:
    return np.unique(keys, return_inverse=True)[1]


def _starts(*keys: np.ndarray) -> np.ndarray:
    """Return where any key differs from the row before; the first row is a start."""
    start = np.zeros(keys[0].size, bool)
    start[:1] = True
    for key in keys:
        start[1:] |= key[1:] != key[:-1]
    return start


# -- polarity ------------------------------------------------------------------------------------


def _set_polarity(readings: Readings, mapping: Mapping, group: np.ndarray) -> np.ndarray:
    """Set the polarity in place; return which rows are readings at 0 V before a branch."""
    none = np.zeros(readings.value.size, bool)
    if readings.up is not None:
        return none
    if np.any(readings.voltage != 0) and not np.isnan(readings.voltage).all():
        return _from_voltage(readings, mapping, group)
    n_up, n_down = int(mapping.pulses_up), int(mapping.pulses_down)
    if n_up + n_down == 0:
        expected = (
            "a column of polarity or voltage, columns={'polarity': NAME} or {'up': NAME, 'down': "
            "NAME}, file labels up=FILE and down=FILE, or pulses_up=... and pulses_down=..."
        )
        raise refuse(readings.where, "nothing tells up from down pulses", None, expected)
    start = np.flatnonzero(_starts(group))
    place = np.arange(group.size) - np.repeat(start, np.diff([*start, group.size]))
    down_first = mapping.first_polarity == "down"
    first = (n_down if down_first else n_up) or n_up + n_down
    readings.up = (place % (n_up + n_down) < first) != down_first
    return none


def _from_voltage(readings: Readings, mapping: Mapping, group: np.ndarray) -> np.ndarray:
    volts = readings.voltage
    missing = np.isnan(volts)
    if missing.any():
        line = int(readings.line[np.argmax(missing)])
        raise refuse(readings.where, "pulse voltage is missing", None, "one for every row", line)
    zero = volts == 0
    # A reading at 0 V belongs to the branch that follows it.
    at = np.where(zero, volts.size, np.arange(volts.size))
    following = np.minimum.accumulate(at[::-1])[::-1]
    inside = following < volts.size
    inside[inside] = group[following[inside]] == group[inside]
    sign = np.sign(volts[np.minimum(following, volts.size - 1)])
    positive = np.where(inside, sign, 0) > 0
    readings.up = positive == _up_is_positive(readings, mapping, positive, zero, group)
    return zero


def _up_is_positive(
    readings: Readings, mapping: Mapping, positive: np.ndarray, zero: np.ndarray, group: np.ndarray
) -> bool:
    """Return whether positive pulses potentiate: as given, or as the conductance says."""
    if mapping.up_voltage != "auto":
        return mapping.up_voltage == "positive"
    rise = np.diff(readings.value)
    keys = [positive, group]
    keys += [] if readings.cycle is None else [readings.cycle]
    same = ~_starts(*keys)[1:] & ~zero[1:] & np.isfinite(rise)
    up = float(rise[same & positive[1:]].sum())
    down = float(rise[same & ~positive[1:]].sum())
    if up == down or ((up > 0) == (down > 0) and up * down != 0):
        both = f"a change of {up:.3g} under positive and {down:.3g} under negative pulses"
        expected = "opposite signs, or up_voltage='positive' or 'negative'"
        raise refuse(readings.where, "which voltage potentiates", both, expected)
    found = up > down
    word = "positive" if found else "negative"
    readings.notes.append(f"polarity from the pulse voltage; {word} pulses raise the conductance")
    return found


def _last_before(readings: Readings, before: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return the last reading at 0 V before each change of polarity; the others are dropped.

    Raises
    ------
    CurvesError
        For one within a branch.
    """
    n = before.size
    last = before.copy()
    last[:-1] &= ~before[1:] & (group[1:] == group[:-1])
    last[n - 1 :] = False
    real = np.where(~before, np.arange(n), -1)
    previous = np.maximum.accumulate(real)
    here = np.flatnonzero(last)
    there = previous[here]
    inside = (there >= 0) & (readings.up[there] == readings.up[here])
    inside &= group[there] == group[here]
    if readings.cycle is not None:
        inside &= readings.cycle[there] == readings.cycle[here]
    if inside.any():
        line = int(readings.line[here[np.argmax(inside)]])
        expected = "readings at 0 V only before a branch"
        raise refuse(readings.where, "pulse voltage within a branch", 0.0, expected, line)
    dropped = int(before.sum() - last.sum())
    if dropped:
        readings.notes.append(f"{dropped} readings at 0 V that precede no pulse dropped")
    return last


# -- cycles and pulse numbers --------------------------------------------------------------------


def _infer_cycles(readings: Readings, group: np.ndarray) -> None:
    """Number cycles within each (width, device): a new one at every return to its polarity."""
    pulse = readings.pulse
    if pulse is not None and _one_cycle(readings, group):
        readings.cycle, readings.cycles = np.zeros(group.size, np.int64), [1]
        return
    start = _starts(group, readings.up)
    if pulse is not None:
        start[1:] |= pulse[1:] < pulse[:-1]
    first = np.flatnonzero(start)
    up, of = readings.up[first], group[first]
    begins = _starts(of)
    leader = up[np.maximum.accumulate(np.where(begins, np.arange(first.size), 0))]
    same = np.zeros(first.size, bool)
    same[1:] = up[1:] == up[:-1]
    count = np.cumsum(begins | same | (up == leader))
    offset = np.maximum.accumulate(np.where(begins, count, 0))
    number = np.repeat(count - offset, np.diff([*first, group.size]))
    readings.cycle, readings.cycles = number, list(range(1, int(number.max()) + 2))
    if readings.cycles[-1] > 1:
        readings.notes.append("cycles counted from the order of the rows")


def _one_cycle(readings: Readings, group: np.ndarray) -> bool:
    """Return whether every pulse occurs once, or equal ones stand side by side."""
    key = (group * 2 + readings.up) * (int(readings.pulse.max()) + 1) + readings.pulse
    repeated = int(np.sum(key[1:] == key[:-1]))
    return repeated == group.size - np.unique(key).size


def _branches(readings: Readings, group: np.ndarray) -> np.ndarray:
    """Return one code per (width, device, cycle, polarity)."""
    return _dense((group * len(readings.cycles) + readings.cycle) * 2 + readings.up)


def _number(readings: Readings, branch: np.ndarray, before: np.ndarray) -> None:
    """Number the pulses of each branch from 1 in the order of the rows; 0 is a reading at 0 V."""
    order = np.argsort(branch, kind="stable")
    start = np.flatnonzero(_starts(branch[order]))
    _refuse_returns(readings, branch, start.size)
    sizes = np.diff([*start, branch.size])
    place = np.arange(branch.size) - np.repeat(start, sizes)
    ahead = np.repeat(np.add.reduceat(before[order].astype(np.int64), start), sizes)
    readings.pulse = np.empty(branch.size, np.int64)
    readings.pulse[order] = place + 1 - ahead
    readings.notes.append("no pulse numbers: every row counted as one pulse of its branch")


def _refuse_returns(readings: Readings, branch: np.ndarray, distinct: int) -> None:
    """Refuse rows that return to a branch: without pulse numbers their order is all there is."""
    first = np.flatnonzero(_starts(branch))
    if first.size == distinct:
        return
    seen = np.unique(branch[first], return_index=True)[1]
    again = np.setdiff1d(np.arange(first.size), seen)
    row = int(first[again[0]])
    cycle = readings.cycles[int(readings.cycle[row])]
    what = f"cycle {cycle!r} returns to {'up' if readings.up[row] else 'down'} pulses"
    expected = (
        "one up and one down branch per cycle, or a column of pulse numbers; columns that hold "
        "several cycles are devices: columns_are='device'"
    )
    raise refuse(readings.where, what, None, expected, int(readings.line[row]))


def _renumber(readings: Readings, branch: np.ndarray, group: np.ndarray) -> None:
    """Count pulses from 1 in each branch where their number runs on over the branches."""
    pulse = readings.pulse
    codes, at, inverse = np.unique(branch, return_index=True, return_inverse=True)
    low, high = np.full(codes.size, 1 << 60), np.full(codes.size, -1)
    np.minimum.at(low, inverse, pulse)
    np.maximum.at(high, inverse, pulse)
    order = np.argsort(at)
    of = group[at][order]
    follows = ~_starts(of)
    if not follows.any():
        return
    previous = np.roll(high[order], 1)
    if not np.all(low[order][follows] > previous[follows]):
        return
    base = np.where(follows, previous, np.minimum(low[order], 1) - 1)
    shift = np.empty(codes.size, np.int64)
    shift[order] = base
    readings.pulse = pulse - shift[inverse]
    readings.notes.append("pulse numbers ran on over the branches: counted from 1 in each")


def _shift(readings: Readings, mapping: Mapping, branch: np.ndarray) -> None:
    """Make the lowest pulse number 1 or 0, as `Mapping.first_reading` says."""
    low = int(readings.pulse.min())
    wanted = {"auto": low, "before": 0, "after": 1}[mapping.first_reading]
    if low in (0, 1):
        readings.pulse = readings.pulse + (wanted - low)


# -- order ---------------------------------------------------------------------------------------


def _order(readings: Readings, branch: np.ndarray, group: np.ndarray) -> None:
    """Find which branch of each cycle came first, and whether the branches alternate in turn."""
    start = _starts(branch)
    first = np.flatnonzero(start)
    if first.size > np.unique(branch).size:
        return  # rows are not grouped by branch: their order tells nothing
    cycle, up, of = readings.cycle[first], readings.up[first], group[first]
    follows = ~_starts(of)[1:]
    turns = up[1:] != up[:-1]
    pairs, sizes = np.unique(of * len(readings.cycles) + cycle, return_counts=True)
    together = int(np.sum(follows & (cycle[1:] == cycle[:-1]))) == int(np.sum(sizes - 1))
    in_turn = bool(np.all(turns[follows])) and together
    if not in_turn and pairs.size > 1:
        return
    leads = _starts(of, cycle)
    first_up = {int(c): set() for c in np.unique(cycle)}
    for code, is_up in zip(cycle[leads], up[leads]):
        first_up[int(code)].add(bool(is_up))
    for code in np.unique(pairs[sizes == 2] % len(readings.cycles)):
        if len(first_up[int(code)]) == 1:
            readings.up_first[readings.cycles[int(code)]] = first_up[int(code)].copy().pop()
    several = np.unique(of, return_counts=True)[1]
    readings.continuous = bool(in_turn and np.all(several >= 3))
