"""The superlattice family over pulse width."""

import numpy as np
import pytest

from feemu.devices import Constant, Device, Family, preset, tabulate

FAMILY = preset("hzo_superlattice")


def test_widths_and_labels():
    assert FAMILY.measured == (2e-8, 2e-7, 2e-5)
    assert FAMILY.widths == (2e-8, 2e-7, 2e-6, 2e-5, 2e-4)
    assert FAMILY.labels == (*("measured", "measured", "interpolated", "measured", "extrapolated"),)


@pytest.mark.parametrize("width", [200e-9, "2e-7", "200ns", "0.2us", 200 * 1e-9])
def test_a_measured_width_is_found_in_any_form(width):
    device = FAMILY.at(width)
    assert device.width_label == "measured"
    assert device.response.A_up == 0.36361
    assert device.response == preset("hzo_sl_200ns").response


@pytest.mark.parametrize(
    ("width", "up", "down", "means", "point", "label"),
    [
        (
            *("2us", (0.4884, 1.9363, 3.2845), (0.2629, 2.5756, 2.1234)),
            *((0.0374, 0.0254), 0.570, "interpolated"),
        ),
        (
            *("0.2ms", (0.8812, 1.8810, 3.6693), (0.5087, 2.9248, 2.4130)),
            *((0.0598, 0.0295), 0.586, "extrapolated"),
        ),
    ],
)
def test_between_and_beyond(width, up, down, means, point, label):
    device = FAMILY.at(width)
    r = device.response
    assert (r.A_up, r.a_up, r.b_up) == pytest.approx(up, abs=6e-5)
    assert (r.A_down, r.a_down, r.b_down) == pytest.approx(down, abs=6e-5)
    assert r.mean_step() == pytest.approx(means, abs=6e-5)
    assert device.symmetry_point == pytest.approx(point, abs=6e-4)
    assert device.width_label == label


@pytest.mark.parametrize(
    ("width", "granularity"),
    [("20ns", 0.0297), ("200ns", 0.0376), ("20us", 0.0469), ("0.2ms", 0.0523)],
)
def test_granularity(width, granularity):
    device = FAMILY.at(width)
    assert device.granularity == pytest.approx(granularity, abs=6e-5)
    assert tabulate(device).granularity == device.granularity


def test_a_decade_is_the_limit():
    for width in ("2ns", "200us"):
        assert FAMILY.at(width).width_label == "extrapolated"
    for width in ("1.99ns", "201us", "1ms"):
        with pytest.raises(ValueError, match=r"more than a decade.*extrapolate=True") as info:
            FAMILY.at(width)
        assert "\n" not in str(info.value)
        assert FAMILY.at(width, extrapolate=True).width_label == "extrapolated"


def test_interpolation_meets_the_measured_kernels():
    near, there = FAMILY.at(200e-9 * (1 + 1e-9)), FAMILY.at("200ns")
    assert near.width_label == "interpolated"
    assert near.response.A_up == pytest.approx(there.response.A_up, rel=1e-8)


def test_device_keeps_name_noise_spread_and_caveat():
    for width in FAMILY.widths:
        device = FAMILY.at(width)
        assert device.name == "hzo_superlattice"
        assert device.noise.relative == 0.025
        assert device.spread.step_spread == 0.10
        assert device.scheme == "unknown"
        assert np.isnan(device.amplitude_up)
        assert "applied as state-dependent step" in device.caveats[1]


def test_dataset_is_labelled():
    data = FAMILY.to_dataset()
    assert data.sizes == {"pulse_width": 5, "state": 101}
    assert data.sel(pulse_width=2e-8).pulses_up == 46
    assert list(data.width_label.values) == list(FAMILY.labels)
    assert all("units" in data[name].attrs for name in data.data_vars)
    assert "Garg" in data.attrs["source"]
    assert FAMILY.to_dataset(["1ms"], extrapolate=True).width_label == "extrapolated"


def test_only_beta_kernels_interpolate():
    family = Family(
        "two", (Device(pulse_width=1e-8, response=Constant()), Device(pulse_width=1e-6))
    )
    assert family.at("10ns").response == Constant()
    with pytest.raises(ValueError, match="only beta kernels interpolate; measured are 10ns, 1us"):
        family.at("100ns")
    with pytest.raises(ValueError, match="only beta kernels interpolate"):
        Family("one", (Device(),)).at("20ns")


def test_bad_families():
    with pytest.raises(ValueError, match="at least one device"):
        Family("none", ())
    with pytest.raises(ValueError, match="100ns is given twice"):
        Family("twice", (Device(), Device()))


@pytest.mark.parametrize("width", [-2e-8, 0.0, float("nan"), "20 parsec", "-5ns"])
def test_bad_widths(width):
    with pytest.raises(ValueError, match="pulse width"):
        FAMILY.at(width)
