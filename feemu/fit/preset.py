"""A fitted device as a preset file, as ``feemu train --device FILE`` takes it."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np

from feemu.devices import Device
from feemu.fit.drawn import shared
from feemu.fit.result import Fit

_KEY = "measurement"


def preset_text(found: Fit) -> str:
    """Return a fit as the text of a preset: a device, or a family over several pulse widths.

    Notes
    -----
    A preset of a family has one noise and one spread: the geometric means over widths.
    """
    widths = sorted(part.pulse_width for part in found.parts)
    devices = shared([found.device(width) for width in widths])
    family = len(devices) > 1
    first = devices[0]
    caveats = dict.fromkeys(d.caveat for d in devices)
    if family:
        caveats["noise and spread are geometric means over pulse widths"] = None
    head = {
        "name": first.name,
        "kind": "family" if family else "device",
        "scheme": first.scheme,
        "width_label": "measured",
        "model": found.model,
        "source": _KEY,
        "caveat": "; ".join(caveats),
    }
    lines = [f"{key} = {_text(value)}" for key, value in head.items()]
    lines += ["", "[sources]", f"{_KEY} = {_text(found.about['source'] + ', fitted by feemu')}"]
    if family:
        for device in devices:
            width = {"pulse_width": (device.pulse_width, "s")}
            lines += _table("[width]", width | _fields(device.response))
    else:
        lines += _table("response", _fields(first.response))
    lines += _table("noise", _fields(first.noise))
    lines += _table("spread", {k: v for k, v in _fields(first.spread).items() if v[0]})
    lines += _table("device", _own(first, family))
    return "\n".join(lines) + "\n"


def _own(device: Device, family: bool) -> dict:
    names = ["read_noise", "on_off", "conductance_on", "conductance_off"]
    names += ["amplitude_up", "amplitude_down"]
    names += [] if family else ["pulse_width"]
    kept = {n: v for n, v in _fields(device).items() if n in names}
    return {n: v for n, v in kept.items() if not math.isnan(v[0])}


def _fields(record: object) -> dict:
    """Return value and unit of each declared number."""
    out = {}
    for f in dataclasses.fields(record):
        value = getattr(record, f.name)
        if isinstance(value, (int, float, tuple, list, np.ndarray)):
            out[f.name] = (value, f.metadata["param"]["unit"])
    return out


def _table(name: str, fields: dict) -> list[str]:
    if not fields:
        return []
    entries = [
        f'{key} = {{ value = {_number(value)}, unit = {_text(unit)}, tag = "measured",'
        f" source = {_text(_KEY)} }}"
        for key, (value, unit) in fields.items()
    ]
    return ["", f"[{name}]", *entries]


def _number(value: object) -> str:
    if isinstance(value, (tuple, list, np.ndarray)):
        return f"[{', '.join(_number(v) for v in value)}]"
    return repr(float(value))


def _text(value: str) -> str:
    return json.dumps(value)
