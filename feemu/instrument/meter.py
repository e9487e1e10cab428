"""What the instrument adds to the conductance of a device: drift, noise, levels."""

from __future__ import annotations

import numpy as np

from feemu import rng
from feemu.instrument.protocol import Protocol


def drift(protocol: Protocol, key: tuple, device: int) -> tuple[np.ndarray, np.ndarray]:
    """Return offset [1] and gain [1] of one device in every cycle, from 0 and 1 on.

    Parameters
    ----------
    key : tuple
        Key of the drift stream; update 0 is the offset, 1 the gain, the unit is the device.
    """
    cycle = np.arange(protocol.cycles)
    out = []
    for update, rate, walk in (
        (0, protocol.offset_rate, protocol.offset_walk),
        (1, protocol.gain_rate, protocol.gain_walk),
    ):
        path = rate * cycle
        if walk > 0.0:
            z = rng.normals(key, update, device, protocol.cycles).astype(float)
            path = path + walk * (np.cumsum(z) - z[0])
        out.append(path)
    return out[0], 1.0 + out[1]


def see(
    visible: np.ndarray,
    cycle: np.ndarray,
    device: int,
    protocol: Protocol,
    read_noise: float,
    keys: tuple,
) -> np.ndarray:
    """Return what the meter shows of one device, in the order of the reads.

    Parameters
    ----------
    visible : ndarray, shape (reads,)
        Normalised conductance [1].
    cycle : ndarray of int, shape (reads,)
        Cycle of each read.
    read_noise : float
        `Device.read_noise` [1], relative to the normalised conductance.
    keys : tuple
        Keys of the streams of noise and of drift.
    """
    offset, gain = drift(protocol, keys[1], device)
    seen = offset[cycle] + gain[cycle] * visible
    if read_noise > 0.0 or protocol.noise > 0.0:
        z = rng.normals(keys[0], 0, device, visible.size).astype(float)
        seen = seen + np.hypot(read_noise * seen, protocol.noise) * z
    return quantise(seen, protocol)


def quantise(seen: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Return values [1] rounded to the nearest of ``2^bits`` levels, clipped at both ends."""
    if protocol.meter_bits == 0:
        return seen
    low, high = protocol.meter_low, protocol.meter_high
    step = (high - low) / (2**protocol.meter_bits - 1)
    return low + step * np.rint((np.clip(seen, low, high) - low) / step)
