"""Devices as records: printing, pickling, and one-line refusals."""

import pickle
from dataclasses import dataclass

import pytest

from feemu.devices import (
    Beta,
    Constant,
    Device,
    Linear,
    Noise,
    PulseKind,
    Table,
    neurosim_label,
    preset,
)
from feemu.params import Record, param


def test_pickles():
    device = preset("ethz_ftj_8300")
    assert pickle.loads(pickle.dumps(device)) == device


def test_prints_as_a_table_with_units_and_what_follows():
    text = str(preset("ethz_ftj_8300"))
    for part in ("pulse_width", "0.0005", " s ", "ramp", "symmetry point", "0.3158", "14 / 13"):
        assert part in text


def test_a_number_has_unit_1_unless_declared_and_what_is_no_number_has_none():
    @dataclass(frozen=True)
    class Several(Record):
        sizes: tuple[int, ...] = param((8, 16))
        time: float = param(2.0, unit="s")
        name: str = param("3")

    rows = [line.split() for line in str(Several()).splitlines()[1:]]
    assert rows == [["sizes", "(8,", "16)", "1"], ["time", "2", "s"], ["name", "3"]]


def test_kinds_carry_width_and_amplitude():
    up, down = preset("ethz_ftj_8300").kinds
    assert (up.name, up.sign, up.width, up.amplitude) == ("up", 1, 5e-4, -1.25)
    assert (down.name, down.sign, down.width, down.amplitude) == ("down", -1, 5e-4, 1.0)


def test_caveat_of_the_scheme_is_added_only_where_it_applies():
    assert Device(scheme="identical").caveats == ()
    for scheme in ("ramp", "unknown"):
        assert "measured under a ramp (or unknown protocol)" in Device(scheme=scheme).caveats[-1]


def test_state_of_inverts_the_conductance():
    for device in (Device(), Device(conductance="exponential", on_off=30.0)):
        for g in (0.0, 0.3, 1.0):
            assert float(device.g(device.state_of(g))) == pytest.approx(g, abs=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Device(pulse_width=-2e-8), ValueError, "Device.pulse_width = -2e-08"),
        (lambda: Device(pulse_width=float("nan")), ValueError, "Device.pulse_width = nan"),
        (lambda: Device(scheme="rampp"), ValueError, "did you mean 'ramp'"),
        (lambda: Device(conductance="log"), ValueError, "known are exponential, linear"),
        (lambda: Device(conductance="exponential"), ValueError, "needs on_off, a number > 1"),
        (lambda: Device(response="beta"), TypeError, "'beta' is no ResponseModel"),
        (lambda: Device(variants=(Beta(), 3)), TypeError, "3 is no ResponseModel"),
        (lambda: Device(noise=0.1), TypeError, "noise must be a Noise"),
        (lambda: Device(spread=Noise()), TypeError, "spread a Spread or a WeightSpread"),
        (lambda: Device(variants=(Beta(),) * 257), ValueError, "257 variants; at most 256"),
        (
            lambda: Device(extra_kinds=((PulseKind("up", 1, 1e-8), Constant()),)),
            ValueError,
            "each needs a name of its own",
        ),
        (lambda: PulseKind("x", 2, 1e-8), ValueError, "unknown sign 2"),
        (lambda: Beta(A_up=-1.0), ValueError, "Beta.A_up = -1.0"),
        (lambda: Beta(A_up="1"), TypeError, "Beta.A_up = '1'"),
        (lambda: Linear(gamma_up=1.5), ValueError, "Linear.gamma_up = 1.5"),
        (lambda: Constant().pulses(0.9, 0.1), ValueError, "0 <= lo < hi <= 1"),
        (lambda: Table([0, 1], [1], [1, 1]), ValueError, "Table.up: has 1 values for 2 nodes"),
        (lambda: Table([0, 1], [1, -1], [1, 1]), ValueError, "-1.0 at p = 1"),
        (lambda: Table([0, 1], [1, 1], "ab"), TypeError, "Table.down: must be a sequence"),
        (lambda: Table([0, 0.5], [1, 1], [1, 1]), ValueError, "must rise strictly from 0 to 1"),
        (lambda: Table([0, 0.5, 0.5, 1], [1] * 4, [1] * 4), ValueError, "must rise strictly"),
        (lambda: Linear.from_neurosim(10, 1, 32), ValueError, "must be between -9 and 9"),
        (lambda: Linear.from_neurosim(1, 1, 0), ValueError, "n_pulses = 0"),
        (lambda: neurosim_label(0.0), ValueError, "must be finite and not 0"),
    ],
)
def test_refusals_say_what_was_given_in_one_line(make, error, message):
    with pytest.raises(error) as info:
        make()
    assert message in str(info.value)
    assert "\n" not in str(info.value)
