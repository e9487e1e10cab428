"""Where the symmetry point shift restores plain SGD and what it costs: table, pictures, files."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu import plots
from feemu.energy import EnergyModel, price
from feemu.plots import _style as style
from feemu.report.grid import FINAL, MIXED, PLAIN, at_end
from feemu.report.shift_picture import accuracy_picture, energy_picture
from feemu.statistics import MIN_SEEDS, mean_interval, paired_difference
from feemu.store import save, write_text_atomic

if TYPE_CHECKING:
    import xarray as xr

SHIFT = "shift_reference"
AXES = ("states", "cycle_noise", "reference_error", "offset")
#: Loss of accuracy that is worth restoring, and that still counts as none.
WORTH, NONE = 0.01, 0.005


def shift_map(result: xr.Dataset, model: EnergyModel | None = None) -> xr.Dataset:
    """Return accuracies, losses and costs over the properties of the device.

    Parameters
    ----------
    result : xarray.Dataset
        Sweep over (offset, states, cycle_noise, reference_error, algorithm, seed) of one pulse
        width, with `plain_sgd`, `shift_reference` and `mixed_precision`, offset 0 included.
    model : EnergyModel, optional
        Prices.

    Returns
    -------
    xarray.Dataset
        `accuracy` with `low` and `high` (95 %, NaN under five seeds), `energy_total` and
        `energy_calibration` [J], means over seeds, over all axes and algorithm; `lost`, what plain
        SGD loses against offset 0, and `regained`, what the shift has above plain SGD, with
        `regained_low` and `regained_high` over paired seeds; `ratio`, the total energy of mixed
        precision over that of the shift; and `break_even`, the images of a training below which
        mixed precision takes less: the shift pays for its calibration first, mixed precision for
        every image (infinite where the shift takes more per image too).
    """
    one = result.isel(pulse_width=0)
    final = at_end(one[FINAL])
    out = mean_interval(final).rename(mean="accuracy").drop_vars("runs")
    spent = at_end(price(one, model)["energy_total"]).mean("seed")
    out["energy_total"] = spent.sum("phase", min_count=1)
    out["energy_calibration"] = spent.sel(phase="calibration", drop=True)
    plain, shift = (final.sel(algorithm=n, drop=True) for n in (PLAIN, SHIFT))
    out["lost"] = (plain.sel(offset=0.0, drop=True) - plain).mean("seed")
    gain = paired_difference(shift, plain)
    for name, source in (("", "difference"), ("_low", "low"), ("_high", "high")):
        out[f"regained{name}"] = gain[source]
    total = out["energy_total"]
    mixed, shift = (total.sel(algorithm=n, drop=True) for n in (MIXED, SHIFT))
    out["ratio"] = mixed / shift
    paid = out["energy_calibration"].sel(algorithm=SHIFT, drop=True)
    images = at_end(one["images"].astype(float)).max()
    slope = (mixed - (shift - paid)) / images
    out["break_even"] = (paid / slope.where(slope > 0)).where(slope > 0, np.inf)
    return out


def map_text(table: xr.Dataset, title: str) -> str:
    """Return a row for each device and error of the reference, and what the rows say."""
    names = style.algorithm_order(map(str, table["algorithm"].values))
    head = [*(a.replace("_", " ") for a in AXES), *map(style.algorithm_words, names), "lost",
            "regained (95 %)", "calibration", "mixed / shift"]  # fmt: skip
    rows = [head]
    for point in _points(table):
        at = table.sel(point)
        accuracy = [f"{100 * float(at['accuracy'].sel(algorithm=n)):.1f}" for n in names]
        energy = at.sel(algorithm=SHIFT)
        share = float(energy["energy_calibration"] / energy["energy_total"])
        rows.append([
            *(f"{v:g}" for v in point.values()), *accuracy, f"{100 * float(at['lost']):+.1f}",
            _regained(at), f"{100 * share:.0f} %", f"x {float(at['ratio']):.3g}",
        ])  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = ["  ".join(c.rjust(w) for c, w in zip(row, widths)) for row in rows]
    notes = [
        "Test accuracies [%]; lost: plain SGD against offset 0; regained: shift over plain SGD",
        "[points]; calibration: its share of the shift's total energy; mixed / shift: total energy",
    ]
    return "\n".join([title, *notes, "", *lines, "", *summary(table), ""])


def _regained(at: xr.Dataset) -> str:
    mean, low, high = (
        100 * float(at[n]) for n in ("regained", "regained_low", "regained_high")
    )  # fmt: skip
    return f"{mean:+.1f}" if np.isnan(low) else f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def _points(table: xr.Dataset) -> list[dict]:
    """Return the points that were run, as {axis: value}."""
    every = [
        dict(zip(AXES, v)) for v in itertools.product(*(table[a].values.tolist() for a in AXES))
    ]
    return [p for p in every if np.isfinite(table["ratio"].sel(p))]


def summary(table: xr.Dataset) -> list[str]:
    """Return what the map says, in counts of its points."""
    flat = table.stack(point=AXES)
    flat = flat.isel(point=np.flatnonzero(np.isfinite(flat["ratio"].values)))
    lossy = flat.isel(point=np.flatnonzero((flat["lost"] > WORTH).values))
    half = lossy["regained"] >= 0.5 * lossy["lost"]
    whole = lossy["regained"] >= lossy["lost"] - NONE
    out = [
        f"Plain SGD loses more than a point at {lossy.sizes['point']} of {flat.sizes['point']} "
        f"points; the shift regains half of it at {int(half.sum())}, all but half a point at "
        f"{int(whole.sum())}."
    ]
    for error in table["reference_error"].values:
        here = (lossy["reference_error"] == error).values
        if here.any():
            mean = 100 * float(lossy["regained"].values[here].mean())
            lost = 100 * float(lossy["lost"].values[here].mean())
            out.append(f"  error of the reference {error:g}: {mean:+.1f} of {lost:.1f} points")
    cheap = flat["ratio"] < 1
    where = sorted({f"{s:g}" for s in flat["states"].values[cheap.values]}, key=float)
    out.append(
        f"Mixed precision takes less total energy than the shift at {int(cheap.sum())} points"
        + (f" (states: {', '.join(where)})." if where else ".")
    )
    for states in np.unique(flat["states"].values):
        here = flat.isel(point=np.flatnonzero(flat["states"].values == states))
        low, high = (f"{float(f(here['ratio'])):.3g}" for f in (np.min, np.max))
        images = float(here["break_even"].median())
        some = "of any length"
        if np.isfinite(images):
            some = f"below some {float(f'{images:.3g}'):,.0f} images"
        less = f"it would take less in trainings {some}"
        out.append(f"  {states:g} states: x {low} to {high}; {less}")
    accuracy = flat["accuracy"]
    ahead = accuracy.sel(algorithm=MIXED) >= accuracy.sel(algorithm=SHIFT) - NONE
    out.append(
        f"It is no more than half a point less accurate at {int(ahead.sum())} points, and both at "
        f"{int((ahead & cheap).sum())}."
    )
    return out


def write_shift_map(
    out: str | os.PathLike, result: xr.Dataset, model: EnergyModel | None = None
) -> dict[str, Path]:
    """Write dataset, map, table and pictures into a folder.

    Parameters
    ----------
    out : path
        Folder; made if it does not exist.
    result : xarray.Dataset
        As in `shift_map`.
    model : EnergyModel, optional
        Prices.

    Returns
    -------
    dict of Path
        ``runs.nc``, ``symmetry_point.txt``, ``energy.png``, and ``accuracy_noise_X.png`` for each
        cycle noise.
    """
    folder, seeds = Path(out), result.sizes["seed"]
    folder.mkdir(parents=True, exist_ok=True)
    table = shift_map(result, model)
    quick = ", quick: no intervals, nothing is decided by this" if seeds < MIN_SEEDS else ""
    title = f"{result['task'].item()}, virtual soft-bounds devices, {seeds} seeds{quick}"
    text = map_text(table, title)
    files = {
        "runs.nc": save(result, folder / "runs.nc"),
        "symmetry_point.txt": write_text_atomic(folder / "symmetry_point.txt", text),
        "energy.png": plots.save_figure(
            energy_picture(table, title), folder / "energy.png", dpi=110
        ),
    }
    for noise in table["cycle_noise"].values:
        name = f"accuracy_noise_{noise:g}.png"
        figure = accuracy_picture(table.sel(cycle_noise=noise), title)
        files[name] = plots.save_figure(figure, folder / name, dpi=110)
    return files
