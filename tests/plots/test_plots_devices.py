"""Pictures of devices and of single pulses."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from feemu import plots
from feemu.devices import Constant, Device, preset
from feemu.energy import EnergyModel, pulse_energy
from feemu.plots.devices import emulate, nominal


def test_device_curves_of_a_family(family):
    ax = Figure().subplots()
    assert plots.device_curves(family, ax) is ax
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels[:5] == ["20 ns", "200 ns", "2 µs (interp.)", "20 µs", "200 µs (extrap.)"]
    assert "[1]" in ax.get_xlabel() and "[1]" in ax.get_ylabel()
    curves = [line for line in ax.get_lines() if len(line.get_xdata()) > 1]
    assert [line.get_linestyle() for line in curves] == ["-", "--"] * 5
    points = [line for line in ax.get_lines() if len(line.get_xdata()) == 1]
    assert [p.get_xdata()[0] for p in points] == pytest.approx(
        [family.at(w).symmetry_point for w in family.widths]
    )


def test_device_curves_of_one_device_and_of_a_dataset(family):
    one = family.at("2us")
    plots.device_curves(one)
    same = plots.device_curves(family.to_dataset())
    assert len(same.get_lines()) == 15
    assert len(plots.device_curves(family, widths=["20ns", "20us"]).get_lines()) == 6
    assert len(plots.device_curves(preset("softbounds_aihwkit")).get_lines()) == 3


def test_a_device_without_a_symmetry_point_has_no_dot():
    device = Device(response=Constant(A_up=0.02, A_down=0.01), width_label="virtual")
    ax = plots.device_curves(device)
    assert len(ax.get_lines()) == 2
    words = [t.get_text() for t in ax.get_legend().get_texts()]
    assert words == ["100 ns (virtual)", "up", "down"]


def test_pulses_curve_ends_where_the_device_says(family):
    ax = Figure().subplots()
    assert plots.pulses_curve(family, ax) is ax
    device = family.at(2e-8)
    n = int(device.response.pulses()[0])
    states = nominal(device, n)
    assert states[0] == 0.05 and states[n] >= 0.9 > states[n - 1]
    assert "[1]" in ax.get_xlabel() and "[1]" in ax.get_ylabel()


def test_emulated_synapses_without_noise_follow_the_nominal_curve(family):
    device = family.at(2e-8).replace(noise=type(family.at(2e-8).noise)(0.0, 0.0))
    device = device.replace(spread=type(device.spread)(0.0, 0.0, 0.0, 0.0))
    got = emulate(device, 20, 3)
    assert got.shape == (41, 3)
    np.testing.assert_allclose(got, nominal(device, 20)[:, None] * np.ones(3), atol=2e-3)
    ax = plots.pulses_curve(family.at(2e-8), pulses=5, emulated=3)
    assert any("3 emulated synapses" in t.get_text() for t in ax.texts)


def test_pulse_energy_stacks_to_the_energy_of_a_pulse(family):
    ax = Figure().subplots()
    model = EnergyModel()
    assert plots.pulse_energy_over_width(model, family, ax) is ax
    assert ax.get_ylabel() == "energy of one pulse [J]" and "[s]" in ax.get_xlabel()
    heights = np.array([[bar.get_height() for bar in stack] for stack in ax.containers])
    assert heights.shape == (3, 5)
    for total, width in zip(heights.sum(0), family.widths):
        device = family.at(width)
        dp, p = device.granularity, device.symmetry_point
        assert total == pytest.approx(float(pulse_energy(model, width, np.nan, dp, p)))
    assert any("assumed: area" in t.get_text() for t in ax.texts)
    labels = [t.get_text() for t in ax.get_xticklabels()]
    own = family.at(family.widths[-1]).replace(conductance_off=1e-8, conductance_on=3e-8)
    ax = plots.pulse_energy_over_width(None, own)
    total = sum(stack[0].get_height() for stack in ax.containers)
    dp, p, at = own.granularity, own.symmetry_point, model.replace(g_off=1e-8, g_on=3e-8)
    assert total == pytest.approx(float(pulse_energy(at, own.pulse_width, np.nan, dp, p)))
    assert total > 1.01 * float(pulse_energy(model, own.pulse_width, np.nan, dp, p))
    assert not any("g_on" in t.get_text() or "$G" in t.get_text() for t in ax.texts)
    assert labels[2] == "2 µs\n(interp.)" and labels[4] == "200 µs\n(extrap.)"


def test_half_selected_cells_are_a_term_of_their_own(family):
    plain = plots.pulse_energy_over_width(None, family)
    more = plots.pulse_energy_over_width(None, family, half_selected=100)
    assert len(more.containers) == len(plain.containers) + 1
    none = EnergyModel(half_select=0.0)
    dead = plots.pulse_energy_over_width(none, family, half_selected=100)
    assert sum(bar.get_height() for bar in dead.containers[-1]) == 0


def test_errors_are_one_line(family):
    cases = [
        (plots.device_curves, (3,), {}, TypeError, "Family or a Device, got int"),
        (plots.device_curves, (family.at(2e-8),), {"widths": [1e-8]}, ValueError, "single device"),
        (plots.device_curves, (family.to_dataset().drop_vars("step_up"),), {}, ValueError,
         "lacks step_up"),
        (plots.pulses_curve, (family,), {"pulses": 0}, ValueError, "pulses = 0"),
        (plots.pulse_energy_over_width, (3, family), {}, TypeError, "EnergyModel, got int"),
        (plots.pulse_energy_over_width, (None, family), {"half_selected": -1}, ValueError, ">= 0"),
    ]  # fmt: skip
    for function, given, options, kind, words in cases:
        with pytest.raises(kind, match=words) as caught:
            function(*given, **options)
        assert "\n" not in str(caught.value)
