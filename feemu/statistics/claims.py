"""From intervals to verdicts: holds, does not hold, undecided, by construction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from feemu.params import unknown
from feemu.statistics.intervals import paired_difference

if TYPE_CHECKING:
    import xarray as xr

VERDICTS = ("holds", "does not hold", "undecided", "by construction")
MARGIN = 0.005


def verdict(
    low: Any,
    high: Any,
    null: float,
    claim: str,
    *,
    p_value: Any = None,
    alpha: float = 0.05,
    by_construction: bool = False,
) -> Any:
    """Return what an interval says about a claim.

    Parameters
    ----------
    low, high : float or DataArray
        Ends of the interval of the effect; NaN where there is none.
    null, claim : float, {"greater", "less"}
        The claim puts the effect on this side of `null`.
    p_value, alpha : float or DataArray, float
        Adjusted p value; a decision either way then also needs it to be at most `alpha`.
    by_construction : bool
        True where the effect follows from assumed parameters alone.

    Returns
    -------
    str or DataArray of str
        One of `VERDICTS`; "does not hold" means that the opposite is established.

    Raises
    ------
    ValueError
        For an unknown claim.
    """
    import xarray as xr

    if claim not in ("greater", "less"):
        raise ValueError(unknown("claim", claim, ("greater", "less")))
    p = 0.0 if p_value is None else p_value
    return _said(xr.apply_ufunc(_decide, low, high, p, null, alpha, claim, by_construction))


def non_inferiority(
    a: xr.DataArray, b: xr.DataArray, margin: float = MARGIN, dim: str = "seed"
) -> xr.Dataset:
    """Return whether `a` is no worse than `b` by more than a margin, larger being better.

    Parameters
    ----------
    a, b : xarray.DataArray
        Accuracies of the same runs, paired by the coordinate `dim`.
    margin : float
        Loss that still counts as none, > 0; half a point of accuracy by default.
    dim : str
        Dimension of the repetitions.

    Returns
    -------
    xarray.Dataset
        As `paired_difference` tested against ``-margin``, with a `verdict`.

    Raises
    ------
    ValueError
        If the margin is not positive.
    """
    if not margin > 0:
        raise ValueError(f"margin = {margin!r}: must be > 0, e.g. 0.005 for half a point")
    out = paired_difference(a, b, dim, null=-margin)
    return out.assign(verdict=verdict(out["low"], out["high"], -margin, "greater"))


def holm(p_values: Any) -> Any:
    """Return p values adjusted for their number by Holm's step-down method.

    Parameters
    ----------
    p_values : sequence, ndarray or DataArray
        P values of one family of claims; NaN is a test that was not made, and stays NaN.

    Returns
    -------
    ndarray or DataArray
        Adjusted p values, at most 1, in the shape of the input.

    Raises
    ------
    ValueError
        If a p value is outside [0, 1].

    Notes
    -----
    The i-th smallest of n, from 0, is multiplied by ``n - i`` and the sequence made monotone.
    Holds the family-wise error rate under any dependence (Holm, Scandinavian Journal of
    Statistics 6, 65 (1979)).
    """
    import xarray as xr

    values = np.asarray(p_values, float)
    flat, adjusted = values.ravel(), np.full(values.size, np.nan)
    known = np.flatnonzero(~np.isnan(flat))
    if np.any((flat[known] < 0) | (flat[known] > 1)):
        raise ValueError(f"p values: must be in [0, 1], got {flat[known].tolist()}")
    order = known[np.argsort(flat[known], kind="stable")]
    scaled = flat[order] * np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    adjusted = adjusted.reshape(values.shape)
    if isinstance(p_values, xr.DataArray):
        labels = {"units": "1", "long_name": "p value after Holm"}
        return p_values.copy(data=adjusted).assign_attrs(labels)
    return adjusted


def _decide(
    low: Any, high: Any, p: Any, null: float, alpha: float, claim: str, by_construction: bool
) -> np.ndarray:
    low, high, p = np.broadcast_arrays(low, high, p)
    if by_construction:
        return np.full(low.shape, VERDICTS[3])
    above, below, sure = low > null, high < null, p <= alpha
    yes, no = (above, below) if claim == "greater" else (below, above)
    return np.where(yes & sure, VERDICTS[0], np.where(no & sure, VERDICTS[1], VERDICTS[2]))


def _said(out: Any) -> Any:
    if hasattr(out, "assign_attrs"):
        return out.assign_attrs(units="1", long_name="verdict")
    return str(out) if np.ndim(out) == 0 else out
