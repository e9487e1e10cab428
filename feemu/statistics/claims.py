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
    null : float
        Value that separates the claim from its opposite.
    claim : {"greater", "less"}
        Side of `null` on which the claim puts the effect.
    p_value : float or DataArray, optional
        Adjusted p value; a decision either way then also needs it to be at most `alpha`.
    alpha : float
        Level for `p_value`.
    by_construction : bool
        True where the effect follows from assumed parameters alone.

    Returns
    -------
    str or DataArray of str
        "holds", "does not hold" (the opposite is established), "undecided" or
        "by construction".

    Raises
    ------
    ValueError
        For an unknown claim.
    """
    import xarray as xr

    if claim not in ("greater", "less"):
        raise ValueError(unknown("claim", claim, ("greater", "less")))
    out = xr.apply_ufunc(
        lambda lo, hi, p: _decide(lo > null, hi < null, p <= alpha, claim, by_construction),
        *(v if isinstance(v, xr.DataArray) else np.asarray(v, float) for v in (low, high)),
        0.0 if p_value is None else p_value,
    )
    if isinstance(out, xr.DataArray):
        return out.assign_attrs(units="1", long_name="verdict")
    return str(out) if np.ndim(out) == 0 else out


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


def _decide(above: Any, below: Any, sure: Any, claim: str, by_construction: bool) -> np.ndarray:
    above, below, sure = np.broadcast_arrays(above, below, sure)
    if by_construction:
        return np.full(above.shape, VERDICTS[3])
    yes, no = (above, below) if claim == "greater" else (below, above)
    return np.where(yes & sure, VERDICTS[0], np.where(no & sure, VERDICTS[1], VERDICTS[2]))
