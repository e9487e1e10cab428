"""What the instrument and the device add: statistics of noise, drift and levels.

Noise is seen as the difference of two measurements that differ in one setting: all streams are
counter-based, so that everything else in them is the same. Draws are judged 9 times by 4 statistics
each; all together raise a false alarm with a chance of 36 ALPHA.
"""

import numpy as np
import pytest
from scipy import stats
from slow_trains import truth

from feemu.devices import Constant, Device, Family, Noise, SoftBounds, Spread
from feemu.instrument import Protocol, measure
from feemu.instrument.meter import quantise

#: False-alarm rate of one statistic.
ALPHA = 1e-8
DEVICE = Device(response=SoftBounds(0.05, 0.08), spread=Spread(0.2, 0.1, 0.05, 0.05))
SIZE = {"devices": 8, "cycles": 25, "pulses_up": 20, "pulses_down": 15}


def seen(device=DEVICE, seed=3, **options):
    """Return the readings, shape (devices, cycles, 2, pulses + 1)."""
    return measure(device, Protocol(**{**SIZE, **options}), seed)["conductance"].values[0]


def check_normal(z):
    """Refuse draws that are no independent standard normals: mean, variance, shape, neighbours."""
    z = z[np.isfinite(z)]
    n, limit = z.size, stats.norm.isf(ALPHA / 2)
    assert abs(z.mean()) * np.sqrt(n) < limit
    total = ((z - z.mean()) ** 2).sum()
    assert stats.chi2.ppf(ALPHA / 2, n - 1) < total < stats.chi2.isf(ALPHA / 2, n - 1)
    assert stats.kstest(z, "norm").pvalue > ALPHA
    # The sum of n products has sd sqrt(n); its tail is a little heavier than the normal one.
    assert abs((z[1:] * z[:-1]).sum()) / np.sqrt(n) < 1.2 * limit


@pytest.mark.parametrize(("noise", "relative"), [(0.02, 0.0), (0.0, 0.03), (0.02, 0.03)])
def test_read_noise(noise, relative):
    clean = seen()
    noisy = seen(DEVICE.replace(read_noise=relative), noise=noise)
    check_normal((noisy - clean) / np.hypot(relative * clean, noise))


def test_repeated_reads_of_one_state_differ():
    """The read before a branch and that of the pulse before see one state with two draws."""
    g = seen(noise=0.02)
    check_normal((g[:, :, 1, 0] - g[:, :, 0, 20]) / (0.02 * np.sqrt(2)))


def test_offset_and_gain_drift():
    clean = seen()
    offset = seen(offset_walk=0.01) - clean
    # One number per device and cycle, zero in the first cycle.
    steps = _of_cycles(offset)
    assert not steps[:, 0].any()
    check_normal(np.diff(steps) / 0.01)
    gain = seen(gain_walk=0.01) / clean - 1.0
    steps = _of_cycles(gain)
    assert not steps[:, 0].any()
    check_normal(np.diff(steps) / 0.01)


def _of_cycles(grid):
    """Return the one value of each (device, cycle); all its readings must agree."""
    flat = grid.reshape(*grid.shape[:2], -1)
    middle = np.nanmedian(flat, axis=2)
    assert np.nanmax(np.abs(flat - middle[..., None])) < 1e-12
    return middle


def test_rates_are_exact():
    cycle = np.arange(25)[None, :, None, None]
    expected = -0.002 * cycle + (1 + 0.003 * cycle) * seen()
    np.testing.assert_allclose(seen(offset_rate=-0.002, gain_rate=0.003), expected, rtol=1e-12)


def test_noise_of_the_steps_is_that_of_the_device():
    """Steps of 0.001 from the middle of the range on: no pulse reaches a bound."""
    device = Device(response=Constant(0.001, 0.001), noise=Noise(relative=0.5, absolute=0.001))
    protocol = Protocol(devices=40, cycles=5, pulses_up=30, pulses_down=30, start=0.5)
    g = measure(device, protocol, 5)["conductance"].values[0]
    step = np.diff(g, axis=-1) * [[1], [-1]]
    # Each difference of two float32 near 0.5 is off by at most 6e-8, 5e-5 of the sd.
    check_normal((step - 0.001) / np.hypot(0.0005, 0.001))


def test_drawn_step_gains_are_those_of_the_trains():
    device = Device(response=Constant(0.004, 0.002), spread=Spread(step_spread=0.3))
    ds = measure(device, Protocol(devices=200, cycles=1, pulses_up=10, pulses_down=10, start=0.5))
    g, drawn = ds["conductance"].values[0, :, 0], truth(ds)
    np.testing.assert_allclose(g[:, 0, 10] - g[:, 0, 0], np.array(drawn["c_up"]) * 0.04, rtol=1e-4)
    np.testing.assert_allclose(
        g[:, 1, 0] - g[:, 1, 10], np.array(drawn["c_down"]) * 0.02, rtol=1e-4
    )
    check_normal(np.log(drawn["c_up"]) / 0.3)


def test_a_meter_rounds_to_its_levels_and_clips():
    clean = seen()
    meter = {"meter_bits": 6, "meter_low": 0.2, "meter_high": 0.7}
    read, step = seen(**meter), 0.5 / 63
    level = (read[np.isfinite(read)] - 0.2) / step
    np.testing.assert_allclose(level, np.rint(level), atol=1e-9)
    assert level.min() == 0 and round(level.max()) == 63 and np.unique(np.rint(level)).size > 40
    inside = (clean > 0.2) & (clean < 0.7)
    assert np.abs(read - clean)[inside].max() <= step / 2 + 1e-12
    assert np.all(read[clean < 0.2] == 0.2) and np.allclose(read[clean > 0.7], 0.7)
    np.testing.assert_array_equal(quantise(clean, Protocol()), clean)


def test_the_meter_rounds_after_the_noise():
    """Noise far below a level never shows; noise of a level does."""
    meter = {"meter_bits": 4, "meter_low": -0.03, "meter_high": 1.47}
    still = {"devices": 1, "cycles": 3, "start": 0.5}
    device = Device(response=Constant(0.0, 0.0))
    assert np.unique(seen(device, noise=1e-4, **meter, **still)).size <= 2
    assert np.unique(seen(device, noise=0.1, **meter, **still)).size > 3


def test_seeds_and_widths_have_their_own_noise():
    a, b = seen(seed=1, noise=0.02), seen(seed=1, noise=0.02)
    np.testing.assert_array_equal(a, b)
    known = np.isfinite(a)
    assert np.mean(seen(seed=2, noise=0.02)[known] == a[known]) < 0.01
    # A family whose two widths are one device: only the noise can differ.
    twins = Family("twins", tuple(DEVICE.replace(pulse_width=t) for t in (2e-8, 2e-7)))
    still = measure(twins, Protocol(**SIZE), 1)["conductance"].values
    np.testing.assert_array_equal(still[0], still[1])
    both = measure(twins, Protocol(**SIZE, noise=0.02), 1)["conductance"].values - still
    check_normal((both[0] + both[1]) / (0.02 * np.sqrt(2)))
    noisy = Family("twins", tuple(d.replace(noise=Noise(0.3)) for d in twins.devices))
    steps = measure(noisy, Protocol(**SIZE), 1)["conductance"].values
    assert np.mean(steps[0] == steps[1]) < 0.05
