"""What fires in one sample's pulse trains: the work space between drawing and stepping.

A pulse is coded as ``column | DOWN`` in 32 bits.
"""

from __future__ import annotations

import numpy as np

#: Top bit of a pulse code: a depression pulse.
DOWN = np.uint32(1 << 31)
#: Longest pulse train: slots are bits of one 32-bit word.
MAX_SLOTS = 32

#: Rows of the lanes: random words of four slots, thresholds; then the lines of x and of d that
#: may fire, by number and by slots (bits), and `DOWN` where an input is negative.
THRESHOLDS, ROWS, ROW_SLOTS, FLIPS, COLUMNS, COLUMN_SLOTS, _LANES = range(4, 11)
#: Rows of the index: pulses before each active row, firing columns of each slot.
FIRST, COUNTS, _INDICES = range(3)


def make_plan(n_in: int, n_out: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the work space (lanes, index, slot codes) of one sample.

    Returns
    -------
    lanes : ndarray of uint32, shape (10, lines)
    index : ndarray of int64, shape (2, rows)
    codes : ndarray of uint32
        The columns that fire in slot s are ``codes[s n_out : s n_out + index[COUNTS, s]]``, with
        `DOWN` where d > 0.
    """
    return (
        np.empty((_LANES, max(n_in, n_out)), np.uint32),
        np.zeros((_INDICES, max(n_in, MAX_SLOTS)), np.int64),
        np.empty(MAX_SLOTS * n_out + 1, np.uint32),
    )


def list_codes(plan: tuple, active: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (ptr, codes) of the synapses that a planned sample pulses, row by row."""
    lanes, index, codes = plan
    count = index[COUNTS]
    firing = [codes[s * width : s * width + count[s]] for s in range(MAX_SLOTS)]
    lists = [
        np.concatenate([firing[s] for s in range(MAX_SLOTS) if mask >> s & 1])
        for mask in lanes[ROW_SLOTS, :active].tolist()
    ]
    ptr = np.concatenate([[0], np.cumsum([len(codes) for codes in lists])]).astype(np.int64)
    return ptr, np.concatenate(lists) if lists else np.empty(0, np.uint32)
