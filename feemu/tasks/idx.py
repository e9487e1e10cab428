"""Strict reader of IDX files of bytes, the format of MNIST and its relatives.

An IDX file is two zero bytes, the type (8 = unsigned byte), the number of dimensions, each
dimension as a big-endian 32-bit number, and the values with the last dimension fastest
(http://yann.lecun.com/exdb/mnist/).
"""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path

import numpy as np

_UBYTE = 8
_MAX_DIMENSIONS = 3
# Deflate cannot expand further than this, which bounds what a header may promise.
_MAX_RATIO = 1032
_MEND = "replace the file by an intact one (delete it, then 'feemu data fetch NAME')"
_GZIP = b"\x1f\x8b"


def read_idx(path: str | os.PathLike, n_dimensions: int | None = None) -> np.ndarray:
    """Return the array of bytes in an IDX file, gzip-compressed if the name ends in ``.gz``.

    Parameters
    ----------
    path : path
        The file.
    n_dimensions : int, optional
        Required number of dimensions; any of 1 to 3 without it.

    Returns
    -------
    ndarray of uint8
        Of the shape that the header gives, read-only.

    Raises
    ------
    ValueError
        If the file cannot be read, is no IDX file of unsigned bytes, has other dimensions, is
        truncated, is damaged (gzip's checksum), or has bytes after the last value.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _bad(path, error.strerror or error, "a readable IDX file", _MEND) from None
    source = _Compressed(path, raw) if path.name.endswith(".gz") else _Plain(path, raw)
    shape = _read_shape(path, source, n_dimensions)
    count = math.prod(shape)
    text = " x ".join(map(str, shape))
    promised = f"{count} values ({text})"
    if count > source.limit:
        raise _bad(path, f"{len(raw)} bytes, truncated", f"{promised} as its header says", _MEND)
    body = source.take(count)
    if len(body) < count:
        raise _bad(path, f"{len(body)} values, truncated", f"{promised} as its header says", _MEND)
    source.finish(promised)
    return np.frombuffer(body, np.uint8).reshape(shape)


def read_images(path: str | os.PathLike) -> np.ndarray:
    """Return the images of an IDX file (magic 2051) as uint8, shape (n, rows, columns).

    Raises
    ------
    ValueError
        As `read_idx`.
    """
    return read_idx(path, 3)


def read_labels(path: str | os.PathLike, n_classes: int = 10) -> np.ndarray:
    """Return the labels of an IDX file (magic 2049) as int64, shape (n,).

    Raises
    ------
    ValueError
        As `read_idx`, and for a label that is not below `n_classes`.
    """
    labels = read_idx(path, 1)
    if labels.max() >= n_classes:
        i = int(np.argmax(labels >= n_classes))
        found = f"label {labels[i]} at number {i}"
        raise _bad(Path(path), found, f"labels 0 to {n_classes - 1}", _MEND)
    return labels.astype(np.int64)


def read_pair(
    images: str | os.PathLike, labels: str | os.PathLike, n_classes: int = 10
) -> tuple[np.ndarray, np.ndarray]:
    """Return images, uint8 (n, rows, columns), and their labels, int64 (n,), from two files.

    Raises
    ------
    ValueError
        As `read_images` and `read_labels`, and if the two files differ in their count.
    """
    x, y = read_images(images), read_labels(labels, n_classes)
    if len(x) != len(y):
        expected = f"as many as the {len(x)} images of {Path(images).name}"
        raise _bad(Path(labels), f"{len(y)} labels", expected, "use two files of one set")
    return x, y


class _Plain:
    """Bytes of an uncompressed file, taken from the front."""

    def __init__(self, path: Path, raw: bytes) -> None:
        if raw[:2] == _GZIP:
            raise _bad(path, "a gzip file", "a plain IDX file", f"rename it to {path.name}.gz")
        self.path, self.raw, self.at, self.limit = path, raw, 0, len(raw)

    def take(self, count: int) -> bytes:
        self.at += count
        return self.raw[self.at - count : self.at]

    def finish(self, promised: str) -> None:
        if self.at < len(self.raw):
            found = f"{len(self.raw) - self.at} trailing bytes"
            raise _bad(self.path, found, f"the end after {promised}", _MEND)


class _Compressed:
    """Bytes of one gzip member, unpacked no further than asked for."""

    def __init__(self, path: Path, raw: bytes) -> None:
        if raw[:2] != _GZIP:
            found = f"first bytes {raw[:4].hex(' ') or 'none'}"
            mend = f"{_MEND}, or take .gz off the name of an uncompressed file"
            raise _bad(path, found, "gzip data (1f 8b), as the name says", mend)
        self.path, self.tail, self.limit = path, raw, _MAX_RATIO * len(raw)
        self.stream = zlib.decompressobj(wbits=31)

    def take(self, count: int) -> bytes:
        if self.stream.eof or count == 0:
            return b""
        try:
            body = self.stream.decompress(self.tail, count)
        except zlib.error as error:
            raise _bad(self.path, f"damaged gzip data ({error})", "intact data", _MEND) from None
        self.tail = self.stream.unconsumed_tail
        return body

    def finish(self, promised: str) -> None:
        if self.take(1):
            raise _bad(self.path, "trailing values", f"the end after {promised}", _MEND)
        if not self.stream.eof:
            raise _bad(self.path, "no end of the gzip data, truncated", "its checksum", _MEND)
        if self.stream.unused_data:
            found = f"{len(self.stream.unused_data)} trailing bytes"
            raise _bad(self.path, found, "the end after the gzip data", _MEND)


def _read_shape(
    path: Path, source: _Plain | _Compressed, n_dimensions: int | None
) -> tuple[int, ...]:
    magic = source.take(4)
    if len(magic) < 4:
        raise _bad(path, f"{len(magic)} bytes, truncated", "an IDX header of 4 or more", _MEND)
    number = int.from_bytes(magic, "big")
    allowed = range(1, _MAX_DIMENSIONS + 1) if n_dimensions is None else (n_dimensions,)
    magics = [_UBYTE << 8 | n for n in allowed]
    if number not in magics:
        expected = f"magic {' or '.join(map(str, magics))} (IDX of bytes)"
        mend = "give images (idx3) and labels (idx1) in their places, or " + _MEND
        raise _bad(path, f"magic {number} ({magic.hex(' ')})", expected, mend)
    size = 4 * (number & 0xFF)
    header = source.take(size)
    if len(header) < size:
        raise _bad(path, "a truncated header", f"{size // 4} dimensions", _MEND)
    shape = tuple(int(n) for n in np.frombuffer(header, ">u4"))
    if 0 in shape:
        raise _bad(path, f"shape {' x '.join(map(str, shape))}", "no empty dimension", _MEND)
    return shape


def _bad(path: Path, found: object, expected: str, mend: str) -> ValueError:
    return ValueError(f"IDX file {str(path)!r}: found {found}; expected {expected}; {mend}")
