"""The demo with a few images only: its words, files and table; its constants."""

import os
import subprocess
import sys

import pytest

from feemu.cli import demo_rates
from feemu.devices import preset
from feemu.params import format_width
from feemu.store import load


def test_every_cell_has_rates_from_the_searched_grid():
    widths = [format_width(w) for w in preset("hzo_superlattice").widths]
    for name, by_width in demo_rates.RATES.items():
        assert list(by_width) == widths
        for lr, scale in by_width.values():
            assert lr in demo_rates.LEARNING_RATES[name] and scale in demo_rates.WEIGHT_SCALES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


def test_demo_tells_and_writes_what_it_should(feemu, folder, monkeypatch):
    small = {**demo_rates.COMMON, "train_images": 40, "epochs": 1, "hidden": (4,)}
    monkeypatch.setattr(demo_rates, "COMMON", small)
    seen = feemu("demo", "--out", folder, "--seeds", 1, "--workers", 1)
    assert seen.code == 0, seen.err
    for words in ("arXiv:2601.00020", "2us (interpolated)", "200us (extrapolated)", "64-4-10",
                  "fixed demo values", "validation split", "assumed", "test [%]", "programming",
                  f"wrote     {folder / 'demo.nc'}", f"feemu info {folder / 'demo.nc'}",
                  "feemu plot"):  # fmt: skip
        assert words in seen.out
    ds = load(folder / "demo.nc")
    assert [ds.sizes[d] for d in ("pulse_width", "algorithm", "seed")] == [5, 4, 1]
    assert ds["width_label"].values.tolist()[2:5:2] == ["interpolated", "extrapolated"]
    assert set(ds["algorithm"].values) == {
        "plain_sgd", "shift_reference", "mixed_precision", "float"
    }  # fmt: skip
    assert bool((ds["energy_total"].isel(epoch=-1).sum("phase") > 0).all())
    assert (folder / "demo.png").read_bytes().startswith(b"\x89PNG")


def test_commands_that_the_demo_names_work(feemu, folder):
    demo = folder / "demo.nc"
    assert "shift_reference" in feemu("info", demo).out
    picture = folder / "other.png"
    kind = ("--kind", "accuracy-over-energy", "--out", picture)
    assert feemu("plot", demo, *kind).code == 0 and picture.exists()
    assert feemu("plot", demo, "--out", picture).code == 0


def test_demo_finds_an_unusable_place_at_once(refused, tmp_path):
    seen = refused("demo", "--out", tmp_path / "none" / "demo", words=("does not exist",))
    assert seen.out == ""


@pytest.mark.skipif(os.environ.get("FEEMU_SLOW") != "1", reason="set FEEMU_SLOW=1 (a minute)")
def test_whole_demo_takes_under_a_minute(tmp_path):
    run = [sys.executable, "-m", "feemu", "demo"]
    subprocess.run(run, cwd=tmp_path, check=True, timeout=60, capture_output=True)
    assert (tmp_path / "demo.nc").exists() and (tmp_path / "demo.png").exists()
