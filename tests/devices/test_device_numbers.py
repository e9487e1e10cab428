"""Published and derived numbers that the models must reproduce."""

import math

import numpy as np
import pytest

from feemu.devices import (
    Beta,
    Constant,
    Exponential,
    Linear,
    Power,
    SoftBounds,
    Table,
    neurosim_label,
    preset,
)

# Garg et al., arXiv:2601.00020: name, peaks, mean steps, symmetry point, pulses 0.05 -> 0.9, back.
KERNELS = [
    ("dut1", (0.047, 0.076), (0.032, 0.047), 0.320, (27, 26)),
    ("ethz_ftj_8300", (0.088, 0.155), (0.061, 0.097), 0.316, (14, 13)),
    ("hzo_sl_20ns", (0.0445, 0.0297), (0.0253, 0.0201), 0.578, (46, 45)),
    ("hzo_sl_200ns", (0.0541, 0.0377), (0.0300, 0.0237), 0.558, (42, 45)),
    ("hzo_sl_20us", (0.0916, 0.0469), (0.0471, 0.0273), 0.579, (39, 46)),
]


@pytest.mark.parametrize(("name", "peaks", "means", "point", "pulses"), KERNELS)
def test_published_kernels(name, peaks, means, point, pulses):
    response = preset(name).response
    p = np.linspace(0.0, 1.0, 20_001)
    digit = 1.1e-4 if peaks[0] in (0.0445, 0.0541, 0.0916) else 6e-4
    assert response.step_up(p).max() == pytest.approx(peaks[0], abs=digit)
    assert response.step_down(p).max() == pytest.approx(peaks[1], abs=digit)
    assert response.mean_step() == pytest.approx(means, abs=digit)
    assert response.symmetry_point() == pytest.approx(point, abs=6e-4)
    assert response.pulses(0.05, 0.9) == pulses


@pytest.mark.parametrize(
    ("name", "ratio", "drift"),
    [("hzo_sl_20ns", 1.25, 1.5), ("hzo_sl_200ns", 1.20, 1.7), ("hzo_sl_20us", 1.39, 2.2)],
)
def test_step_ratio_and_drift_strength(name, ratio, drift):
    response = preset(name).response
    half = np.array([0.5])
    assert response.step_up(half) / response.step_down(half) == pytest.approx(ratio, abs=6e-3)
    p = response.symmetry_point()
    near = np.array([p - 1e-5, p + 1e-5])
    g = (response.step_down(near) - response.step_up(near)) / 2
    f = (response.step_down(near) + response.step_up(near)) / 2
    assert (g[1] - g[0]) / 2e-5 / f.mean() == pytest.approx(drift, abs=0.06)


def test_beta_is_flat_outside_the_clip():
    response = Beta()
    outer = response.step_up(np.array([0.0, 0.005, 0.01, 0.99, 1.0]))
    assert outer[0] == outer[1] == outer[2] > 0.0
    assert outer[3] == outer[4] > 0.0


def test_soft_bounds_symmetry_point_and_drift():
    assert SoftBounds(0.03, 0.01).symmetry_point() == pytest.approx(0.75, rel=1e-9)
    assert SoftBounds(0.02, 0.02).granularity() == pytest.approx(0.01, rel=1e-9)


def test_exponential_symmetry_of_aihwkits_defaults():
    response = Exponential()
    p = np.linspace(0.0, 1.0, 1001)
    z = 2 * 0.244 * (p - 0.5) + 0.2425
    up = np.maximum(1 - 0.00081 * np.exp(12.44625 * z), 0) / 1200
    assert response.step_up(p) == pytest.approx(up, rel=1e-12)
    down = np.maximum(1 - 0.36833 * np.exp(-12.78785 * z), 0) / 1200
    assert response.step_down(p) == pytest.approx(down, rel=1e-12)


def test_exponential_declares_where_it_reaches_zero():
    (kink,) = Exponential(A_up=0.2, gamma_up=4.0, A_down=0.0, a=0.5, b=0.0).kinks
    assert kink == pytest.approx(0.5 + math.log(5.0) / 4.0, rel=1e-12)


def test_power_with_exponent_one_is_soft_bounds():
    p = np.linspace(0, 1, 101)
    for curve in ("step_up", "step_down"):
        soft, power = SoftBounds(0.02, 0.03), Power(0.02, 0.03)
        assert getattr(power, curve)(p) == pytest.approx(getattr(soft, curve)(p), rel=1e-12)


def test_linear_reaches_from_constant_to_soft_bounds():
    p = np.linspace(0, 1, 101)
    assert Linear(0.02, 0.03).step_down(p) == pytest.approx(Constant(0.02, 0.03).step_down(p))
    assert Linear(0.02, 0.03, 1, 1).step_up(p) == pytest.approx(SoftBounds(0.02).step_up(p))


def test_without_a_crossing_granularity_is_the_geometric_mean():
    response = Constant(0.04, 0.01)
    assert math.isnan(response.symmetry_point())
    assert response.granularity() == pytest.approx(0.02, rel=1e-12)


def test_identical_curves_have_their_symmetry_point_in_the_middle():
    assert Constant(0.01, 0.01).symmetry_point() == 0.5


def test_of_several_crossings_the_stable_one_nearest_the_middle_counts():
    nodes = [0, 0.2, 0.4, 0.6, 0.8, 1]
    table = Table(nodes, [2, 1, 2, 1, 1, 1], [1, 2, 1, 2, 2, 2])
    assert table.symmetry_point() == pytest.approx(0.5, rel=1e-9)
    unstable = Table([0, 1], [1, 2], [2, 1])
    assert unstable.symmetry_point() == pytest.approx(0.5, rel=1e-9)


def test_unreachable_level_takes_infinitely_many_pulses():
    assert Constant(0.1, 0.0).pulses() == (9, math.inf)


@pytest.mark.parametrize(
    ("label", "a"), [(0.01, 126.268958), (0.04, 31.566827), (0.1, 12.625807), (0.96, 1.304709)]
)
def test_neurosim_labels(label, a):
    assert neurosim_label(a) == pytest.approx(label, rel=3e-6)
    assert neurosim_label(-a) == pytest.approx(-label, rel=3e-6)


@pytest.mark.parametrize("labels", [(1.75, 1.46), (2.4, -4.88), (0.04, -0.63), (3.68, -6.76)])
def test_neurosim_branches_pulse_by_pulse(labels):
    n_pulses = 40
    response = Linear.from_neurosim(*labels, n_pulses)
    for label, curve, sign in zip(labels, (response.step_up, response.step_down), (1, -1)):
        a = _constant_of(label) * n_pulses
        b = 1.0 / (1.0 - math.exp(-n_pulses / a))
        g = b * (1.0 - np.exp(-np.arange(n_pulses + 1) / a))
        start, end = (g[:-1], g[1:]) if sign > 0 else (g[1:], g[:-1])
        assert start + sign * curve(start) == pytest.approx(end, abs=1e-9)


def _constant_of(label: float) -> float:
    low, high = 1e-2, 1e3
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if neurosim_label(middle) > abs(label) else (low, middle)
    return math.copysign(low, label)


def test_neurosim_runs_the_range_in_the_given_number_of_pulses():
    response = Linear.from_neurosim(1.75, -1.75, 32)
    assert response.pulses(0.0, 1.0 - 1e-9)[0] == 32
    assert response.symmetry_point() == pytest.approx(0.5, rel=1e-9)


def test_neurosim_label_zero_is_the_constant_step():
    assert Linear.from_neurosim(0, 0, 50) == Linear(0.02, 0.02, 0.0, 0.0)
