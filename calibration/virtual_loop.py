"""Measure a virtual device, write the CSV that a lab would get, fit it, compare with the truth.

    python calibration/virtual_loop.py --out results/virtual

Each fitted parameter stands with its 95 % interval beside the value that the device was made with.
"""

import argparse
from pathlib import Path

import numpy as np

import feemu as fe
from feemu.fit import fit

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
PROTOCOL = fe.Protocol(devices=4, cycles=20, pulses_up=60, pulses_down=60, conditioning=1,
                       noise=0.005, offset_rate=0.002, meter_bits=14)  # fmt: skip
TRUTH = {
    "A_up": DEVICE.response.A_up,
    "A_down": DEVICE.response.A_down,
    "G_min": DEVICE.conductance_off,
    "G_max": DEVICE.conductance_on,
    "relative": DEVICE.noise.relative,
    "absolute": DEVICE.noise.absolute,
    "read_noise": PROTOCOL.noise,
    "drift": PROTOCOL.offset_walk,
    "drift_rate": PROTOCOL.offset_rate,
    "step_spread": DEVICE.spread.step_spread,
    "asymmetry_spread": DEVICE.spread.asymmetry_spread,
}


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

    found = fit(curves, "soft_bounds", name=DEVICE.name)
    print("parameter              truth      value      95 % interval")
    for name, truth in TRUTH.items():
        v = found.parameters[name]
        inside = "" if v.lower <= truth <= v.upper else "  outside"
        print(
            f"{name:16s}  {truth:10.4g} {v.value:10.4g}      {v.lower:.4g} to {v.upper:.4g}{inside}"
        )
    new = found.part().emulation["overall"][2]
    print(f"new devices in the emulator look like the measured ones: p = {new:.2g}")


if __name__ == "__main__":
    main()
