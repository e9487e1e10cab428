"""A picture of whether tuning has levelled off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu.plots import _cells as cells
from feemu.plots import _style as style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

TRY = "try"


def tuning_progress(
    table: xr.Dataset,
    ax: Axes | None = None,
    *,
    metric: str = "validation_accuracy",
    legend: bool | str = True,
) -> Axes:
    """Draw the best result so far over the number of tries, per algorithm and pulse width.

    Parameters
    ----------
    table : xarray.Dataset
        Tries with dimension ``try``, and pulse_width, algorithm, seed where they apply; of a
        dimension epoch the last known value counts. Tries that were not run hold NaN.
    ax : matplotlib axes, optional
        Where to draw; a new figure if not given.
    metric : str
        Variable that was tuned, averaged over seeds; of a loss, the lowest is the best.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes
        Colour by algorithm, line style by pulse width; accuracies on a logit axis.

    Raises
    ------
    TypeError, ValueError
        If the metric or the dimension ``try`` is missing.
    """
    g = cells.grid(table, metric, also=(TRY,))
    values = g.ds[metric]
    if TRY not in values.dims:
        raise ValueError(f"{metric} has no dimension {TRY!r}: expected a table of tries")
    if "epoch" in values.dims:
        values = cells.last(values).assign_attrs(values.attrs)
    label = style.label_of(g.ds[metric])
    mean = values.mean("seed")
    ax = style.new_axes(ax)
    best = np.fmin.accumulate if metric.endswith("loss") else np.fmax.accumulate
    for w in range(len(g.widths)):
        for name in g.algorithms:
            row = mean.isel(pulse_width=w).sel(algorithm=name).values
            row = row[~np.isnan(row)]
            colour, _ = style.algorithm_style(name)
            number = np.arange(1, row.size + 1)
            if row.size:
                line = {"linestyle": style.line_style(w), "color": colour, "linewidth": 1.5}
                ax.plot(number, best(row), drawstyle="steps-mid", **line)
    if metric.endswith("accuracy"):
        style.accuracy_axis(ax)
    ax.set_xlim(0.5, table.sizes[TRY] + 0.5)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set_xlabel("number of tries [1]")
    ax.set_ylabel(f"best {label}")
    names = style.algorithm_handles(g.algorithms, marks=False)
    more = style.style_handles(g.width_labels) if len(g.widths) > 1 else []
    style.legend(ax, legend, names + more, cells.mean_words(g.seeds))
    return style.finish(ax, "tuning: best result so far")
