"""What programming and reading accept: shapes, pulse trains and pulse kinds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from feemu.array.plan import MAX_SLOTS
from feemu.params import all_finite


def as_vectors(values: np.ndarray, width: int, what: str) -> np.ndarray:
    """Return `values` as contiguous float32 of shape (batch, width).

    Raises
    ------
    ValueError
        For any other shape.
    """
    vectors = np.ascontiguousarray(values, np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != width:
        raise ValueError(
            f"{what}: shape {np.shape(values)}, expected (batch, {width}); give one row per sample"
        )
    return vectors


def as_request(
    x: np.ndarray, d: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and errors of a coincidence update as contiguous float32.

    Raises
    ------
    ValueError
        If shapes or batches do not fit.
    """
    x, d = as_vectors(x, shape[0], "x"), as_vectors(d, shape[1], "d")
    if len(x) != len(d):
        raise ValueError(f"x, d: {len(x)} and {len(d)} samples; give as many rows of x as of d")
    return x, d


def check_finite(x: np.ndarray, d: np.ndarray) -> None:
    """Refuse inputs and errors that are not finite.

    Raises
    ------
    ValueError
        If a value is NaN or infinite.
    """
    for name, values in (("x", x), ("d", d)):
        if not all_finite(values):
            raise ValueError(f"{name}: contains NaN or infinity; every value must be finite")


def train_options(
    lr: float, bl_min: int, bl_max: int, managed: bool
) -> tuple[float, tuple[int, int, bool]]:
    """Return the learning rate and (bl_min, bl_max, managed) in the types of the kernels.

    Raises
    ------
    ValueError
        For a learning rate below 0 or not finite, or lengths that are not 1..32 in order.
    """
    if not (math.isfinite(lr) and lr >= 0):
        raise ValueError(f"learning rate lr = {lr!r}: must be finite and at least 0")
    if not 1 <= bl_min <= bl_max <= MAX_SLOTS:
        raise ValueError(
            f"bl_min = {bl_min!r}, bl_max = {bl_max!r}: must be 1 <= bl_min <= bl_max <= "
            f"{MAX_SLOTS} slots"
        )
    return float(lr), (int(bl_min), int(bl_max), bool(managed))


def check_kinds(kinds: Sequence[int], signs: np.ndarray) -> tuple[int, int]:
    """Return a pair of pulse kinds, the first for potentiation and the second for depression.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    pair = tuple(int(k) for k in kinds)
    known = len(pair) == 2 and all(0 <= k < len(signs) for k in pair)
    if not (known and signs[pair[0]] > 0 > signs[pair[1]]):
        raise ValueError(
            f"pulse kinds {tuple(kinds)}: must be the numbers of a potentiation and a depression "
            f"kind; this device has signs {signs.tolist()}"
        )
    return pair
