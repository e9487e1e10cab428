"""The oracle array: every event by itself, in the defined order, with its counters."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .curves import TableCurves, linear_conductance, table_conductance
from .ledger import OracleLedger
from .normal import normal
from .philox import update_words
from .trains import Train, make_train


class Event(NamedTuple):
    """One pulse: where, which kind, its noise and the state before and after."""

    index: int
    row: int
    column: int
    kind: int
    z: float
    before: float
    after: float


class Outcome(NamedTuple):
    """What one update did: events per synapse by direction, and the trains of a coincidence."""

    up: np.ndarray
    down: np.ndarray
    train: Train | None

    @property
    def events(self) -> int:
        """Number of events of the update."""
        return int(self.up.sum() + self.down.sum())


class OracleArray:
    """Synapse array, shape (n_in, n_out), updated by scalar loops.

    Parameters
    ----------
    p : array_like, shape (n_in, n_out)
        States [1] in [0, 1]; copied.
    curves : callable
        (kind, variant, p) -> (m, sd), e.g. `TableCurves` or `ExactCurves`.
    c_up, c_down, offset, span, variant, reference : scalar or array_like, shape (n_in, n_out)
        Step scales, ends of the conductance, curve variant and reference of each synapse.
    signs : sequence of int
        +1 or -1 for each pulse kind; up kinds use c_up, down kinds c_down.
    conductance : callable
        p -> g, the nominal conductance map.
    omega : float
        Weight scale.
    noise : bool
        False: z = 0, no noise word is asked for.
    z_of_word : callable
        32-bit word -> standard normal; another one than the exact one separates errors of the
        normals from errors of the steps.
    precision : {"float32", "float64"}
        Type of the state and of every operation on it.
    record : bool
        True: every pulse is appended to `log`.
    """

    def __init__(
        self,
        p: np.ndarray,
        curves: Callable,
        *,
        c_up: Any = 1.0,
        c_down: Any = 1.0,
        offset: Any = 0.0,
        span: Any = 1.0,
        variant: Any = 0,
        reference: Any = 0.5,
        signs: tuple = (1, -1),
        conductance: Callable = linear_conductance,
        omega: float = 1.0,
        noise: bool = True,
        z_of_word: Callable = normal,
        precision: str = "float32",
        record: bool = False,
    ) -> None:
        if precision not in ("float32", "float64"):
            raise ValueError(f"precision {precision!r}: must be 'float32' or 'float64'")
        self.real = np.float32 if precision == "float32" else np.float64
        self.p = np.array(p, dtype=self.real)
        if self.p.ndim != 2 or not np.all((self.p >= 0) & (self.p <= 1)):
            raise ValueError("p: must be a two-dimensional array of states in [0, 1]")
        self.shape = self.p.shape
        self.curves, self.signs = curves, tuple(int(s) for s in signs)
        self.c_up, self.c_down = self._each(c_up, self.real), self._each(c_down, self.real)
        self.offset, self.span = self._each(offset, float), self._each(span, float)
        self.variant = self._each(variant, int)
        self.reference = self._each(reference, float)
        self.conductance, self.omega = conductance, float(omega)
        self.noise, self.z_of_word, self.record = noise, z_of_word, record
        self.events = np.zeros(self.shape, dtype=np.uint32)
        self.log: list[Event] = []
        self.phase = "train"
        self.ledgers: dict[str, OracleLedger] = {}

    @classmethod
    def from_tables(cls, p: np.ndarray, tables: Any, **options: Any) -> OracleArray:
        """Return an array that takes curves, signs and conductance from device tables.

        `tables` has attributes steps, signs, conductance and linear. Options are those of the
        class.
        """
        if tables.linear:
            conductance = linear_conductance
        else:
            conductance = table_conductance(np.asarray(tables.conductance))
        curves = TableCurves(tables.steps, options.get("precision", "float32"))
        given = {"signs": tuple(tables.signs), "conductance": conductance}
        return cls(p, curves, **{**given, **options})

    @property
    def ledger(self) -> OracleLedger:
        """Counters of the current phase."""
        return self.ledgers.setdefault(self.phase, OracleLedger(len(self.signs)))

    def g(self, row: int, column: int, p: float | None = None) -> float:
        """Return offset + span g(p) [1] of one synapse, at its present state by default."""
        state = self.p[row, column] if p is None else p
        return self.offset[row, column] + self.span[row, column] * self.conductance(state)

    def weights(self) -> np.ndarray:
        """Return the visible weights 2 omega (offset + span g(p) - reference), float64."""
        w = np.empty(self.shape)
        for i in range(self.shape[0]):
            for j in range(self.shape[1]):
                w[i, j] = 2.0 * self.omega * (self.g(i, j) - self.reference[i, j])
        return w

    def pulse(self, row: int, column: int, kind: int, z: float = 0.0, index: int = 0) -> None:
        """Apply one pulse: p <- clip(p + sign c (m + sd z), 0, 1), and count it."""
        real = self.real
        before = self.p[row, column]
        sign = self.signs[kind]
        c = self.c_up[row, column] if sign > 0 else self.c_down[row, column]
        m, sd = self.curves(kind, self.variant[row, column], before)
        step = c * (real(m) + real(sd) * real(z))
        after = min(max(before + real(sign) * step, real(0)), real(1))
        self.p[row, column] = after
        self.events[row, column] += 1
        g = self.g(row, column, before), self.g(row, column, after)
        self.ledger.event(kind, before, after, *g)
        if self.record:
            self.log.append(Event(index, row, column, kind, z, float(before), float(after)))

    def coincidence(
        self,
        x: np.ndarray,
        d: np.ndarray,
        lr: float,
        bl_min: int,
        bl_max: int,
        managed: bool,
        granularity: float,
        words_x: Callable,
        words_d: Callable,
        word_noise: Callable | None = None,
        kinds: tuple[int, int] = (0, 1),
    ) -> Outcome:
        """Apply the coincidences of one sample, request -lr d x^T; in-place.

        Order of events: row, slot, column. A line fires where (word >> 8) < floor(p 2^24).
        `kinds` are the pulse kinds used for up and down.

        Parameters
        ----------
        x, d : array_like, shapes (n_in,) and (n_out,)
            One sample.
        words_x, words_d : callable
            (row or column, slot) -> 32-bit word.
        word_noise : callable
            event index in the update -> 32-bit word.
        """
        n_in, n_out = self.shape
        x = [float(v) for v in x]
        d = [float(v) for v in d]
        if (len(x), len(d)) != self.shape:
            raise ValueError(f"x, d: lengths {len(x)}, {len(d)}, expected {n_in}, {n_out}")
        train = make_train(x, d, lr, bl_min, bl_max, managed, granularity)
        done = {k: np.zeros(self.shape, dtype=np.int64) for k in kinds}
        if managed:
            self.ledger.searched += n_in + n_out
        if train.length == 0:
            return Outcome(done[kinds[0]], done[kinds[1]], train)
        for value in (*x, *d):
            self.ledger.random_numbers += train.length if value != 0 else 0
        rows = _fire(train.threshold_x, train.length, words_x)
        columns = _fire(train.threshold_d, train.length, words_d)
        index = 0
        for i, kind in itertools.product(range(n_in), kinds):
            up = kind == kinds[0]
            for slot in range(train.length):
                for j in range(n_out):
                    if rows[i][slot] and columns[j][slot] and (d[j] * x[i] < 0) == up:
                        self.pulse(i, j, kind, self._z(word_noise, index), index)
                        done[kind][i, j] += 1
                        index += 1
        self._count_trains(train, x, d, rows, columns, kinds)
        return Outcome(done[kinds[0]], done[kinds[1]], train)

    def counts(
        self,
        n: np.ndarray,
        word_noise: Callable | None = None,
        kinds: tuple[int, int] = (0, 1),
    ) -> Outcome:
        """Apply signed pulse counts, positive is up; order row, up before down, column; in-place.

        The array is programmed row by row: for each kind a row takes as many time steps as its
        largest count.
        """
        n = np.asarray(n)
        if n.shape != self.shape or not np.issubdtype(n.dtype, np.integer):
            raise ValueError(f"n: {n.dtype} {n.shape}, expected whole numbers {self.shape}")
        index = 0
        for i in range(self.shape[0]):
            longest = dict.fromkeys(kinds, 0)
            for sign, j in itertools.product((1, -1), range(self.shape[1])):
                count = int(n[i, j])
                if sign * count <= 0:
                    continue
                kind = kinds[0] if count > 0 else kinds[1]
                for _ in range(abs(count)):
                    self.pulse(i, j, kind, self._z(word_noise, index), index)
                    index += 1
                longest[kind] = max(longest[kind], abs(count))
                self.ledger.column_pulses[kind] += abs(count)
            for k in kinds:
                self.ledger.slots[k] += longest[k]
                self.ledger.row_pulses[k] += longest[k]
        n = n.astype(np.int64)
        return Outcome(np.maximum(n, 0), np.maximum(-n, 0), None)

    def pulse_list(
        self,
        indptr: np.ndarray,
        cols: np.ndarray,
        counts: np.ndarray,
        word_noise: Callable | None = None,
        kinds: tuple[int, int] = (0, 1),
    ) -> Outcome:
        """Apply counts given row by row: row i owns entries indptr[i] .. indptr[i+1].

        Columns of a row ascend without repetition, so this is `counts` of the full matrix.
        """
        n = np.zeros(self.shape, dtype=np.int64)
        for i in range(self.shape[0]):
            inside = [int(c) for c in cols[int(indptr[i]) : int(indptr[i + 1])]]
            if inside != sorted(set(inside)):
                raise ValueError(f"cols of row {i}: {inside}, must ascend without repetition")
            for place, column in enumerate(inside):
                n[i, column] = counts[int(indptr[i]) + place]
        return self.counts(n, word_noise, kinds)

    def alternate(
        self,
        n_pairs: int,
        last: int,
        word_noise: Callable | None = None,
        kinds: tuple[int, int] = (0, 1),
    ) -> None:
        """Give every synapse n_pairs of opposite pulses, the last of sign `last`; in-place.

        Order row, column, pulse. Row by row: each row takes n_pairs time steps of each kind.
        """
        if last not in (-1, 1):
            raise ValueError(f"last = {last}: must be +1 (up) or -1 (down)")
        pair = (kinds[1], kinds[0]) if last > 0 else (kinds[0], kinds[1])
        index = 0
        for i in range(self.shape[0]):
            for j in range(self.shape[1]):
                for kind in pair * n_pairs:
                    self.pulse(i, j, kind, self._z(word_noise, index), index)
                    index += 1
            for k in kinds:
                self.ledger.slots[k] += n_pairs
                self.ledger.row_pulses[k] += n_pairs
                self.ledger.column_pulses[k] += n_pairs * self.shape[1]

    def _count_trains(
        self, train: Train, x: list, d: list, rows: list, columns: list, kinds: tuple[int, int]
    ) -> None:
        """Count lines and time steps of one sample.

        A line cannot carry both polarities, so a slot is played in half-steps: one for each sign
        present in x and each sign of d. The half-step of x > 0 with d > 0, or of x < 0 with
        d < 0, is a depression; the other two are potentiations.
        """
        up, down = kinds
        for s_x in (1, -1):
            if not any(v * s_x > 0 for v in x):
                continue
            for s_d in (1, -1):
                kind = down if s_x == s_d else up
                self.ledger.slots[kind] += train.length
                for j, fired in enumerate(columns):
                    if d[j] * s_d > 0:
                        self.ledger.column_pulses[kind] += sum(fired)
        for kind in kinds:
            for fired in rows:
                self.ledger.row_pulses[kind] += sum(fired)
        self.ledger.clipped_updates += int(train.clipped)

    def _z(self, word_noise: Callable | None, index: int) -> float:
        if not self.noise:
            return 0.0
        if word_noise is None:
            raise ValueError("word_noise is None with noise on: give a function or noise=False")
        return self.z_of_word(word_noise(index))

    def _each(self, value: Any, kind: type) -> np.ndarray:
        return np.array(np.broadcast_to(np.asarray(value, dtype=kind), self.shape))


def coincidence_batch(
    array: OracleArray,
    x: np.ndarray,
    d: np.ndarray,
    lr: float,
    bl_min: int,
    bl_max: int,
    managed: bool,
    granularity: float,
    keys: tuple,
    first_update: int = 0,
    kinds: tuple[int, int] = (0, 1),
) -> list[Outcome]:
    """Apply samples one after another, sample b being update ``first_update + b``.

    Parameters
    ----------
    x, d : ndarray, shapes (batch, n_in) and (batch, n_out)
        Samples.
    keys : tuple
        Keys (k0, k1) of the row trains, of the column trains and of the noise.
    """
    outcomes = []
    for b, (x_b, d_b) in enumerate(zip(x, d)):
        streams = update_words(*keys, update=first_update + b)
        outcomes.append(
            array.coincidence(x_b, d_b, lr, bl_min, bl_max, managed, granularity, *streams, kinds)
        )
    return outcomes


def _fire(thresholds: list, length: int, words: Callable) -> list[list[bool]]:
    return [
        [threshold > 0 and (words(line, s) >> 8) < threshold for s in range(length)]
        for line, threshold in enumerate(thresholds)
    ]
