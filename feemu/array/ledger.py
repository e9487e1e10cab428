"""The ledger of an array: what happened, per phase and pulse kind; no joules in here."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

from feemu.array.tally import CONDUCTANCE_ONE, SQUARES_ONE, STATE_BINS, SWITCHED_ONE

PHASES = ("init", "calibration", "train")
READS = ("forward", "backward", "transfer", "verify", "calibration")
DIGITAL = ("mac", "accumulator_rmw", "compare", "random_bits", "max_search")
_PLACES = {name: i for i, name in enumerate(DIGITAL)}


@dataclass
class Ledger:
    """Counters of one array; P phases, K pulse kinds, all cumulative.

    Parameters
    ----------
    n_kinds : int
        Number of pulse kinds K of the device.

    Notes
    -----
    pulses, row_pulses, column_pulses, slots : int64 (P, K)
        Programming pulses; lines driven, whether or not they meet; time steps. One line cannot
        carry both polarities, so that a coincidence slot is played in half-steps, one for each
        sign present in x and each sign of d: a firing row is driven in one half-step of either
        kind, a firing column in the half-steps of its own sign of d. Counts are programmed row
        by row: a row takes as many slots of a kind as its busiest synapse has pulses.
    state_hist : int64 (P, K, 32)
        Pulses by switched fraction at pulse time.
    switched_parts, conductance_parts : int64 (P, K)
        Sum of ``|dp|`` after clipping, and of the mean normalised conductance before and after,
        in fixed point (see `feemu.array.tally`): exact, whatever the order of the pulses.
    reads, read_rows, adc, dac, read_x2_parts : int64 (P, R)
        Vector reads by kind, input lines driven, conversions, and sum of squared inputs relative
        to the largest of each vector, in fixed point.
    digital : int64 (P, D); digital_bits : int64 (D,)
        Digital operations and their word length [bit]. Random bits are counted as such. A pulse
        train takes a random number per slot and line with a value other than zero, and with
        update management a search for the largest input and error.
    clipped_updates : int64 (P,)
        Updates whose probabilities were clipped at one.
    """

    n_kinds: int = 2
    pulses: np.ndarray = field(init=False)
    row_pulses: np.ndarray = field(init=False)
    column_pulses: np.ndarray = field(init=False)
    slots: np.ndarray = field(init=False)
    state_hist: np.ndarray = field(init=False)
    switched_parts: np.ndarray = field(init=False)
    conductance_parts: np.ndarray = field(init=False)
    reads: np.ndarray = field(init=False)
    read_rows: np.ndarray = field(init=False)
    read_x2_parts: np.ndarray = field(init=False)
    adc: np.ndarray = field(init=False)
    dac: np.ndarray = field(init=False)
    digital: np.ndarray = field(init=False)
    digital_bits: np.ndarray = field(init=False)
    clipped_updates: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        phases, kinds = len(PHASES), self.n_kinds
        for name in ("pulses", "row_pulses", "column_pulses", "slots"):
            setattr(self, name, np.zeros((phases, kinds), np.int64))
        for name in ("switched_parts", "conductance_parts"):
            setattr(self, name, np.zeros((phases, kinds), np.int64))
        self.state_hist = np.zeros((phases, kinds, STATE_BINS), np.int64)
        for name in ("reads", "read_rows", "adc", "dac", "read_x2_parts"):
            setattr(self, name, np.zeros((phases, len(READS)), np.int64))
        self.digital = np.zeros((phases, len(DIGITAL)), np.int64)
        self.digital_bits = np.zeros(len(DIGITAL), np.int64)
        self.clipped_updates = np.zeros(len(PHASES), np.int64)

    @property
    def switched(self) -> np.ndarray:
        """Sum of ``|dp|`` after clipping [1], float64 (P, K)."""
        return self.switched_parts / SWITCHED_ONE

    @property
    def conductance(self) -> np.ndarray:
        """Sum of the mean normalised conductance before and after [1], float64 (P, K)."""
        return self.conductance_parts / CONDUCTANCE_ONE

    @property
    def read_x2(self) -> np.ndarray:
        """Sum of squared inputs relative to the largest of each vector [1], float64 (P, R)."""
        return self.read_x2_parts / SQUARES_ONE

    def count_digital(self, phase: str, bits: int, **operations: int) -> None:
        """Add digital operations (named as in `DIGITAL`) of a word length [bit]."""
        done = self.digital[PHASES.index(phase)]
        for name, number in operations.items():
            op = _PLACES[name]
            done[op] += number
            self.digital_bits[op] = bits

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every counter by name (the arrays themselves)."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "n_kinds"}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set every counter from `arrays`, as returned by `arrays`, in place."""
        for name, own in self.arrays().items():
            own[...] = arrays[name]

    def half_selected(self, n_in: int, n_out: int) -> np.ndarray:
        """Return the half-selected cells, int64 (P, K), of an ``(n_in, n_out)`` array.

        Every driven row touches n_out cells and every driven column n_in; a pulse is where both
        meet. The disturbance of their state by half the voltage is neglected.
        """
        return n_out * self.row_pulses + n_in * self.column_pulses - 2 * self.pulses
