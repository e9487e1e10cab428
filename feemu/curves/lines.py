"""Bytes of a file as lines: encoding, line ends, comments, and cells counted line by line."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from feemu.curves.errors import CurvesError, refuse

#: Largest file [byte], longest line [byte], most lines, cells and columns that are read.
MAX_BYTES, MAX_LINE = 128_000_000, 1 << 20
MAX_LINES, MAX_CELLS, MAX_COLUMNS = 4_000_000, 20_000_000, 5_000
_COMMENT = (b"#", b"%", b"!", b"//", b'"#')
_PIECE = 1 << 23


def read_bytes(path: str | os.PathLike, where: str) -> bytes:
    """Return the bytes of a file within the limits of this module.

    Raises
    ------
    CurvesError
        If the file is missing, a folder, unreadable, empty, too large, or one endless line.
    """
    try:
        with open(Path(path).expanduser(), "rb") as handle:
            head = handle.read(MAX_LINE + 1)
            if len(head) > MAX_LINE and b"\n" not in head and b"\r" not in head:
                raise refuse(where, "a line of more than 1 MB", None, "lines of text", 1)
            raw = head + handle.read(MAX_BYTES - len(head) + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, CurvesError):
            raise
        told = getattr(error, "strerror", None) or str(error)
        raise refuse(where, "file cannot be read", told, "a text file, e.g. train.csv") from None
    if len(raw) > MAX_BYTES:
        limit = f"at most {MAX_BYTES // 10**6} MB; split it, e.g. one file per pulse width"
        raise refuse(where, "file is too large", None, limit)
    if not raw.strip(b" \t\r\n\xef\xbb\xbf"):
        raise refuse(where, "file is empty", None, "rows of readings")
    return raw


def as_utf8(raw: bytes, where: str) -> bytes:
    """Return text as UTF-8 with ``\\n`` at the end of every line, without byte-order mark.

    UTF-16 needs its byte-order mark; what is no UTF-8 counts as Latin-1.

    Raises
    ------
    CurvesError
        If the bytes are no text.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            raw = raw.decode("utf-16").encode()
        except UnicodeError:
            raise refuse(where, "damaged UTF-16 text", None, "a text file", 1) from None
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    at = raw.find(b"\0")
    if at >= 0:
        line = raw.count(b"\n", 0, at) + 1
        raise refuse(where, "binary data (a zero byte)", None, "a text file, e.g. CSV", line)
    if not raw.isascii():
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError:
            raw = raw.decode("latin-1").encode()
    return raw if raw.endswith(b"\n") else raw + b"\n"


class Lines:
    """Lines of a text: which hold data and which are comments.

    Attributes
    ----------
    data : ndarray of int64
        Index from 0 of every line that is neither blank nor a comment.
    comments : list of (int, str)
        Number from 1 and text of comment lines, at most the first 1,000.
    """

    def __init__(self, raw: bytes, where: str) -> None:
        if raw.count(b"\n") > MAX_LINES:
            raise refuse(where, "too many lines", None, f"at most {MAX_LINES}; split the file")
        self.raw, self.where = raw, where
        self._bytes = np.frombuffer(raw, np.uint8)
        self.ends = np.flatnonzero(self._bytes == 10)
        self.starts = np.concatenate([[0], self.ends[:-1] + 1])
        long = np.flatnonzero(self.ends - self.starts > MAX_LINE)
        if long.size:
            line = int(long[0]) + 1
            raise refuse(where, "a line of more than 1 MB", None, "lines of text", line)
        self._sort()

    def _sort(self) -> None:
        first = self._bytes[self.starts]
        blank, comment = first == 10, np.isin(first, np.frombuffer(b'#%!/"', np.uint8))
        for i in np.flatnonzero((first == 32) | (first == 9)):
            text = self.raw[self.starts[i] : self.ends[i]].strip()
            blank[i], comment[i] = not text, text.startswith(_COMMENT)
        for i in np.flatnonzero((first == 47) | (first == 34)):
            comment[i] = self.raw.startswith(_COMMENT, self.starts[i])
        self.data = np.flatnonzero(~(blank | comment))
        self.comments = [(int(i) + 1, self.text(i)) for i in np.flatnonzero(comment)[:1000]]

    def text(self, index: int) -> str:
        """Return the text of a line by its index from 0."""
        return self.raw[self.starts[index] : self.ends[index]].decode("utf-8", "replace")

    def body(self, indices: np.ndarray) -> bytes:
        """Return the bytes of some lines in ascending order, one after the other."""
        if indices.size == 0:
            return b""
        cuts = np.flatnonzero(np.diff(indices) > 1)
        runs = zip(indices[np.r_[0, cuts + 1]], indices[np.r_[cuts, indices.size - 1]])
        return b"".join(self.raw[self.starts[a] : self.ends[b] + 1] for a, b in runs)


def count_cells(body: bytes, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the number of cells of every line, and which lines have an unpaired quote.

    Delimiters within quotes do not count.
    """
    data = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(data == 10)
    starts = np.concatenate([[0], ends[:-1] + 1])
    counts, odd, at, quoted = [], np.zeros(0, bool), 0, b'"' in body
    while at < starts.size:
        end = max(at + 1, int(np.searchsorted(ends, starts[at] + _PIECE)))
        piece, first = data[starts[at] : ends[end - 1] + 1], starts[at:end] - starts[at]
        hit = (piece == ord(delimiter)).view(np.uint8)
        if quoted:
            quotes = (piece == 34).view(np.uint8)
            hit = hit & (np.bitwise_xor.accumulate(quotes) ^ 1)
            odd = np.append(odd, np.add.reduceat(quotes, first, dtype=np.int32) % 2 > 0)
        counts.append(np.add.reduceat(hit, first, dtype=np.int32))
        at = end
    return np.concatenate(counts) + 1, odd


def spaces_to_tabs(raw: bytes) -> bytes:
    """Return text with every run of blanks as one tab, none at the ends of a line."""
    joined = re.sub(rb"[ \t]+", b"\t", raw)
    return joined.replace(b"\t\n", b"\n").replace(b"\n\t", b"\n").removeprefix(b"\t")
