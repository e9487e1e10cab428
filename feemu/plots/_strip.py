"""The strip at the top of a picture where runs stand that never reached a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.ticker import NullFormatter

from feemu.plots import _cells as cells
from feemu.plots import _style as style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

#: Part of the height that the strip takes.
STRIP = 0.16
WORDS = "top strip: not reached\n(k/n runs reached it)"


def missed(ax: Axes, x: np.ndarray, values: xr.DataArray, counts: xr.Dataset, name: str) -> None:
    """Write k/n into the strip where only k of n runs reached the target.

    Parameters
    ----------
    ax : matplotlib axes
        Where to draw.
    x : ndarray, shape (pulse_width,)
        Places.
    values, counts : DataArray, Dataset
        One algorithm's quantity over (pulse_width, seed), and `reached` and `runs` of it. Where
        the median run missed, the algorithm's mark stands in the strip.
    name : str
        The algorithm.
    """
    k, n = counts["reached"].values, counts["runs"].values
    median = cells.median(values)
    across = ax.get_xaxis_transform()
    text: dict[str, Any] = {"fontsize": style.NOTE_SIZE - 0.5, "color": style.GREY}
    text |= {"rotation": 90, "ha": "center", "va": "center", "transform": across}
    where = np.flatnonzero((n > 0) & (k < n))
    for j in where:
        if np.isinf(median[j]):
            marks = {**style.algorithm_marks(name), "markersize": 5}
            ax.plot(x[j], 1 - 0.2 * STRIP, transform=across, zorder=4, **marks)
        ax.text(x[j], 1 - 0.66 * STRIP, f"{k[j]}/{n[j]}", **text)


def room(ax: Axes, values: list[xr.DataArray]) -> float:
    """Scale y so that finite values stay below the strip, drawn if any is infinite; its edge."""
    ax.set_yscale("log")
    with_strip = any(np.isinf(v.values).any() for v in values)
    finite = np.concatenate([v.values.ravel() for v in values])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.1, 1.0)
    margin = 0.06 * max(np.log10(high / low), 1.0)
    low, high = np.log10(low) - margin, np.log10(high) + margin
    edge = high
    if with_strip:
        high = low + (high - low) / (1 - STRIP)
        strip = Rectangle((0, 1 - STRIP), 1, STRIP, transform=ax.transAxes, color="#ececec")
        strip.set_zorder(0)
        ax.add_patch(strip)
    ax.set_ylim(10**low, 10**high)
    style.log_labels(ax.yaxis)
    if not finite.size:
        ax.yaxis.set_major_formatter(NullFormatter())
    return float(10**edge)
