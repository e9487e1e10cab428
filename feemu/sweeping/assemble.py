"""Runs side by side in one labelled Dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu import schema
from feemu.sweeping.places import GRID, axis, place, places, rank
from feemu.sweeping.provenance import merge_provenance

if TYPE_CHECKING:
    import xarray as xr


def combine(results: list[xr.Dataset], extra: list[dict] | None = None) -> xr.Dataset:
    """Join runs into one Dataset over further dimensions, pulse width, algorithm and seed.

    Parameters
    ----------
    results : list of xarray.Dataset
        Results of `feemu.train`.
    extra : list of dict, optional
        Further dimensions of each result, by name.

    Returns
    -------
    xarray.Dataset
        Epochs are the union over runs; what was not run is NaN, and False in ``done``.

    Raises
    ------
    ValueError
        If two results have the same place in the grid, or their networks differ in shape.
    """
    import xarray as xr

    results = list(results)
    dims, stands = places([place(ds) for ds in results], extra)
    order = sorted(range(len(results)), key=lambda i: [rank(v) for v in stands[i]])
    results, stands = [results[i] for i in order], [stands[i] for i in order]
    _check_alike(results)
    axes = {d: axis([p[i] for p in stands]) for i, d in enumerate(dims)}
    epochs = np.unique(np.concatenate([ds["epoch"].values for ds in results]))
    where = [tuple(axes[d].index(p[i]) for i, d in enumerate(dims)) for p in stands]
    at = [np.searchsorted(epochs, ds["epoch"].values) for ds in results]
    lead = tuple(len(axes[d]) for d in dims)
    variables = {
        name: ((*dims, *results[0][name].dims), _fill(name, results, where, at, lead, len(epochs)))
        for name in results[0].data_vars
    }
    labels = {
        p[dims.index("pulse_width")]: ds["width_label"].item() for p, ds in zip(stands, results)
    }
    kept = _shared_coordinates(results, (*dims, "width_label", "epoch"))
    coords = {**kept, **axes, "epoch": epochs}
    coords["width_label"] = ("pulse_width", [labels[w] for w in axes["pulse_width"]])
    joined = xr.Dataset(variables, coords)
    for name in dims[: -len(GRID)]:
        joined[name].attrs = {"units": "1", "long_name": name.replace("_", " ")}
    joined.attrs = {
        "title": f"feemu sweep on {', '.join(sorted({ds['task'].item() for ds in results}))}",
        "provenance": merge_provenance([ds.attrs["provenance"] for ds in results]),
    }
    return schema.annotate(joined)


def _check_alike(results: list[xr.Dataset]) -> None:
    """Raise a ValueError unless all runs have the same layers, pulse kinds and so on."""
    for ds in results[1:]:
        for name in (d for d in ds.dims if d != "epoch"):
            one, other = results[0][name].values.tolist(), ds[name].values.tolist()
            if one != other:
                raise ValueError(
                    f"combine: dimension {name!r} is {one} in one run and {other} in another; "
                    "combine runs of networks with as many layers, on devices with the same "
                    "pulse kinds"
                )


def _shared_coordinates(results: list[xr.Dataset], leave: tuple) -> dict:
    """Return the coordinates that are the same in all runs; the others stand in provenance."""
    first = {n: c.variable for n, c in results[0].coords.items() if n not in leave}
    return {
        n: variable
        for n, variable in first.items()
        if all(n in ds and ds[n].variable.equals(variable) for ds in results)
    }


def _fill(name: str, results: list, where: list, at: list, lead: tuple, n_epochs: int):
    """Return one variable of all runs in one array, NaN (or False) where there is no run."""
    first = results[0][name]
    timed = "epoch" in first.dims
    own = (n_epochs, *first.shape[1:]) if timed else first.shape
    values = [ds[name].values for ds in results]
    whole = len(results) == np.prod(lead) and all(len(a) == n_epochs for a in at)
    kind = first.dtype if whole or first.dtype == bool else np.float64
    out = np.zeros((*lead, *own), kind)
    if kind == np.float64:
        out[...] = np.nan
    for cell, epochs, value in zip(where, at, values):
        if timed:
            out[cell][epochs] = value
        else:
            out[cell] = value
    return out
