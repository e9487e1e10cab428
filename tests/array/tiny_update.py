"""A tiny array update whose bytes must not depend on compilation; run as a script it prints them.

The device is written down here, so that a process without compilation starts quickly.
"""

import hashlib

import numpy as np

from feemu.array import Reading, SynapseArray
from feemu.devices import Device, Noise, SoftBounds, Spread, tabulate


def digest() -> str:
    """Return the SHA-256 of a few updates and reads."""
    device = Device(
        response=SoftBounds(0.09, 0.06),
        noise=Noise(0.4, 0.01),
        spread=Spread(0.3, 0.1, 0.1, 0.1, fab_spread=0.1),
        conductance="exponential",
        on_off=8.0,
        read_noise=0.01,
        write_noise=0.01,
    )
    tables, total = tabulate(device), hashlib.sha256()
    draw = np.random.default_rng(1)
    for threads in (1, 2):
        array = SynapseArray((6, 5), tables, seed=3, threads=threads, reading=Reading(5, 7))
        x, d = (draw.normal(size=(3, n)).astype(np.float32) for n in (6, 5))
        array.pulse_coincidence(x, d, 2 * array.granularity)
        array.pulse_coincidence(x, d, array.granularity, managed=False, bl_min=31)
        array.pulse_counts(draw.integers(-2, 3, (6, 5)))
        total.update(array.forward(x).tobytes() + array.backward(d).tobytes())
        for _, value in sorted(array.state_dict().items()):
            total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


if __name__ == "__main__":
    print(digest())
