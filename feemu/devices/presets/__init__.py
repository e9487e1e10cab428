"""Devices as files: every value with its unit, its source and how well it is known.

Left out, because two curves of step over state do not describe them or their numbers are missing:

- Baigol et al., arXiv:2601.01186 (20 ns junction): the amplitude alone sets the state, a Preisach
  device with return-point memory; repeated pulses of one amplitude make a two-level switch.
- Halter et al., Commun. Mater. 2023, doi:10.1038/s43246-023-00342-x: a fast and a slow part.
- Begon-Lours et al., arXiv:2309.12061, and Halter et al., ACS AMI 2020: near linear, without a
  published number of steps.
- Ferroelectric PZT junction, Nat. Commun. 13, 699 (2022): non-linearity only bounded from above.
"""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

from feemu.devices.device import Device
from feemu.devices.family import Family
from feemu.devices.presets.read import PresetFile, build, entries, read
from feemu.params import unknown

SUFFIX = ".toml"

__all__ = ["preset", "preset_file", "preset_names", "preset_table", "read_preset"]


def preset_names() -> tuple[str, ...]:
    """Return the names of all presets."""
    files = (entry.name for entry in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)))


def preset(name: str) -> Device | Family:
    """Return the device or the family of a preset.

    Raises
    ------
    ValueError
        For an unknown name; the nearest ones are given.
    """
    return _build(preset_file(name))


def preset_file(name: str) -> PresetFile:
    """Return a preset as its file says it, each value with unit, tag and source."""
    if name not in preset_names():
        raise ValueError(unknown("preset", name, preset_names()))
    text = (resources.files(__name__) / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    return read(text, f"preset {name!r}")


def preset_table(name: str) -> list[tuple[str, object, str, str, str]]:
    """Return (place, value, unit, tag, source) of every value that a preset rests on."""
    body = preset_file(name)
    if body["kind"] == "alias":
        body = preset_file(body["family"])
    return [
        (place, e["value"], e["unit"], e["tag"], body["sources"][e["source"]])
        for place, e in entries(body)
    ]


def read_preset(path: str | os.PathLike) -> Device | Family:
    """Return the device or the family of a preset file of your own.

    Raises
    ------
    ValueError
        If the file is missing, unreadable or not a valid preset.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{os.fspath(path)}: cannot be read as a preset: {error}") from None
    return _build(read(text, os.fspath(path)))


def _build(body: PresetFile) -> Device | Family:
    if body["kind"] != "alias":
        return build(body)
    device = preset(body["family"]).at(body["pulse_width"])
    return device.replace(name=body["name"])
