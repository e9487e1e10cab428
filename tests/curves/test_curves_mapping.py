"""Mappings: TOML files, what overrides what, and wrong names."""

import numpy as np
import pytest
from small_trains import grid, tidy

from feemu.curves import CurvesError, Mapping, read_curves, read_mapping

ODD = tidy(header="chip,loop,dir,idx,value")
COLUMNS = {"device": "chip", "pulse": "idx", "conductance": "value"}


def test_the_same_from_toml_dict_record_and_options(put):
    file = put(ODD)
    toml = "unit = 'uS'\n[columns]\ndevice = 'chip'\npulse = 'idx'\nconductance = 5\n"
    for mapping in (
        put(toml, "map.toml"),
        {"unit": "uS", "columns": COLUMNS},
        Mapping(unit="uS", columns=COLUMNS),
    ):
        np.testing.assert_allclose(read_curves(file, mapping)["conductance"], grid())
    ds = read_curves(file, columns=COLUMNS, unit="uS")
    np.testing.assert_allclose(ds["conductance"], grid())


def test_a_toml_file_that_names_its_files(put):
    put(ODD, "one.csv")
    toml = "unit='uS'\n[columns]\ndevice='chip'\npulse='idx'\nconductance='value'\n"
    whole = put(toml + "[files]\n'20ns' = 'one.csv'\n", "measurement.toml")
    ds = read_curves(whole)
    assert ds["pulse_width"].values.tolist() == [2e-8]
    assert read_curves(whole, unit="nS")["conductance"].max() < 1e-8
    with pytest.raises(CurvesError, match="names no files"):
        read_curves(put(toml, "other.toml"))


def test_settings_override_comments_and_comments_override_guesses(put):
    file = put("# first_polarity = down\n# continuous = no\n" + tidy())
    ds = read_curves(file)
    assert ds.attrs["first_polarity"] == "down" and ds.attrs["continuous"] == 0
    ds = read_curves(file, first_polarity="up", continuous=True)
    assert ds.attrs["first_polarity"] == "up" and ds.attrs["continuous"] == 1
    assert ds.attrs["first_polarity_source"] == "given"


def test_text_values():
    assert read_curves.__module__ == "feemu.curves.read"
    from feemu.curves.mapping import make_mapping

    made = make_mapping(None, pulse_width="200ns", read_voltage="0.1 V", pulses_up="20",
                        unit_check="no")  # fmt: skip
    assert (made.pulse_width, made.read_voltage, made.pulses_up) == (2e-7, 0.1, 20)
    assert made.unit_check is False


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": "S"}, "did you mean 'unit'"),
        ({"columns": {"conductanse": "G"}}, "did you mean 'conductance'"),
        ({"repeats": "average"}, "known are first, last, mean, refuse"),
        ({"read_voltage": "big"}, "expected a number"),
        ({"pulse_width": "20 lightyears"}, "expected a time"),
        ({"delimiter": "::"}, "delimiter"),
    ],
)
def test_wrong_settings(put, options, words):
    with pytest.raises(ValueError, match=words):
        read_curves(put(tidy()), **options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unit = ", "no valid TOML"),
        ("unitt = 'S'", "did you mean 'unit'"),
        ("columns = 3", "a table"),
        ("repeats = 'x'", "unknown repeats"),
        ("pulses_up = 'x'", "expected a number"),
    ],
)
def test_wrong_toml(put, text, words):
    file = put(text, "map.toml")
    with pytest.raises(CurvesError, match=words) as caught:
        read_mapping(file)
    assert str(caught.value).startswith(str(file))


def test_labels(put):
    file = put(tidy())
    with pytest.raises(ValueError, match="label 'sideways'"):
        read_curves({"sideways": file})
    with pytest.raises(TypeError, match="give a Mapping"):
        read_curves(file, 7)
