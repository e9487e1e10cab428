"""The parts of calibration: alternating pulses, their last direction, trimming."""

import math

import numpy as np
import pytest
from layer_cases import DEVICES, spec, tables
from oracle import alternating, soft_bounds_contraction, soft_bounds_two_cycle

from feemu.algorithms import PlainSGD
from feemu.algorithms.calibration import (
    alternate,
    codes_of,
    last_direction,
    symmetry_points,
    trim_ratio,
    trimmed,
)
from feemu.devices import Beta, Constant, Device, SoftBounds, Spread, tabulate


def array_of(device, shape=(4, 3)):
    return PlainSGD().build(spec(device, shape)).arrays[0]


@pytest.mark.parametrize("start", (0.1, 0.5, 0.95))
@pytest.mark.parametrize("response", (SoftBounds(0.06, 0.04), Beta(), SoftBounds(0.02, 0.08)))
def test_walk_is_that_of_single_pulses(response, start):
    """Against pulses applied one by one; 1e-5 for the tables in single precision."""
    own = tabulate(Device(response=response))
    array = array_of(own)
    array.set_state(np.full(array.shape, start, np.float32))
    alternate(array, 40)

    def step(curve):
        return lambda p: float(curve(np.array([p]))[0])

    last = 1 if last_direction(own) == "up" else -1
    walk = alternating(step(response.step_up), step(response.step_down), start, 40, last)
    np.testing.assert_allclose(array.state, walk[-1], rtol=0, atol=2e-4)
    # It approaches the symmetry point, and ends within one step of it.
    assert abs(walk[-1] - own.symmetry_point) < own.granularity_p


def test_walk_on_soft_bounds_follows_the_closed_form():
    """Each pair shrinks the distance to the two-cycle by ``(1 - a_up)(1 - a_down)``."""
    array = array_of("quiet")
    last = 1 if last_direction(tables("quiet")) == "up" else -1
    end, factor = soft_bounds_two_cycle(0.06, 0.04, last), soft_bounds_contraction(0.06, 0.04)
    array.set_state(np.full(array.shape, 0.1, np.float32))
    alternate(array, 12)
    np.testing.assert_allclose(array.state, end + (0.1 - end) * factor**12, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "response", (SoftBounds(0.06, 0.04), SoftBounds(0.04, 0.06), Beta(), SoftBounds(0.2, 0.01))
)
def test_last_direction_is_the_one_that_ends_nearer(response):
    own = tabulate(Device(response=response))
    ends = {}
    for name, last in (("up", 1), ("down", -1)):
        up, down = response.step_up, response.step_down
        walk = alternating(
            lambda p, f=up: float(f(np.array([p]))[0]),
            lambda p, f=down: float(f(np.array([p]))[0]),
            own.symmetry_point, 3000, last,
        )  # fmt: skip
        ends[name] = abs(walk[-1] - own.symmetry_point)
    assert last_direction(own) == min(ends, key=ends.get)


def test_last_direction_without_a_symmetry_point():
    assert last_direction(tabulate(Device(response=Constant(0.02, 0.01)))) == "down"


def test_only_the_listed_cells_are_pulsed():
    array = array_of("noisy", (6, 5))
    before = array.state
    cells = (np.array([0, 0, 4]), np.array([1, 3, 0]))
    alternate(array, 5, cells)
    wanted = np.zeros((6, 5), int)
    wanted[cells] = 10
    np.testing.assert_array_equal(array.events, wanted)
    np.testing.assert_array_equal(array.state[wanted == 0], before[wanted == 0])


def test_codes_list_each_cell_once():
    rows, ptr, codes = codes_of((4, 3), (np.array([1, 1, 3]), np.array([0, 2, 1])))
    assert rows.tolist() == [1, 3] and ptr.tolist() == [0, 2, 3] and codes.tolist() == [0, 2, 1]
    rows, ptr, codes = codes_of((2, 3), None)
    assert rows.tolist() == [0, 1] and ptr.tolist() == [0, 3, 6]
    assert codes.tolist() == [0, 1, 2] * 2


@pytest.mark.parametrize("name", ("quiet", "noisy", "curved"))
def test_symmetry_points_without_spread_are_the_nominal_one(name):
    device = DEVICES[name].replace(spread=type(DEVICES[name].spread)())
    array = array_of(tabulate(device))
    np.testing.assert_allclose(symmetry_points(array), device.symmetry_point, rtol=0, atol=1e-4)


def test_symmetry_points_follow_the_scales():
    """Soft bounds: ``p* = c_up a_up / (c_up a_up + c_down a_down)``."""
    array = array_of("spread", (20, 20))
    up, down = array.step_scales[0] * 0.06, array.step_scales[1] * 0.04
    np.testing.assert_allclose(symmetry_points(array), up / (up + down), rtol=0, atol=1e-5)


def test_symmetry_points_are_those_of_the_own_variant():
    steps = [(0.06, 0.04), (0.02, 0.08), (0.05, 0.05)]
    variants = tuple(SoftBounds(up, down) for up, down in steps)
    array = array_of(tabulate(Device(response=variants[0], variants=variants)), (20, 20))
    assert set(array.variants.ravel().tolist()) == {0, 1, 2}
    expected = np.array([up / (up + down) for up, down in steps])[array.variants]
    np.testing.assert_allclose(symmetry_points(array), expected, rtol=0, atol=1e-4)


def ratio_on(name, seed=1, n=128):
    """Return the estimate on `n` cells of a chip, and the exact ratio of the nominal device."""
    own = tables(name)
    array = PlainSGD().build(spec(name, (30, 40), seed=seed, device_seed=seed)).arrays[0]
    found = trim_ratio(array, array.sample_cells(n))
    nodes = np.linspace(0, 1, own.steps.shape[2])
    up, down = (np.interp(own.p_zero, nodes, own.steps[k, 0, :, 0]) for k in (0, 1))
    return found, math.sqrt(down / up)


@pytest.mark.parametrize("name", ("quiet", "hzo_superlattice_20us"))
def test_estimate_of_the_ratio_is_exact_without_noise_and_spread(name):
    found, exact = ratio_on(name)
    assert abs(exact - 1) > 0.1
    assert found == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("name", ("spread", "noisy", "curved"))
def test_estimate_of_the_ratio_is_unbiased(name):
    """Mean over 200 chips; error of the mean of logarithms at z 5.85, and 1 % of curvature."""
    found = np.log([ratio_on(name, seed)[0] for seed in range(200)])
    exact = math.log(ratio_on(name)[1])
    assert abs(found.mean() - exact) < 5.85 * found.std() / math.sqrt(200) + 0.01
    # The spread of 64 cells each way, over two for the root.
    assert found.std() < 0.05


def test_estimate_without_any_effect_is_one():
    stuck = tabulate(Device(response=SoftBounds(0.1, 0.02), spread=Spread(stuck_fraction=1.0)))
    array = PlainSGD().build(spec(stuck)).arrays[0]
    assert trim_ratio(array, array.sample_cells(50)) == 1.0
    assert trim_ratio(array_of("quiet"), (np.array([0]), np.array([1]))) == 1.0


@pytest.mark.parametrize("device", ("quiet", "curved"))
def test_trimmed_tables(device):
    own = tables(device)
    exact = trimmed(own)
    nodes = np.linspace(0, 1, own.steps.shape[2])
    up, down = (np.interp(own.p_zero, nodes, exact.steps[k, 0, :, 0]) for k in (0, 1))
    assert up == pytest.approx(down, rel=1e-5)
    assert exact.granularity_p == pytest.approx(up, rel=1e-5)
    g = DEVICES[device]
    assert exact.granularity == pytest.approx(up * g.g_slope(own.p_zero), rel=5e-3)
    assert exact.symmetry_point == own.p_zero
    np.testing.assert_array_equal(exact.conductance, own.conductance)
    twice = trimmed(own, 1.5)
    np.testing.assert_allclose(twice.steps[0], own.steps[0] * 1.5, rtol=1e-6)
    np.testing.assert_allclose(twice.steps[1], own.steps[1] / 1.5, rtol=1e-6)
    assert "trimmed by 1.5 (assumed possible)" in twice.caveats[-1]
    assert own.caveats == twice.caveats[:-1]
