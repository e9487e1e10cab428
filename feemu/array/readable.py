"""An array that can be read: vector-matrix products and single cells, all of it counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from feemu import rng
from feemu.array import tally as tl
from feemu.array.cells import Cells
from feemu.array.checks import as_vectors
from feemu.array.ledger import PHASES, READS, Ledger
from feemu.array.reading import (
    Reading,
    multiply_backward,
    multiply_forward,
    variance_backward,
    variance_forward,
)
from feemu.array.running import Running
from feemu.params import unknown

if TYPE_CHECKING:
    from feemu.devices import DeviceTables

#: What an array counts to place its random numbers: updates per phase, reads per kind.
COUNTERS = (*PHASES, *(f"read-{kind}" for kind in READS), "read-evaluation")
_STREAMS = {kind: f"read-{kind or 'evaluation'}" for kind in (*READS, None)}


class ReadableCells(Cells):
    """Cells with a periphery that reads them, and a ledger."""

    def __init__(
        self,
        shape: tuple[int, int],
        tables: DeviceTables,
        omega: float,
        seeds: tuple[int, int],
        array_id: int,
        reference: float,
        reading: Reading | None,
        threads: int,
    ) -> None:
        self.seed, chip = (int(s) for s in seeds)
        super().__init__(shape, tables, omega, chip, array_id, reference)
        if threads < 1:
            raise ValueError(f"threads = {threads!r}: must be at least 1")
        self.reading = reading or Reading()
        self.counters = dict.fromkeys(COUNTERS, 0)
        self._running = Running(tables.steps.shape[0], self.shape, int(threads))
        #: The other array of a differential pair, on the array that is read.
        self._other: ReadableCells | None = None
        #: Reference cells that add noise to a read: 1, or 0 in a pair, which has none.
        self._noisy_ref = np.float32(1.0)

    @property
    def ledger(self) -> Ledger:
        """Counters of everything that happened so far."""
        return self._running.ledger

    def count_digital(self, bits: int, **operations: int) -> None:
        """Count digital operations of a word length [bit] under the present phase."""
        self._running.book.count_digital(self.phase, bits, **operations)

    def count_random(self, numbers: int) -> None:
        """Count random numbers of 32 bit, by their bits, under the present phase."""
        self.count_digital(1, random_bits=32 * numbers)

    @property
    def phase(self) -> str:
        """Phase that events are counted under now."""
        return self._running.phase

    @contextmanager
    def counting(self, phase: str) -> Iterator[None]:
        """Count under another phase ('init', 'calibration', 'train') within a ``with`` block."""
        if phase not in PHASES:
            raise ValueError(unknown("phase", phase, PHASES))
        before = self.phase
        self._running.switch(phase, self._running.kinds)
        try:
            yield
        finally:
            self._running.switch(before, self._running.kinds)

    def pair_with(self, other: ReadableCells) -> None:
        """Read this array and another as a differential pair from now on, in place.

        Each weight is the difference of two devices that share their lines: `forward` and
        `backward` of this array return the products of ``weights - other.weights``, with one
        conversion each, and the noise of these two devices. All is counted here.
        """
        self._other = other
        self._noisy_ref = other._noisy_ref = np.float32(0.0)

    def forward(self, x: np.ndarray, kind: str | None = "forward") -> np.ndarray:
        """Return ``x @ weights`` as the array reads it.

        Parameters
        ----------
        x : ndarray of float32, shape (batch, n_in)
            Inputs.
        kind : str or None
            Ledger entry of the read; None is an evaluation, which is not counted.

        Returns
        -------
        ndarray of float32, shape (batch, n_out)

        Notes
        -----
        Read noise is relative to each conductance, cell and reference, and independent per read;
        its sum over a line is normal with variance ``sigma^2 sum x^2 (G^2 + G_ref^2)`` and is
        drawn as such, which is the same law as drawing every cell.

        Raises
        ------
        ValueError
            For an unknown kind of read, or a shape that does not fit.
        """
        return self._read(x, kind, forward=True)

    def backward(self, d: np.ndarray, kind: str | None = "backward") -> np.ndarray:
        """Return ``d @ weights.T`` as the array reads it; see `forward`."""
        return self._read(d, kind, forward=False)

    def read_cells(self, kind: str, cells: tuple | None = None) -> np.ndarray:
        """Return the conductance [1] of single cells with read noise, one read per row.

        Like every read it sees the write noise that stands in the visible weights.

        Parameters
        ----------
        kind : str
            Ledger entry, 'calibration' or 'verify'.
        cells : (ndarray, ndarray), optional
            Rows and columns; default all, shape (n_in, n_out).

        Raises
        ------
        ValueError
            For an unknown kind of read.
        """
        if kind not in READS:
            raise ValueError(unknown("kind of read", kind, READS))
        g = self._visible_conductance()[... if cells is None else cells]
        rows = self.shape[0] if cells is None else np.unique(cells[0]).size
        self._running.count_cells(kind, rows, g.size)
        update = self.counters[f"read-{kind}"]
        self.counters[f"read-{kind}"] += 1
        if self.tables.read_noise > 0:
            k = rng.key(self.seed, self.array_id, "calibration")
            z = rng.normals(k, update, 1 + READS.index(kind), g.size).reshape(g.shape)
            g = g * (1 + np.float32(self.tables.read_noise) * z)
        return g

    def _visible_conductance(self) -> np.ndarray:
        if self.tables.write_noise == 0:
            return self.conductance
        return self.weights / self._scale + self.reference

    def _read(self, x: np.ndarray, kind: str | None, forward: bool) -> np.ndarray:
        stream = _STREAMS.get(kind)
        if stream is None:
            raise ValueError(unknown("kind of read", kind, READS))
        n_in, n_out = self.shape
        x = as_vectors(x, n_in, "input") if forward else as_vectors(x, n_out, "error")
        seen = self.reading.convert_inputs(x)
        counts, update = self._running.reads_of[kind], self.counters[stream]
        self.counters[stream] = update + len(x)
        y = self._product(seen, forward, stream, update, counts)
        if self._other is None:
            return self.reading.convert_outputs(y, seen, self.omega)
        of_other = np.zeros_like(counts)
        y -= self._other._product(seen, forward, stream, update, of_other)
        # Lines and conversions are shared, but the cells of both conduct.
        counts[tl.READ_SQUARES :] += of_other[tl.READ_SQUARES :]
        return self.reading.convert_outputs(y, seen, self.omega + self._other.omega)

    def _product(
        self, x: np.ndarray, forward: bool, stream: str, update: int, counts: np.ndarray
    ) -> np.ndarray:
        """Return a product as it arrives at the converter."""
        y = np.empty((len(x), self.shape[forward]), np.float32)
        (multiply_forward if forward else multiply_backward)(x, self.weights, y, counts)
        if self.tables.read_noise > 0:
            y += self._read_noise(x, y.shape, forward, stream, update)
        return y

    def _read_noise(
        self, x: np.ndarray, shape: tuple, forward: bool, stream: str, update: int
    ) -> np.ndarray:
        var = np.empty(shape, np.float32)
        noise = variance_forward if forward else variance_backward
        scale = np.float32(2 * self.omega)
        noise(x, self._cells, self.weights, scale, self._noisy_ref, var)
        # Kinds of read without a stream of their own share the transfer stream, apart by unit.
        known = stream if stream in rng.STREAMS else "read-transfer"
        unit = 0 if known == stream else 1 + READS.index(stream.removeprefix("read-"))
        k = rng.key(self.seed, self.array_id, known)
        z = np.stack([rng.normals(k, update + b, unit, shape[1]) for b in range(shape[0])])
        return np.float32(self.tables.read_noise) * np.sqrt(var) * z
