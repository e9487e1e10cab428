"""Readings of all files as flat arrays under common labels, and their places in one grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from feemu.curves.errors import refuse
from feemu.curves.readings import Readings

MAX_PULSE = 1_000_000
#: Empty places of the grid for every reading, from this many places on.
MAX_SPARSE, SMALL = 50, 1_000_000


class Flat:
    """Readings of all files under common labels, without those that are missing."""

    def __init__(self, parts: Sequence[Readings]) -> None:
        self.parts = parts
        self.devices, device = _merge([(r.devices, r.device) for r in parts])
        self.cycles, cycle = _merge([(r.cycles, r.cycle) for r in parts])
        joined = {
            name: np.concatenate([getattr(r, name) for r in parts])
            for name in ("value", "line", "voltage", "pulse", "width", "up")
        }
        file = np.repeat(np.arange(len(parts)), [r.value.size for r in parts])
        kept = ~np.isnan(joined["value"])
        self.value, self.line, self.voltage, self.pulse, self.width, up = (
            joined[n][kept] for n in ("value", "line", "voltage", "pulse", "width", "up")
        )
        self.file = file[kept]
        self.missing, self.repeated = int((~kept).sum()), 0
        if self.value.size == 0:
            raise refuse(parts[0].where, "every reading is missing", None, "numbers")
        self.widths, width = np.unique(self.width, return_inverse=True)
        # Polarity 0 is up.
        self.place = [width, device[kept], cycle[kept], 1 - up.astype(np.int64), self.pulse]
        branches = (self.widths.size, len(self.devices), len(self.cycles), 2)
        self.last = self._last_pulses(branches, joined, device, cycle, file)
        self.unread = self._pulses_after(branches)
        self.shape = (*branches, self._n_pulses() + 1)

    def _last_pulses(self, branches, joined, device, cycle, file) -> np.ndarray:
        """Return the last pulse of each branch, read or not; -1 where there is none."""
        last = np.full(branches, -1)
        np.maximum.at(last, tuple(self.place[:-1]), self.pulse)
        counted = np.array([part.rows_are_pulses for part in self.parts])[file]
        # An unknown width is NaN, which equals nothing.
        wanted, widths = (np.nan_to_num(w, nan=-1.0) for w in (joined["width"], self.widths))
        counted &= np.isin(wanted, widths)
        order = np.argsort(widths)
        width = order[np.searchsorted(widths, wanted[counted], sorter=order)]
        polarity = 1 - joined["up"][counted].astype(np.int64)
        at = (width, device[counted], cycle[counted], polarity)
        np.maximum.at(last, at, joined["pulse"][counted])
        return last

    def _pulses_after(self, branches: tuple) -> bool:
        """Return whether a branch has pulses after its last reading."""
        read = np.full(branches, -1)
        np.maximum.at(read, tuple(self.place[:-1]), self.pulse)
        return bool((self.last > read).any())

    def _n_pulses(self) -> int:
        top = int(np.argmax(self.pulse))
        if self.pulse[top] > MAX_PULSE:
            raise self.refuse(top, "pulse number", int(self.pulse[top]), f"at most {MAX_PULSE}")
        if self.last.max() > MAX_PULSE:
            where, got = self.parts[0].where, int(self.last.max())
            raise refuse(where, "pulse number", got, f"at most {MAX_PULSE}")
        return max(1, int(self.last.max()))

    def refuse(self, row: int, what: str, got: object, expected: str) -> Exception:
        """Return an error that names the file and line of a reading."""
        where = self.parts[int(self.file[row])].where
        return refuse(where, what, got, expected, int(self.line[row]))

    def name(self, row: int) -> str:
        """Return what a reading is called in messages."""
        up = "down" if self.place[3][row] else "up"
        device, cycle = self.devices[self.place[1][row]], self.cycles[self.place[2][row]]
        return f"{up} pulse {self.pulse[row]} of cycle {cycle!r}, device {device!r}"

    def grid(self, repeats: str) -> np.ndarray:
        """Return the readings in their places; several of one pulse as `repeats` says."""
        size = int(np.prod(self.shape, dtype=object))
        if size > max(SMALL, MAX_SPARSE * self.value.size):
            got = " x ".join(map(str, self.shape))
            expected = "labels that repeat; check the columns of device, cycle and pulse"
            raise refuse(
                self.parts[0].where,
                f"{self.value.size} readings in a grid of {got}",
                None,
                expected,
            )
        flat = np.ravel_multi_index(self.place, self.shape)
        out = np.full(size, np.nan)
        order = np.argsort(flat, kind="stable")
        same = np.flatnonzero(flat[order][1:] == flat[order][:-1])
        self.repeated = same.size
        if repeats == "mean" and same.size:
            sums, counts = np.bincount(flat, self.value, size), np.bincount(flat, None, size)
            np.divide(sums, counts, out=out, where=counts > 0)
        else:
            self._check_repeats(order, same, repeats)
            order = order[::-1] if repeats == "first" else order
            out[flat[order]] = self.value[order]
        return out.reshape(self.shape)

    def _check_repeats(self, order: np.ndarray, same: np.ndarray, repeats: str) -> None:
        if repeats != "refuse" or not same.size:
            return
        one, two = order[same], order[same + 1]
        differ = np.flatnonzero(self.value[one] != self.value[two])
        if differ.size:
            a, b = int(one[differ[0]]), int(two[differ[0]])
            there = self.parts[int(self.file[a])].where if self.file[a] != self.file[b] else "line"
            what = f"{self.name(b)} again (first at {there} {self.line[a]}: {self.value[a]:.6g})"
            told = "one reading, or repeats='mean', 'first' or 'last'; files: label them device:A="
            raise self.refuse(b, what, float(self.value[b]), told)


def _merge(parts: list[tuple[list, np.ndarray]]) -> tuple[list, np.ndarray]:
    """Return common labels and codes: ascending if all are whole numbers, else as they appear."""
    found = list(dict.fromkeys(label for labels, _ in parts for label in labels))
    if all(isinstance(label, int) for label in found):
        found.sort()
    else:
        found = list(dict.fromkeys(str(label) for label in found))
    place = {label: code for code, label in enumerate(found)}
    text = bool(found) and isinstance(found[0], str)
    codes = [
        np.array([place[str(x) if text else x] for x in labels], np.int64)[code]
        for labels, code in parts
    ]
    return found, np.concatenate(codes)
