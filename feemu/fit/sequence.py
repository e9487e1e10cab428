"""One pulse width of a measurement as the flat sequence that the filter runs over."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from feemu.curves.ends import last_readings

if TYPE_CHECKING:
    import xarray

DIMS = ("pulse_width", "device", "cycle", "polarity", "pulse")
#: Marks of an entry: the state is unknown before it; a new cycle begins with it.
RESTART, NEW_CYCLE = 1, 2
#: Net change of levels over the sum of all steps from which polarities count as exchanged.
_AGAINST = 0.1


@dataclass(frozen=True)
class Sequence:
    """Readings of all devices at one pulse width, one device after the other.

    Attributes
    ----------
    y : ndarray of float64, shape (n,)
        Readings in units of the level range: ``(conductance - low) / (high - low)``; NaN = none.
    pulse : ndarray of int8, shape (n,)
        Pulse before the reading: +1 up, -1 down, 0 none.
    mark : ndarray of int8, shape (n,)
        `RESTART` and `NEW_CYCLE`, added.
    start : ndarray of int64, shape (devices + 1,)
        Device d owns entries ``start[d]:start[d + 1]``.
    place : ndarray of int64, shape (n,)
        Flat index into the conductances ``(device, cycle, polarity, pulse)``.
    low, high : float
        Levels that stand for 0 and 1, in the unit of the conductance.
    quantum : float
        Smallest distance of two levels, in units of the range: resolution of the meter.
    shape : tuple of int
        ``(device, cycle, polarity, pulse)``.
    pulse_width : float
        Pulse width [s].
    outside : int
        Readings left out because they lie far outside all others.
    on_level : bool
        Branches end on a level, not after a number of pulses.
    """

    y: np.ndarray
    pulse: np.ndarray
    mark: np.ndarray
    start: np.ndarray
    place: np.ndarray
    low: float
    high: float
    quantum: float
    shape: tuple
    pulse_width: float
    outside: int = 0
    on_level: bool = False

    @property
    def devices(self) -> int:
        """Number of devices with readings."""
        return self.start.size - 1

    def owner(self) -> np.ndarray:
        """Return the device of each entry (int64)."""
        return np.repeat(np.arange(self.devices), np.diff(self.start))

    def cycle(self) -> np.ndarray:
        """Return the cycle of each entry (int64)."""
        return np.unravel_index(self.place, self.shape)[1]

    def first_cycles(self, readings: int) -> Sequence:
        """Return the first cycles of all devices, three at least, that hold about `readings`."""
        cycle = self.cycle()
        count = np.cumsum(np.bincount(cycle, np.isfinite(self.y)))
        last = max(3, int(np.searchsorted(count, readings, side="right")))
        return self if last >= count.size else self.taken(cycle < last)

    def taken(self, keep: np.ndarray) -> Sequence:
        """Return the entries at `keep` (bool)."""
        size = np.bincount(self.owner()[keep], minlength=self.devices)
        arrays = {n: getattr(self, n)[keep] for n in ("y", "pulse", "mark", "place")}
        return dataclasses.replace(self, **arrays, start=np.append(0, np.cumsum(size)))

    def without(self, hidden: np.ndarray) -> Sequence:
        """Return the same pulses with the readings at `hidden` (bool) taken out."""
        return dataclasses.replace(self, y=np.where(hidden, np.nan, self.y))


def sequences(ds: xarray.Dataset) -> list[Sequence]:
    """Return one `Sequence` for each pulse width of a measurement.

    Raises
    ------
    ValueError
        If a dimension is missing or a pulse width has too few readings or only one level.
    """
    check(ds)
    values = ds["conductance"].transpose(*DIMS).values.astype(float)
    up_first = ds.attrs.get("first_polarity", "up") == "up"
    last = np.full(values.shape[:-1], -1)
    if "last_pulse" in ds:
        last = ds["last_pulse"].transpose(*DIMS[:-1]).values.astype(int)
        last = np.clip(last, -1, values.shape[-1] - 1)
    if list(ds["polarity"].values) == ["down", "up"]:
        values, last = values[:, :, :, ::-1], last[:, :, :, ::-1]
    continuous = bool(ds.attrs.get("continuous", False))
    on_level = continuous and ds.attrs.get("ended_by") == "level"
    return [
        _sequence(values[i], last[i], float(width), up_first, continuous, on_level)
        for i, width in enumerate(ds["pulse_width"].values)
    ]


def check(ds: xarray.Dataset) -> None:
    """Raise a ValueError unless a dataset has the form of a measurement."""
    if "conductance" not in ds:
        raise ValueError("fit: the dataset has no variable 'conductance'; see feemu.curves")
    dims = ds["conductance"].dims
    if set(dims) != set(DIMS):
        raise ValueError(f"fit: conductance has dimensions {dims}; expected {DIMS}")
    if sorted(map(str, ds["polarity"].values)) != ["down", "up"]:
        raise ValueError("fit: polarity must be 'up' and 'down'; a fit needs both branches")
    if np.isinf(ds["conductance"].values).any():
        raise ValueError("fit: a conductance is infinite; mark missing readings as NaN")


def _sequence(
    values: np.ndarray,
    last: np.ndarray,
    width: float,
    up_first: bool,
    continuous: bool,
    on_level: bool,
) -> Sequence:
    shape = values.shape
    finite = values[np.isfinite(values)]
    if finite.size < 20 or np.ptp(finite) <= 0:
        raise ValueError(
            f"fit: pulse width {width:g} s has {finite.size} readings"
            f"{'' if finite.size < 20 else ', all equal'}; at least 20 on several levels are needed"
        )
    last = np.maximum(last, last_readings(values))
    window = _believed(finite)
    outside = int(((finite < window[0]) | (finite > window[1])).sum())
    values = np.where((values < window[0]) | (values > window[1]), np.nan, values)
    finite = values[np.isfinite(values)]
    for k, name in ((0, "up"), (1, "down")):
        if not np.isfinite(values[:, :, k]).any():
            raise ValueError(
                f"fit: pulse width {width:g} s has no readings of polarity {name!r}; a fit needs "
                "both branches"
            )
    _check_direction(values, width)
    parts = [_device(values[d], last[d], d, shape, up_first, continuous) for d in range(shape[0])]
    parts = [p for p in parts if np.isfinite(values.ravel()[p[0]]).sum() >= 4]
    place, pulse, mark = (np.concatenate(a) for a in zip(*parts))
    start = np.concatenate([[0], np.cumsum([len(p[0]) for p in parts])])
    low, high = np.quantile(finite, [0.002, 0.998])
    if high <= low:
        low, high = finite.min(), finite.max()
    y = (values.ravel()[place] - low) / (high - low)
    quantum = _quantum(finite) / (high - low)
    ends = float(low), float(high)
    return Sequence(y, pulse, mark, start, place, *ends, quantum, shape, width, outside, on_level)


def _believed(finite: np.ndarray) -> tuple[float, float]:
    """Return the lowest and highest reading that is no mistake.

    From the inner range on, a reading is believed that lies within thrice the range of those
    already believed. Devices that rest near one end may leave it in a few pulses only; such an
    excursion leads through levels between, where a mistake has none.
    """
    low, high = np.quantile(finite, [0.05, 0.95])
    if high <= low:
        return -np.inf, np.inf
    while True:
        far = 3.0 * (high - low)
        near = finite[(finite >= low - far) & (finite <= high + far)]
        if near.min() >= low and near.max() <= high:
            return low, high
        low, high = min(low, near.min()), max(high, near.max())


def _check_direction(values: np.ndarray, width: float) -> None:
    """Raise a ValueError if levels fall after up pulses and rise after down pulses."""
    steps = np.diff(values, axis=-1)
    size = np.nansum(np.abs(steps), axis=(0, 1, 3))
    net = np.nansum(steps, axis=(0, 1, 3)) / np.where(size > 0, size, 1.0)
    if net[0] < -_AGAINST and net[1] > _AGAINST:
        raise ValueError(
            f"fit: pulse width {width:g} s: levels fall after 'up' and rise after 'down' pulses; "
            "exchange the two, or the sign of the readings"
        )


def _device(
    values: np.ndarray, last: np.ndarray, d: int, shape: tuple, up_first: bool, continuous: bool
) -> tuple:
    """Return place, pulse and mark of all entries of one device.

    `last`: index of the last pulse of each branch, -1 for none: that of its last reading, or
    where the measurement tells its last pulse.
    """
    places, pulses, marks = [], [], []
    order = (0, 1) if up_first else (1, 0)
    same = continuous and _repeats(values, order)
    first = True
    for c in range(shape[1]):
        new = NEW_CYCLE if c else 0
        for k in order:
            begin = 1 if (same and not first) else 0
            index = np.arange(begin, last[c, k] + 1)
            if not index.size:
                continue
            step = np.where(index == 0, 0, 1 if k == 0 else -1)
            mark = np.zeros(index.size, np.int8)
            mark[0] = new + (RESTART if first or not continuous else 0)
            places.append(np.ravel_multi_index((d, c, k, index), shape))
            pulses.append(step)
            marks.append(mark)
            new, first = 0, False
    if not places:
        return np.zeros(0, np.int64), np.zeros(0, np.int8), np.zeros(0, np.int8)
    return (
        np.concatenate(places).astype(np.int64),
        np.concatenate(pulses).astype(np.int8),
        np.concatenate(marks).astype(np.int8),
    )


def _repeats(values: np.ndarray, order: tuple) -> bool:
    """Return whether every reading before a branch only repeats the last one of the branch before.

    Such a copy is one reading, not two.
    """
    branches = [values[c, k] for c in range(values.shape[0]) for k in order]
    last, equal, seen = np.nan, 0, 0
    for branch in branches:
        if np.isfinite(branch[0]) and np.isfinite(last):
            seen += 1
            equal += branch[0] == last
        known = branch[np.isfinite(branch)]
        last = known[-1] if known.size else np.nan
    return seen > 0 and equal == seen


def _quantum(finite: np.ndarray) -> float:
    """Return the smallest distance of levels if most levels recur, else 0."""
    levels = np.unique(finite)
    gaps = np.diff(levels)
    gaps = gaps[gaps > 1e-9 * np.ptp(finite)]
    if levels.size > 0.5 * finite.size or not gaps.size:
        return 0.0
    return float(np.quantile(gaps, 0.05))
