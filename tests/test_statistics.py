"""Targets, intervals and verdicts against hand-computed cases and published tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from synthetic_result import EPOCHS, result, sweep

from feemu import statistics as fs
from feemu.energy import price

IMAGES = np.array([0.0, 500.0, 5000.0, 50000.0])
SPENT = np.array([1.0, 2.0, 4.0, 10.0])


def runs(values, **coords) -> xr.DataArray:
    values = np.asarray(values, float)
    attrs = {"units": "J", "long_name": "energy to target"}
    dims = (*coords, "seed")
    return xr.DataArray(
        values, dims=dims, attrs=attrs, coords={**coords, "seed": np.arange(values.shape[-1])}
    )


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ([0.95, 0.95, 0.1, 0.1], 1.0),  # epoch 0 holds it: what was spent before training
        ([0.1, 0.9, 0.9, 0.9], 2.0),  # exactly at a point
        ([0.5, 1.0, 1.0, 1.0], 1.8),  # before the first image: linear in the images
        ([0.1, 0.2, 0.3, 0.95], np.inf),  # the last point is not confirmed by a next one
        ([0.1, 0.95, 0.2, 0.95], np.inf),  # never held
        ([0.95, 0.2, 0.95, 0.95], 2 + 2 * (500 * 10 ** (14 / 15) - 500) / 4500),  # later
        ([np.nan] * 4, np.nan),  # not run
        ([0.1, 0.2, 0.3, 0.4], np.inf),
        ([0.1, 0.95, np.nan, 0.95], 1 + 0.8 / 0.85),  # the next evaluated point counts
    ],
)
def test_first_point_reached_and_held(metric, expected):
    got = fs.crossing(IMAGES, np.array(metric), SPENT, 0.9)
    np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_between_points_the_metric_is_linear_in_log_images():
    metric = np.array([0.1, 0.8, 1.0, 1.0])
    seen = np.sqrt(500 * 5000)
    expected = 2 + 2 * (seen - 500) / 4500
    np.testing.assert_allclose(fs.crossing(IMAGES, metric, SPENT, 0.9), expected, rtol=1e-12)
    np.testing.assert_allclose(fs.crossing(IMAGES, metric, IMAGES, 0.9), seen, rtol=1e-12)


def test_epochs_energy_and_time_on_a_sweep():
    ds = price(sweep(seeds=3))
    epochs = fs.epochs_to(ds, 0.85)
    assert epochs.dims == ("pulse_width", "seed")
    np.testing.assert_allclose(epochs, np.sqrt(0.1 * 1.0), rtol=1e-12)
    share = (np.sqrt(0.1) - 0.1) / 0.9
    for got, name in (
        (fs.energy_to(ds, 0.85), "energy_total"),
        (fs.time_to(ds, 0.85), "time_programming"),
    ):
        column = ds[name].sum("phase")
        expected = column.isel(epoch=2) + share * (column.isel(epoch=3) - column.isel(epoch=2))
        np.testing.assert_allclose(got, expected.transpose(*got.dims), rtol=1e-10)
    train = fs.energy_to(ds, 0.85, column="energy_device", phases=["train"])
    assert (train < fs.energy_to(ds, 0.85, column="energy_device")).all()
    assert train.attrs["units"] == "J"
    assert train.attrs["long_name"] == "programming energy to 85 % validation accuracy"
    assert fs.time_to(ds, 0.85).attrs["units"] == "s"
    assert epochs.attrs["long_name"] == "epochs to 85 % validation accuracy"


def test_targets_may_be_a_list_or_differ_between_cells():
    ds = sweep(seeds=2)
    many = fs.epochs_to(ds, [0.5, 0.85, 0.99])
    np.testing.assert_array_equal(many["target"], [0.5, 0.85, 0.99])
    np.testing.assert_array_equal(many.sel(target=0.85), fs.epochs_to(ds, 0.85))
    assert np.isinf(many.sel(target=0.99)).all()
    own = xr.DataArray([0.5, np.nan], dims="pulse_width", coords={"pulse_width": ds.pulse_width})
    got = fs.epochs_to(ds, own)
    assert (got.isel(pulse_width=0) == EPOCHS[1]).all()
    assert got.isel(pulse_width=1).isnull().all()


def test_losses_fall_to_their_target():
    ds = result()
    down = fs.epochs_to(ds, 1.0, "validation_loss")
    assert 0.1 < float(down) < 1.0
    assert np.isinf(fs.epochs_to(ds, 0.01, "validation_loss"))


def test_cases_that_were_not_run_are_nan_and_failures_are_inf():
    ds = sweep(seeds=4)
    accuracy = ds["validation_accuracy"].copy()
    accuracy[0, 0] = np.nan
    accuracy[0, 1] = 0.1
    values = fs.epochs_to(ds.assign(validation_accuracy=accuracy), 0.85)
    counts = fs.reached(values)
    np.testing.assert_array_equal(counts["reached"], [2, 4])
    np.testing.assert_array_equal(counts["runs"], [3, 4])
    assert counts["reached"].attrs["units"] == "1"


def test_bad_targets_and_datasets_are_refused():
    ds = result()
    with pytest.raises(ValueError, match="fractions"):
        fs.epochs_to(ds, 95)
    with pytest.raises(ValueError, match="NaN"):
        fs.epochs_to(ds, np.nan)
    with pytest.raises(ValueError, match="did you mean 'validation_accuracy'"):
        fs.epochs_to(ds, 0.9, "validation_acc")
    with pytest.raises(ValueError, match="price it first"):
        fs.energy_to(ds, 0.9)
    with pytest.raises(ValueError, match="did you mean 'train'"):
        fs.energy_to(price(ds), 0.9, phases=["trian"])
    with pytest.raises(ValueError, match="no dimension 'seed'"):
        fs.median_interval(ds["test_accuracy"])


def test_median_with_infinities():
    few = fs.median_interval(runs([1, 2, np.inf, np.inf]))
    assert np.isinf(few["median"])
    assert np.isnan(few["low"])
    assert int(few["runs"]) == 4
    some = fs.median_interval(runs([1, 2, 3, 4, 5, 6, 7, np.inf, np.inf, np.nan]))
    assert float(some["median"]) == 5
    assert float(some["low"]) <= 3
    assert float(some["high"]) >= 7
    assert int(some["runs"]) == 9
    most = fs.median_interval(runs([1, 2, 3, np.inf, np.inf, np.inf, np.inf]))
    assert np.isinf(most["median"])
    assert np.isfinite(most["low"])
    assert np.isinf(most["high"])
    every = fs.median_interval(runs([np.inf] * 6))
    assert np.isinf([every["median"], every["low"], every["high"]]).all()
    none = fs.median_interval(runs([np.nan] * 6))
    assert np.isnan([none["median"], none["low"], none["high"]]).all()
    assert some["median"].attrs == {"units": "J", "long_name": "median of energy to target"}


def test_median_interval_is_the_exact_bootstrap_distribution():
    """For odd n the bootstrap median is an order statistic whose law is binomial."""
    n, row = 11, np.arange(11.0)
    below = stats.binom.sf(n // 2, n, np.arange(1, n + 1) / n)  # P(median <= i)
    out = fs.median_interval(runs(row), resamples=200_000)
    low, high = np.searchsorted(below, [0.025, 0.975])
    assert float(out["low"]) == row[low]
    assert float(out["high"]) == row[high]


def test_intervals_do_not_depend_on_the_other_cells_or_the_process():
    values = runs([[1, 5, 2, 8, 3], [4, 4, 6, 1, 9]], pulse_width=[2e-8, 2e-5])
    both = fs.median_interval(values)
    alone = fs.median_interval(values.isel(pulse_width=1))
    assert float(both["low"][1]) == float(alone["low"])
    code = (
        "import numpy as np, xarray as xr; from feemu import statistics as fs\n"
        "a = xr.DataArray([1., 5, 2, 8, 3, 4], dims='seed'); b = a[::-1].copy() + .5\n"
        "print(fs.ratio_of_medians(a, b).to_array().values.tolist())"
    )
    root = str(Path(__file__).resolve().parents[1])
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root
        ).stdout
        for _ in range(2)
    }
    assert len(texts) == 1


def test_mean_interval_against_the_textbook():
    row = np.array([4.1, 3.9, 4.4, 4.0, 4.6, 3.7])
    out = fs.mean_interval(runs(row))
    low, high = stats.t.interval(0.95, 5, row.mean(), stats.sem(row))
    np.testing.assert_allclose([out["low"], out["high"]], [low, high], rtol=1e-12)
    assert np.isnan(fs.mean_interval(runs(row[:4]))["low"])


def test_mean_interval_covers():
    """400 intervals of 95 %; two-sided exact binomial bounds at a false-alarm rate of 5e-9."""
    draws = np.random.default_rng(1).normal(size=(400, 6))
    out = fs.mean_interval(runs(draws, cell=np.arange(400)))
    covered = int(((out["low"] < 0) & (out["high"] > 0)).sum())
    low, high = stats.binom.ppf(2.5e-9, 400, 0.95), stats.binom.isf(2.5e-9, 400, 0.95)
    assert low <= covered <= high


def test_ratio_of_medians_is_paired():
    base = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0])
    out = fs.ratio_of_medians(runs(3 * base), runs(base))
    np.testing.assert_allclose([out["ratio"], out["low"], out["high"]], 3.0, rtol=1e-12)
    assert float(out["p_value"]) < 1e-3
    shuffled = runs(base).isel(seed=[3, 1, 0, 2, 6, 5, 4])
    again = fs.ratio_of_medians(runs(3 * base), shuffled)
    np.testing.assert_allclose([again["low"], again["high"]], 3.0, rtol=1e-12)
    assert out["ratio"].attrs["units"] == "1"
    missing = runs(base).where(lambda v: v.seed != 2)
    assert int(fs.ratio_of_medians(runs(3 * base), missing)["runs"]) == 6
    with pytest.raises(ValueError, match="no pairs"):
        fs.ratio_of_medians(runs(base), runs(base).assign_coords(seed=np.arange(7) + 50))


def test_ratio_with_failures_is_wide_not_blind():
    ok, fails = runs([1.0, 2, 3, 4, 5]), runs([np.inf] * 5)
    assert float(fs.ratio_of_medians(ok, fails)["ratio"]) == 0
    assert float(fs.ratio_of_medians(ok, fails)["high"]) == 0
    assert np.isinf(fs.ratio_of_medians(fails, ok)["low"])
    both = fs.ratio_of_medians(fails, fails)
    assert np.isnan(both["ratio"])
    assert float(both["low"]) == 0
    assert np.isinf(both["high"])
    assert float(both["p_value"]) == 1
    few = fs.ratio_of_medians(ok.isel(seed=slice(4)), ok.isel(seed=slice(4)))
    assert np.isnan([few["low"], few["high"], few["p_value"]]).all()


def test_paired_difference_is_the_paired_t_test():
    a = np.array([0.95, 0.96, 0.94, 0.97, 0.955, 0.95])
    b = np.array([0.94, 0.94, 0.935, 0.955, 0.95, 0.945])
    out = fs.paired_difference(runs(a), runs(b))
    np.testing.assert_allclose(out["p_value"], stats.ttest_rel(a, b).pvalue, rtol=1e-10)
    ends = stats.ttest_rel(a, b).confidence_interval(0.95)
    np.testing.assert_allclose([out["low"], out["high"]], ends, rtol=1e-10)
    same = fs.paired_difference(runs(a), runs(a))
    assert float(same["p_value"]) == 1


def test_non_inferiority():
    a = np.array([0.95, 0.96, 0.94, 0.97, 0.955, 0.95])
    wobble = np.array([1, -1, 2, -2, 0.5, -0.5]) * 1e-4
    for loss, expected in ((0.001, "holds"), (0.02, "does not hold"), (0.005, "undecided")):
        out = fs.non_inferiority(runs(a - loss + wobble), runs(a))
        assert str(out["verdict"].values) == expected
        assert out["verdict"].attrs["long_name"] == "verdict"
    few = fs.non_inferiority(runs(a[:3]), runs(a[:3]))
    assert str(few["verdict"].values) == "undecided"
    with pytest.raises(ValueError, match="margin"):
        fs.non_inferiority(runs(a), runs(a), 0.0)


def test_holm():
    np.testing.assert_allclose(fs.holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(fs.holm([0.5, np.nan, 0.6]), [1.0, np.nan, 1.0])
    assert fs.holm([]).shape == (0,)
    out = fs.holm(xr.DataArray([0.01, 0.02], dims="row"))
    assert out.dims == ("row",)
    assert out.attrs["long_name"] == "p value after Holm"
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        fs.holm([1.2])


def test_verdicts():
    assert fs.verdict(1.1, 2.0, 1.0, "greater") == "holds"
    assert fs.verdict(1.1, 2.0, 1.0, "less") == "does not hold"
    assert fs.verdict(0.9, 2.0, 1.0, "less") == "undecided"
    assert fs.verdict(np.nan, np.nan, 1.0, "less") == "undecided"
    assert fs.verdict(np.inf, np.inf, 1.0, "greater") == "holds"
    assert fs.verdict(1.1, 2.0, 1.0, "greater", p_value=0.2) == "undecided"
    assert fs.verdict(1.1, 2.0, 1.0, "greater", p_value=np.nan) == "undecided"
    assert fs.verdict(1.1, 2.0, 1.0, "greater", by_construction=True) == "by construction"
    low = xr.DataArray([0.1, -0.1], dims="pulse_width")
    out = fs.verdict(low, low + 0.15, 0.0, "greater")
    assert out.values.tolist() == ["holds", "undecided"]
    with pytest.raises(ValueError, match="unknown claim"):
        fs.verdict(0, 1, 0, "bigger")


def test_everything_returned_is_labelled():
    ds = price(sweep(seeds=5))
    a, b = fs.energy_to(ds.isel(pulse_width=0), 0.85), fs.energy_to(ds.isel(pulse_width=1), 0.85)
    tables = [
        fs.median_interval(a),
        fs.mean_interval(a),
        fs.ratio_of_medians(a, b),
        fs.paired_difference(a, b),
        fs.reached(a),
    ]
    for table in tables:
        for name, values in table.data_vars.items():
            assert values.attrs["units"], name
            assert values.attrs["long_name"], name
