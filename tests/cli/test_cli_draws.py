"""Training on devices drawn from what a fit knows."""

import sys
from pathlib import Path

import numpy as np
import pytest

from feemu.devices import Beta, Family, SoftBounds, read_preset
from feemu.fit import drawn_devices, fit, fit_dataset
from feemu.fit.preset import preset_text
from feemu.plots import bands_over_draws
from feemu.store import load, read_dataset, write_dataset_atomic, write_text_atomic

sys.path.append(str(Path(__file__).parents[1] / "fit"))
from simulate import measure

TRAIN = ["train", "--algorithm", "mixed_precision", "--hidden", "4", "--epochs", "1",
         "--train-images", "60", "--lr", "1"]  # fmt: skip


def leave(ds, model, folder):
    """Write what ``feemu fit`` leaves of a fit, without the report."""
    found = fit(ds, model, draws=200, name="virtual")
    write_text_atomic(folder / "device.toml", preset_text(found))
    write_dataset_atomic(fit_dataset(found), folder / "fit.nc")
    return found


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Return the folder of a fit of two devices."""
    folder = tmp_path_factory.mktemp("fitted")
    ds = measure(
        SoftBounds(0.06, 0.05), seed=2, devices=2, cycles=3, pulses=30, low=2e-5, high=4e-5
    )
    leave(ds, "soft_bounds", folder)
    return folder


def test_draws_are_those_of_the_file(fitted):
    ds = read_dataset(fitted / "fit.nc")
    base = read_preset(fitted / "device.toml")
    drawn = drawn_devices(fitted / "device.toml", 20)
    column = ds["drawn"].sel(parameter="A_up").values
    assert [d.response.A_up for d in drawn] == column[:20].tolist()
    again = drawn_devices(fitted / "device.toml", 5)
    assert again == drawn[:5] and len({d.response.A_up for d in drawn}) == 20
    assert all(d.name == base.name and d.source == base.source for d in drawn)
    assert drawn[3].on_off == pytest.approx(
        float(ds["drawn"].sel(parameter="on_off")[3]), rel=1e-12
    )
    # The interval that the fit reports is that of its draws: their ends lie close together.
    low, high = np.quantile(column, [0.025, 0.975])
    value = ds.sel(parameter="A_up")
    assert low == pytest.approx(float(value.lower), rel=1e-9)
    assert high == pytest.approx(float(value.upper), rel=1e-9)
    assert ds["correlation"].sel(parameter="A_up", other="A_up").item() == pytest.approx(1.0)


def test_draws_without_a_conductance_above_zero_are_left_out(fitted, tmp_path):
    file = tmp_path / "device.toml"
    file.write_bytes((fitted / "device.toml").read_bytes())
    ds = read_dataset(fitted / "fit.nc")
    low = ds["drawn"].sel(parameter="G_min").values.copy()
    low[::3] -= 1.0
    ds["drawn"].loc[{"parameter": "G_min"}] = low
    write_dataset_atomic(ds, tmp_path / "fit.nc")
    n = int((low > 0).sum())
    assert 0 < n < low.size
    assert [d.conductance_off for d in drawn_devices(file, n)] == low[low > 0].tolist()
    with pytest.raises(ValueError, match=f"must be 1 to {n}"):
        drawn_devices(file, n + 1)


def test_draws_of_a_family_have_all_widths(tmp_path):
    import xarray

    parts = [
        measure(Beta(A_up=a, A_down=a), seed=4, devices=1, cycles=3, pulses=30, width=w)
        for w, a in ((1e-7, 0.2), (1e-6, 0.3))
    ]
    leave(xarray.concat([p.drop_vars("own") for p in parts], "pulse_width"), "beta", tmp_path)
    file = tmp_path / "device.toml"
    base, ds = read_preset(file), read_dataset(tmp_path / "fit.nc")
    assert isinstance(base, Family)
    for width in (1e-7, 1e-6):
        got = [d.response.a_up for d in drawn_devices(file, 4, width)]
        assert got == ds["drawn"].sel(parameter="a_up", pulse_width=width).values[:4].tolist()
    between = drawn_devices(file, 2, "300ns")
    assert {d.width_label for d in between} == {"interpolated"}
    assert between[0].response != between[1].response
    with pytest.raises(ValueError, match="more than a decade"):
        drawn_devices(file, 2, "1s")


def test_same_seed_same_bytes_with_a_band(fitted, feemu, tmp_path):
    names = [tmp_path / "a.nc", tmp_path / "b.nc"]
    for name in names:
        seen = feemu(*TRAIN, "--device", fitted / "device.toml", "--draws", 3, "--seeds", 2,
                     "--out", name)  # fmt: skip
        assert seen.code == 0, seen.err
        for words in ("over 3 draws", "over 2 seeds", "5 - 95 %", "programming energy"):
            assert words in seen.out
    assert names[0].read_bytes() == names[1].read_bytes()
    ds = load(names[0])
    assert ds["draw"].values.tolist() == [0, 1, 2] and ds["done"].all()
    last = ds["validation_accuracy"].isel(epoch=-1).values.reshape(3, 2)
    assert len(np.unique(ds["pulses"].isel(epoch=-1).sum(["layer", "phase", "pulse_kind"]))) == 6
    seen = feemu("info", names[0])
    assert seen.code == 0 and "over 3 draws" in seen.out
    assert f"{100 * np.median(last):.1f}" in seen.out
    seen = feemu("plot", names[0])
    assert seen.code == 0 and "drew      draws" in seen.out, seen.err
    seen = feemu("plot", names[0], "--kind", "accuracy")
    assert seen.code == 2 and "holds 3 drawn from a fit" in seen.err
    axes = bands_over_draws(ds)
    assert len(axes) == 3 and "validation accuracy" in axes[0].get_ylabel()
    with pytest.raises(ValueError, match="no dimension 'draw'"):
        bands_over_draws(ds.isel(draw=0))


def test_a_fitted_range_in_siemens_prices_the_result(fitted, feemu, tmp_path):
    """The folder of a fit stands for its device."""
    seen = feemu(*TRAIN, "--device", fitted, "--draws", 2, "--out", tmp_path / "a.nc")
    assert seen.code == 0, seen.err
    assert "conductances of the device" in seen.out and "g_on" not in seen.out
    ds = load(tmp_path / "a.nc")
    drawn = [d.conductance_on for d in drawn_devices(fitted / "device.toml", 2)]
    assert ds["conductance_on"].values.ravel().tolist() == drawn
    assert "g_on" not in ds["energy_conductive"].attrs["assumed"]


def test_states_of_draws_have_their_names(fitted, feemu, tmp_path):
    seen = feemu(*TRAIN, "--device", fitted / "device.toml", "--draws", 2, "--save-state",
                 tmp_path / "s.npz")  # fmt: skip
    assert seen.code == 0, seen.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["s-draw0-seed0.npz", "s-draw1-seed0.npz"]


def test_a_device_without_a_fit_is_refused(fitted, refused, tmp_path):
    refused(*TRAIN, "--device", "hzo_sl_20ns", "--draws", 3, words=("no fit", "feemu fit"))
    lone = tmp_path / "device.toml"
    lone.write_text((fitted / "device.toml").read_text())
    refused(*TRAIN, "--device", lone, "--draws", 3, words=("no fit.nc beside it",))
    (tmp_path / "fit.nc").write_bytes((fitted / "fit.nc").read_bytes())
    lone.write_text(lone.read_text() + "# edited\n")
    refused(*TRAIN, "--device", lone, "--draws", 3, words=("another device", "edited"))
    (tmp_path / "fit.nc").write_bytes(b"\x89HDF\r\n\x1a\nnothing")
    refused(*TRAIN, "--device", lone, "--draws", 3, words=("damaged",))
    refused(
        *TRAIN, "--device", fitted / "device.toml", "--draws", 1000, words=("1 to ", "fit holds")
    )
    refused(*TRAIN, "--device", fitted / "device.toml", "--draws", 0, words=("at least 1",))
