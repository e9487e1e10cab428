"""A slow, obvious virtual measurement: the oracle of the fit's tests."""

import numpy as np
import xarray


def measure(
    model, *, seed, devices=5, cycles=10, pulses=60, relative=0.05, absolute=0.0, read=0.005,
    drift=0.0, spread=(0.1, 0.05, 0.05, 0.03), low=2e-6, high=2e-5, start=0.02, continuous=True,
    missing=0.0, width=1e-6, quantum=0.0, rate=0.0, until=None,
):  # fmt: skip
    """Return a measurement of virtual devices with all that is known of them.

    ``read``, ``drift`` and ``rate`` (sd and mean per cycle) are fractions of the nominal range;
    ``spread`` holds the standard deviations of log gain, asymmetry, upper and lower end; ``until``:
    readings (fractions of the range) at which up and down branches end.
    """
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(4, devices)) * np.array(spread)[:, None]
    c = np.stack([np.exp(z[0] + z[1] / 2), np.exp(z[0] - z[1] / 2)])
    off, on = z[3], 1.0 + z[2]
    out = np.full((1, devices, cycles, 2, pulses + 1), np.nan)
    p, b = np.full(devices, start), np.zeros(devices)

    def reading():
        return off + (on - off) * p + b + read * rng.normal(size=devices)

    for cycle in range(cycles):
        b = b + (rate + drift * rng.normal(size=devices) if cycle else 0.0)
        for k, sign in enumerate((+1, -1)):
            if not continuous:
                p = np.full(devices, start if k == 0 else 1 - start)
            if (cycle == 0 and k == 0) or not continuous:
                out[0, :, cycle, k, 0] = reading()
            going = np.ones(devices, bool)
            for n in range(1, pulses + 1):
                m = (model.step_up if sign > 0 else model.step_down)(p)
                sd = np.hypot(relative * m, absolute)
                new = np.clip(p + sign * c[k] * (m + sd * rng.normal(size=devices)), 0.0, 1.0)
                p = np.where(going, new, p)
                out[0, :, cycle, k, n] = np.where(going, reading(), np.nan)
                if until:
                    going = going & (sign * (out[0, :, cycle, k, n] - until[k]) < 0.0)
    if missing:
        out[rng.random(out.shape) < missing] = np.nan
    if quantum:
        out = np.round(out / quantum) * quantum
    ds = dataset(low + (high - low) * out, [width], continuous)
    ds["own"] = (("device", "property"), z.T)
    return ds


def dataset(values, widths, continuous=True, first="up", unit="S"):
    """Return conductances (width, device, cycle, polarity, pulse) as a measurement."""
    coords = {"polarity": ["up", "down"], "pulse_width": ("pulse_width", widths, {"units": "s"})}
    dims = ("pulse_width", "device", "cycle", "polarity", "pulse")
    for name, size in zip(dims, values.shape):
        if name not in coords:
            coords[name] = np.arange(size)
    attrs = {"first_polarity": first, "continuous": continuous, "scheme": "identical"}
    data = {"conductance": (dims, values, {"units": unit})}
    return xarray.Dataset(data, coords, attrs)
