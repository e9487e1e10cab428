"""Trains without noise: as a slow loop over the response model makes them."""

import numpy as np
import pytest
from slow_trains import DEVICES, slow_train, truth

from feemu.devices import Device, Noise, SoftBounds, Spread, preset
from feemu.instrument import Protocol, measure

PROTOCOLS = {
    "identical": Protocol(devices=3, cycles=2, pulses_up=20, pulses_down=13, start=0.3),
    "down first": Protocol(
        devices=2, cycles=2, pulses_up=5, pulses_down=9, start=0.8, first_polarity="down"
    ),
    "alternating": Protocol(kind="alternating", devices=2, cycles=12, start=0.9),
}


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("kind", PROTOCOLS)
def test_trains_equal_a_slow_loop(name, kind):
    device, protocol = DEVICES[name], PROTOCOLS[kind]
    ds = measure(device, protocol, seed=7)
    g, drawn = ds["conductance"].values[0], truth(ds)
    if name == "siemens":
        assert ds["conductance"].attrs["units"] == "S" and g[np.isfinite(g)].max() < 3e-6
        g = (g - 0.5e-6) / 2.5e-6
    for unit in range(protocol.devices):
        expected, bound = slow_train(device, protocol, drawn, unit)
        np.testing.assert_array_equal(np.isnan(g[unit]), np.isnan(expected))
        known = ~np.isnan(expected)
        assert np.nanmax(bound) < 1e-4  # a step is 0.02 to 0.1: the comparison says something
        assert np.all(np.abs(g[unit] - expected)[known] <= bound[known])


def test_spread_is_drawn_once_for_all_widths():
    protocol = Protocol(devices=4, cycles=1, pulses_up=3, pulses_down=3)
    ds = measure(preset("hzo_superlattice"), protocol)
    assert ds["pulse_width"].values.tolist() == [2e-8, 2e-7, 2e-6, 2e-5, 2e-4]
    for key in ("c_up", "c_down", "low", "high"):
        found = [truth(ds, w)[key] for w in range(5)]
        assert len(set(found[0])) == 4 and all(f == found[0] for f in found)


def test_conditioning_is_an_unrecorded_start():
    device = Device(response=SoftBounds(0.05, 0.08), noise=Noise(0.3, 0.01), spread=Spread(0.1))
    same = {"devices": 2, "pulses_up": 6, "pulses_down": 4}
    whole = measure(device, Protocol(cycles=5, **same))["conductance"].values
    late = measure(device, Protocol(cycles=2, conditioning=3, **same))["conductance"].values
    np.testing.assert_array_equal(late, whole[:, :, 3:])


def test_alternating_pulses_settle_at_the_symmetry_point():
    device = Device(response=SoftBounds(0.05, 0.08))
    ds = measure(device, Protocol(kind="alternating", cycles=100, start=1.0))
    last = ds["conductance"].values[0, 0, -1, :, 1].mean()
    # Between both branches, which are one step (0.05 * 0.08 / 0.13 = 0.031) apart.
    assert abs(last - device.symmetry_point) < 0.031 / 2


def test_read_before_and_unequal_branches():
    device = DEVICES["soft_bounds"]
    ds = measure(device, Protocol(cycles=2, pulses_up=4, pulses_down=2, read_before=False))
    g = ds["conductance"].values[0, 0]
    assert np.isnan(g[..., 0]).all() and np.isnan(g[:, 1, 3:]).all()
    assert np.isfinite(g[:, 0, 1:]).all() and np.isfinite(g[:, 1, 1:3]).all()
    before = measure(device, Protocol(cycles=2, pulses_up=4, pulses_down=2))
    h = before["conductance"].values[0, 0]
    np.testing.assert_array_equal(h[:, 1, 0], h[:, 0, 4])
    np.testing.assert_array_equal(h[1, 0, 0], h[0, 1, 2])
    np.testing.assert_array_equal(h[..., 1:], g[..., 1:])


def test_amplitudes_are_labels():
    device = DEVICES["siemens"].replace(amplitude_up=3.0, amplitude_down=-2.0)
    plain = measure(device, Protocol(cycles=1, pulses_up=3, pulses_down=2))
    assert plain["amplitude"].values.tolist() == [3.0, -2.0]
    ramp = Protocol(kind="ramp", cycles=1, pulses_up=3, pulses_down=2, ramp_up_from=1.0,
                    ramp_down_from=-1.0, ramp_down_to=-1.5)  # fmt: skip
    ds = measure(device, ramp)
    assert ds.attrs["scheme"] == "ramp" and plain.attrs["scheme"] == "identical"
    np.testing.assert_array_equal(ds["amplitude"], [[np.nan, 1, 2, 3], [np.nan, -1, -1.5, np.nan]])
    np.testing.assert_array_equal(ds["conductance"], plain["conductance"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cycles": 0}, "Protocol.cycles = 0"),
        ({"kind": "triangle"}, "known are alternating, identical, ramp"),
        ({"pulse_widths": ("20",)}, "20s"),
        ({"pulse_widths": ("20ns", 2e-8)}, "may be given once"),
        ({"meter_bits": 8, "meter_low": 2.0}, "below the upper"),
        ({"meter_low": 0.0}, "needs meter_bits"),
        ({"devices": 1000, "cycles": 10_000}, "measure less"),
    ],
)
def test_what_cannot_be_measured(options, words):
    with pytest.raises(ValueError, match=words) as caught:
        measure(preset("hzo_superlattice"), Protocol(**options))
    assert "\n" not in str(caught.value)


def test_devices_that_do_not_fit():
    with pytest.raises(TypeError, match="give a Device or a Family"):
        measure("ideal")
    with pytest.raises(ValueError, match="known at 100ns only, not at 20ns"):
        measure(DEVICES["beta"], Protocol(pulse_widths=("20ns",)))
    with pytest.raises(ValueError, match="seed = -1"):
        measure(DEVICES["beta"], seed=-1)
    far = Protocol(pulse_widths=("5ms",), cycles=1, pulses_up=2, pulses_down=2)
    with pytest.raises(ValueError, match="extrapolate=True"):
        measure(preset("hzo_superlattice"), far)
    ds = measure(preset("hzo_superlattice"), far, extrapolate=True)
    assert ds["pulse_width"].item() == 5e-3
