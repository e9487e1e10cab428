"""The fitted device in the emulator, measured as the data were, to see whether both look alike.

Unlike `feemu.fit.checks`, which simulates the same devices in the fit's own model, this one draws
parameters from what the fit knows and new devices from its spread, and applies every pulse with
the kernel that trains networks.
"""

from __future__ import annotations

import math

import numpy as np

from feemu.curves.ends import last_readings
from feemu.devices import Device
from feemu.fit.sequence import RESTART, Sequence
from feemu.fit.traces import level_scatter, on_grid, rms
from feemu.fit.trajectories import MORE, last_level
from feemu.instrument import Protocol, measure

#: Draws of the parameters, emulated measurements in all, and the most readings to spend.
DRAWS, _RUNS, _READINGS = 8, 200, 6_000_000
_FEWEST = 3
#: Statistic -> meaning.
STATISTICS = {
    "emulated_steps": "rms difference of neighbouring readings",
    "emulated_levels": "rms deviation of levels between cycles (else devices)",
    "emulated_devices": "sd of mean levels between devices",
    "emulated_curve": "rms distance of the mean curve from that of all emulations",
}


def emulation(
    s: Sequence, devices: list[Device], ends: np.ndarray, extra: np.ndarray, start: float
) -> dict:
    """Return, for each statistic, the measured value, the emulated median and a p-value.

    Parameters
    ----------
    s : Sequence
        The readings; branches must follow one another.
    devices : list of Device
        Devices drawn from what the fit knows.
    ends : ndarray, shape (len(devices), 2)
        Levels at state 0 and 1.
    extra : ndarray, shape (len(devices), 3)
        Noise of a reading, random drift and rate of the drift per cycle, as fractions of the range.
    start : float
        State before the first pulse.

    Returns
    -------
    dict of str -> (measured, median, p)
        Empty where the protocol of the data cannot be emulated; ``overall`` is Bonferroni's p.
    """
    if (s.mark & RESTART).sum() > s.devices:
        return {}
    real = on_grid(s, s.y)
    used = np.isfinite(real).any(axis=(1, 2, 3))
    real = real[used]
    most = _RUNS // DRAWS
    runs = int(np.clip(_READINGS // (len(devices) * real.size), _FEWEST, most))
    grids = []
    for number, device in enumerate(devices):
        protocol = _protocol(s, real, runs, extra[number], start)
        if s.on_level:
            protocol = _verified(protocol, real, ends[number])
        grid = _readings(device, protocol, number, ends[number], real.shape)
        if s.quantum > 0:
            grid = s.quantum * np.floor(grid / s.quantum + 0.5)
        grid[..., : real.shape[-1]][:, _unread(real, s.on_level)] = np.nan
        grids.append(grid)
    return _compared(s, real, np.concatenate(grids))


def _protocol(
    s: Sequence, real: np.ndarray, runs: int, extra: np.ndarray, start: float
) -> Protocol:
    _, _, polarity, number = np.unravel_index(s.place, s.shape)
    pulses = [int(number[polarity == k].max(initial=1)) for k in (0, 1)]
    first = polarity[0]
    return Protocol(
        devices=runs * len(real),
        cycles=real.shape[1],
        pulses_up=pulses[0],
        pulses_down=pulses[1],
        first_polarity="up" if first == 0 else "down",
        start=float(np.clip(start, 0.0, 1.0)),
        noise=float(extra[0]),
        offset_walk=float(extra[1]),
        offset_rate=float(extra[2]),
    )


def _unread(real: np.ndarray, on_level: bool) -> np.ndarray:
    """Return where a reading is missing; of branches that end on a level only before their end."""
    missing = np.isnan(real)
    if on_level:
        missing &= np.arange(real.shape[-1]) < last_readings(real)[..., None]
    return missing


def _verified(protocol: Protocol, real: np.ndarray, ends: np.ndarray) -> Protocol:
    """Return the protocol with branches that go on until the level at which those measured ended.

    The level is half a step before the last reading, in ranges of the device, averaged over the
    devices; a branch that was not measured ends where the one before it did.
    """
    levels = np.array([[[last_level(y) for y in cycle] for cycle in device] for device in real])
    count = np.isfinite(levels).sum(axis=0)
    mean = np.nansum(levels, axis=0) / np.where(count > 0, count, np.nan)
    until = [_carried((column - ends[0]) / (ends[1] - ends[0])) for column in mean.T]
    up, down = (MORE + 2 * n for n in (protocol.pulses_up, protocol.pulses_down))
    return protocol.replace(until_up=until[0], until_down=until[1], pulses_up=up, pulses_down=down)


def _carried(levels: np.ndarray) -> tuple[float, ...]:
    """Return levels with each unknown one replaced by the one before it, else by the next.

    None where none is known: then branches end after a count.
    """
    known = np.flatnonzero(np.isfinite(levels))
    if not known.size:
        return ()
    at = np.searchsorted(known, np.arange(levels.size), side="right") - 1
    return tuple(levels[known[np.maximum(at, 0)]].tolist())


def _readings(
    device: Device, protocol: Protocol, seed: int, ends: np.ndarray, shape: tuple
) -> np.ndarray:
    """Return emulated levels, shape (runs, device, cycle, polarity, pulse)."""
    bare = {"conductance_on": math.nan, "conductance_off": math.nan, "read_noise": 0.0}
    ds = measure(device.replace(**bare), protocol, seed)
    seen = ds["conductance"].values[0]
    out = np.full((*seen.shape[:3], max(shape[-1], seen.shape[-1])), np.nan)
    out[..., : seen.shape[-1]] = ends[0] + (ends[1] - ends[0]) * seen
    return out.reshape(-1, *shape[:-1], out.shape[-1])


def _compared(s: Sequence, real: np.ndarray, grids: np.ndarray) -> dict:
    """Return the statistics of the data beside those of the emulations, with p-values."""
    most = real.shape[-1] if s.on_level else None
    curves = np.stack([_curve(g, most) for g in grids])
    total, count = curves.sum(axis=0), len(curves)
    rows = [[*_scatters(g), rms(c - (total - c) / (count - 1))] for g, c in zip(grids, curves)]
    mine = [*_scatters(real), rms(_curve(real, most) - total / count)]
    out = {}
    for name, value, column in zip(STATISTICS, mine, np.array(rows).T):
        if not math.isfinite(value):
            continue
        above = (1 + int((column >= value).sum())) / (count + 1)
        below = (1 + int((column <= value).sum())) / (count + 1)
        p = above if name == "emulated_curve" else min(1.0, 2.0 * min(above, below))
        out[name] = (float(value), float(np.median(column)), p)
    worst = min(1.0, len(out) * min(p for _, _, p in out.values()))
    return out | {"overall": (math.nan, math.nan, worst)}


def _scatters(grid: np.ndarray) -> tuple[float, float, float]:
    """Return the statistics that need no model, from levels (device, cycle, polarity, pulse)."""
    mean = np.array([np.nanmean(device) for device in grid])
    between = float(np.std(mean, ddof=1)) if len(mean) > 1 else math.nan
    return rms(np.diff(grid, axis=-1)), level_scatter(grid), between


def _curve(grid: np.ndarray, held: int | None) -> np.ndarray:
    """Return levels averaged over devices and cycles, shape (polarity, pulse); NaN as 0.

    `held`: so many readings of each branch count, and the last one stands for those after it.
    """
    if held:
        grid = _held(grid[..., :held])
    count = np.isfinite(grid).sum(axis=(0, 1))
    return np.nansum(grid, axis=(0, 1)) / np.maximum(count, 1)


def _held(grid: np.ndarray) -> np.ndarray:
    """Return the grid with each missing reading replaced by the one before it in its branch."""
    number = np.arange(grid.shape[-1])
    last = np.maximum.accumulate(np.where(np.isfinite(grid), number, 0), axis=-1)
    return np.take_along_axis(grid, last, axis=-1)
