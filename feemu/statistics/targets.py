"""Epochs, energy and time until a target is reached and held."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from feemu.params import unknown

if TYPE_CHECKING:
    import xarray as xr

METRIC = "validation_accuracy"


def epochs_to(ds: xr.Dataset, target: Any, metric: str = METRIC) -> xr.DataArray:
    """Return the epochs of training until a metric reaches a target and holds it.

    Parameters
    ----------
    ds : xarray.Dataset
        A result, or a sweep of results over any further dimensions.
    target : float, sequence of float or DataArray
        Level to reach. A sequence gives a dimension `target`; a DataArray may differ between
        cells, and NaN in it gives NaN.
    metric : str
        Variable over `epoch`; of a loss, lower is better.

    Returns
    -------
    xarray.DataArray
        Epochs [1]; +inf where the target was never held, NaN where nothing was run.

    Raises
    ------
    ValueError
        If the dataset lacks the metric or the images, or the target is no level of the metric.

    Notes
    -----
    The target is reached at the first evaluated point that meets it and whose next evaluated
    point meets it too; the last point alone is not enough. From the point before, the metric is
    taken as linear in the logarithm of the images seen (in the images themselves if that point
    is before the first image), and epochs as linear in the images. A target that the first point
    holds costs what had been spent by then.
    """
    values = _to(ds, ds["epoch"], target, metric)
    return values.assign_attrs(units="1", long_name=f"epochs to {_says(target, metric)}")


def energy_to(
    ds: xr.Dataset,
    target: Any,
    metric: str = METRIC,
    *,
    column: str = "energy_total",
    phases: Iterable[str] | None = None,
) -> xr.DataArray:
    """Return the energy [J] spent until a metric reaches a target and holds it.

    Parameters
    ----------
    ds, target, metric
        As in `epochs_to`; the dataset must be priced.
    column : str
        Energy variable to count. Programming energy (`energy_device`) alone makes digital
        accumulation look free; show it beside the total only.
    phases : iterable of str, optional
        Phases to count; by default all, initialisation and calibration included.

    Returns
    -------
    xarray.DataArray
        Energy [J]; +inf where the target was never held, NaN where nothing was run.

    Raises
    ------
    ValueError
        If the dataset is not priced or has no such phase, and as `epochs_to`.
    """
    values = _to(ds, _spent(ds, column, phases), target, metric)
    label = ds[column].attrs.get("long_name", column)
    return values.assign_attrs(units="J", long_name=f"{label} to {_says(target, metric)}")


def time_to(
    ds: xr.Dataset, target: Any, metric: str = METRIC, *, phases: Iterable[str] | None = None
) -> xr.DataArray:
    """Return the programming time [s] spent until a metric reaches a target and holds it.

    Parameters, errors, +inf and NaN are those of `energy_to`.
    """
    values = _to(ds, _spent(ds, "time_programming", phases), target, metric)
    long_name = f"programming time to {_says(target, metric)}"
    return values.assign_attrs(units="s", long_name=long_name)


def reached(values: xr.DataArray, dim: str = "seed") -> xr.Dataset:
    """Return in how many runs a target was reached: `reached` of `runs`, counted over `dim`.

    Parameters
    ----------
    values : xarray.DataArray
        Result of `epochs_to`, `energy_to` or `time_to`.
    dim : str
        Dimension of the repetitions.
    """
    import xarray as xr

    counts = {"reached": np.isfinite(values).sum(dim), "runs": values.notnull().sum(dim)}
    names = {"reached": "runs that reached the target", "runs": "runs"}
    return xr.Dataset({k: v.assign_attrs(units="1", long_name=names[k]) for k, v in counts.items()})


def crossing(images: np.ndarray, metric: np.ndarray, spent: np.ndarray, target: float) -> float:
    """Return what had been spent when a metric first met a target and held it.

    Parameters
    ----------
    images, metric, spent : ndarray, shape (n,)
        Images seen [1], metric, and cumulative quantity at each evaluation; points with a NaN
        are left out. Larger values of the metric are better.
    target : float
        Level of the metric.

    Returns
    -------
    float
        In the unit of `spent`; +inf if never, NaN if no point or no target is known.
    """
    known = ~(np.isnan(images) | np.isnan(metric) | np.isnan(spent))
    images, metric, spent = images[known], metric[known], spent[known]
    if images.size == 0 or np.isnan(target):
        return np.nan
    met = metric >= target
    held = np.flatnonzero(met[:-1] & met[1:])
    if held.size == 0:
        return np.inf
    i = held[0]
    if i == 0:
        return float(spent[0])
    share = (target - metric[i - 1]) / (metric[i] - metric[i - 1])
    before, after = images[i - 1], images[i]
    if before > 0:
        seen = before * (after / before) ** share
        share = (seen - before) / (after - before) if after > before else 1.0
    return float(spent[i - 1] + share * (spent[i] - spent[i - 1]))


def _to(ds: xr.Dataset, spent: xr.DataArray, target: Any, metric: str) -> xr.DataArray:
    import xarray as xr

    for name in (metric, "images"):
        if name not in ds:
            raise ValueError(unknown("variable of the dataset", name, map(str, ds.data_vars)))
        if "epoch" not in ds[name].dims:
            raise ValueError(f"{name}: needs dimension 'epoch', has {ds[name].dims}")
    sign = -1.0 if metric.endswith("loss") else 1.0
    level = _levels(target, metric)
    out = xr.apply_ufunc(
        crossing,
        ds["images"].astype(float),
        sign * ds[metric],
        spent.astype(float),
        sign * level,
        input_core_dims=[["epoch"], ["epoch"], ["epoch"], []],
        vectorize=True,
        keep_attrs=False,
    )
    for name in set(out.coords) & set(ds.coords):
        out[name].attrs = dict(ds[name].attrs)
    return out.assign_attrs(target=_says(target, metric))


def _levels(target: Any, metric: str) -> xr.DataArray:
    import xarray as xr

    if isinstance(target, xr.DataArray):
        level = target
    else:
        values = np.asarray(target, float)
        if np.isnan(values).any():
            raise ValueError(f"target = {target!r}: must not be NaN")
        label = {"units": "1", "long_name": f"target {metric.replace('_', ' ')}"}
        coords = {"target": ("target", values, label)} if values.ndim else {}
        level = xr.DataArray(values, dims=tuple(coords), coords=coords)
    if metric.endswith("accuracy") and bool((level > 1).any()):
        raise ValueError(f"target = {target!r}: accuracies are fractions; write 0.95 for 95 %")
    return level


def _spent(ds: xr.Dataset, column: str, phases: Iterable[str] | None) -> xr.DataArray:
    if column not in ds:
        raise ValueError(f"the dataset has no {column}: price it first, feemu.energy.price(ds)")
    spent = ds[column]
    if phases is not None:
        names = [phases] if isinstance(phases, str) else list(phases)
        for name in names:
            if name not in spent["phase"].values:
                raise ValueError(unknown("phase", name, map(str, spent["phase"].values)))
        spent = spent.sel(phase=names)
    return spent.sum("phase", min_count=1) if "phase" in spent.dims else spent


def _says(target: Any, metric: str) -> str:
    words = metric.replace("_", " ")
    if np.ndim(target):
        return f"target {words}"
    level = f"{100 * float(target):g} %" if metric.endswith("accuracy") else f"{float(target):g}"
    return f"{level} {words}"
