"""The counters of one array in one phase, as plain lists that are easy to check by hand."""

from __future__ import annotations

import numpy as np

STATE_BINS = 32


class OracleLedger:
    """Counters of programming, per pulse kind.

    Attributes
    ----------
    pulses, row_pulses, column_pulses, slots : list of int
        Events, row lines driven, column lines driven, time steps.
    state_hist : list of lists of int, (kinds, 32)
        Events by the state before the pulse, bin min(int(32 p), 31).
    switched : list of float
        Sum of |p_after - p_before| [1], after clipping.
    conductance : list of float
        Sum of (g_before + g_after) / 2 [1], g including the ends of the synapse.
    clipped_updates : int
        Samples with a firing probability that had to be clipped.
    random_numbers, searched : int
        Of pulse trains: one per slot and line with a value; values looked at for the largest.
    """

    def __init__(self, n_kinds: int) -> None:
        self.pulses = [0] * n_kinds
        self.row_pulses = [0] * n_kinds
        self.column_pulses = [0] * n_kinds
        self.slots = [0] * n_kinds
        self.state_hist = [[0] * STATE_BINS for _ in range(n_kinds)]
        self.switched = [0.0] * n_kinds
        self.conductance = [0.0] * n_kinds
        self.clipped_updates = 0
        self.random_numbers = 0
        self.searched = 0

    def event(self, kind: int, before: float, after: float, g_before: float, g_after: float):
        """Count one pulse that took the state from before to after."""
        self.pulses[kind] += 1
        self.state_hist[kind][min(int(float(before) * STATE_BINS), STATE_BINS - 1)] += 1
        self.switched[kind] += abs(float(after) - float(before))
        self.conductance[kind] += 0.5 * (g_before + g_after)

    def half_selected(self, kind: int, n_in: int, n_out: int) -> int:
        """Return half-selected cells: n_out row_pulses + n_in column_pulses - 2 pulses."""
        lines = n_out * self.row_pulses[kind] + n_in * self.column_pulses[kind]
        return lines - 2 * self.pulses[kind]

    def as_arrays(self) -> dict[str, np.ndarray]:
        """Return the counters as numpy arrays by name."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    def violations(self, events: np.ndarray | None = None) -> list[str]:
        """Return the identities that do not hold, as text; none is an empty list.

        Parameters
        ----------
        events : ndarray, optional
            Events per synapse of exactly the pulses counted here.
        """
        bad = []
        for k, pulses in enumerate(self.pulses):
            if sum(self.state_hist[k]) != pulses:
                bad.append(f"kind {k}: histogram sums to {sum(self.state_hist[k])}, not {pulses}")
            if not 0.0 <= self.switched[k] <= pulses:
                bad.append(f"kind {k}: switched {self.switched[k]} outside 0..{pulses}")
            if pulses and not (self.row_pulses[k] and self.column_pulses[k] and self.slots[k]):
                bad.append(f"kind {k}: pulses without lines or time")
        if events is not None and int(np.sum(events, dtype=np.int64)) != sum(self.pulses):
            bad.append(f"events per synapse sum to {np.sum(events)}, not {sum(self.pulses)}")
        return bad
