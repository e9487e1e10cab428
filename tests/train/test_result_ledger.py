"""The ledger in a result: sums, phases, counts that follow from the network, and its price."""

import json

import numpy as np
import pytest
from small_cases import CASES, case, device, result, task

import feemu as fe
from feemu import schema
from feemu.training import train

NAMES = tuple(CASES)
ARRAYS = tuple(n for n in NAMES if n != "float")


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_declared(name):
    ds = result(name)
    schema.validate(ds)
    for variable in ds.variables.values():
        assert {"units", "long_name"} <= {*variable.attrs}
    assert {*ds.variables} <= {*schema.VARIABLES}
    assert ds["done"].all() and ds.attrs["Conventions"] == schema.CONVENTIONS


def test_caveats_of_what_the_algorithm_made_of_the_device_are_told():
    trim = fe.algorithm("symmetry_point_shift", variant="trim")
    own = case("push_pull").replace(algorithm=trim, epochs=0.1)
    told = json.loads(train(own, task()).attrs["provenance"])["caveats"]
    n = len(own.device.caveats)
    assert told[:n] == [*own.device.caveats] and len(told) > n, "one of each array, or a shared one"
    assert all(note.startswith("step ratio trimmed by ") for note in told[n:])


@pytest.mark.parametrize("name", NAMES)
def test_histograms_sum_to_what_they_count(name):
    ds = result(name)
    np.testing.assert_array_equal(ds["state_histogram"].sum("state_bin"), ds["pulses"])
    synapses = ds["n_in"] * ds["n_out"]
    np.testing.assert_array_equal(
        ds["weight_histogram"].sum("weight_bin"), synapses.expand_dims(epoch=ds.epoch)
    )
    devices = (synapses * ds["arrays"]).expand_dims(epoch=ds.epoch)
    for histogram, dim in (
        ("synapse_state_histogram", "state_bin"),
        ("events_histogram", "log2_bin"),
    ):
        np.testing.assert_array_equal(ds[histogram].sum(dim), devices)


@pytest.mark.parametrize("name", NAMES)
def test_counters_are_cumulative(name):
    ds = result(name)
    counters = [n for n in ds.data_vars if {"epoch", "phase"} <= {*ds[n].dims}]
    assert len(counters) >= 13
    for counter in counters:
        assert (ds[counter].diff("epoch") >= 0).all(), counter
    for n in ("pulses", "switched_fraction", "slots"):
        # Epoch 0 is the state after programming and calibration, which are over by then.
        before = ds[n].sel(phase=["init", "calibration"])
        assert (before == before.isel(epoch=0)).all()
        assert (ds[n].sel(phase="train").isel(epoch=0) == 0).all()


@pytest.mark.parametrize("name", ARRAYS)
def test_phases(name):
    last = result(name)["pulses"].isel(epoch=-1).sum(["layer", "pulse_kind"])
    assert last.sel(phase="init") > 0 and last.sel(phase="train") > 0
    assert (last.sel(phase="calibration") > 0) == (name == "reference")
    if name == "reference":
        # Ten pairs on every synapse, and the reference cells.
        ds = result(name)
        synapses = int((ds["n_in"] * ds["n_out"]).sum())
        assert 20 * synapses <= int(last.sel(phase="calibration")) < 25 * synapses


@pytest.mark.parametrize("name", ARRAYS)
def test_bounds_of_the_sums(name):
    ds = result(name)
    assert (ds["switched_fraction"] <= 0.2 * ds["pulses"]).all()
    assert (ds["pulses"] <= ds["n_out"] * ds["row_pulses"]).all()
    assert (ds["pulses"] <= ds["n_in"] * ds["column_pulses"]).all()
    events = ds["events_histogram"].isel(log2_bin=slice(1, None)).sum("log2_bin")
    pulsed = events / ds["events_histogram"].sum("log2_bin")
    np.testing.assert_allclose(ds["pulsed_fraction"], pulsed)
    top = ds["events_quantile"].sel(quantile=1.0)
    mean = ds["pulses"].sum(["phase", "pulse_kind"]) / (ds["n_in"] * ds["n_out"] * ds["arrays"])
    if name != "reference":
        assert (top >= mean).all()


@pytest.mark.parametrize("name", ARRAYS)
def test_reads_are_one_per_image_and_direction(name):
    """Every layer is read forward once an image, every layer but the first backward.

    Two arrays of a differential pair are read as one.
    """
    ds = result(name)
    reads = ds["reads"].sel(phase="train").isel(epoch=-1)
    images = int(ds["images"][-1])
    arrays = ds["arrays"].values // (2 if name == "push_pull" else 1)
    np.testing.assert_array_equal(reads.sel(read_kind="forward"), images * arrays)
    wanted = images * arrays * (np.arange(len(arrays)) > 0)
    np.testing.assert_array_equal(reads.sel(read_kind="backward"), wanted)
    adc = ds["adc_conversions"].sel(phase="train", read_kind="forward").isel(epoch=-1)
    np.testing.assert_array_equal(adc, images * arrays * ds["n_out"])
    rows = ds["read_rows"].sel(phase="train", read_kind="forward").isel(epoch=-1)
    assert (rows <= images * arrays * ds["n_in"]).all()
    assert not reads.sel(read_kind=["transfer", "verify", "calibration"]).any()


def test_shapes_of_the_layers():
    extra = {"array": 1, "digital": 0, "none": 0}
    for name in NAMES:
        made, ds = case(name), result(name)
        sizes = [64, *made.hidden, 10]
        assert ds["n_in"].values.tolist() == [n + extra[made.bias] for n in sizes[:-1]]
        assert ds["n_out"].values.tolist() == sizes[1:]
        size = ds["granularity"] / (2 * device().granularity)
        assert size.isnull().all() if name == "float" else np.allclose(size, 1)


def test_the_digital_baseline_has_no_pulses():
    ds = result("float")
    assert ds["pulses"].sum() == 0 and ds["reads"].sum() == 0 and (ds["arrays"] == 0).all()
    assert ds["saturated_fraction"].isnull().all()
    assert ds["digital_ops"].sel(phase="train", digital_op="mac").isel(epoch=-1).sum() > 1e6


def test_the_digital_baseline_on_a_device_of_many_pulse_kinds():
    kinds = ((fe.PulseKind("long", 1, 1e-6), fe.SoftBounds(0.1, 0.1)),)
    tables = fe.tabulate(fe.Device(extra_kinds=kinds))
    for name in ("float", "mixed_precision"):
        ds = train(case(name, device=tables, train_images=20, epochs=1.0), task())
        schema.validate(ds)
        assert ds["pulse_kind"].values.tolist() == ["up", "down", "long"]
        assert not ds["pulses"].sel(pulse_kind="long").any()


@pytest.mark.parametrize("name", NAMES)
def test_price_of_a_real_run(name):
    """Every column is finite, not negative and cumulative; totals are sums of their parts."""
    priced = fe.price(result(name))
    schema.validate(priced)
    columns = ["energy_device", "energy_digital", "energy_read"]
    for column in [*columns, "energy_total", "time_programming"]:
        values = priced[column]
        assert np.isfinite(values).all() and (values >= 0).all(), column
        assert (values.diff("epoch") >= 0).all(), column
    total = sum(priced[c] for c in columns)
    np.testing.assert_allclose(priced["energy_total"], total, rtol=1e-12)
    last = priced.isel(epoch=-1).sel(phase="train")
    assert (last["energy_device"] > 0) == (name != "float")
    assert last["energy_digital"] > 0
    macs = last["digital_ops"].sel(digital_op="mac").sum("layer")
    digital = ("float", "mixed_precision", "scaled")
    assert (macs > 0) == (name in digital), "others: pulse trains"
    assert (last["energy_read"] > 0) == (name != "float")


def test_pricing_again_replaces_the_price():
    ds = result("plain_sgd")
    low = fe.EnergyModel().replace(area=fe.EnergyModel().area / 10)
    priced, other = fe.price(ds), fe.price(ds, low)
    assert (other["energy_device"].isel(epoch=-1) < priced["energy_device"].isel(epoch=-1)).any()
    assert fe.price(other).identical(priced)
    for name in ds.data_vars:
        np.testing.assert_array_equal(priced[name], ds[name])


def test_accuracy_rises():
    """Two epochs on digits; every algorithm learns something (chance is 0.1)."""
    for name, least in {"float": 0.8, "mixed_precision": 0.5, "plain_sgd": 0.2}.items():
        assert result(name)["validation_accuracy"][-1] > least, name
