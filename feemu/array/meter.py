"""The running counters that kernels add to, between array and ledger."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from feemu.array.ledger import PHASES, READS, STATE_BINS, Ledger
from feemu.array.stepping import MAX_SLOTS
from feemu.rng import PIECE

#: Below this many events an update is never split over threads.
THREAD_EVENTS = 100_000


#: Pulses listed at a time, at least one full row: codes and normals stay in the cache.
LISTED = 16_384


def make_out(n_in: int, n_out: int) -> tuple:
    """Return one thread's (histogram, normals, words, codes, ptr), see `step_coincidences`."""
    size = max(MAX_SLOTS * n_out, min(LISTED, MAX_SLOTS * n_out * n_in))
    return (
        np.zeros((2, STATE_BINS), np.int64),
        np.empty(size + 8, np.float32),
        np.empty(PIECE, np.uint32),
        np.empty(size, np.uint32),
        np.zeros(n_in + 1, np.int64),
    )


class Meter:
    """Running totals of one (phase, pair of pulse kinds); the book holds the rest.

    Float totals are loaded from the ledger and written back, never added to it, so that sums
    keep the order of the events whenever somebody looks.
    """

    def __init__(self, n_kinds: int, shape: tuple[int, int], threads: int) -> None:
        self.book, self._shape, self.threads = Ledger(n_kinds), shape, threads
        self.phase, self.kinds = "train", (0, 1)
        self.out = make_out(*shape)
        self.totals, self.lines = np.zeros(4), np.zeros(5, np.int64)
        self.list_lines = np.zeros(4, np.int64)
        self.load()

    @property
    def ledger(self) -> Ledger:
        """The ledger, brought up to date."""
        self._store()
        return self.book

    @property
    def _where(self) -> tuple[int, list[int]]:
        return PHASES.index(self.phase), list(self.kinds)

    def switch(self, phase: str, kinds: tuple[int, int]) -> None:
        """Count under another phase or pair of kinds from here on."""
        self._store()
        self.phase, self.kinds = phase, kinds
        self.load()

    def load(self) -> None:
        """Take the running totals from the ledger."""
        book, (p, k) = self.book, self._where
        self.out[0][:] = book.state_hist[p, k]
        self.totals[:2], self.totals[2:] = book.switched[p, k], book.conductance[p, k]
        self.lines[:] = 0
        self.list_lines[:] = 0

    def _store(self) -> None:
        book, (p, k) = self.book, self._where
        book.state_hist[p, k] = self.out[0]
        book.pulses[p, k] = self.out[0].sum(axis=1)
        book.switched[p, k], book.conductance[p, k] = self.totals[:2], self.totals[2:]
        rows, columns_up, columns_down, slots, clipped = self.lines
        book.row_pulses[p, k] += rows
        book.column_pulses[p, k] += (columns_up, columns_down)
        book.slots[p, k] += slots
        book.clipped_updates[p] += clipped
        self.lines[:] = 0
        slots, pulses = self.list_lines[:2], self.list_lines[2:]
        book.row_pulses[p, k] += slots
        book.slots[p, k] += slots
        book.column_pulses[p, k] += pulses
        self.list_lines[:] = 0

    def count_read(self, kind: str, reads: int, outputs: int, lines: int, squares: float) -> None:
        """Add vector reads: their outputs converted, input lines driven and squared inputs."""
        book, at = self.book, (PHASES.index(self.phase), READS.index(kind))
        book.reads[at] += reads
        book.adc[at] += outputs
        book.dac[at] += lines
        book.read_rows[at] += lines
        book.read_x2[at] += squares

    def split(self, step: Callable, active: int, first: np.ndarray, events: int) -> None:
        """Run ``step(lo, hi, out)`` over `active` rows, split over threads by their events.

        Every row's sums land in its own place and histograms are whole numbers, so that the
        result is the same for any number of threads.
        """
        if self.threads == 1 or events < THREAD_EVENTS:
            step(0, active, self.out)
            return
        share = np.arange(1, self.threads) * (events / self.threads)
        cuts = [0, *np.searchsorted(first[:active], share).tolist(), active]
        outs = [make_out(*self._shape) for _ in range(self.threads)]
        with ThreadPoolExecutor(self.threads) as pool:
            jobs = [pool.submit(step, lo, hi, o) for lo, hi, o in zip(cuts, cuts[1:], outs)]
            for job in jobs:
                job.result()
        for out in outs:
            self.out[0][:] += out[0]
