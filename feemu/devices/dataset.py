"""A family over pulse width as labelled data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray

    from feemu.devices.device import Device

N_STATES = 101
_TEXTS = {
    "step_up": "step of one potentiation pulse",
    "step_down": "step of one depression pulse",
    "mean_step_up": "mean step up over all states",
    "mean_step_down": "mean step down over all states",
    "pulses_up": "pulses from state 0.05 to 0.9 without noise",
    "pulses_down": "pulses from there back to 0.05 without noise",
    "symmetry_point": "state at which both steps are equal",
    "granularity": "conductance step at the symmetry point",
}


def family_dataset(title: str, devices: Sequence[Device]) -> xarray.Dataset:
    """Return kernels and curves of devices over pulse width [s] and state [1]."""
    import xarray

    state = np.linspace(0.0, 1.0, N_STATES)
    rows = [_row(device, state) for device in devices]
    data = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows], dtype=float)
        dims = ("pulse_width", "state")[: values.ndim]
        note = _TEXTS.get(name, f"parameter {name} of the response")
        data[name] = (dims, values, {"units": "1", "long_name": note})
    coords = {
        "pulse_width": (
            "pulse_width",
            [device.pulse_width for device in devices],
            {"units": "s", "long_name": "pulse width"},
        ),
        "state": ("state", state, {"units": "1", "long_name": "normalised polarisation"}),
        "width_label": ("pulse_width", [device.width_label for device in devices]),
    }
    attrs = {
        "title": title,
        "source": "; ".join(dict.fromkeys(device.source for device in devices)),
        "caveat": "; ".join(dict.fromkeys(note for d in devices for note in d.caveats)),
    }
    return xarray.Dataset(data, coords, attrs)


def _row(device: Device, state: np.ndarray) -> dict:
    response = device.response
    row = {"step_up": response.step_up(state), "step_down": response.step_down(state)}
    row["mean_step_up"], row["mean_step_down"] = response.mean_step()
    row["pulses_up"], row["pulses_down"] = response.pulses()
    row["symmetry_point"], row["granularity"] = device.symmetry_point, device.granularity
    for item in dataclasses.fields(response):
        value = getattr(response, item.name)
        if isinstance(value, float):
            row[item.name] = value
    return row
