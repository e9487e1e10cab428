"""The running counters that kernels add to, between array and ledger."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from feemu.array import tally as tl
from feemu.array.ledger import PHASES, READS, Ledger
from feemu.array.plan import AHEAD, MAX_SLOTS, make_plan
from feemu.array.reading import UNCOUNTED

#: Below this many events an update is never split over threads.
THREAD_EVENTS = 100_000


#: Pulses listed at a time, at least one full row, and runs: they and their normals stay in the
#: cache.
LISTED, RUNS = 4_096, 1_024


def make_out(n_in: int, n_out: int) -> tuple:
    """Return one thread's (tally, normals, runs, plan).

    See `feemu.array.stepping.step_runs` and `feemu.array.plan.make_plan`.
    """
    size = max(MAX_SLOTS * n_out, min(LISTED, MAX_SLOTS * n_out * n_in))
    n_runs = min(RUNS, size)
    return (
        np.zeros(tl.SIZE, np.int64),
        np.empty(size + 66, np.float32),
        (
            np.empty(n_runs, np.uint32),
            np.zeros(n_runs + 1, np.int64),
            np.zeros(size + AHEAD, np.uint32),
        ),
        make_plan(n_in, n_out),
    )


#: Bits of a random number that decides whether a line fires: what hardware would draw, assumed.
#: The emulation draws 24.
TRAIN_BITS = 8


class Running:
    """Running counters of one (phase, pair of pulse kinds), and the ledger they go to."""

    def __init__(self, n_kinds: int, shape: tuple[int, int], threads: int) -> None:
        #: Whether the work of drawing pulse trains is counted here; else another array draws them.
        self.own_trains = True
        self.book, self._shape, self.threads = Ledger(n_kinds), shape, threads
        self.phase, self.kinds = "train", (0, 1)
        self.out, self._others = make_out(*shape), []
        #: Counters by kind of read since then, None for evaluations.
        self.reads_of = {kind: np.zeros(tl.READ_SIZE, np.int64) for kind in READS}
        self.reads_of[None] = UNCOUNTED

    @property
    def tally(self) -> np.ndarray:
        """Counters since the ledger was looked at, see `feemu.array.tally`."""
        return self.out[0]

    @property
    def ledger(self) -> Ledger:
        """The ledger, brought up to date."""
        self._store()
        return self.book

    def switch(self, phase: str, kinds: tuple[int, int]) -> None:
        """Count under another phase or pair of kinds from here on."""
        self._store()
        self.phase, self.kinds = phase, kinds

    def _store(self) -> None:
        book, now = self.book, self.tally
        p, k = PHASES.index(self.phase), list(self.kinds)

        def pair(at: int) -> np.ndarray:
            return now[at : at + 2]

        states = now[: tl.SWITCHED].reshape(2, tl.PLACES)
        states[:, -2] += states[:, -1]
        states = states[:, :-1]
        slots, pulses = pair(tl.LISTED_SLOTS), pair(tl.LISTED_PULSES)
        book.state_hist[p, k] += states
        book.pulses[p, k] += states.sum(axis=1)
        book.switched_parts[p, k] += pair(tl.SWITCHED)
        book.conductance_parts[p, k] += pair(tl.CONDUCTANCE)
        book.row_pulses[p, k] += now[tl.ROWS] + slots
        book.column_pulses[p, k] += pair(tl.COLUMNS) + pulses
        book.slots[p, k] += now[tl.SLOTS] + slots
        book.clipped_updates[p] += now[tl.CLIPPED]
        if self.own_trains and now[tl.WORDS] + now[tl.SEARCHED]:
            book.count_digital(self.phase, 1, random_bits=TRAIN_BITS * now[tl.WORDS])
            book.count_digital(self.phase, 32, max_search=now[tl.SEARCHED])
        now[:] = 0
        reads = [self.reads_of[kind] for kind in READS]
        for column, name in enumerate(("reads", "adc", "read_rows", "read_x2_parts")):
            getattr(book, name)[p] += [counts[column] for counts in reads]
        book.dac[p] += [counts[tl.READ_LINES] for counts in reads]
        for counts in reads:
            counts[:] = 0

    def count_cells(self, kind: str, rows: int, cells: int) -> None:
        """Add reads of single cells: every row is driven by itself, at full voltage."""
        self.reads_of[kind] += (rows, cells, rows, round(rows * tl.SQUARES_ONE))

    def split(self, step: Callable, active: int, first: np.ndarray, events: int) -> None:
        """Run ``step((lo, hi), out)`` over `active` rows, split over threads by their events.

        Counters are whole numbers, so that the result is the same for any number of threads.
        """
        parts = self.parts(events)
        if parts == 1:
            step((0, active), self.out)
            return
        cuts = np.searchsorted(first[:active], np.arange(1, parts) * (events / parts))
        cuts = [0, *cuts.tolist(), active]
        self.share(lambda part, out: step((cuts[part], cuts[part + 1]), out), parts)

    def parts(self, events: float) -> int:
        """Return the number of threads for so many events."""
        return self.threads if events >= THREAD_EVENTS else 1

    def share(self, work: Callable[[int, tuple], object], parts: int) -> list:
        """Return what ``work(part, out)`` returns for each part, each with counters of its own."""
        if parts == 1:
            return [work(0, self.out)]
        while len(self._others) < parts - 1:
            self._others.append(make_out(*self._shape))
        outs = [self.out, *self._others]
        with ThreadPoolExecutor(parts) as pool:
            done = list(pool.map(work, range(parts), outs))
        for out in self._others:
            self.tally[:] += out[0]
            out[0][:] = 0
        return done
