"""Preset files: all load, all say where their numbers come from, bad ones are refused."""

import pytest

from feemu.devices import Device, Family, preset, preset_names, preset_table, read_preset, tabulate

GOOD = """
name = "mine"
kind = "device"
scheme = "ramp"
model = "soft_bounds"
source = "lab"

[sources]
lab = "notebook 7"

[response]
A_up = { value = 0.02, unit = "1", tag = "measured", source = "lab" }
A_down = { value = 0.03, unit = "1", tag = "measured", source = "lab" }

[device]
pulse_width = { value = 1e-6, unit = "s", tag = "measured", source = "lab" }
"""


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_loads_tabulates_and_names_its_source(name):
    found = preset(name)
    assert found.name == name
    assert found.source
    device = found.at(found.widths[0]) if isinstance(found, Family) else found
    assert isinstance(device, Device)
    tables = tabulate(device)
    assert 0.0 < tables.granularity < 0.2
    rows = preset_table(name)
    assert len(rows) >= 3
    for place, value, _, tag, source in rows:
        assert place and value is not None and source
        assert tag in ("measured", "published", "assumed")


def test_the_expected_presets_are_there():
    expected = {"hzo_superlattice", "hzo_sl_20ns", "hzo_sl_200ns", "hzo_sl_20us", "ideal", "dut1"}
    expected |= {"softbounds_aihwkit", "ethz_ftj_8300", "jerry_fefet", "hzo_vdsp"}
    assert expected <= set(preset_names())


def test_assumptions_of_the_family_are_marked():
    tags = {place: (tag, source) for place, _, _, tag, source in preset_table("hzo_superlattice")}
    for place in ("step_spread", "asymmetry_spread", "g_on_spread", "g_off_spread"):
        tag, source = tags[f"spread.{place}"]
        assert tag == "assumed" and "2309.12061" in source


def test_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown preset 'hzo_superlatice'.*'hzo_superlattice'"):
        preset("hzo_superlatice")


def test_a_file_of_your_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    device = read_preset(path)
    assert device.response.A_down == 0.03
    assert (device.pulse_width, device.scheme, device.source) == (1e-6, "ramp", "notebook 7")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('scheme = "ramp"', 'scheme = "rampe"', "did you mean 'ramp'"),
        ('model = "soft_bounds"', 'model = "softbound"', "did you mean 'soft_bounds'"),
        ('kind = "device"', 'kind = "thing"', "unknown kind 'thing'"),
        ('kind = "device"', "", "unknown kind None"),
        ('name = "mine"', "", "entry 'name' is missing"),
        ("A_up", "A_upp", "did you mean 'A_up'"),
        ('unit = "s"', 'unit = "ns"', "device.pulse_width: unit 'ns', expected 's'"),
        ("value = 1e-6", "value = -1e-6", "Device.pulse_width = -1e-06"),
        ("value = 0.02", "value = nan", "SoftBounds.A_up = nan"),
        ('tag = "measured", source = "lab" }\n\n', 'tag = "m" , source = "lab" }\n\n', "tag 'm'"),
        ('source = "lab" }\n\n', 'source = "labb" }\n\n', "unknown source 'labb'"),
        ('unit = "s", ', "", "must have exactly value, unit, tag, source"),
        ("[device]", "[devise]", "unknown entry 'devise': did you mean 'device'"),
        ('model = "', 'noise = 3\nmodel = "', "table 'noise' must hold named values"),
        ("[device]", "[device", "not a valid TOML file"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path, old, new, message):
    path = tmp_path / "mine.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises((ValueError, TypeError)) as info:
        read_preset(path)
    assert message in str(info.value)
    assert "\n" not in str(info.value)


def test_missing_and_binary_files(tmp_path):
    with pytest.raises(ValueError, match="cannot be read as a preset"):
        read_preset(tmp_path / "nothing.toml")
    path = tmp_path / "binary.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="cannot be read as a preset"):
        read_preset(path)
