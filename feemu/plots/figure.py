"""One figure for a study, and how figures are written."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feemu.devices import Family
from feemu.params import unknown
from feemu.plots import _cells as cells
from feemu.plots import _style as style
from feemu.plots.accuracy import accuracy_over_epoch, final_accuracy
from feemu.plots.devices import device_curves
from feemu.plots.energies import component_handles, energy_over_width
from feemu.plots.targets import epochs_to_target
from feemu.store import write_bytes_atomic

if TYPE_CHECKING:
    import xarray as xr

    from feemu.devices import Device
    from feemu.energy import EnergyModel

SIZE = (11.5, 9.0)
DPI = 100
#: What each format would otherwise say about time and version.
_METADATA = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
}


def study_figure(
    ds: xr.Dataset,
    model: EnergyModel | None = None,
    target: float = 0.9,
    *,
    family: Family | Device | None = None,
) -> Figure:
    """Return the four pictures of a study in one figure.

    Parameters
    ----------
    ds : xarray.Dataset
        A sweep over pulse width, algorithm and seed.
    model : EnergyModel, optional
        Prices; by default those the dataset was priced with, else the default model.
    target : float
        Validation accuracy that energy (and epochs) are counted to.
    family : Family or Device, optional
        Draw its steps, at the widths of the dataset; without it epochs to the target.

    Returns
    -------
    matplotlib.figure.Figure
        Steps of the device or epochs to the target; accuracy over images at the shortest and
        the longest width (measured ones, if there are two); final accuracy over width; energy
        to the target over width, split into programming, reads and digital.

    Raises
    ------
    TypeError, ValueError
        If variables are missing.
    """
    g = cells.grid(ds, "validation_accuracy", "test_accuracy")
    g.need_widths()
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    (first, second), (third, fourth) = figure.subplots(2, 2)
    if family is None:
        epochs_to_target(ds, target, first, legend=False)
    else:
        device_curves(_at_widths(family, g.widths), first, legend="best")
    ends = _ends(g)
    accuracy_over_epoch(_at(ds, ends), second, target=target, legend=False)
    lines = style.style_handles([g.width_labels[g.widths.index(w)] for w in ends])
    style.legend(second, True, lines)
    final_accuracy(ds, third, legend=False)
    energy_over_width(ds, fourth, model, target=target, legend=False)
    style.legend(fourth, True, component_handles())
    _shared_legend(figure, g, ds)
    return figure


def save_figure(fig: Figure | Axes, path: str | os.PathLike, *, dpi: float = DPI) -> Path:
    """Write a figure, at once or not at all; equal figures give equal bytes.

    Parameters
    ----------
    fig : Figure or Axes
        Figure, or axes whose figure is meant.
    path : path
        File to write; its ending names the format: .png, .pdf or .svg.
    dpi : float
        Resolution [1/inch].

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    TypeError, ValueError
        If `fig` is no figure, or the ending names no format.
    OSError
        If the file cannot be written; an older file of that name is unchanged.
    """
    figure = style.root_figure(fig) if isinstance(fig, Axes) else fig
    if not isinstance(figure, Figure):
        raise TypeError(f"fig: expected a matplotlib figure, got {type(fig).__name__}")
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        raise ValueError(f"{os.fspath(path)}: {unknown('picture format', kind, _METADATA)}")
    body = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "feemu"}):
        figure.savefig(body, format=kind, dpi=dpi, metadata=_METADATA[kind])
    return write_bytes_atomic(path, body.getvalue())


def _at_widths(family: Family | Device, widths: list[float]) -> Family | Device | xr.Dataset:
    """Return the family's curves at the widths of a result, which carries their labels."""
    if isinstance(family, Family):
        return family.to_dataset(widths, extrapolate=True)
    return family


def _ends(g: cells.Grid) -> list[float]:
    known = [w for w, o in zip(g.widths, g.origins) if o in ("measured", "")]
    chosen = known if len(known) > 1 else g.widths
    return sorted({chosen[0], chosen[-1]})


def _at(ds: xr.Dataset, widths: list[float]) -> xr.Dataset:
    return ds.sel(pulse_width=widths) if "pulse_width" in ds.dims else ds


def _shared_legend(figure: Figure, g: cells.Grid, ds: xr.Dataset) -> None:
    n = len(g.algorithms)
    runs = cells.summary(cells.last(g.ds["test_accuracy"]))["runs"]
    box = figure.legend(
        handles=style.algorithm_handles(g.algorithms),
        loc="outside lower center",
        ncols=math.ceil(n / math.ceil(n / 6)),
        fontsize=style.TEXT_SIZE,
        frameon=False,
        title="accuracy: "
        + cells.seeds_words(runs).replace("\n", " ")
        + "; energy: medians; in the strip: k/n runs reached it",
        title_fontsize=style.NOTE_SIZE,
    )
    box.get_title().set_color(style.GREY)
