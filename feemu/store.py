"""Files that are either complete or not there: atomic writing, validated reading."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feemu import schema
from feemu.params import plain

if TYPE_CHECKING:
    import xarray as xr

# What xarray and netCDF4 raise on damaged files, depending on where the damage is.
_DAMAGE = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError)
_MAGIC = (b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")
#: The HDF5 library serves one thread at a time.
_HDF5 = threading.Lock()
#: Largest chunk of a variable in a file [bytes].
_CHUNK = 1 << 22
_TEMPORARY = (".feemu-", ".tmp")
_HINTS = {
    errno.ENOSPC: "the disk is full; free some space or name another folder",
    errno.EDQUOT: "the disk quota is used up; free some space or name another folder",
    errno.EFBIG: "the file is larger than this system allows; name another folder",
    errno.EROFS: "the folder is read-only; name another folder",
    errno.EACCES: "the folder may not be written to; name another folder or change its rights",
    errno.EPERM: "the folder may not be written to; name another folder or change its rights",
    errno.ENOENT: "the folder does not exist; create it first",
    errno.ENOTDIR: "the folder is a file; name another folder",
    errno.EISDIR: "the name is that of a folder; add a file name",
}


def save(ds: xr.Dataset, path: str | os.PathLike, *, complete: bool = True) -> Path:
    """Write a dataset as compressed netCDF-4, at once or not at all.

    Parameters
    ----------
    ds : xarray.Dataset
        A result. Units and labels are attached from `feemu.schema`, then it is validated.
    path : path
        File to write; an existing file is replaced only by a complete new one.
    complete : bool
        False for a part or a derived table, see `feemu.schema.validate`.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    SchemaError
        If the dataset breaks the schema.
    OSError
        If the file cannot be written; an older file of that name is unchanged.

    Notes
    -----
    Equal datasets give equal bytes: variables in the order of the schema, explicit chunks and
    filters, no time stamps, nothing inherited from the file that a dataset was read from. Each
    chunk carries a Fletcher-32 checksum, so that damage is found on reading.
    """
    return write_dataset_atomic(schema.validate(schema.annotate(ds), complete=complete), path)


def write_dataset_atomic(ds: xr.Dataset, path: str | os.PathLike) -> Path:
    """Write a dataset that is no result, unchecked, as compressed netCDF-4, at once or not at all.

    Raises
    ------
    ValueError
        If a variable holds other objects than numbers, booleans or text.
    OSError
        If the file cannot be written; an older file of that name is unchanged.
    """
    ready = _canonical(ds)
    encoding = {name: _encoding(ready[name]) for name in ready.variables}

    def body(name: str) -> None:
        with _HDF5, _small_cache():
            ready.to_netcdf(name, engine="netcdf4", format="NETCDF4", encoding=encoding)

    return _atomic(path, body)


def load(path: str | os.PathLike, *, complete: bool = True) -> xr.Dataset:
    """Read a dataset written by `save` into memory and validate it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no netCDF file, is damaged, or breaks the schema (`SchemaError`).
    """
    ds = read_dataset(path)
    try:
        return schema.validate(ds, complete=complete)
    except schema.SchemaError as error:
        error.args = (f"{path}: {error.args[0]}",)
        raise


def read_dataset(path: str | os.PathLike) -> xr.Dataset:
    """Read a dataset that need not be a result, unchecked, into memory.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no netCDF file or is damaged.
    """
    import xarray as xr

    file = Path(path)
    _check_magic(file)
    try:
        with _HDF5:
            ds = xr.load_dataset(file, engine="netcdf4", decode_times=False, decode_timedelta=False)
    except _DAMAGE as error:
        raise ValueError(
            f"{file}: the netCDF file is truncated or damaged ({_first_line(error)}); "
            "write it again by running the same command"
        ) from None
    return ds.drop_encoding()


def write_bytes_atomic(path: str | os.PathLike, data: bytes) -> Path:
    """Write bytes to a file, at once or not at all.

    Raises
    ------
    OSError
        If the file cannot be written; an older file of that name is unchanged.
    """
    return _atomic(path, lambda name: _write_all(name, data))


def write_text_atomic(path: str | os.PathLike, text: str) -> Path:
    """Write text as UTF-8 with the given line ends, at once or not at all.

    Raises
    ------
    OSError
        If the file cannot be written; an older file of that name is unchanged.
    """
    return write_bytes_atomic(path, text.encode("utf-8"))


def write_json_atomic(path: str | os.PathLike, value: Any, *, durable: bool = True) -> Path:
    """Write plain values, records and arrays as JSON, at once or not at all.

    Parameters
    ----------
    path : path
        The file.
    value : object
        What to write.
    durable : bool
        False for what may be lost in a power cut: nothing waits for the disk.

    Raises
    ------
    TypeError
        If a value has no JSON form.
    OSError
        If the file cannot be written; an older file of that name is unchanged.
    """
    try:
        text = json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{path}: cannot be written as JSON: {_first_line(error)}") from None
    data = (text + "\n").encode("utf-8")
    return _atomic(path, lambda name: _write_all(name, data), durable)


@contextlib.contextmanager
def _small_cache() -> Iterator[None]:
    """Let the library keep one chunk of each variable, not 64 MiB: every chunk is written once."""
    import netCDF4

    before = netCDF4.get_chunk_cache()
    netCDF4.set_chunk_cache(_CHUNK, *before[1:])
    try:
        yield
    finally:
        netCDF4.set_chunk_cache(*before)


def remove_leftovers(folder: str | os.PathLike) -> None:
    """Remove the temporary files that killed writers left in a folder."""
    for path in Path(folder).glob(f"{_TEMPORARY[0]}*{_TEMPORARY[1]}"):
        _remove(path)


def _write_all(name: str, data: bytes) -> None:
    with open(name, "wb") as handle:
        handle.write(data)


def _atomic(path: str | os.PathLike, body: Callable[[str], None], durable: bool = True) -> Path:
    """Let `body` write a temporary file beside `path`, then put it in the place of `path`."""
    target = Path(os.path.realpath(path))
    temporary = target.parent / secrets.token_hex(8).join(_TEMPORARY)
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        body(str(temporary))
        if durable:
            _sync(temporary)
        os.replace(temporary, target)
    except (OSError, RuntimeError) as error:
        raise _write_error(path, target, error) from None
    finally:
        _remove(temporary)
    if durable:
        _sync_folder(path, target.parent)
    return Path(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: Any, folder: Path) -> None:
    try:
        _sync(folder)
    except OSError as error:
        # Some network file systems cannot sync a folder.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            hint = _HINTS.get(error.errno, _first_line(error))
            told = OSError(f"{path}: written, but its folder could not be synced: {hint}")
            told.errno = error.errno
            raise told from None


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _write_error(path: Any, target: Path, error: OSError | RuntimeError) -> OSError:
    """Return the one-line error of a failed write; netCDF itself does not tell a full disk."""
    code = getattr(error, "errno", None)
    if code not in _HINTS:
        code = errno.ENOSPC if _free(target.parent) < 1 << 16 else code
    hint = _HINTS.get(code, _first_line(error))
    kind = type(error) if isinstance(error, OSError) else OSError
    kept = "; the file that was there before is unchanged" if target.is_file() else ""
    told = kind(f"{path}: not written: {hint}{kept}")
    told.errno = code
    return told


def _free(folder: Path) -> float:
    try:
        status = os.statvfs(folder)
    except (OSError, AttributeError):
        return float("inf")
    return status.f_bavail * status.f_frsize


def _check_magic(file: Path) -> None:
    if file.is_dir():
        raise IsADirectoryError(f"{file}: is a folder, expected a netCDF file such as run.nc")
    try:
        with open(file, "rb") as handle:
            head = handle.read(8)
    except FileNotFoundError:
        near = sorted(p.name for p in file.parent.glob("*.nc"))[:4]
        hint = f"the folder has {', '.join(near)}" if near else "check the name and the folder"
        raise FileNotFoundError(f"{file}: no such file; {hint}") from None
    except OSError as error:
        raise type(error)(f"{file}: cannot be read: {error.strerror or error}") from None
    if not head.startswith(_MAGIC):
        what = "is empty" if not head else f"is no netCDF file (it starts with {head!r})"
        raise ValueError(f"{file}: {what}; expected a file written by feemu, e.g. run.nc")


def _canonical(ds: xr.Dataset) -> xr.Dataset:
    import xarray as xr

    order = {name: i for i, name in enumerate(schema.VARIABLES)}
    names = sorted(map(str, ds.data_vars), key=lambda n: (order.get(n, len(order)), n))
    coordinates = sorted(map(str, ds.coords), key=lambda n: (order.get(n, len(order)), n))
    return xr.Dataset(
        {n: _storable(ds[n].variable) for n in names},
        coords={n: _storable(ds[n].variable) for n in coordinates},
        attrs=dict(ds.attrs),
    )


def _storable(variable: xr.Variable) -> xr.Variable:
    variable = variable.copy(deep=False)
    variable.encoding = {}
    if variable.dtype.kind == "O":
        values = np.asarray(variable.values)
        if not all(isinstance(v, str) for v in values.ravel()):
            raise ValueError(
                "a variable holds Python objects: expected numbers, booleans or text only"
            )
        variable = variable.copy(data=values.astype(str))
    return variable


def _encoding(array: xr.DataArray) -> dict:
    encoding: dict = {"_FillValue": None}
    if array.ndim and array.size and array.dtype.kind in "fiub":
        filters = {"zlib": True, "complevel": 4, "shuffle": True, "fletcher32": True}
        encoding |= {**filters, "chunksizes": _chunks(array.shape, array.dtype.itemsize)}
    return encoding


def _chunks(shape: tuple[int, ...], itemsize: int, limit: int = _CHUNK) -> tuple[int, ...]:
    """Return chunks that hold whole trailing axes and at most `limit` bytes where they can."""
    chunks = list(shape)
    for axis in range(len(shape)):
        rest = int(np.prod(chunks[axis + 1 :], dtype=np.int64)) * itemsize
        chunks[axis] = max(1, min(shape[axis], limit // max(rest, 1)))
        if chunks[axis] > 1 or rest <= limit:
            break
    return tuple(chunks)


def _first_line(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    lines = text.strip().splitlines()
    return lines[0] if lines else type(error).__name__
