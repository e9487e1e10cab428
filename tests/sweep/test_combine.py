"""Runs side by side in one dataset: what is missing, further dimensions, the float baseline."""

import json

import numpy as np
import pytest
from grid_cases import case, run, tables
from small_cases import task

import feemu as fe
from feemu import schema
from feemu.statistics import epochs_to
from feemu.sweeping import combine, spread_float, sweep
from feemu.training import train

A, B = ("20ns", "plain_sgd", 0), ("20us", "mixed_precision", 1)
FLOAT = ("20ns", "float", 0)


def test_what_was_not_run_is_nan_and_not_done():
    ds = combine([run(A), run(B)])
    schema.validate(ds)
    assert dict(ds.sizes)["pulse_width"] == ds.sizes["algorithm"] == ds.sizes["seed"] == 2
    assert ds["done"].dtype == bool and ds["done"].sum() == 2 * run(A).sizes["epoch"]
    missing = ds.sel(pulse_width=2e-8, algorithm="mixed_precision")
    for name in ds.data_vars:
        if name != "done":
            assert missing[name].isnull().all(), name
    part = ds.sel(pulse_width=2e-8, algorithm="plain_sgd", seed=0)
    np.testing.assert_array_equal(part["pulses"], run(A)["pulses"])


def test_epochs_are_those_of_all_runs():
    short = train(case(seed=5, epochs=0.5), task())
    ds = combine([run(A), short])
    assert ds["epoch"].values.tolist() == sorted({0.0, 0.5, 1.0})
    done = ds["done"].transpose("algorithm", "seed", "pulse_width", "epoch").values[..., 0, :]
    assert done[0, 1].tolist() == [True, True, False] and done[1, 0].tolist() == [True, False, True]
    schema.validate(ds)


def test_further_dimensions():
    """States 50 and 100 of another field, by a coordinate that tells them apart."""
    runs = [train(case(weight_scale=s), task()) for s in (2.0, 0.5)]
    ds = combine(runs, [{"weight_factor": 2.0}, {"weight_factor": 0.5}])
    schema.validate(ds)
    assert ds["done"].dims == ("weight_factor", "pulse_width", "algorithm", "seed", "epoch")
    assert ds["weight_factor"].values.tolist() == [0.5, 2.0]
    assert ds["weight_factor"].attrs["long_name"] == "weight factor"
    np.testing.assert_array_equal(ds["pulses"].sel(weight_factor=2.0).squeeze(), runs[0]["pulses"])
    assert ds["weight_scale"].sel(weight_factor=0.5).values.ravel().tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match=r"two results at \{'pulse_width': 2e-08.*tell them apart"):
        combine(runs)


def test_names_and_numbers_as_further_dimensions():
    runs = [run(A), run(("20ns", "plain_sgd", 1)), run(B)]
    ds = combine(
        runs, [{"cause": "noise", "n": 3}, {"cause": "states", "n": 1}, {"cause": "a", "n": 2}]
    )
    assert ds["cause"].values.tolist() == ["a", "noise", "states"]
    assert ds["n"].values.tolist() == [1, 2, 3]
    assert ds["done"].any("epoch").sum() == 3


def test_order_of_the_runs_does_not_matter():
    runs = [run(A), run(B), run(FLOAT)]
    assert combine(runs).identical(combine(runs[::-1]))
    assert combine(iter(runs)).identical(combine(runs))


def test_labels_that_differ_are_left_to_the_provenance():
    """Two devices at two widths: the dataset does not carry the name of one of them."""
    other = fe.tabulate(fe.preset("ideal"))
    second = train(case(device=other), task())
    ds = combine([run(A), second])
    schema.validate(ds)
    assert "device" not in ds.coords and ds["task"] == "digits"
    known = json.loads(ds.attrs["provenance"])
    assert {d["name"] for d in known["devices"].values()} == {"hzo_superlattice", "ideal"}
    assert combine([run(A), run(B)])["device"] == "hzo_superlattice"


def test_versions_that_differ_are_all_told():
    """A sweep that was continued after an update: which run has which version."""
    old, new = run(B).copy(), run(A)
    known = json.loads(old.attrs["provenance"])
    old.attrs = {**old.attrs, "provenance": json.dumps({**known, "numpy": "1.0", "scipy": None})}
    told = json.loads(combine([old, new]).attrs["provenance"])
    assert told["numpy"] == sorted(["1.0", known["numpy"]]) and told["numba"] == known["numba"]
    runs = {case["algorithm"]["name"]: case["run"] for case in told["cases"]}
    assert runs["mixed_precision"] == {"numpy": "1.0", "scipy": None}
    assert runs["plain_sgd"] == {"numpy": known["numpy"], "scipy": known["scipy"]}
    same = json.loads(combine([run(A), run(B)]).attrs["provenance"])
    assert same["numpy"] == known["numpy"] and all("run" not in c for c in same["cases"])


@pytest.mark.parametrize("made", ([], iter([])))
def test_nothing_to_combine(made):
    with pytest.raises(ValueError, match="for 0 runs; give one for each of at least one run"):
        combine(made)


def test_networks_of_another_depth_are_refused_in_one_line():
    deep = train(case(hidden=(6, 5)), task())
    with pytest.raises(ValueError, match=r"'layer' is \[0, 1\] in one run and \[0, 1, 2\]") as seen:
        combine([run(A), deep])
    assert "\n" not in str(seen.value)


# -- the float baseline ------------------------------------------------------------------------


def test_float_is_repeated_at_every_width():
    ds = combine([run(A), run(B), run(("20us", "float", 0)), run(("20us", "float", 1))])
    wide = spread_float(ds)
    schema.validate(wide)
    for width in (2e-8, 2e-5):
        here = wide.sel(algorithm="float", pulse_width=width)
        there = ds.sel(algorithm="float", pulse_width=2e-5)
        for name in ("validation_accuracy", "digital_ops", "done"):
            np.testing.assert_array_equal(here[name], there[name])
    rest = [n for n in ds["algorithm"].values if n != "float"]
    for name in ds.data_vars:
        np.testing.assert_array_equal(wide[name].sel(algorithm=rest), ds[name].sel(algorithm=rest))
    assert wide["done"].dtype == bool and wide.attrs == ds.attrs
    assert list(wide["width_label"].values) == list(ds["width_label"].values)


def test_float_with_further_dimensions():
    runs = [run(A), run(B), run(FLOAT)]
    ds = combine(runs, [{"depth": 1}, {"depth": 2}, {"depth": 1}])
    wide = spread_float(ds)
    assert wide["done"].sel(algorithm="float", depth=1).any("epoch").sum() == 2
    assert not wide["done"].sel(algorithm="float", depth=2).any()


def test_sweeps_without_float_or_with_one_width_stay():
    ds = combine([run(A), run(B)])
    assert spread_float(ds) is ds
    one = combine([run(A), run(FLOAT)])
    assert spread_float(one) is one


def test_a_sweep_can_be_analysed():
    """Prices and targets of a sweep with holes: NaN where nothing ran, a number elsewhere."""
    ds = combine([run(A), run(B)])
    epochs = epochs_to(ds, 0.05)
    ran = ds["done"].any("epoch")
    assert epochs.where(~ran).isnull().all() and (epochs.where(ran) >= 0).sum() == 2
    priced = fe.price(ds)["energy_total"].sum("phase", skipna=False).isel(epoch=-1)
    assert (priced.notnull() == ran).all()


def test_pulse_width_is_found_by_the_number_of_its_text():
    ds = sweep([case("20us")])
    assert ds.sel(pulse_width=fe.parse_width("20us"))["done"].all()
    assert tables("20us").pulse_width == 2e-5
