"""Energy: hand-computed pulses, linearity, sums over the ledger, assumptions that are said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from synthetic_result import result, sweep

from feemu import schema
from feemu.energy import (
    critical_tau_w,
    energy,
    price,
    pulse_energy,
    pulse_terms,
    relative_energy,
    tau_w,
    terms,
)
from feemu.energy.model import EnergyModel

UM2 = 1e-12
EXACT = {"rtol": 1e-12}


def square_micron(**more) -> EnergyModel:
    return EnergyModel(**{"area": UM2, "g_on": 1e-8, "g_off": 0.0, **more})


def one_pulse(dp: float = 1.0, g: float = 1.0, width: float = 2e-8, volts: float = 3.0):
    """Return a run whose ledger holds one `up` pulse of the first layer in phase train."""
    ds = xr.zeros_like(result().drop_vars(["pulse_duration", "pulse_amplitude", "digital_bits"]))
    for name in ("n_in", "n_out", "conductance_mean"):
        ds[name] = result()[name]
    ds["digital_bits"] = result()["digital_bits"]
    ds["pulse_duration"] = ("pulse_kind", np.full(2, width))
    ds["pulse_amplitude"] = ("pulse_kind", np.array([volts, -volts]))
    where = {"epoch": slice(1, None), "layer": 0, "phase": 2, "pulse_kind": 0}
    for name, value in (
        ("pulses", 1),
        ("switched_fraction", dp),
        ("conductance_sum", g),
        ("row_pulses", 1),
        ("column_pulses", 1),
        ("slots", 1),
    ):
        ds[name][where] = value
    return ds


def last(array: xr.DataArray) -> float:
    return float(array.isel(epoch=-1).sel(phase="train"))


def test_numbers_of_a_square_micron_at_three_volts():
    out = energy(one_pulse(), square_micron())
    np.testing.assert_allclose(last(out.energy_capacitive), 0.4779e-12, **EXACT)
    np.testing.assert_allclose(last(out.energy_switching), 0.60e-12, **EXACT)
    np.testing.assert_allclose(last(out.energy_conductive), 1.8e-15, **EXACT)


@pytest.mark.parametrize(
    ("g_on", "width", "joules"),
    [(1e-8, 2e-8, 1.8e-15), (1e-8, 2e-4, 18e-12), (1e-6, 2e-8, 0.18e-12), (1e-6, 2e-4, 1.8e-9)],
)
def test_conduction_grows_with_width(g_on, width, joules):
    out = energy(one_pulse(width=width), square_micron(g_on=g_on))
    np.testing.assert_allclose(last(out.energy_conductive), joules, **EXACT)
    alone = pulse_terms(square_micron(g_on=g_on), width, dp=1.0, g=1.0)
    np.testing.assert_allclose(alone["conductive"], joules, **EXACT)


def test_half_selected_cells_and_lines_of_one_pulse():
    ds, model = one_pulse(), square_micron()
    cells = terms.half_selected(ds).isel(epoch=-1, layer=0, phase=2, pulse_kind=0)
    assert int(cells) == 65 + 20 - 2
    out = energy(ds, model)
    charge, leak = 0.0531e-12 * 1.5**2, 0.5e-8 * 1.5**2 * 2e-8
    np.testing.assert_allclose(last(out.energy_half_select), 83 * (charge + leak), **EXACT)
    np.testing.assert_allclose(last(out.energy_driver), 85 * 0.3e-15 * 1.5**2, **EXACT)
    single = energy(ds, model.replace(half_select=0.0))
    assert last(single.energy_half_select) == 0
    np.testing.assert_allclose(last(single.energy_driver), 85 * 0.3e-15 * 9, **EXACT)


def test_half_select_weighs_eighty_times_the_cell_at_batch_one():
    """A 203 k synapse layer drives 321 half-selected cells per event, each at a quarter."""
    ds = one_pulse()
    share = 321 / terms.half_selected(ds).isel(epoch=-1, layer=0, phase=2, pulse_kind=0)
    model = square_micron(g_on=0.0)
    out = energy(ds, model)
    ratio = float(share) * last(out.energy_half_select) / last(out.energy_capacitive)
    np.testing.assert_allclose(ratio, 321 / 4, **EXACT)


def test_programming_time_and_reads_by_hand():
    ds, model = one_pulse(), square_micron()
    for name, value in (("read_x2", 2.0), ("adc_conversions", 3), ("dac_conversions", 5)):
        ds[name][{"epoch": slice(1, None), "layer": 0, "phase": 2, "read_kind": 1}] = value
    out = energy(ds, model)
    np.testing.assert_allclose(last(out.time_programming), 3e-8, **EXACT)
    cells = 0.1**2 * 1e-8 * 0.5e-8 * 2.0 * 65
    np.testing.assert_allclose(last(out.energy_read), cells + 3 * 2e-12 + 5 * 0.2e-12, **EXACT)
    forward = ds.assign(read_x2=ds["read_x2"].roll(read_kind=-1))
    forward_cells = terms.read_cells(forward, model).isel(epoch=-1, layer=0, phase=2, read_kind=0)
    np.testing.assert_allclose(forward_cells, cells * 20 / 65, **EXACT)
    five = terms.siemens(0.5, model.g_off, 1e-7) * 0.1**2 * 1e-8
    np.testing.assert_allclose(five, 5e-18, **EXACT)


@pytest.mark.parametrize(
    ("op", "bits", "joules"),
    [
        ("mac", 8, 0.23e-12),
        ("mac", 16, 1.5e-12),
        ("mac", 32, 4.6e-12),
        ("mac", 64, 18.4e-12),
        ("accumulator_rmw", 32, 20e-12),
        ("accumulator_rmw", 16, 10e-12),
        ("compare", 8, 0.03e-12),
        ("max_search", 32, 0.1e-12),
        ("compare", 64, 0.2e-12),
        ("random_bits", 24, 0.24e-12),
    ],
)
def test_digital_operations(op, bits, joules):
    np.testing.assert_allclose(terms.operation_energy(EnergyModel(), op, bits), joules, **EXACT)


def test_mixed_precision_costs_25_pj_per_weight_and_sample():
    ds = one_pulse()
    for op in (0, 1):
        ds["digital_ops"][{"epoch": slice(1, None), "layer": 0, "phase": 2, "digital_op": op}] = 1
    np.testing.assert_allclose(last(energy(ds).energy_digital), 24.6e-12, **EXACT)


def test_default_pulse_stays_below_the_published_three_picojoules():
    model = EnergyModel()
    assert 2.5e-12 < pulse_energy(model, 2e-8, dp=1.0, g=1.0) <= 3e-12
    bare = tau_w(model.replace(remanent_polarization=0.0), 0.0, g=1.0)
    np.testing.assert_allclose(bare, 42.8e-6, rtol=2e-3)


def test_a_pulse_is_its_area_free_form():
    model = EnergyModel()
    width = np.array([2e-8, 2e-7, 2e-6, 2e-5, 2e-4])
    tau = tau_w(model, 0.05, 2.0, g=0.3)
    zero = pulse_energy(model, 0.0, 2.0, 0.05, 0.3)
    whole = pulse_energy(model, width, 2.0, 0.05, 0.3)
    np.testing.assert_allclose(whole, zero * relative_energy(width, tau), **EXACT)
    np.testing.assert_allclose(tau_w(model.scaled(7e-12), 0.05, 2.0, 0.3), tau, **EXACT)
    assert np.isinf(tau_w(model.replace(g_on=0.0, g_off=0.0), 0.05))


def test_critical_tau_of_the_event_ratio():
    np.testing.assert_allclose(critical_tau_w(2.5, 2e-8, 2e-4), 133.3e-6, rtol=1e-3)
    tau = critical_tau_w(2.5, 2e-8, 2e-4)
    np.testing.assert_allclose(
        2.5 * relative_energy(2e-8, tau), relative_energy(2e-4, tau), **EXACT
    )
    np.testing.assert_array_equal(critical_tau_w([0.9, 1.0, 2e4], 2e-8, 2e-4), [np.inf, np.inf, 0])
    with pytest.raises(ValueError, match="short < long"):
        critical_tau_w(2.0, 1e-3, 1e-4)


def test_zero_ledger_costs_nothing_even_where_amplitudes_are_unknown():
    ds = result()
    for name in ds.data_vars:
        if ds[name].dtype.kind in "iuf" and "phase" in ds[name].dims:
            ds[name] = xr.zeros_like(ds[name])
    ds["pulse_duration"] = ds["pulse_duration"] * np.nan
    ds["conductance_mean"] = ds["conductance_mean"] * np.nan
    out = energy(ds)
    for name in schema.ENERGY:
        assert (out[name] == 0).all(), name


def test_energy_is_linear_in_the_ledger():
    ds = result()
    counters = [n for n in ds.data_vars if "phase" in ds[n].dims]
    triple = ds.assign({n: 3 * ds[n] for n in counters})
    both = ds.assign({n: ds[n] + result(5)[n] for n in counters})
    one, other = energy(ds), energy(result(5))
    for name in schema.ENERGY:
        np.testing.assert_allclose(energy(triple)[name], 3 * one[name], **EXACT)
        np.testing.assert_allclose(energy(both)[name], one[name] + other[name], rtol=1e-10)


def test_columns_are_the_sums_of_their_terms():
    out = energy(result())
    parts = ("switching", "capacitive", "conductive", "half_select", "driver")
    device = sum(out[f"energy_{p}"] for p in parts)
    np.testing.assert_allclose(out["energy_device"], device, **EXACT)
    total = out["energy_device"] + out["energy_digital"] + out["energy_read"]
    np.testing.assert_allclose(out["energy_total"], total, **EXACT)
    assert (out["energy_total"].diff("epoch") >= 0).all()


def test_histogram_and_sum_agree_within_half_a_bin():
    ds, model = result(), EnergyModel()
    by_sum = terms.conductive(ds, model)
    by_bins = terms.conductive(ds, model, by="state_histogram")
    unit = 9.0 * (model.g_on - model.g_off) * 2e-8 * ds["pulses"]
    assert (abs(by_bins - by_sum) <= unit / 64 * (1 + 1e-9)).all()
    assert not by_bins.equals(by_sum)
    power = terms.conductive(ds, model, by="state_histogram", conductance=lambda p: p**2)
    assert (power < by_bins).all()
    with pytest.raises(ValueError, match="did you mean 'state_histogram'"):
        terms.conductive(ds, model, by="histogram_state")


def test_a_stored_amplitude_wins_and_an_assumed_one_is_said():
    ds = result()
    assert "amplitude = 3" in energy(ds)["energy_device"].attrs["assumed"]
    known = ds.assign(pulse_amplitude=("pulse_kind", [1.5, -1.5]))
    out = energy(known, EnergyModel(amplitude=9.0))
    assert "amplitude" not in out["energy_device"].attrs["assumed"]
    ratio = energy(ds)["energy_capacitive"] / out["energy_capacitive"]
    np.testing.assert_allclose(ratio, 4.0, **EXACT)


def test_adc_bits_are_those_simulated_or_it_is_said():
    ds = result()
    ideal = energy(ds)
    assert ideal["energy_read"].attrs["io"] == "ideal I/O, priced ADC"
    six = schema.annotate(ds.assign_coords(adc_bits=6))
    out = energy(six)
    assert "io" not in out["energy_read"].attrs
    assert "io" in energy(six, EnergyModel(adc_bits=9))["energy_read"].attrs
    dac = 0.2e-12 * ds["dac_conversions"].sum(["layer", "read_kind"])
    cells = terms.read_cells(ds, EnergyModel()).sum(["layer", "read_kind"])
    rest = (dac + cells).transpose("epoch", "phase")
    np.testing.assert_allclose(
        out["energy_read"] - rest, (ideal["energy_read"] - rest) / 4, rtol=1e-9
    )


def test_price_replaces_an_earlier_price_and_is_valid():
    ds = sweep()
    first = price(ds)
    assert first["energy_total"].dims == ("pulse_width", "seed", "epoch", "phase")
    schema.validate(first)
    other = EnergyModel().scaled(1e-11)
    again = price(first, other)
    assert json.loads(again.attrs["energy_model"])["area"] == 1e-11
    xr.testing.assert_identical(again, price(ds, other))
    assert (again["energy_switching"] > first["energy_switching"]).any()
    assert "energy_total" not in ds


def test_a_case_that_was_not_run_stays_unknown():
    ds = sweep()
    run = (ds["seed"] != 1) | (ds["pulse_width"] != 2e-8)
    gone = ds.where(run).assign(done=ds["done"] & run, pulse_duration=ds["pulse_duration"])
    gone = gone.assign({n: ds[n] for n in ("n_in", "n_out", "digital_bits")})
    out = energy(gone)
    missing = out["energy_total"].isnull().all(["epoch", "phase"])
    np.testing.assert_array_equal(missing, [[False, True, False], [False, False, False]])
    np.testing.assert_allclose(
        out["energy_total"].isel(seed=0), energy(ds)["energy_total"].isel(seed=0), **EXACT
    )


def test_half_select_follows_the_conductance_over_time():
    ds = one_pulse()
    ds["row_pulses"][{"layer": 0, "phase": 2, "pulse_kind": 0}] = [0, 1, 2, 3, 4]
    ds["column_pulses"][...] = 0
    ds["conductance_mean"][:, 0] = [0.0, 0.2, 0.4, 0.6, 0.8]
    model = square_micron(capacitance_per_area=0.0)
    cells = np.array([0, 18, 20, 20, 20])
    cells[1] = 20 - 2
    mean = np.array([0.0, 0.1, 0.3, 0.5, 0.7])
    expected = np.cumsum(cells * mean) * 1e-8 * 1.5**2 * 2e-8
    got = energy(ds, model)["energy_half_select"].sel(phase="train")
    np.testing.assert_allclose(got, expected, **EXACT)


def test_bad_input_is_refused_in_one_line():
    with pytest.raises(ValueError, match="lacks pulses, slots"):
        energy(result().drop_vars(["pulses", "slots"]))
    with pytest.raises(TypeError, match="EnergyModel"):
        energy(result(), {"area": 1})
    with pytest.raises(ValueError, match=r"EnergyModel\.area = -1"):
        EnergyModel(area=-1.0)
    with pytest.raises(ValueError, match="not NaN"):
        pulse_energy(EnergyModel(), np.nan)
    with pytest.raises(ValueError, match="digital_bits"):
        energy(result().assign(digital_bits=0 * result()["digital_bits"]))
    renamed = result().assign_coords(
        digital_op=["mak", "b", "compare", "random_bits", "max_search"]
    )
    with pytest.raises(ValueError, match="did you mean 'mac'"):
        energy(renamed)
    with pytest.raises(ValueError, match="did you mean 'area'"):
        EnergyModel().replace(aera=1.0)


def test_every_parameter_has_unit_meaning_and_origin():
    for field in EnergyModel.__dataclass_fields__.values():
        meta = field.metadata["param"]
        assert meta["unit"], field.name
        assert meta["doc"], field.name
        assert meta["source"] or meta["assumed"] or field.name == "adc_bits", field.name
    assert "assumed" in str(EnergyModel())


def test_a_device_with_conductances_is_priced_with_its_own():
    ds = one_pulse(g=0.5).assign(conductance_on=((), 3e-6), conductance_off=((), 1e-6))
    own = energy(schema.annotate(ds))
    np.testing.assert_allclose(last(own.energy_conductive), 9 * 2e-6 * 2e-8, **EXACT)
    body = json.loads(own.attrs["energy_model"])
    assert (body["g_on"], body["g_off"]) == (3e-6, 1e-6)
    assert "g_on" not in own.energy_conductive.attrs["assumed"]
    # What a user states wins, and a device without any is priced as before.
    stated = energy(ds, EnergyModel(g_on=4e-6, g_off=0.0))
    np.testing.assert_allclose(last(stated.energy_conductive), 9 * 2e-6 * 2e-8, **EXACT)
    assert json.loads(stated.attrs["energy_model"])["g_on"] == 4e-6
    plain = energy(one_pulse(g=0.5))
    np.testing.assert_allclose(last(plain.energy_conductive), 9 * 1.745e-9 * 2e-8, **EXACT)
    assert "g_on" in plain.energy_conductive.attrs["assumed"]


def test_reads_follow_the_conductances_of_the_device():
    ds = result()
    a, b = (energy(ds.assign(conductance_on=v, conductance_off=v)) for v in (1e-6, 2e-6))
    dead = energy(ds, EnergyModel(g_on=0.0, g_off=0.0))
    one, two = (last(x.energy_read) - last(dead.energy_read) for x in (a, b))
    assert two == pytest.approx(2 * one, rel=1e-6) and one > 0


def test_runs_on_devices_with_and_without_conductances_stand_side_by_side():
    from feemu.sweeping.assemble import combine

    told = {"case": {"device_sha256": "", "device": {}}, "case_sha256": "", "caveats": []}
    known, plain = (result(i).assign_attrs(provenance=json.dumps(told)) for i in (0, 1))
    known = schema.annotate(known.assign(conductance_on=3e-6, conductance_off=1e-6))
    for runs in ([known, plain], [plain, known]):
        both = energy(combine(runs))
        assert "g_on" in both.energy_conductive.attrs["assumed"]
        for seed, alone in ((0, energy(known)), (1, energy(plain))):
            np.testing.assert_allclose(
                both.energy_conductive.sel(seed=seed).values.squeeze(),
                alone.energy_conductive.values.squeeze(),
                **EXACT,
            )
