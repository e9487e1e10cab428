"""The result of one case as plain arrays, and the shard that holds it."""

from __future__ import annotations

import io
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu import schema
from feemu.store import load, write_bytes_atomic

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Run:
    """A result without labels, cheap to read and to put beside others.

    Attributes
    ----------
    values : dict of ndarray
        Variables and coordinates by name.
    dims : dict of tuple of str
        Their dimensions.
    coordinates : frozenset of str
        Which of them are coordinates.
    labels : dict of dict
        Attributes of the variables that `feemu.schema` does not declare.
    attrs : dict
        Attributes of the whole.
    """

    values: dict[str, np.ndarray]
    dims: dict[str, tuple[str, ...]]
    coordinates: frozenset[str]
    labels: dict[str, dict]
    attrs: dict

    @classmethod
    def of(cls, ds: xr.Dataset) -> Run:
        """Return a result as plain arrays; text becomes arrays of characters."""
        found = ds.variables
        values = {str(n): np.asarray(v.values) for n, v in found.items()}
        return cls(
            {n: v.astype(str) if v.dtype.kind == "O" else v for n, v in values.items()},
            {str(n): tuple(map(str, v.dims)) for n, v in found.items()},
            frozenset(map(str, ds.coords)),
            {str(n): dict(v.attrs) for n, v in found.items() if n not in schema.VARIABLES},
            dict(ds.attrs),
        )

    def dataset(self) -> xr.Dataset:
        """Return the labelled result."""
        import xarray as xr

        made = {n: (self.dims[n], v.copy(), self.labels.get(n)) for n, v in self.values.items()}
        ds = xr.Dataset(
            {n: v for n, v in made.items() if n not in self.coordinates},
            {n: v for n, v in made.items() if n in self.coordinates},
            self.attrs,
        )
        return schema.annotate(ds)

    def item(self, name: str) -> object:
        """Return the value of a scalar."""
        return self.values[name].item()


def write_run(ds: xr.Dataset, path: str | os.PathLike) -> Path:
    """Write a result as a shard: a ``.npz`` of two arrays, at once or not at all.

    ``header`` is JSON text, ``data`` the bytes of all variables one after the other. Such a file
    is made in a tenth of the time that netCDF takes for so many small variables.

    Raises
    ------
    SchemaError
        If the dataset breaks the schema.
    OSError
        If the file cannot be written.
    """
    run = Run.of(schema.validate(schema.annotate(ds)))
    names = sorted(run.values)
    header = {
        "variables": [
            [n, run.dims[n], run.values[n].dtype.str, run.values[n].shape] for n in names
        ],
        "coordinates": sorted(run.coordinates),
        "labels": run.labels,
        "attrs": run.attrs,
    }
    data = b"".join(np.ascontiguousarray(run.values[n]).tobytes() for n in names)
    body = io.BytesIO()
    text = json.dumps(header, sort_keys=True)
    np.savez_compressed(body, header=np.array(text), data=np.frombuffer(data, np.uint8))
    return write_bytes_atomic(path, body.getvalue())


def read_run(path: str | os.PathLike, digest: str = "") -> Run:
    """Read a shard, also a netCDF file of an earlier version.

    Parameters
    ----------
    path : path
        The shard.
    digest : str
        Hash of the case that it must hold, or the beginning of it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or holds another case.
    """
    file = Path(path)
    run = Run.of(load(file)) if file.suffix == ".nc" else _unpacked(file)
    try:
        known = json.loads(run.attrs["provenance"])["case_sha256"]
    except (KeyError, ValueError, TypeError):
        known = "no case"
    if not known.startswith(digest):
        raise ValueError(f"{path}: the shard holds another case ({known[:12]})")
    return run


def _unpacked(path: Path) -> Run:
    try:
        with np.load(path, allow_pickle=False) as file:
            header, data = json.loads(str(file["header"])), file["data"].tobytes()
        values, dims, at = {}, {}, 0
        for name, along, kind, shape in header["variables"]:
            dtype = np.dtype(kind)
            values[name] = np.ndarray(tuple(shape), dtype, data, at)
            dims[name] = tuple(along)
            at += math.prod(shape) * dtype.itemsize
        names = frozenset(header["coordinates"])
        return Run(values, dims, names, header["labels"], header["attrs"])
    except FileNotFoundError:
        raise
    except Exception as error:  # zip, zlib, numpy and json show damage in many ways
        line = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path}: the shard is damaged ({line})") from None
