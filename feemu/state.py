"""A case as plain arrays: what a state file needs besides the state itself."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from feemu.algorithms import ALGORITHMS
from feemu.case import Case
from feemu.devices import DeviceTables, PulseKind, Spread, WeightSpread
from feemu.params import Record, plain, unknown

_PREFIX = "case/"
_NOT_FINITE = ("nan", "inf", "-inf")
_SPREADS = {"Spread": Spread, "WeightSpread": WeightSpread}


def pack_case(case: Case) -> dict[str, np.ndarray]:
    """Return a case as named arrays: the device's tables, and all else as JSON text."""
    tables = {f.name: getattr(case.device, f.name) for f in dataclasses.fields(case.device)}
    arrays = {n: v for n, v in tables.items() if isinstance(v, np.ndarray)}
    body = {f.name: plain(getattr(case, f.name)) for f in dataclasses.fields(case)}
    body["device"] = plain({n: v for n, v in tables.items() if n not in arrays})
    body["algorithm"] = {"name": case.algorithm.name, **plain(case.algorithm)}
    packed = {f"{_PREFIX}table/{n}": v for n, v in arrays.items()}
    return {"case": np.array(case.digest()), f"{_PREFIX}json": np.array(json.dumps(body)), **packed}


def unpack_case(parts: dict[str, np.ndarray]) -> Case:
    """Return the case that `pack_case` took apart.

    Raises
    ------
    ValueError
        If the algorithm is none of feemu's, or the parts are not those of one case.
    """
    body = json.loads(str(parts[f"{_PREFIX}json"]))
    packed = f"{_PREFIX}table/"
    arrays = {n.removeprefix(packed): v for n, v in parts.items() if n.startswith(packed)}
    name = body["algorithm"]["name"]
    if name not in ALGORITHMS:
        raise ValueError(unknown("algorithm", name, ALGORITHMS) + "; rebuild an own one in Python")
    body["algorithm"] = _record(ALGORITHMS[name], body["algorithm"])
    body["device"] = _tables(body["device"], arrays)
    case = _record(Case, body)
    if case.digest() != str(parts["case"]):
        raise ValueError("its case does not have the stored hash")
    return case


def read_state(path: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state file.

    Raises
    ------
    ValueError
        If it is missing, damaged or no state file.
    """
    try:
        if (head := _first_bytes(path)) != b"PK":
            result = head in (b"\x89H", b"CD")
            raise ValueError("it is a netCDF result" if result else "it is no .npz archive")
        with np.load(path, allow_pickle=False) as saved:
            parts = {name: saved[name] for name in saved.files}
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path}: no such file; expected one that 'feemu train --save-state' wrote"
        ) from None
    except Exception as error:  # zip, zlib and numpy's reader show damage in many ways
        line = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"{path}: no state file, or a damaged one ({line}); write it again with "
            "'feemu train --save-state'"
        ) from None
    if f"{_PREFIX}json" not in parts or "images" not in parts:
        raise ValueError(
            f"{path}: holds arrays, but no state; expected a file that 'feemu train "
            "--save-state' wrote"
        )
    return parts


def _first_bytes(path: str | Path) -> bytes:
    with open(path, "rb") as file:
        return file.read(2)


def _tables(body: dict, arrays: dict[str, np.ndarray]) -> DeviceTables:
    spread = _record(_SPREADS[body["spread"]["kind"]], body["spread"])
    kinds = tuple(_record(PulseKind, kind) for kind in body["kinds"])
    values = {n: _value(v) for n, v in body.items() if n != "device"}
    values |= {"device": body["device"], "spread": spread, "kinds": kinds}
    return DeviceTables(**values, **arrays)


def _record(cls: type[Record], body: dict) -> Any:
    names = [f.name for f in dataclasses.fields(cls)]
    return cls(**{n: _value(body[n]) for n in names if n in body})


def _value(value: Any) -> Any:
    """Undo `plain` on one field: JSON has neither tuples nor numbers that are not finite."""
    if isinstance(value, list):
        return tuple(value)
    return float(value) if isinstance(value, str) and value in _NOT_FINITE else value
