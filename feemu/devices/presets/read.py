"""Reader of preset files."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Iterator
from typing import Any

from feemu.devices.base import ResponseModel
from feemu.devices.beta import Beta
from feemu.devices.constant import Constant
from feemu.devices.device import Device
from feemu.devices.exponential import Exponential
from feemu.devices.family import Family
from feemu.devices.linear import Linear
from feemu.devices.noise import Noise
from feemu.devices.power import Power
from feemu.devices.soft_bounds import SoftBounds
from feemu.devices.spread import Spread
from feemu.devices.table import Table
from feemu.devices.weight_spread import WeightSpread
from feemu.params import Record, unknown

_RESPONSES = (Constant, Linear, SoftBounds, Exponential, Power, Beta, Table)
_KINDS = ("device", "family", "alias")
_TAGS = ("measured", "published", "assumed")
_TEXTS = ("name", "kind", "model", "family", "pulse_width", "grid", "sources")
_TABLES = ("response", "neurosim", "noise", "spread", "weight_spread", "device", "width")
_DEVICE_TEXTS = ("scheme", "width_label", "conductance", "source", "caveat")


class PresetFile(dict):
    """A preset file as read, with its name for messages."""

    where: str = ""


def read(text: str, where: str) -> PresetFile:
    """Return the content of a preset file after checking its form.

    Raises
    ------
    ValueError
        If the text is no TOML, has an unknown entry or a value without unit, tag or source.
    """
    try:
        body = PresetFile(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where}: not a valid TOML file: {error}") from None
    body.where = where
    for key in body:
        if key not in _TEXTS + _TABLES + _DEVICE_TEXTS:
            known = _TEXTS + _TABLES + _DEVICE_TEXTS
            raise ValueError(f"{where}: {unknown('entry', key, known)}")
    if body.get("kind") not in _KINDS:
        raise ValueError(f"{where}: {unknown('kind', body.get('kind'), _KINDS)}")
    for key in ("name", "family", "pulse_width") if body["kind"] == "alias" else ("name",):
        if key not in body:
            raise ValueError(f"{where}: entry {key!r} is missing")
    for table in _TABLES:
        parts = body.get(table, {})
        if not all(isinstance(p, dict) for p in (parts if isinstance(parts, list) else [parts])):
            raise ValueError(f"{where}: table {table!r} must hold named values")
    for place, entry in entries(body):
        _check_entry(body, place, entry)
    return body


def build(body: PresetFile) -> Device | Family:
    """Return the device or family that a preset file describes."""
    if body["kind"] == "family":
        devices = [_device(body, width) for width in body.get("width", [])]
        note = {"source": _source(body), "caveat": body.get("caveat", "")}
        return Family(body["name"], tuple(devices), tuple(body.get("grid", ())), **note)
    return _device(body, {})


def entries(body: PresetFile) -> Iterator[tuple[str, dict]]:
    """Yield place and entry of every value in a preset file."""
    for table in _TABLES:
        parts = body.get(table, {})
        for i, part in enumerate(parts if isinstance(parts, list) else [parts]):
            number = f"[{i}]" if isinstance(parts, list) else ""
            for key, entry in part.items():
                yield f"{table}{number}.{key}", entry


def _check_entry(body: PresetFile, place: str, entry: Any) -> None:
    needed = ("value", "unit", "tag", "source")
    if not isinstance(entry, dict) or set(entry) != set(needed):
        raise ValueError(f"{body.where}: {place}: must have exactly {', '.join(needed)}")
    if entry["tag"] not in _TAGS:
        raise ValueError(f"{body.where}: {place}: {unknown('tag', entry['tag'], _TAGS)}")
    if entry["source"] not in body.get("sources", {}):
        known = body.get("sources", {})
        raise ValueError(f"{body.where}: {place}: {unknown('source', entry['source'], known)}")


def _record(body: PresetFile, table: str, cls: type[Record], part: dict | None = None) -> Record:
    """Return a record made of one table; each unit must be the one that the record declares."""
    part = body.get(table, {}) if part is None else part
    units = {f.name: f.metadata["param"]["unit"] for f in dataclasses.fields(cls)}
    for key, entry in part.items():
        if key not in units:
            raise ValueError(f"{body.where}: {unknown(f'field of {table}', key, units)}")
        if entry["unit"] != units[key]:
            raise ValueError(
                f"{body.where}: {table}.{key}: unit {entry['unit']!r}, expected {units[key]!r}"
            )
    return cls(**{key: entry["value"] for key, entry in part.items()})


def _device(body: PresetFile, width: dict) -> Device:
    own = {f.name for f in dataclasses.fields(Device)}
    values = {**body.get("device", {}), **{k: v for k, v in width.items() if k in own}}
    kernel = {k: v for k, v in width.items() if k not in own} or body.get("response", {})
    spread_table = "weight_spread" if "weight_spread" in body else "spread"
    spread = _record(body, spread_table, WeightSpread if "weight_spread" in body else Spread)
    texts = {k: body[k] for k in _DEVICE_TEXTS if k in body and k != "source"}
    base = _record(body, "device", Device, values)
    if width:
        texts["width_label"] = "measured"
    return base.replace(
        name=body["name"],
        response=_response(body, kernel, spread),
        noise=_record(body, "noise", Noise),
        spread=spread,
        source=_source(body),
        **texts,
    )


def _response(body: PresetFile, kernel: dict, spread: Record) -> ResponseModel:
    model = body.get("model", "")
    if model == "weight_spread":
        return spread.response()
    if model == "neurosim":
        part = body.get("neurosim", {})
        return Linear.from_neurosim(**{key: entry["value"] for key, entry in part.items()})
    known = {cls.name: cls for cls in _RESPONSES}
    if model not in known:
        raise ValueError(f"{body.where}: {unknown('model', model, [*known, 'neurosim'])}")
    return _record(body, "response", known[model], kernel)


def _source(body: PresetFile) -> str:
    return body.get("sources", {}).get(body.get("source", ""), body.get("source", ""))
