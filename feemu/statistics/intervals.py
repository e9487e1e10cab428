"""Medians, means, ratios and differences over paired seeds, with intervals.

No interval is given under five runs. Bootstrap samples come from feemu's own random numbers with
a fixed key, the same for every cell of an array, so that a table is reproducible to the digit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from feemu import rng

if TYPE_CHECKING:
    import xarray as xr

MIN_SEEDS = 5
RESAMPLES = 10_000


def median_interval(
    values: xr.DataArray, dim: str = "seed", *, level: float = 0.95, resamples: int = RESAMPLES
) -> xr.Dataset:
    """Return median and bootstrap percentile interval over seeds; infinite values take part.

    Parameters
    ----------
    values : xarray.DataArray
        Values, +inf where a target was never reached; NaN is left out as not run.
    dim : str
        Dimension of the repetitions.
    level : float
        Coverage of the interval, in (0, 1).
    resamples : int
        Number of bootstrap samples.

    Returns
    -------
    xarray.Dataset
        `median`, `low`, `high` in the unit of `values`, and `runs`; ends NaN under five runs.
    """
    _check_level(level)
    return _single(values, dim, lambda row: _median_row(row, level, resamples), "median", level)


def mean_interval(values: xr.DataArray, dim: str = "seed", *, level: float = 0.95) -> xr.Dataset:
    """Return mean and Student's t interval over seeds; NaN is left out as not run.

    Parameters
    ----------
    values, dim, level
        As in `median_interval`.

    Returns
    -------
    xarray.Dataset
        `mean`, `low`, `high` in the unit of `values`, and `runs`; ends NaN under five runs.
    """
    _check_level(level)
    return _single(values, dim, lambda row: _mean_row(row, level, 0.0)[:3], "mean", level)


def ratio_of_medians(
    a: xr.DataArray,
    b: xr.DataArray,
    dim: str = "seed",
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> xr.Dataset:
    """Return ``median(a) / median(b)`` with a paired bootstrap interval over seeds.

    Parameters
    ----------
    a, b : xarray.DataArray
        Values of the same runs, paired by the coordinate `dim`; +inf takes part, and a pair with
        a NaN is left out.
    dim, level, resamples
        As in `median_interval`.

    Returns
    -------
    xarray.Dataset
        `ratio`, `low`, `high`, two-sided `p_value` of the ratio being 1, and `runs`; the three
        in the middle are NaN under five pairs. A sample in which neither median is finite says
        nothing about the ratio: it counts as 0 at the lower and +inf at the upper end.
    """
    _check_level(level)

    def body(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return _ratio_row(x, y, level, resamples)

    return _paired(a, b, dim, body, "ratio", "1", level)


def paired_difference(
    a: xr.DataArray, b: xr.DataArray, dim: str = "seed", *, null: float = 0.0, level: float = 0.95
) -> xr.Dataset:
    """Return ``mean(a - b)`` over paired seeds with Student's t interval.

    Parameters
    ----------
    a, b : xarray.DataArray
        Finite values of the same runs, paired by the coordinate `dim`; NaN is left out.
    dim, level
        As in `median_interval`.
    null : float
        Difference that the p value tests, e.g. minus the margin of a non-inferiority claim.

    Returns
    -------
    xarray.Dataset
        `difference`, `low`, `high`, two-sided `p_value` of the difference being `null`, and
        `runs`; the three in the middle are NaN under five pairs.
    """
    _check_level(level)

    def body(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return _mean_row(x - y, level, null)

    return _paired(a, b, dim, body, "difference", a.attrs.get("units", "1"), level)


def _median_row(row: np.ndarray, level: float, resamples: int) -> np.ndarray:
    row = row[~np.isnan(row)]
    if row.size == 0:
        return np.full(3, np.nan)
    if row.size < MIN_SEEDS:
        return np.array([np.median(row), np.nan, np.nan])
    medians = np.median(row[bootstrap_picks(row.size, resamples)], axis=-1)
    return np.array([np.median(row), _end(medians, level, -1), _end(medians, level, 1)])


def _mean_row(row: np.ndarray, level: float, null: float) -> np.ndarray:
    from scipy import stats

    row = row[~np.isnan(row)]
    if row.size == 0:
        return np.full(4, np.nan)
    mean = row.mean()
    if row.size < MIN_SEEDS or not np.isfinite(mean):
        return np.array([mean, np.nan, np.nan, np.nan])
    error, free = row.std(ddof=1) / np.sqrt(row.size), row.size - 1
    half = error * stats.t.isf((1 - level) / 2, free)
    away = abs(mean - null)
    p = 2 * stats.t.sf(away / error, free) if error > 0 else float(away == 0)
    return np.array([mean, mean - half, mean + half, p])


def _ratio_row(a: np.ndarray, b: np.ndarray, level: float, resamples: int) -> np.ndarray:
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    if a.size == 0:
        return np.full(4, np.nan)
    point = float(_divide(np.median(a), np.median(b)))
    if a.size < MIN_SEEDS:
        return np.array([point, np.nan, np.nan, np.nan])
    picks = bootstrap_picks(a.size, resamples)
    ratios = _divide(np.median(a[picks], axis=-1), np.median(b[picks], axis=-1))
    lost = np.isnan(ratios)
    low = _end(np.where(lost, 0.0, ratios), level, -1)
    high = _end(np.where(lost, np.inf, ratios), level, 1)
    tail = min(np.sum(~(ratios > 1)), np.sum(~(ratios < 1)))
    return np.array([point, low, high, min(1.0, 2 * (tail + 1) / (resamples + 1))])


def _divide(a: Any, b: Any) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(a, float) / np.asarray(b, float)


def _end(samples: np.ndarray, level: float, side: int) -> float:
    """Return an order statistic, rounded outwards; no mean of a finite and an infinite value."""
    share = (1 - level) / 2
    method = "lower" if side < 0 else "higher"
    return float(np.quantile(samples, share if side < 0 else 1 - share, method=method))


@lru_cache(maxsize=8)
def bootstrap_picks(n: int, resamples: int) -> np.ndarray:
    """Return indices of `resamples` bootstrap samples, int64 (resamples, n)."""
    words = rng.words(rng.key(0, 0, "bootstrap"), 0, 0, n * resamples).astype(np.uint64)
    picks = (words * np.uint64(n)) >> np.uint64(32)
    picks = picks.astype(np.int64).reshape(resamples, n)
    picks.setflags(write=False)
    return picks


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level = {level!r}: must be between 0 and 1, e.g. 0.95")


def _check_dim(values: xr.DataArray, dim: str) -> None:
    if dim not in values.dims:
        raise ValueError(f"no dimension {dim!r} to repeat over: the values have {values.dims}")


def _single(values: xr.DataArray, dim: str, body: Callable, name: str, level: float) -> xr.Dataset:
    import xarray as xr

    _check_dim(values, dim)
    runs = values.notnull().sum(dim)
    out = xr.apply_ufunc(
        body,
        values.astype(float),
        input_core_dims=[[dim]],
        output_core_dims=[["_part"]],
        vectorize=True,
        keep_attrs=False,
    )
    label = values.attrs.get("long_name", values.name or "value")
    return _parts(out, runs, name, label, values.attrs.get("units", "1"), level)


def _paired(
    a: xr.DataArray, b: xr.DataArray, dim: str, body: Callable, name: str, unit: str, level: float
) -> xr.Dataset:
    import xarray as xr

    for values in (a, b):
        _check_dim(values, dim)
    others = {str(d) for d in (*a.dims, *b.dims)} - {dim}
    a, b = xr.align(a.astype(float), b.astype(float), join="inner", exclude=others)
    if a.sizes[dim] == 0:
        raise ValueError(f"no pairs: the two sides share no value of {dim!r}")
    runs = (a.notnull() & b.notnull()).sum(dim)
    out = xr.apply_ufunc(
        body,
        a,
        b,
        input_core_dims=[[dim], [dim]],
        output_core_dims=[["_part"]],
        vectorize=True,
        keep_attrs=False,
    )
    label = a.attrs.get("long_name", a.name or "value")
    return _parts(out, runs, name, label, unit, level)


def _parts(
    out: xr.DataArray, runs: xr.DataArray, name: str, label: str, unit: str, level: float
) -> xr.Dataset:
    import xarray as xr

    labels = {
        name: (unit, f"{name} of {label}"),
        "low": (unit, f"lower end of the {100 * level:g} % interval"),
        "high": (unit, f"upper end of the {100 * level:g} % interval"),
        "p_value": ("1", "two-sided p value"),
    }
    parts = {
        key: out.isel(_part=i, drop=True).assign_attrs(units=label[0], long_name=label[1])
        for i, (key, label) in enumerate(list(labels.items())[: out.sizes["_part"]])
    }
    return xr.Dataset({**parts, "runs": runs.assign_attrs(units="1", long_name="runs")})


def draw_bands(values: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return medians and 5 to 95 % bands over draws of a device, over seeds and over both.

    Parameters
    ----------
    values : xarray.DataArray
        Over dimensions `draw`, `seed` and whatever else.

    Returns
    -------
    dict of str -> DataArray
        Under ``draws``, ``seeds`` and ``both``, with a dimension `quantile` of 0.05, 0.5, 0.95. A
        band over draws is that of one seed, the mean of its ends over seeds; one over seeds
        likewise. One along which there are fewer than two values is left out.
    """
    out = {}
    for name, along in (("draws", ["draw"]), ("seeds", ["seed"]), ("both", ["draw", "seed"])):
        if all(values.sizes[d] > 1 for d in along):
            ends = values.quantile([0.05, 0.5, 0.95], along)
            out[name] = ends.mean([d for d in ("draw", "seed") if d in ends.dims])
    return out
