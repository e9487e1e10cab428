"""How much of the gap between plain SGD and mixed precision the shift closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu.params import unknown
from feemu.report.grid import FINAL, MIXED, PLAIN, at_end, check
from feemu.statistics import MIN_SEEDS
from feemu.statistics.intervals import RESAMPLES, bootstrap_picks

if TYPE_CHECKING:
    import xarray as xr

SHIFT = "shift_"


def recovered(accuracy: xr.Dataset, metric: str = FINAL, *, level: float = 0.95) -> xr.Dataset:
    """Return ``(shift - plain) / (mixed precision - plain)`` per pulse width and shift variant.

    Parameters
    ----------
    accuracy : xarray.Dataset
        Sweep over pulse width, algorithm and seed with `plain_sgd`, `mixed_precision` and at
        least one variant of the shift.
    metric : str
        Accuracy whose value at the end of training counts.
    level : float
        Coverage of the interval.

    Returns
    -------
    xarray.Dataset
        `recovered`, `low`, `high` [1] and `runs` over (algorithm, pulse_width), and the same for
        the mean over widths (`mean_recovered`, `mean_low`, `mean_high`, over algorithm); `gap` [1],
        the accuracy of mixed precision above plain SGD, over pulse_width. 0 is plain SGD, 1 is
        mixed precision. Ratio of the means over seeds; the interval is a paired bootstrap over
        seeds, NaN under five. A resampled gap that is not positive counts at both ends, and the
        ratio is NaN where the gap itself is not positive.

    Raises
    ------
    ValueError
        If an algorithm is missing.
    """
    import xarray as xr

    check(accuracy, "accuracy")
    names = [str(n) for n in accuracy["algorithm"].values]
    for name in (PLAIN, MIXED):
        if name not in names:
            raise ValueError(unknown("algorithm of the sweep", name, names))
    shifts = [n for n in names if n.startswith(SHIFT)]
    if not shifts:
        raise ValueError(f"the sweep holds no variant of the shift: its algorithms are {names}")
    final = at_end(accuracy[metric])
    gain = final.sel(algorithm=shifts) - final.sel(algorithm=PLAIN, drop=True)
    gap = final.sel(algorithm=MIXED, drop=True) - final.sel(algorithm=PLAIN, drop=True)
    cells = _ratio(gain, gap, level)
    mean = _ratio(
        gain.mean("pulse_width", skipna=False), gap.mean("pulse_width", skipna=False), level
    )
    mean = {f"mean_{name}": mean[name] for name in ("recovered", "low", "high")}
    out = xr.Dataset({**cells, **mean, "gap": gap.mean("seed")})
    words = {"recovered": "part of the gap closed", "gap": "mixed precision above plain SGD"}
    for name in out.data_vars:
        out[name].attrs = {"units": "1", "long_name": words.get(name, name.replace("_", " "))}
    return out.transpose("algorithm", "pulse_width")


def _ratio(gain: xr.DataArray, gap: xr.DataArray, level: float) -> dict[str, xr.DataArray]:
    import xarray as xr

    parts = xr.apply_ufunc(
        lambda a, b: np.array(_row(a, b, level)),
        gain,
        gap,
        input_core_dims=[["seed"], ["seed"]],
        output_core_dims=[["_part"]],
        vectorize=True,
    )
    names = ("recovered", "low", "high", "runs")
    return {name: parts.isel(_part=i) for i, name in enumerate(names)}


def _row(gain: np.ndarray, gap: np.ndarray, level: float) -> tuple[float, float, float, int]:
    known = ~(np.isnan(gain) | np.isnan(gap))
    gain, gap, n = gain[known], gap[known], int(known.sum())
    if n == 0 or not gap.mean() > 0:
        return np.nan, np.nan, np.nan, n
    point = gain.mean() / gap.mean()
    if n < MIN_SEEDS:
        return point, np.nan, np.nan, n
    picks = bootstrap_picks(n, RESAMPLES)
    above, below = gain[picks].mean(axis=1), gap[picks].mean(axis=1)
    lost = ~(below > 0)
    ratio = above / np.where(lost, 1.0, below)
    share = (1 - level) / 2
    low = np.quantile(np.where(lost, -np.inf, ratio), share, method="lower")
    high = np.quantile(np.where(lost, np.inf, ratio), 1 - share, method="higher")
    return point, float(low), float(high), n
