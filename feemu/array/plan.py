"""What fires in one sample's pulse trains: the work space between drawing and stepping."""

from __future__ import annotations

import numpy as np

#: Top bit of a pulse code ``column | DOWN``: depression.
DOWN = np.uint32(1 << 31)
#: Longest pulse train: slots are bits of one 32-bit word.
MAX_SLOTS = 32
#: How many pulses ahead a synapse is fetched.
AHEAD = 16

#: Rows of the lanes: random words of four slots, thresholds; then the lines of x and of d that
#: may fire, by number and by slots (bits), and `DOWN` where an input is negative.
THRESHOLDS, ROWS, ROW_SLOTS, FLIPS, COLUMNS, COLUMN_SLOTS, _LANES = range(4, 11)
#: Rows of the index: pulses before each active row, and in all; per slot, the columns that fire
#: and those of them with d < 0.
FIRST, COUNTS, NEGATIVE, _INDICES = range(4)


def make_plan(n_in: int, n_out: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the work space (lanes, index, slot columns) of one sample.

    Returns
    -------
    lanes : ndarray of uint32, shape (10, lines + 1)
        One place more than lines, since lists are written without branches.
    index : ndarray of int64, shape (3, rows + 1)
    columns : ndarray of uint32
        Those that fire in slot s are ``columns[s n_out : s n_out + index[COUNTS, s]]``, the ones
        with d < 0 first.
    """
    return (
        np.empty((_LANES, max(n_in, n_out, MAX_SLOTS) + 1), np.uint32),
        np.zeros((_INDICES, max(n_in + 1, MAX_SLOTS)), np.int64),
        np.empty(MAX_SLOTS * n_out + 1, np.uint32),
    )
