"""The float baseline, which knows no device, at every pulse width of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feemu import schema

if TYPE_CHECKING:
    import xarray as xr


def spread_float(ds: xr.Dataset) -> xr.Dataset:
    """Return the sweep with the float baseline of one width repeated at every width.

    The baseline knows no device; where it was run at one width only, the rest is NaN.
    """
    if "float" not in ds["algorithm"].values or ds.sizes["pulse_width"] == 1:
        return ds
    ran = ds["done"].sel(algorithm="float")
    at = ran.any([d for d in ran.dims if d != "pulse_width"]).values.argmax()
    parts = []
    for i in range(ds.sizes["pulse_width"]):
        here = ds.isel(pulse_width=[i])
        source = ds.isel(pulse_width=[int(at)]).assign_coords(
            pulse_width=here["pulse_width"], width_label=here["width_label"]
        )
        parts.append(here.where(here["algorithm"] != "float", source))
    import xarray as xr

    joined = xr.concat(parts, "pulse_width", combine_attrs="override")
    joined["done"] = joined["done"].astype(bool)
    joined.attrs = ds.attrs
    return schema.annotate(joined)
