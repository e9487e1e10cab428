"""Fetch a published image set once: mirrors, checksum, atomic rename."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from feemu.params import unknown
from feemu.tasks.catalog import IMAGE_SETS, ImageSet, RemoteFile
from feemu.tasks.folders import cache_folder

_CHUNK = 1 << 16
_TIMEOUT = 30.0
Progress = Callable[[str, int, int], None]


def fetch(
    name: str,
    folder: str | os.PathLike | None = None,
    mirrors: Sequence[str] | str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Download the files of an image set and return the folder that holds them.

    Files that are there with the right checksum are kept. Every other one is written under a
    temporary name, checked against its size and SHA-256, flushed to the disk and renamed; on
    any failure the next mirror is tried, and no half-written file stays.

    Parameters
    ----------
    name : str
        ``"mnist"`` or ``"fashion_mnist"``.
    folder : path, optional
        Data folder, as `load_task` takes it; the files go to its subfolder ``mnist`` or
        ``fashion-mnist``. Default: the user's cache folder.
    mirrors : sequence of str, optional
        Addresses (http, https) of folders with the files, instead of the built-in ones.
    progress : callable, optional
        Called as ``progress(file name, bytes so far, bytes in all)``; a kept file is reported
        once, complete.

    Raises
    ------
    ValueError
        For an unknown name, a bad address, a disk error, or if every mirror fails; one line.
    """
    if name == "digits":
        raise ValueError("task 'digits' comes with scikit-learn: there is nothing to fetch")
    if name not in IMAGE_SETS:
        raise ValueError(unknown("data set to fetch", name, IMAGE_SETS))
    image_set = IMAGE_SETS[name]
    addresses = _addresses(image_set, mirrors)
    target = (cache_folder() if folder is None else Path(folder).expanduser()) / image_set.folder
    report = progress or (lambda name, received, total: None)
    for file in image_set.files:
        path = target / file.name
        try:
            target.mkdir(parents=True, exist_ok=True)
            if is_valid(path, file):
                report(file.name, file.size, file.size)
            else:
                _fetch_file(file, path, addresses, report)
        except OSError as error:
            raise ValueError(
                f"cannot write {str(path)!r}: {error.strerror or error}; free {file.size} bytes "
                f"or name a writable folder (--data DIR)"
            ) from None
    return target


def is_valid(path: Path, file: RemoteFile) -> bool:
    """Return whether a file exists with the size and SHA-256 of the published one."""
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest() == file.sha256


def _addresses(image_set: ImageSet, mirrors: Sequence[str] | str | None) -> list[str]:
    chosen = image_set.mirrors if mirrors is None else mirrors
    chosen = [chosen] if isinstance(chosen, str) else list(chosen)
    for address in chosen:
        if not str(address).startswith(("http://", "https://")):
            raise ValueError(f"mirror {address!r}: must be an address with http:// or https://")
    if not chosen:
        raise ValueError(
            "mirrors is empty: give one address or more, or None for the built-in ones"
        )
    return [address.rstrip("/") + "/" for address in chosen]


def _fetch_file(file: RemoteFile, path: Path, addresses: list[str], report: Progress) -> None:
    failures = []
    for address in addresses:
        part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        try:
            with open(part, "xb") as sink:
                _receive(file, address + file.name, sink, report)
                sink.flush()
                os.fsync(sink.fileno())
            os.replace(part, path)
            _sync_folder(path.parent)
            return
        except ConnectionError as error:
            failures.append(f"{address} {error}")
        finally:
            part.unlink(missing_ok=True)
    raise ValueError(
        f"cannot fetch {file.name}: {'; '.join(failures)}; check the connection, or put the "
        f"file into {str(path.parent)!r} by hand"
    )


def _receive(file: RemoteFile, url: str, sink, report: Progress) -> None:
    """Write one address to `sink`; ConnectionError for anything that another mirror may mend."""
    digest, received = hashlib.sha256(), 0
    report(file.name, 0, file.size)
    for chunk in _chunks(url):
        received += len(chunk)
        if received > file.size:
            raise ConnectionError(f"sent more than the expected {file.size} bytes")
        digest.update(chunk)
        sink.write(chunk)
        report(file.name, received, file.size)
    if received < file.size:
        raise ConnectionError(f"ended after {received} of {file.size} bytes")
    if digest.hexdigest() != file.sha256:
        raise ConnectionError(
            f"sent SHA-256 {digest.hexdigest()[:16]}..., expected {file.sha256[:16]}..."
        )


def _chunks(url: str) -> Iterator[bytes]:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(url, headers={"User-Agent": "feemu"}), timeout=_TIMEOUT) as response:
            while chunk := response.read(_CHUNK):
                yield chunk
    except HTTPError as error:
        error.close()
        raise ConnectionError(_line(f"answered {error.code} {error.reason}")) from None
    except URLError as error:
        raise ConnectionError(_line(f"failed ({error.reason})")) from None
    except (OSError, HTTPException, ValueError) as error:
        raise ConnectionError(_line(f"failed ({error or type(error).__name__})")) from None


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(text: str) -> str:
    return " ".join(text.split())
