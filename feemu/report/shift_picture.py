"""Pictures of the map of the symmetry point shift: accuracy over the offset, energy over states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu.plots import _style as style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _figure(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    size = (max(2.6 * columns + 2.0, 6.4), 2.3 * rows + 1.0)
    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)


def accuracy_picture(table: xr.Dataset, title: str) -> Figure:
    """Return accuracy over the offset at one cycle noise: a column per number of states, a row per
    error of the reference.
    """
    errors, states = table["reference_error"].values, table["states"].values
    figure, axes = _figure(len(errors), len(states))
    names = style.algorithm_order(map(str, table["algorithm"].values))
    for row, error in zip(axes, errors):
        for ax, count in zip(row, states):
            here = table.sel(reference_error=error, states=count)
            for name in names:
                _line(ax, here.sel(algorithm=name), name)
            style.finish(ax, f"{count:g} states, error {error:g}")
    style.ylabel(axes.ravel(), "test accuracy [%]")
    for ax in axes[-1]:
        ax.set_xlabel("offset of the symmetry point [range]", fontsize=style.TEXT_SIZE)
    style.legend(axes[0, -1], True, style.algorithm_handles(names))
    figure.suptitle(f"{title}\ncycle noise {float(table['cycle_noise']):g}", fontsize=9)
    return figure


def _line(ax: Axes, at: xr.Dataset, name: str) -> None:
    mean = 100 * at["accuracy"].values
    bars = np.abs(np.stack([mean - 100 * at["low"].values, 100 * at["high"].values - mean]))
    ax.errorbar(
        at["offset"].values, mean, np.nan_to_num(bars), lw=1, capsize=2,
        **{**style.algorithm_marks(name), "markersize": 4},
    )  # fmt: skip


def energy_picture(table: xr.Dataset, title: str) -> Figure:
    """Return the total energy of a training over states at the largest offset and the smallest
    error, a panel per cycle noise; dashed what of it is calibration.
    """
    noises = table["cycle_noise"].values
    figure, axes = _figure(1, len(noises))
    names = style.algorithm_order(map(str, table["algorithm"].values))
    last = table.isel(offset=-1, reference_error=0)
    for ax, noise in zip(axes[0], noises):
        for name in names:
            at = last.sel(cycle_noise=noise, algorithm=name)
            marks = {**style.algorithm_marks(name), "markersize": 4}
            ax.plot(at["states"], at["energy_total"], lw=1, **marks)
            part = at["energy_calibration"].where(at["energy_calibration"] > 0)
            ax.plot(at["states"], part, color=marks["color"], lw=1, ls="--")
        ax.set_xscale("log")
        ax.set_xticks(table["states"].values, [f"{s:g}" for s in table["states"].values])
        ax.minorticks_off()
        ax.set_yscale("log")
        ax.set_xlabel("states [1]")
        style.finish(ax, f"cycle noise {noise:g}")
    style.ylabel(axes.ravel(), "energy of a training [J]")
    style.legend(axes[0, -1], True, style.algorithm_handles(names), "dashed: calibration")
    figure.suptitle(f"{title}\noffset {float(last['offset']):g}", fontsize=9)
    return figure
