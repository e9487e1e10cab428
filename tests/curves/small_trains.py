"""A measurement with known values: two devices, two cycles, five pulses up and four down."""

import itertools

import numpy as np

N_UP, N_DOWN = 5, 4
DEVICES, CYCLES = ("A", "B"), (1, 2)


def value(device, cycle, polarity, pulse):
    """Return the conductance [uS] of one reading, different for every one."""
    base = 1.0 + 0.5 * (device == "B") + 0.0625 * cycle
    return base + (0.25 * pulse if polarity == "up" else 0.25 * (N_UP - pulse) + 0.015625)


def rows(devices=DEVICES, cycles=CYCLES):
    """Return (device, cycle, polarity, pulse, value [uS]) in the order of the measurement."""
    out = []
    for device, cycle, polarity in itertools.product(devices, cycles, ("up", "down")):
        for pulse in range(1, (N_UP if polarity == "up" else N_DOWN) + 1):
            out.append((device, cycle, polarity, pulse, value(device, cycle, polarity, pulse)))
    return out


def grid(devices=DEVICES, cycles=CYCLES):
    """Return the expected conductance [S], shape (1, devices, cycles, 2, 6)."""
    out = np.full((1, len(devices), len(cycles), 2, N_UP + 1), np.nan)
    for device, cycle, polarity, pulse, g in rows(devices, cycles):
        at = devices.index(device), cycles.index(cycle), int(polarity == "down"), pulse
        out[(0, *at)] = g / 1e6
    return out


def tidy(sep=",", header="device,cycle,polarity,pulse,conductance_uS", data=None):
    """Return the measurement as tidy text."""
    lines = [header.replace(",", sep)]
    for row in rows() if data is None else data:
        lines.append(sep.join(map(str, row)))
    return "\n".join(lines) + "\n"
