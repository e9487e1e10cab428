"""Tables of a device: accuracy, kinks, refusals, and no user classes inside."""

import dataclasses
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feemu.devices import (
    Beta,
    Constant,
    Device,
    Noise,
    Power,
    PulseKind,
    ResponseModel,
    Spread,
    Table,
    preset,
    tabulate,
)


@dataclasses.dataclass(frozen=True)
class Own(ResponseModel):
    """A user's model given by two functions that no other process knows."""

    name = "own"
    up: object = None
    down: object = None

    def step_up(self, p):
        return self.up(p)

    def step_down(self, p):
        return self.down(p)


def own(up, down=lambda p: 0.01 * p):
    return Device(name="mine", response=Own(up, down))


def test_layout():
    device = preset("hzo_superlattice").at("20ns").replace(noise=Noise(0.1, 0.002))
    tables = tabulate(device)
    nodes = np.linspace(0, 1, 1001)
    assert tables.steps.shape == (2, 1, 1001, 4)
    assert tables.steps.dtype == np.float32
    assert tables.signs.tolist() == [1, -1]
    m = device.response.step_down(nodes)
    assert tables.steps[1, 0, :, 0] == pytest.approx(m, rel=1e-6)
    assert tables.steps[1, 0, :, 2] == pytest.approx(np.hypot(0.1 * m, 0.002), rel=1e-6)
    for k in (0, 2):
        value, slope = tables.steps[..., k], tables.steps[..., k + 1]
        assert np.array_equal(np.diff(value, axis=-1), slope[..., :-1])
        assert not slope[..., -1].any()
    assert tables.linear
    assert tables.conductance[:, 0] == pytest.approx(nodes, abs=1e-7)


def test_measured_table_error_of_the_default_kernel():
    response = Beta()
    p = np.linspace(0.0, 1.0, 100_000)
    column = tabulate(Device(response=response)).steps[0, 0, :, 0]
    exact = response.step_up(p)
    error = np.abs(np.interp(p, np.linspace(0, 1, 1001), column) / exact - 1)
    assert error[exact > 0.1 * exact.max()].max() < 7e-4


def test_nodes_of_a_table_are_nodes_of_the_tables():
    zigzag = Table.uniform(np.tile([0.01, 0.03], 32), np.full(64, 0.01))
    tables = tabulate(Device(response=zigzag))
    assert tables.intervals == 1008
    assert tables.steps[0, 0, ::16, 0] == pytest.approx(zigzag.up, rel=1e-6)


def test_intervals_double_until_the_curve_is_resolved():
    tables = tabulate(own(lambda p: 0.02 + 0.015 * np.sin(150 * p)))
    assert tables.intervals in (2000, 4000, 8000)


def test_a_spike_is_refused_with_its_place():
    spike = own(lambda p: 0.01 + 0.5 * np.exp(-(((p - 0.3217) / 2e-5) ** 2)))
    with pytest.raises(ValueError, match=r"Own.step_up is wrong by .* at p = 0\.321") as info:
        tabulate(spike)
    assert "at most 8000" in str(info.value) and "\n" not in str(info.value)
    with pytest.raises(ValueError, match=r"Power.step_up is wrong by"):
        tabulate(Device(response=Power(g_up=0.05)))


@pytest.mark.parametrize(
    ("up", "message"),
    [
        (lambda p: 0.01 - 0.02 * p, r"Own.step_up = -\S+ at p = 0\.5\d*: must be finite and >= 0"),
        (lambda p: np.where(p > 0.7, np.nan, 0.01), r"Own.step_up = nan at p = 0.7"),
        (lambda p: np.where(p > 0.7, np.inf, 0.01), r"Own.step_up = inf at p = 0.7"),
        (lambda p: np.zeros(3), r"returned shape \(3,\) for states of shape"),
    ],
)
def test_bad_curves(up, message):
    with pytest.raises(ValueError, match=message) as info:
        tabulate(own(up))
    assert "\n" not in str(info.value)


def test_tables_of_a_users_model_travel_without_its_class():
    device = own(lambda p: 0.01 * (1 - p))
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(device)
    tables = tabulate(device)
    data = pickle.dumps(tables)
    assert b"test_device_tabulate" not in data
    assert pickle.loads(data).digest() == tables.digest()


def test_digest_covers_everything():
    device = preset("hzo_superlattice").at("20ns")
    first = tabulate(device).digest()
    assert tabulate(device).digest() == first
    changes = (
        {"read_noise": 0.01},
        {"write_noise": 0.01},
        {"spread": Spread()},
        {"noise": Noise(0.024)},
        {"amplitude_up": 3.0},
        {"pulse_width": 3e-8},
        {"caveat": "other"},
        {"variants": (Beta(), Beta())},
    )
    digests = {tabulate(device.replace(**change)).digest() for change in changes}
    assert len(digests | {first}) == len(changes) + 1


def test_variants_and_extra_kinds_have_tables_of_their_own():
    short = PulseKind("short", +1, 1e-8, 2.0)
    device = Device(
        response=Constant(0.02, 0.02),
        variants=(Constant(0.01, 0.03), Constant(0.04, 0.05), Constant(0.0, 0.0)),
        extra_kinds=((short, Constant(0.001, 0.7)),),
    )
    tables = tabulate(device)
    assert tables.steps.shape[:2] == (3, 3)
    assert tables.n_variants == 3
    assert tables.signs.tolist() == [1, -1, 1]
    expected = [[0.01, 0.04, 0], [0.03, 0.05, 0], [0.001] * 3]
    assert tables.steps[:, :, 500, 0] == pytest.approx(np.array(expected))
    assert tables.kinds[2] == short
    assert tables.granularity == pytest.approx(0.02)


def test_exponential_conductance():
    device = preset("ethz_ftj_8300").replace(conductance="exponential")
    tables = tabulate(device)
    r, p = 14.5, tables.symmetry_point
    assert not tables.linear
    assert tables.conductance[500, 0] == pytest.approx((r**0.5 - 1) / (r - 1), rel=1e-6)
    assert tables.g_slope == pytest.approx(math.log(r) * r**p / (r - 1), rel=1e-12)
    assert tables.granularity == pytest.approx(tables.granularity_p * tables.g_slope)
    assert float(device.g(tables.p_zero)) == pytest.approx(0.5, rel=1e-12)


def test_without_symmetry_point_granularity_is_taken_at_weight_zero():
    device = Device(response=Beta(0.2, 2, 2, 0.001, 2, 2), conductance="exponential", on_off=100.0)
    tables = tabulate(device)
    at = np.array([tables.p_zero])
    step = math.sqrt(device.response.step_up(at)[0] * device.response.step_down(at)[0])
    assert math.isnan(tables.symmetry_point)
    assert tables.granularity == pytest.approx(step * device.g_slope(tables.p_zero))


exponent = st.floats(1.0, 4.0)


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-3, 1.0), exponent, exponent, st.floats(1e-3, 1.0), exponent, exponent)
def test_any_beta_kernel_tabulates_and_crosses_where_it_says(A, a, b, B, c, d):
    response = Beta(A, a, b, B, c, d)
    tables = tabulate(Device(response=response))
    assert 1000 <= tables.intervals <= 8000
    point = response.symmetry_point()
    if not math.isnan(point):
        at = np.array([point])
        assert response.step_up(at)[0] == pytest.approx(response.step_down(at)[0], rel=1e-6)


def test_tables_print_as_a_line():
    tables = tabulate(preset("hzo_superlattice").at("20ns"))
    assert repr(tables) == "<DeviceTables of hzo_superlattice, 20ns measured>"
