"""Measure a virtual device, write the CSV that a lab would get, read it, compare with the truth.

    python calibration/virtual_loop.py --out results/virtual

The gain of each device's steps, as the file shows it, stands beside the one that was drawn. Curve
and ends of the range are taken from the truth; a fit has to find them as well.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import feemu as fe

DEVICE = fe.Device(
    name="virtual soft bounds",
    response=fe.SoftBounds(A_up=0.04, A_down=0.06),
    noise=fe.Noise(relative=0.3),
    spread=fe.Spread(step_spread=0.1, asymmetry_spread=0.05),
    conductance_on=3e-6,
    conductance_off=0.5e-6,
    amplitude_up=3.0,
    amplitude_down=-3.0,
    source="virtual device of this script",
)
PROTOCOL = fe.Protocol(devices=4, cycles=50, pulses_up=60, pulses_down=60, conditioning=1,
                       noise=0.005, meter_bits=14)  # fmt: skip


def gain_of(state, curve):
    """Return (gain, its standard error) [1] of the steps of one branch over a curve of step sizes.

    `state` has shape (cycles, pulses + 1); levels are averaged over cycles.
    """
    level = state.mean(axis=0)
    step, nominal = np.abs(np.diff(level)), curve(level[:-1])
    gain = (step * nominal).sum() / (nominal**2).sum()
    return gain, np.std(step - gain * nominal) / np.sqrt((nominal**2).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="results/virtual", type=Path)
    parser.add_argument("--seed", default=0, type=int)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    measured = fe.measure(DEVICE, PROTOCOL, options.seed)
    file = fe.write_curves(measured, options.out / "train.csv")
    curves = fe.read_curves(file)
    same = np.array_equal(curves["conductance"], measured["conductance"], equal_nan=True)
    print(f"{file}: {int(curves['conductance'].count()):,} readings, read back equal: {same}")

    drawn = json.loads(measured.attrs["provenance"])["truth"][0]
    g = curves["conductance"].values[0]
    state = (g - DEVICE.conductance_off) / (DEVICE.conductance_on - DEVICE.conductance_off)
    print("device  branch  gain of the steps   in the file")
    for k in range(PROTOCOL.devices):
        for branch, name in enumerate(("up", "down")):
            curve = (DEVICE.response.step_up, DEVICE.response.step_down)[branch]
            gain, error = gain_of(state[k, :, branch], curve)
            truth = drawn[f"c_{name}"][k]
            print(f"{k + 1:6}  {name:6}  {truth:17.3f}   {gain:.3f} +- {error:.3f}")


if __name__ == "__main__":
    main()
