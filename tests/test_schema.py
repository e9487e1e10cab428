"""The declaration of a result: labels, dimensions, kinds, ranges, all violations at once."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from synthetic_result import result, sweep

from feemu import schema


def test_annotate_labels_everything_and_leaves_the_input_alone():
    bare = result().drop_attrs()
    labelled = schema.annotate(bare)
    for name in labelled.variables:
        assert labelled[name].attrs["units"], name
        assert labelled[name].attrs["long_name"], name
    assert labelled.attrs["Conventions"] == "CF-1.10"
    assert not any(bare[name].attrs for name in bare.variables)


def test_annotate_keeps_further_attributes():
    ds = result()
    ds["pulses"].attrs["remark"] = "kept"
    assert schema.annotate(ds)["pulses"].attrs["remark"] == "kept"


def test_a_run_and_a_sweep_are_valid():
    assert schema.validate(result()) is not None
    ds = sweep()
    assert ds["pulses"].dims[:2] == ("pulse_width", "seed")
    schema.validate(ds)
    schema.validate(ds.expand_dims(hidden=[64, 128]).pipe(_label_hidden))


def _label_hidden(ds: xr.Dataset) -> xr.Dataset:
    ds["hidden"].attrs = {"units": "1", "long_name": "hidden neurons"}
    return ds.assign(n_in=ds["n_in"])


def test_all_violations_are_reported_together_in_one_line():
    ds = result()
    ds = ds.drop_vars("images")
    ds["pulses"] = -ds["pulses"].copy()
    ds["pulses"].attrs = {"units": "1", "long_name": "pulses"}
    ds["test_accuracy"].attrs["units"] = "%"
    ds["granularity"] = ds["granularity"].astype(str)
    ds["granularity"].attrs = {"units": "1", "long_name": "g"}
    ds["test_acuracy"] = ("epoch", ds["test_accuracy"].values)
    del ds.attrs["provenance"]
    with pytest.raises(schema.SchemaError) as info:
        schema.validate(ds)
    text = str(info.value)
    assert len(info.value.violations) == 6
    for part in ("images is missing", "provenance", "pulses spans", "'%'", "granularity is"):
        assert part in text
    assert "did you mean 'test_accuracy'" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: ds.assign(pulses=ds["pulses"].isel(layer=0)),
        lambda ds: ds.assign(pulses=ds["pulses"].transpose("layer", "epoch", ...)),
        lambda ds: ds.assign(n_in=ds["n_in"].expand_dims(epoch=ds["epoch"])),
        lambda ds: ds.assign(n_in=ds["n_in"].expand_dims(own=2, axis=1)),
    ],
)
def test_a_wrong_dimension_is_an_error(change):
    with pytest.raises(schema.SchemaError, match="has dimensions"):
        schema.validate(schema.annotate(change(result())))


def test_gaps_are_allowed_only_where_nothing_was_done():
    ds = result()
    ds["validation_accuracy"][-1] = np.nan
    with pytest.raises(schema.SchemaError, match="NaN at 1 points that are done"):
        schema.validate(ds)
    ds["done"][-1] = False
    schema.validate(ds)


def test_counts_with_gaps_may_be_floats_but_not_fractions():
    ds = result()
    attrs = ds["pulses"].attrs
    ds["pulses"] = ds["pulses"].astype(float).where(ds["epoch"] > 0)
    ds["pulses"].attrs = attrs
    schema.validate(ds)
    ds["pulses"] = ds["pulses"] + 0.5
    ds["pulses"].attrs = attrs
    with pytest.raises(schema.SchemaError, match="whole numbers"):
        schema.validate(ds)


def test_a_part_may_lack_variables_and_own_variables_need_labels():
    part = result()[["pulses"]].drop_attrs(deep=False)
    schema.validate(part, complete=False)
    with pytest.raises(schema.SchemaError, match="is missing"):
        schema.validate(part)
    part["own"] = ("epoch", np.zeros(5), {"units": "1", "long_name": "own"})
    schema.validate(part, complete=False)


def test_epochs_increase_and_coordinates_are_coordinates():
    ds = result()
    with pytest.raises(schema.SchemaError, match="increase"):
        schema.validate(schema.annotate(ds.isel(epoch=slice(None, None, -1))))
    with pytest.raises(schema.SchemaError, match="must be a coordinate"):
        schema.validate(ds.reset_coords("task"))


def test_other_objects_are_refused():
    with pytest.raises(TypeError, match=r"xarray\.Dataset"):
        schema.validate({"pulses": 1})


def test_the_table_names_every_variable():
    text = schema.table()
    assert all(f"`{name}`" in text for name in schema.VARIABLES)
    assert all(v.unit and v.long_name for v in schema.VARIABLES.values())
