"""Pictures of devices: steps over state, and state over pulses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from feemu.array import SynapseArray
from feemu.devices import Device, Family, tabulate
from feemu.devices.dataset import family_dataset
from feemu.plots import _style as style

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

START = 0.05
MOST_PULSES = 500


def device_curves(
    family: Family | Device | xr.Dataset,
    ax: Axes | None = None,
    *,
    widths: Sequence[float | str] | None = None,
    legend: bool | str = True,
) -> Axes:
    """Draw the step of one pulse over state, up and down, with the symmetry point.

    Parameters
    ----------
    family : Family, Device or xarray.Dataset
        What to draw; a dataset as `Family.to_dataset` returns it.
    ax : matplotlib axes, optional
        Where to draw; a new figure if not given.
    widths : sequence of float or str, optional
        Pulse widths [s, or text such as '200ns'] of a family; by default those of its studies.
    legend : bool or str
        Whether to draw a legend, or where inside the axes.

    Returns
    -------
    matplotlib.axes.Axes
        One colour per pulse width; up solid, down dashed, a dot at the symmetry point.

    Raises
    ------
    TypeError, ValueError
        If `family` is none of these, or a dataset lacks the curves.
    """
    ds = _curves(family, widths)
    ax = style.new_axes(ax)
    labels = [style.width_words(float(w), str(o)) for w, o in _places(ds)]
    handles = []
    for i, (label, colour) in enumerate(zip(labels, style.width_colours(len(labels)))):
        row = ds.isel(pulse_width=i)
        ax.plot(row["state"], row["step_up"], color=colour, linestyle="-", linewidth=1.6)
        ax.plot(row["state"], row["step_down"], color=colour, linestyle="--", linewidth=1.6)
        point = float(row["symmetry_point"])
        if math.isfinite(point):
            height = float(np.interp(point, row["state"], row["step_up"]))
            ax.plot(point, height, "o", color=colour, markersize=6, markeredgecolor="white")
        handles.append(style.handle(label, color=colour, linewidth=3))
    ax.set_xlim(0, 1)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("state p: " + style.label_of(ds["state"]))
    ax.set_ylabel("step of one pulse, up or down [1]")
    style.legend(ax, legend, handles + _keys(bool(ds["symmetry_point"].notnull().any())))
    return style.finish(ax, f"{ds.attrs.get('title', 'device')}: steps")


def pulses_curve(
    device: Device | Family,
    ax: Axes | None = None,
    *,
    widths: Sequence[float | str] | None = None,
    pulses: int | None = None,
    emulated: int = 0,
    seed: int = 0,
    legend: bool | str = True,
) -> Axes:
    """Draw the state over pulse number: up from p = 0.05, then down.

    Parameters
    ----------
    device : Device or Family
        What to draw.
    ax, widths, legend
        As in `device_curves`.
    pulses : int, optional
        Pulses each way; by default as many as lead to p = 0.9 and back, 500 at most.
    emulated : int
        Number of emulated synapses to draw besides the nominal curve, with the device's noise
        and spread.
    seed : int
        Seed of the emulated synapses.

    Returns
    -------
    matplotlib.axes.Axes
        Thick: nominal curve without noise; thin: emulated synapses.

    Raises
    ------
    TypeError, ValueError
        If `device` is neither, or a number is out of range.
    """
    devices = devices_of(device, widths)
    if emulated < 0 or (pulses is not None and pulses < 1):
        raise ValueError(
            f"pulses = {pulses!r}, emulated = {emulated!r}: must be >= 1 and >= 0 respectively"
        )
    ax = style.new_axes(ax)
    n = _enough(devices) if pulses is None else int(pulses)
    handles = []
    for one, colour in zip(devices, style.width_colours(len(devices))):
        if emulated:
            ax.plot(emulate(one, n, emulated, seed), color=colour, alpha=0.45, linewidth=0.7)
        ax.plot(nominal(one, n), color=colour, linewidth=2)
        label = style.width_words(one.pulse_width, one.width_label)
        handles.append(style.handle(label, color=colour, linewidth=2))
    ax.axvline(n, color=style.GREY, linewidth=0.8, linestyle=":")
    ax.set_xlim(0, 2 * n)
    ax.set_ylim(0, 1)
    ax.set_xlabel(f"pulse number [1]: {n} up, then {n} down")
    ax.set_ylabel("state p: normalised polarisation [1]")
    style.legend(ax, legend, handles)
    thin = f"thin: {emulated} emulated synapses with noise and spread" if emulated else ""
    return style.finish(ax, f"{device.name}: state over pulses", [thin])


def nominal(device: Device, n: int) -> np.ndarray:
    """Return the state [1] after 0 to 2 n nominal pulses, n up then n down; shape (2 n + 1,)."""
    states = np.empty(2 * n + 1)
    states[0] = START
    for i in range(2 * n):
        p = states[i : i + 1]
        curve = device.response.step_up if i < n else device.response.step_down
        step = float(curve(p)[0])
        states[i + 1] = np.clip(states[i] + (step if i < n else -step), 0.0, 1.0)
    return states


def emulate(device: Device, n: int, synapses: int, seed: int = 0) -> np.ndarray:
    """Return the states [1] of emulated synapses as in `nominal`; shape (2 n + 1, synapses)."""
    array = SynapseArray((1, synapses), tabulate(device), seed=seed)
    array.set_state(np.full((1, synapses), START, np.float32))
    one = np.ones((1, synapses), np.int64)
    states = np.empty((2 * n + 1, synapses))
    states[0] = array.state[0]
    for i in range(2 * n):
        array.pulse_counts(one if i < n else -one)
        states[i + 1] = array.state[0]
    return states


def _curves(family: Family | Device | xr.Dataset, widths: Sequence | None) -> xr.Dataset:
    if not hasattr(family, "data_vars"):
        devices = devices_of(family, widths)
        return family_dataset(family.name, devices)
    needed = ("step_up", "step_down", "symmetry_point", "pulse_width", "state")
    missing = [name for name in needed if name not in family.variables]
    if missing:
        raise ValueError(
            f"the dataset has no device curves: it lacks {', '.join(missing)};"
            " make one by family.to_dataset()"
        )
    return family if "pulse_width" in family.dims else family.expand_dims("pulse_width")


def devices_of(family: Family | Device, widths: Sequence | None) -> list[Device]:
    """Return the devices of a family at the given or its own widths, or the single device.

    Raises
    ------
    TypeError, ValueError
        If `family` is neither, or widths of a single device are asked for.
    """
    if isinstance(family, Family):
        return [family.at(width) for width in (family.widths if widths is None else widths)]
    if not isinstance(family, Device):
        raise TypeError(
            f"expected a Family or a Device, got {type(family).__name__};"
            " e.g. feemu.preset('hzo_superlattice')"
        )
    if widths is not None:
        raise ValueError("widths: a single device has one pulse width; give a family to choose")
    return [family]


def _places(ds: xr.Dataset) -> list[tuple]:
    widths = ds["pulse_width"].values
    origins = ds["width_label"].values.ravel() if "width_label" in ds.coords else [""] * widths.size
    return list(zip(widths, origins))


def _keys(crossing: bool) -> list:
    keys = [
        style.handle("up", color=style.GREY, linestyle="-"),
        style.handle("down", color=style.GREY, linestyle="--"),
    ]
    dot = style.handle("symmetry point", color=style.GREY, marker="o", linestyle="none")
    return [*keys, dot] if crossing else keys


def _enough(devices: list[Device]) -> int:
    counts = [n for one in devices for n in one.response.pulses(START, 0.9)]
    known = [n for n in counts if math.isfinite(n)]
    return int(min(max([*known, 10]) if len(known) == len(counts) else MOST_PULSES, MOST_PULSES))
