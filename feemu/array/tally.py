"""The counters that kernels add to: one vector of whole numbers per thread.

Whole numbers add up to the same total in any order, so that neither threads nor the moment of
looking change a ledger. Sums of real values are kept in fixed point: that of every run of pulses
is rounded to `SWITCHED_ONE` or `CONDUCTANCE_ONE` parts, and 63 bits hold 10^12 pulses.
"""

from __future__ import annotations

#: Bins of the state histogram over [0, 1].
STATE_BINS = 32
#: Parts of one: of the switched fraction, and of the normalised conductance.
SWITCHED_ONE, CONDUCTANCE_ONE = 2.0**28, 2.0**20

#: Places in the vector. Pulses by state: up from 0 on, down from `PLACES` on; the last place of
#: each is that of states of exactly one, which belong to the last bin.
PLACES = STATE_BINS + 1
SWITCHED = 2 * PLACES
CONDUCTANCE = SWITCHED + 2
#: Rows driven (either direction), columns driven up and down, slots, clipped updates.
ROWS = CONDUCTANCE + 2
COLUMNS = ROWS + 1
SLOTS = COLUMNS + 2
CLIPPED = SLOTS + 1
#: Of pulse lists: slots up and down, pulses up and down.
LISTED_SLOTS = CLIPPED + 1
LISTED_PULSES = LISTED_SLOTS + 2
#: Of pulse trains: random numbers drawn, and values searched for the largest.
WORDS = LISTED_PULSES + 2
SEARCHED = WORDS + 1
SIZE = SEARCHED + 1

#: Columns of the counters of reads, one row per kind: vectors, outputs converted, input lines
#: driven, and the squares of inputs relative to each vector's largest in parts of `SQUARES_ONE`.
READ_VECTORS, READ_OUTPUTS, READ_LINES, READ_SQUARES, READ_SIZE = range(5)
SQUARES_ONE = 2.0**20
