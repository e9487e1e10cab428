"""Whether branches end after a number of pulses or, pulse and verify, on a level."""

from __future__ import annotations

import numpy as np

#: What ends a branch.
ENDS = ("count", "level")
#: Fewest cycles that show it, and the largest share of branches of the commonest length.
_CYCLES, _SHARE = 6, 2 / 3
#: Ends must differ between cycles by less than this part of what levels do after equal counts.
_CLOSER = 0.7


def ended_by(values: np.ndarray) -> str:
    """Return ``level`` where both branches end on a level, else ``count``.

    Lengths must vary, and levels at the ends must differ less from cycle to cycle than those
    after the number of pulses that all branches have: a count would do the opposite. Differences
    of neighbouring cycles know no slow drift.

    Parameters
    ----------
    values : ndarray, shape (pulse_width, device, cycle, polarity, pulse)
        Conductance, NaN where there is no reading.
    """
    last = last_readings(values)
    return ENDS[all(_on_level(values[:, :, :, k], last[:, :, :, k]) for k in (0, 1))]


def last_readings(values: np.ndarray) -> np.ndarray:
    """Return the index of the last reading along the last axis, -1 for none."""
    number = np.arange(values.shape[-1])
    return np.where(np.isfinite(values), number, -1).max(axis=-1)


def _on_level(values: np.ndarray, last: np.ndarray) -> bool:
    """Return whether branches (width, device, cycle, pulse) of one polarity end on a level."""
    if np.unique(last[last > 0]).size < 2:
        return False
    at_end, at_count, lengths = [], [], []
    for branches, ends in zip(
        values.reshape(-1, *values.shape[2:]), last.reshape(-1, last.shape[2])
    ):
        branches, ends = branches[ends > 0], ends[ends > 0]
        if len(ends) < _CYCLES:
            continue
        lengths.append(np.bincount(ends).max() / ends.size)
        at_end.append(np.diff(branches[np.arange(ends.size), ends]))
        at_count.append(np.diff(branches[:, ends.min()]))
    if not lengths or np.mean(lengths) > _SHARE:
        return False
    return _rms(at_end) < _CLOSER * _rms(at_count)


def _rms(parts: list[np.ndarray]) -> float:
    """Return the root mean square of all finite values; infinity if there are none."""
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    return float(np.sqrt(np.mean(values**2))) if values.size else np.inf
