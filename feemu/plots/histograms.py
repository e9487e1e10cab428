"""Pictures of how weights and states are spread over the synapses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from feemu.plots import _cells as cells
from feemu.plots import _style as style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


def weight_histogram(
    ds: xr.Dataset,
    ax: Axes | Sequence[Axes] | None = None,
    *,
    layer: int | None = None,
    epoch: float | Sequence[float] | None = None,
    legend: bool | str = True,
) -> Axes | list[Axes]:
    """Draw how the weights of each layer are spread, in units of the layer's weight scale.

    Parameters
    ----------
    ds : xarray.Dataset
        A result, or a sweep at one pulse width; seeds are added up.
    ax : matplotlib axes, or one per layer, optional
        In one axes the layers differ in line style. By default a new figure with one panel per
        layer.
    layer : int, optional
        Draw this layer only; by default all.
    epoch : float or sequence of float, optional
        Evaluations to draw (the nearest to each), earlier ones lighter; by default the last.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes or list of Axes
        The axes given, or those made (a list where there are several). Fractions per bin; the
        outermost bins hold all that lies beyond.

    Raises
    ------
    TypeError, ValueError
        If the histogram, the layer or a single pulse width is missing.
    """
    note = "; outermost bins hold all beyond"
    return _draw(ds, "weight_histogram", "weight_bin", ax, layer, epoch, legend, note)


def state_histogram(
    ds: xr.Dataset,
    ax: Axes | Sequence[Axes] | None = None,
    *,
    layer: int | None = None,
    epoch: float | Sequence[float] | None = None,
    legend: bool | str = True,
) -> Axes | list[Axes]:
    """Draw how the states of the synapses of each layer are spread.

    Parameters, result and errors are those of `weight_histogram`. An algorithm without synapses
    has no line.
    """
    return _draw(ds, "synapse_state_histogram", "state_bin", ax, layer, epoch, legend, "")


def _draw(
    ds: xr.Dataset,
    name: str,
    axis: str,
    ax: Axes | Sequence[Axes] | None,
    layer: int | None,
    epoch: float | Sequence[float] | None,
    legend: bool | str,
    note: str,
) -> Axes | list[Axes]:
    g = cells.grid(ds, name, also=("layer", axis))
    if len(g.widths) > 1:
        raise ValueError(
            f"the dataset has {len(g.widths)} pulse widths: select one, e.g."
            f" ds.sel(pulse_width={g.widths[0]!r})"
        )
    table = _share(g.ds[name].isel(pulse_width=0), axis)
    layers = _layers(table, layer)
    panels = style.panels(ax, len(layers), "layer")
    several = len(panels) == 1 and len(layers) > 1
    drawn = [n for n in g.algorithms if float(table.sel(algorithm=n).sum()) > 0]
    shown = dict.fromkeys(
        when
        for i, one in enumerate(layers)
        for algorithm in drawn
        for when in _lines(
            panels[i % len(panels)],
            table.sel(algorithm=algorithm, layer=one),
            style.algorithm_style(algorithm)[0],
            style.line_style(i if several else 0),
            epoch,
        )
    )
    what = ("weights" if axis == "weight_bin" else "states") + _at_width(g)
    for i, panel in enumerate(panels):
        panel.set_xlabel(style.label_of(ds[axis]))
        panel.set_ylim(bottom=0)
        title = what if several else f"layer {layers[i]}: {what}"
        style.finish(panel, title, [_epochs_words(shown) + note])
    style.ylabel(panels, "fraction of synapses per bin [1]")
    lines = style.style_handles([f"layer {n}" for n in layers]) if several else []
    names = style.algorithm_handles(drawn, marks=False)
    style.legend(style.beside(panels), legend, names + lines, cells.total_words(g.seeds))
    return ax if ax is not None else style.one_or_all(panels)


def _lines(
    ax: Axes, table: xr.DataArray, colour: str, line: object, epoch: float | Sequence[float] | None
) -> list[float]:
    """Draw one algorithm's histograms and return their epochs."""
    rows = table.dropna("epoch", how="all")
    picked = _nearest(rows["epoch"].values, epoch) if rows.sizes["epoch"] else []
    centres = table[table.dims[-1]].values
    half = (centres[1] - centres[0]) / 2 if centres.size > 1 else 0.5
    edges = np.append(centres - half, centres[-1] + half)
    for k, when in enumerate(picked):
        shade = 0.3 + 0.7 * (k + 1) / len(picked) if len(picked) > 1 else 1.0
        row = rows.sel(epoch=when).values
        ax.stairs(row, edges, color=colour, alpha=shade, linewidth=1.4, linestyle=line)
    return picked


def _at_width(g: cells.Grid) -> str:
    return f", {g.width_labels[0]}" if np.isfinite(g.widths[0]) else ""


def _epochs_words(epochs: dict[float, None]) -> str:
    words = ", ".join(f"{e:.3g}" for e in sorted(epochs))
    return f"epoch {words}" + (" (earlier lighter)" if len(epochs) > 1 else "")


def _share(counts: xr.DataArray, axis: str) -> xr.DataArray:
    """Return fractions per bin over all seeds; NaN where nothing was run."""
    counts = counts.sum("seed", min_count=1).astype(float)
    return counts / counts.sum(axis, min_count=1).where(lambda total: total > 0)


def _layers(table: xr.DataArray, layer: int | None) -> list[int]:
    layers = [int(n) for n in table["layer"].values]
    if layer is None:
        return layers
    if layer not in layers:
        raise ValueError(f"layer = {layer!r}: the result has layers {layers}")
    return [layer]


def _nearest(epochs: np.ndarray, wanted: float | Sequence[float] | None) -> list[float]:
    if wanted is None:
        return [float(epochs[-1])]
    picks = {int(np.argmin(np.abs(epochs - e))) for e in np.ravel(wanted)}
    return [float(epochs[i]) for i in sorted(picks)]
