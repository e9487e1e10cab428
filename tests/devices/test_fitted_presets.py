"""Presets fitted to measurements: what they say of themselves, and that their data fit them."""

import hashlib
import os
from pathlib import Path

import pytest

from feemu.devices import preset, preset_table

FILES = {
    "taox_reram": ("taox_reram/set.csv", "taox_reram/reset.csv"),
    "reram_gong": ("reram_gong/gong_et_al.csv",),
}
MEASURED = Path(os.environ.get("FEEMU_MEASURED", Path(__file__).parents[3] / "shared/measured"))


@pytest.mark.parametrize("name", FILES)
def test_what_was_not_measured_is_said(name):
    device = preset(name)
    for words in ("not a ferroelectric device", "amplitudes and pulse width unknown", "no "):
        assert words in device.caveat
    assert device.spread.step_spread == 0 and device.width_label == "virtual"
    tags = {place: tag for place, _, _, tag, _ in preset_table(name)}
    assert tags["device.pulse_width"] == "assumed" and "spread.step_spread" not in tags
    assert device.source.count("SHA-256") == len(FILES[name]) and "feemu" in device.source


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_those_that_were_fitted(name):
    if not MEASURED.is_dir():
        pytest.skip("the measurements are not here; FEEMU_MEASURED names their folder")
    for file in FILES[name]:
        assert hashlib.sha256((MEASURED / file).read_bytes()).hexdigest() in preset(name).source
