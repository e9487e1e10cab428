"""What the instrument adds to the conductance of a device: drift, noise, levels."""

from __future__ import annotations

import numpy as np

from feemu import rng
from feemu.instrument.protocol import Protocol


class Meter:
    """The instrument on all devices of one pulse width, read by read.

    Parameters
    ----------
    protocol : Protocol
        Noise, drift and levels.
    read_noise : float
        `Device.read_noise` [1], relative to the normalised conductance.
    noise, drift : tuple
        Keys of the streams; the unit is the device, update 0 of drift the offset, 1 the gain.
    """

    def __init__(self, protocol: Protocol, read_noise: float, noise: tuple, drift: tuple) -> None:
        self.protocol, self.read_noise = protocol, read_noise
        units = range(protocol.devices)
        self.offset, gain = (
            np.array([_walk(protocol.cycles, rate, walk, drift, update, d) for d in units])
            for update, rate, walk in (
                (0, protocol.offset_rate, protocol.offset_walk),
                (1, protocol.gain_rate, protocol.gain_walk),
            )
        )
        self.gain = 1.0 + gain
        self.z = None
        if read_noise > 0.0 or protocol.noise > 0.0:
            most = sum(protocol.n_pulses) + 2
            draws = [rng.normals(noise, 0, d, most * protocol.cycles) for d in units]
            self.z = np.array(draws).T.astype(float)

    def see(self, visible: np.ndarray, cycle: int, read: int) -> np.ndarray:
        """Return what is shown of all devices (devices,) at one read.

        Parameters
        ----------
        visible : ndarray, shape (devices,)
            Normalised conductance [1].
        cycle : int
            Cycle of the read; before cycle 0 there is no noise, and the drift of cycle 0.
        read : int
            Reads since the recording began.
        """
        at = max(cycle, 0)
        seen = self.offset[:, at] + self.gain[:, at] * visible
        if self.z is not None and cycle >= 0:
            seen = seen + np.hypot(self.read_noise * seen, self.protocol.noise) * self.z[read]
        return quantise(seen, self.protocol)


def _walk(
    cycles: int, rate: float, walk: float, key: tuple, update: int, device: int
) -> np.ndarray:
    """Return the drift of one device over cycles, from 0 on."""
    path = rate * np.arange(cycles)
    if walk > 0.0:
        z = rng.normals(key, update, device, cycles).astype(float)
        path = path + walk * (np.cumsum(z) - z[0])
    return path


def quantise(seen: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Return values [1] rounded to the nearest of ``2^bits`` levels, clipped at both ends."""
    if protocol.meter_bits == 0:
        return seen
    low, high = protocol.meter_low, protocol.meter_high
    step = (high - low) / (2**protocol.meter_bits - 1)
    return low + step * np.rint((np.clip(seen, low, high) - low) / step)
