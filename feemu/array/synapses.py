"""An array of synapses: state, spread, programming and reading, with its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu import rng
from feemu.array import stepping as st
from feemu.array.checks import as_request, check_finite, check_kinds, train_options
from feemu.array.ledger import PHASES
from feemu.array.readable import COUNTERS, ReadableCells
from feemu.array.reading import Reading
from feemu.array.trains import coincidence, list_counts, row_blocks

if TYPE_CHECKING:
    from feemu.devices import DeviceTables

_PULSE_STREAM = {"init": "init", "calibration": "calibration", "train": "pulse"}
#: Pulses of one call of `pulse_counts` that are listed at a time.
_LISTED = 1_000_000


class SynapseArray(ReadableCells):
    """A crossbar of ``(n_in, n_out)`` synapses of one device, stepped pulse by pulse.

    Parameters
    ----------
    shape : (int, int)
        Rows (inputs) and columns (outputs).
    tables : DeviceTables
        The device, from `feemu.devices.tabulate`.
    omega : float
        Weight scale: visible weight ``w = 2 omega (g - g_ref)``.
    seed, device_seed : int
        Seed of the run, and of the device draw (default: `seed`).
    array_id, train_id : int
        Number of this array, and of the array whose pulse trains it shares (default: its own).
    reference : float
        Normalised conductance subtracted on reading, until `set_reference`.
    reading : Reading
        Converters and clipping of reads.
    threads : int
        Threads that step one large update; the result does not depend on it.

    Notes
    -----
    32 bytes per synapse: six float32 of state and spread, the visible weight, the event counter.

    Raises
    ------
    ValueError
        For a shape, weight scale or thread count out of range.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        tables: DeviceTables,
        *,
        omega: float = 1.0,
        seed: int = 0,
        device_seed: int | None = None,
        array_id: int = 0,
        train_id: int | None = None,
        reference: float = 0.5,
        reading: Reading | None = None,
        threads: int = 1,
    ) -> None:
        chip = seed if device_seed is None else device_seed
        seeds = (seed, chip)
        super().__init__(shape, tables, omega, seeds, array_id, reference, reading, threads)
        own = {p: rng.key(self.seed, self.array_id, s) for p, s in _PULSE_STREAM.items()}
        owner = self.array_id if train_id is None else int(train_id)
        trains = (rng.key(self.seed, owner, s) for s in ("x-train", "d-train"))
        self._keys = own
        self._train_keys = np.concatenate([*trains, own["train"]])
        self._running.own_trains = owner == self.array_id

    # -- programming ---------------------------------------------------------------------------

    def _set_tables(self, tables: DeviceTables) -> None:
        super()._set_tables(tables)
        self._ctx: tuple | None = None

    def _use_kinds(self, kinds: tuple[int, int]) -> None:
        if kinds != self._running.kinds:
            self._running.switch(self.phase, check_kinds(kinds, self.tables.signs))
            self._ctx = None

    def _context(self) -> tuple:
        """Return what kernels need of the array: (cells, weights, events, variants, steps, ...)."""
        if self._ctx is None:
            steps, kinds = self.tables.steps, list(self._running.kinds)
            if steps.shape[0] > 2:
                steps = np.ascontiguousarray(steps[kinds])
            spread = (self._cells, self.weights, self.events, self._variants)
            self._ctx = (*spread, steps, *self._curve(), self._scale)
        return self._ctx

    def pulse_coincidence(
        self,
        x: np.ndarray,
        d: np.ndarray,
        lr: float,
        *,
        bl_min: int = 1,
        bl_max: int = 31,
        managed: bool = True,
        kinds: tuple[int, int] = (0, 1),
    ) -> int:
        """Program the request ``-lr d x^T`` by stochastic coincidence, in place.

        Parameters
        ----------
        x, d : ndarray of float32, shapes (batch, n_in), (batch, n_out)
            Inputs and errors; samples are programmed one after the other.
        lr : float
            Learning rate in visible-weight units.
        bl_min, bl_max : int
            Shortest and longest pulse train [slots], at most 32; equal for a fixed length.
        managed : bool
            Update management: rows and columns share the largest probability.
        kinds : (int, int)
            Pulse kinds used for potentiation and depression.

        Returns
        -------
        events : int
            Number of programming pulses.

        Raises
        ------
        ValueError
            If shapes do not fit, a value is NaN or infinite, or an option is out of range.
        """
        x, d = as_request(x, d, self.shape)
        lr, options = train_options(lr, bl_min, bl_max, managed)
        self._use_kinds(kinds)
        update, one = self.counters["train"], self._running.threads == 1
        if one and self.tables.write_noise == 0:
            events = self._coincide(x, d, lr, options, update)
        else:
            check_finite(x, d)
            events = 0
            for b in range(len(x)):
                sample, now = (x[b : b + 1], d[b : b + 1], lr, options), update + b
                parts, seen = self._running.parts(self._expected(*sample[:3])), self._before_noise()
                events += self._coincide(*sample, now, parts)
                self._add_write_noise(seen, now, "train")
        if events < 0:
            check_finite(x, d)
        self.counters["train"] += len(x)
        return events

    def _expected(self, x: np.ndarray, d: np.ndarray, lr: float) -> float:
        """Return the pulses that a sample asks for, clipping left aside."""
        return lr / self.granularity * float(np.abs(x).sum()) * float(np.abs(d).sum())

    def _coincide(
        self, x: np.ndarray, d: np.ndarray, lr: float, options: tuple, update: int, parts: int = 1
    ) -> int:
        """Program a mini-batch, its rows split over threads: the same numbers."""
        given = x, d, lr, self.granularity, options, self._train_keys, update
        ctx = self._context()
        done = self._running.share(lambda i, out: coincidence(*given, (i, parts), ctx, out), parts)
        return done[0]

    def _before_noise(self) -> np.ndarray | None:
        """Return the pulses seen so far, if the device has write noise."""
        return self.events.copy() if self.tables.write_noise else None

    def _add_write_noise(self, before: np.ndarray | None, update: int, counter: str) -> None:
        """Redraw the write noise of every synapse that was pulsed since `before`."""
        if before is None:
            return
        pulsed, key = self.events != before, rng.key(self.seed, self.array_id, "write")
        first, sd = PHASES.index(counter) * self.shape[0], np.float32(self.tables.write_noise)
        for i in np.flatnonzero(pulsed.any(axis=1)):
            z = rng.normals(key, update, first + int(i), self.shape[1])
            self.weights[i] += np.where(pulsed[i], self._scale * sd * z, np.float32(0))

    def pulse_list(
        self,
        rows: np.ndarray,
        ptr: np.ndarray,
        codes: np.ndarray,
        kinds: tuple[int, int] = (0, 1),
    ) -> int:
        """Program listed pulses, in place; the phase picks the noise stream.

        Parameters
        ----------
        rows : ndarray of uint32
            Rows, ascending.
        ptr : ndarray of int64, shape (rows + 1,)
            Row ``rows[a]`` owns ``codes[ptr[a]:ptr[a + 1]]``.
        codes : ndarray of uint32
            One per pulse: column, plus ``2**31`` for depression; equal codes adjacent.
        kinds : (int, int)
            Pulse kinds used for potentiation and depression.
        """
        self._use_kinds(kinds)
        update = self.counters[self.phase]
        self.counters[self.phase] += 1
        return self._program(rows, ptr, codes, update, 0)

    def _program(
        self, rows: np.ndarray, ptr: np.ndarray, codes: np.ndarray, update: int, before: int
    ) -> int:
        """Step listed pulses that follow `before` others of the same update."""
        if codes.size == 0:
            return 0
        ctx, draw = self._context(), (*self._keys[self.phase], np.uint64(update))
        seen = self._before_noise()
        self._running.split(
            lambda part, out: st.step_given(rows, ptr, codes, part, before, draw, ctx, out),
            rows.size, ptr, codes.size,
        )  # fmt: skip
        self._add_write_noise(seen, update, self.phase)
        return codes.size

    def pulse_counts(self, counts: np.ndarray, kinds: tuple[int, int] = (0, 1)) -> int:
        """Program signed pulse counts, shape (n_in, n_out): row by row, positive = potentiation.

        Raises
        ------
        ValueError
            If the shape differs or a count is no whole number.
        """
        n = np.asarray(counts)
        if n.shape != self.shape or n.dtype.kind not in "iu":
            raise ValueError(
                f"pulse counts: shape {n.shape} of {n.dtype}; give whole numbers (round, then cast "
                f"to int) of shape {self.shape}"
            )
        self._use_kinds(kinds)
        n = n.astype(np.int64, copy=False)  # small types have no magnitude of their lowest value
        update = self.counters[self.phase]
        self.counters[self.phase] += 1
        total = 0
        for rows in row_blocks(n, _LISTED):
            total += self._program(*list_counts(n, rows), update, total)
        return total

    def sample_cells(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and columns of `n` cells picked at random (all, if there are fewer)."""
        k = rng.key(self.device_seed, self.array_id, "draws")
        size = self.shape[0] * self.shape[1]
        picked = np.sort(rng.permutation(k, 0, size)[:n])
        return np.unravel_index(picked, self.shape)

    # -- checkpoint ----------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all that a checkpoint needs: states, weights, events, counters."""
        book = {f"ledger_{k}": v.copy() for k, v in self.ledger.arrays().items()}
        return {
            "cells": self._cells.copy(),
            "variants": self._variants.copy(),
            "weights": self.weights.copy(),
            "events": self.events.copy(),
            "counters": np.array([self.counters[c] for c in COUNTERS], np.int64),
            **book,
        }

    def load_state_dict(self, saved: dict[str, np.ndarray]) -> None:
        """Continue from a `state_dict`, in place.

        Raises
        ------
        ValueError
            If it belongs to an array of another shape, or of another device.
        """
        if saved["cells"].shape[:2] != self.shape:
            raise ValueError(
                f"saved array has shape {saved['cells'].shape[:2]}, this one {self.shape}; "
                "make an array of the saved shape"
            )
        book = self.ledger.pulses.shape, self._variants.shape
        if (saved["ledger_pulses"].shape, saved["variants"].shape) != book:
            raise ValueError(
                "saved array has other pulse kinds or variants than this one; make an array of the "
                "device that it was saved with"
            )
        self._cells[...] = saved["cells"]
        self.weights[...] = saved["weights"]
        self._variants, self.events[...] = saved["variants"].copy(), saved["events"]
        self._ctx = None
        self.counters = dict(zip(COUNTERS, (int(c) for c in saved["counters"])))
        book = {k.removeprefix("ledger_"): v for k, v in saved.items() if k.startswith("ledger_")}
        self.ledger.load(book)
