"""feemu measure: what it writes, shows and refuses."""

import dataclasses

import numpy as np
import pytest

from feemu.curves import read_curves
from feemu.devices import preset
from feemu.instrument import Protocol, measure


def test_it_writes_what_python_measures(feemu, tmp_path):
    file = tmp_path / "train.csv"
    seen = feemu(
        "measure", "--device", "hzo_superlattice", "--pulse-width", "200ns,20ns", "--devices", 2,
        "--cycles", 3, "--pulses-up", 8, "--pulses-down", 6, "--noise", 0.01, "--gain-rate", -0.01,
        "--read-before", "no", "--seed", 5, "--out", file,
    )  # fmt: skip
    assert seen.code == 0, seen.err
    for words in ("20ns, 200ns", "2 devices, 3 cycles: 168 readings", "(relative)",
                  "amplitudes unpublished", f"wrote     {file}"):  # fmt: skip
        assert words in seen.out
    protocol = Protocol(
        devices=2, cycles=3, pulses_up=8, pulses_down=6, noise=0.01, gain_rate=-0.01,
        read_before=False, pulse_widths=("20ns", "200ns"),
    )  # fmt: skip
    expected = measure(preset("hzo_superlattice"), protocol, 5)["conductance"].values
    np.testing.assert_array_equal(read_curves(file)["conductance"].values, expected)


def test_siemens_are_shown_with_a_prefix(feemu, tmp_path):
    device = tmp_path / "own.toml"
    device.write_text(
        'name = "own"\nkind = "device"\nmodel = "soft_bounds"\nsource = "me"\n'
        '[sources]\nme = "my bench"\n[response]\n'
        'A_up = { value = 0.1, unit = "1", tag = "measured", source = "me" }\n'
        'A_down = { value = 0.1, unit = "1", tag = "measured", source = "me" }\n'
        "[device]\n"
        'conductance_on = { value = 2e-6, unit = "S", tag = "measured", source = "me" }\n'
        'conductance_off = { value = 1e-6, unit = "S", tag = "measured", source = "me" }\n'
    )
    asked = ("--cycles", 1, "--start", 0, "--pulses-up", 2, "--out", tmp_path / "own.csv")
    seen = feemu("measure", "--device", device, *asked)
    assert seen.code == 0, seen.err
    assert "1.00 uS to 1.19 uS" in seen.out


def test_help_has_every_field_of_the_protocol(feemu):
    text = feemu("measure", "--help").out
    for field in dataclasses.fields(Protocol):
        option = field.name.replace("_", "-").replace("pulse-widths", "pulse-width")
        assert f"\n  --{option} " in text
    assert "(identical)" in text and "devices, drawn from the device's spread (1)" in text


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--device", "idael"), ("did you mean 'ideal'",)),
        (("--cycles", "0"), ("--cycles = 0", "1 <= cycles")),
        (("--cycles", "many"), ("--cycles 'many'", "a whole number")),
        (("--noise", "big"), ("--noise 'big'", "a number")),
        (("--read-before", "maybe"), ("yes or no",)),
        (("--kind", "ramps"), ("did you mean 'ramp'",)),
        (("--pulse-width", "20parsec"), ("20parsec", "expected a time")),
        (("--pulse-width", "3ns"), ("leave --pulse-width out",)),
        (("--device", "hzo_superlattice", "--pulse-width", "20ms"), ("add --extrapolate",)),
        (("--meter-low", "0"), ("needs meter_bits",)),
        (("--seed", "-1"), ("seed = -1",)),
        (("--out", "train.txt"), ("must end in .csv",)),
        (("--cycle", "3"), ("did you mean --cycles",)),
    ],
)
def test_mistakes_are_told_in_one_line(refused, tmp_path, monkeypatch, asked, words):
    monkeypatch.chdir(tmp_path)
    refused("measure", "--device", "ideal", "--out", "train.csv", *asked, words=words)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_kept(feemu, refused, tmp_path):
    file = tmp_path / "train.csv"
    file.write_text("mine")
    asked = ("measure", "--device", "ideal", "--cycles", 1, "--out", file)
    refused(*asked, words=("is there already", "--overwrite"))
    assert file.read_text() == "mine"
    assert feemu(*asked, "--overwrite").code == 0 and file.stat().st_size > 1000
