"""The devices that the instrument's tests measure, and their trains by a slow loop of numpy."""

import json

import numpy as np

from feemu.devices import (
    Beta,
    Constant,
    Device,
    Exponential,
    Linear,
    Power,
    SoftBounds,
    Spread,
    tabulate,
)
from feemu.instrument import Protocol

SPREAD = Spread(0.2, 0.1, 0.05, 0.05)
RESPONSES = {
    "constant": Constant(0.02, 0.03),
    "soft_bounds": SoftBounds(0.05, 0.08),
    "linear": Linear(0.05, 0.04, 0.5, 0.3),
    "power": Power(0.05, 0.07, 2.0, 1.5),
    "exponential": Exponential(),
    "beta": Beta(),
}
DEVICES = {name: Device(response=r, spread=SPREAD) for name, r in RESPONSES.items()}
DEVICES["barrier"] = Device(
    response=SoftBounds(0.05, 0.08), spread=SPREAD, conductance="exponential", on_off=14.5
)
DEVICES["siemens"] = Device(
    response=SoftBounds(0.05, 0.08), conductance_on=3e-6, conductance_off=0.5e-6
)
#: Relative rounding of one float32 operation; a step takes some four of them.
FLOAT32 = 4 * 2.0**-24


def truth(ds, width=0):
    """Return what the provenance tells of the drawn devices of one width."""
    return json.loads(ds.attrs["provenance"])["truth"][width]


def table_error(curve, intervals):
    """Return the largest error of a curve that is interpolated between equal nodes."""
    nodes, fine = np.linspace(0, 1, intervals + 1), np.linspace(0, 1, 20 * intervals + 1)
    return np.abs(np.interp(fine, nodes, curve(nodes)) - curve(fine)).max()


def slow_train(device: Device, protocol: Protocol, drawn: dict, unit: int):
    """Return (W, bound) of one device without noise, shape (cycles, 2, pulses + 1) each.

    `bound` is how far float32 and the tables may be away, carried from pulse to pulse by the slope
    of the curve.
    """
    response, intervals = device.response, tabulate(device).intervals
    curves = (
        (response.step_up, +1, drawn["c_up"][unit]),
        (response.step_down, -1, drawn["c_down"][unit]),
    )
    errors = [table_error(curve, intervals) for curve, _, _ in curves]
    low, high = drawn["low"][unit], drawn["high"][unit]
    g_error = table_error(device.g, intervals) + 2.0**-22
    shape = (protocol.cycles, 2, max(protocol.n_pulses) + 1)
    seen, bound = np.full(shape, np.nan), np.full(shape, np.nan)
    p, off = protocol.start, 2.0**-25

    def put(*at):
        slope = np.abs(device.g(p + 1e-4) - device.g(p - 1e-4)) / 2e-4
        seen[at] = low + (high - low) * device.g(p)
        bound[at] = 2.0**-23 + (high - low) * (1.1 * slope * off + g_error)

    order = (0, 1) if protocol.first_polarity == "up" else (1, 0)
    for cycle in range(protocol.cycles):
        for polarity in order:
            curve, sign, c = curves[polarity]
            if protocol.kind != "alternating" or (cycle == 0 and polarity == order[0]):
                put(cycle, polarity, 0)
            for pulse in range(1, protocol.n_pulses[polarity] + 1):
                ends = np.clip([p - off - 1e-6, p + off + 1e-6], 0, 1)
                slope = np.diff(curve(ends))[0] / np.diff(ends)[0]
                off = off * abs(1 + sign * c * slope) + c * errors[polarity] + FLOAT32
                p = float(np.clip(p + sign * c * curve(np.array([p]))[0], 0, 1))
                put(cycle, polarity, pulse)
    return seen, bound
