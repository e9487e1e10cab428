"""The `Task` record, its fixed splits, and tasks made from arrays."""

from __future__ import annotations

import hashlib
import math
import numbers
from dataclasses import dataclass

import numpy as np

#: Seed of all splits; a run's own seed never moves an example from one part to another.
SPLIT_SEED = 20240229
TEST_FRACTION = 1 / 5
VALIDATION_FRACTION = 1 / 6


@dataclass(frozen=True, eq=False, repr=False)
class Task:
    """One classification data set, cut into training, validation and test parts.

    Attributes
    ----------
    name : str
        Name in results.
    train_x, validation_x, test_x : ndarray of float32, shape (n, n_features)
        Pixels [1], in [0, 1], C-contiguous.
    train_y, validation_y, test_y : ndarray of int64, shape (n,)
        Class numbers, 0 to n_classes - 1.
    n_classes : int
        Number of classes.
    data_sha256 : str
        SHA-256 (hex) over the content of all parts, the split and the scaling.
    source : str
        Whose data it is.

    Raises
    ------
    ValueError
        For shapes that do not fit, pixels outside [0, 1] or NaN, labels out of range.
    TypeError
        For another data type.
    """

    name: str
    train_x: np.ndarray
    train_y: np.ndarray
    validation_x: np.ndarray
    validation_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    n_classes: int
    data_sha256: str
    source: str

    def __post_init__(self) -> None:
        for part in ("train", "validation", "test"):
            x, y = getattr(self, f"{part}_x"), getattr(self, f"{part}_y")
            where = f"task {self.name!r}, {part}"
            types = [getattr(a, "dtype", type(a).__name__) for a in (x, y)]
            if types != [np.float32, np.int64]:
                raise TypeError(
                    f"{where}: data types {types[0]} and {types[1]}; must be float32 pixels and "
                    f"int64 labels (task_from_arrays converts)"
                )
            _check_shapes(where, x, y, self.train_x.shape[-1])
            if x.ndim != 2:
                raise ValueError(f"{where}: x of shape {x.shape}; must be (n, n_features)")
            _check_unit_range(where, x)
            _check_labels(where, y, self.n_classes)

    @property
    def n_features(self) -> int:
        """Number of inputs of a network for this task."""
        return self.train_x.shape[1]

    def __repr__(self) -> str:
        return (
            f"Task {self.name}: {len(self.train_x)} training, {len(self.validation_x)} validation, "
            f"{len(self.test_x)} test examples, {self.n_features} features, "
            f"{self.n_classes} classes (source: {self.source})"
        )


def task_from_arrays(
    name: str,
    x: np.ndarray,
    y: np.ndarray,
    test_x: np.ndarray | None = None,
    test_y: np.ndarray | None = None,
    validation_fraction: float | None = None,
    source: str = "own data",
) -> Task:
    """Return a task made from arrays in memory.

    Parameters
    ----------
    name, source : str
        Name in results, and whose data it is.
    x : ndarray, shape (n, ...)
        Examples; further dimensions are flattened. Integers must be 0 to 255 and are divided by
        255; floats must be in [0, 1] already; booleans become 0 and 1.
    y : ndarray of integers, shape (n,)
        Class numbers 0 to C - 1; each class needs an example.
    test_x, test_y : ndarray, optional
        Test set, with the same rules; without it a fifth of each class is set aside, chosen by
        a fixed seed.
    validation_fraction : float, optional
        Part of the training examples that is cut for validation [1]; default 1/6.

    Raises
    ------
    ValueError
        For shapes that do not fit, NaN, values or labels out of range, too few examples.
    TypeError
        For data types other than these.
    """
    where = f"task {name!r}"
    x, y = _pixels(f"{where}, x", x), _labels(f"{where}, y", y)
    _check_shapes(where, x, y)
    classes = np.unique(y)
    n_classes = int(y.max()) + 1
    if n_classes < 2 or classes[0] < 0 or len(classes) != n_classes:
        raise ValueError(
            f"{where}: labels {classes[0]} to {classes[-1]} with {len(classes)} different values; "
            f"must be 0 to C-1 (C >= 2) with an example of each; renumber the classes"
        )
    if (test_x is None) != (test_y is None):
        raise ValueError(f"{where}: test_x and test_y must be given together or not at all")
    if test_x is None:
        (x, y), (test_x, test_y) = stratified_test_split(x, y)
    else:
        test_x, test_y = _pixels(f"{where}, test_x", test_x), _labels(f"{where}, test_y", test_y)
        _check_shapes(f"{where}, test", test_x, test_y, x.shape[1])
        _check_labels(f"{where}, test", test_y, n_classes)
    fraction = VALIDATION_FRACTION if validation_fraction is None else validation_fraction
    content = content_digest(x, y, test_x, test_y)
    return assemble(name, (x, y, test_x, test_y), n_classes, fraction, source, content)


def assemble(
    name: str,
    parts: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    n_classes: int,
    validation_fraction: float,
    source: str,
    content: str,
) -> Task:
    """Return the task of checked arrays: cut the validation part, scale uint8 pixels by 255.

    Parameters
    ----------
    parts : (x, y, test_x, test_y)
        uint8 or float32 pixels (n, n_features), int64 labels (n,).
    content : str
        `content_digest` of `parts`.

    Raises
    ------
    ValueError
        For a fraction that leaves no training or no validation example.
    """
    x, y, test_x, test_y = parts
    train, validation = validation_split(len(x), validation_fraction)
    rule = f"feemu-task-1 {content} validation={len(validation)} seed={SPLIT_SEED} {x.dtype}"
    return Task(
        name=name,
        train_x=_scaled(x[train]),
        train_y=y[train],
        validation_x=_scaled(x[validation]),
        validation_y=y[validation],
        test_x=_scaled(test_x),
        test_y=test_y,
        n_classes=n_classes,
        data_sha256=hashlib.sha256(rule.encode()).hexdigest(),
        source=source,
    )


def validation_split(n: int, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ascending numbers of the training and of the validation examples.

    The validation part is the front of a permutation of the n examples that depends on n and
    `SPLIT_SEED` alone, so a larger fraction contains a smaller one.

    Raises
    ------
    ValueError
        Unless 0 < fraction < 1 leaves at least one example in each part.
    TypeError
        If the fraction is no number.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, numbers.Real):
        raise TypeError(f"validation_fraction = {fraction!r}: must be a number [1], 0 < f < 1")
    if not (math.isfinite(fraction) and 0 < fraction < 1):
        raise ValueError(
            f"validation_fraction = {fraction!r}: allowed is 0 < validation_fraction < 1, e.g. 0.1"
        )
    n_validation = round(n * float(fraction))
    if not 0 < n_validation < n:
        raise ValueError(
            f"validation_fraction = {fraction!r} of {n} examples leaves {n - n_validation} for "
            f"training and {n_validation} for validation: each needs one; change the fraction"
        )
    order = _permutation(n)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


def stratified_test_split(
    x: np.ndarray, y: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return (x, y) of the training and of the test part: a fifth of each class is the test.

    Which ones follows from a permutation that depends on n and `SPLIT_SEED` alone; the number
    per class is rounded and at least 1.

    Raises
    ------
    ValueError
        If a class has fewer than 2 examples.
    """
    order = _permutation(len(y), stream=1)
    test = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = order[y[order] == label]
        if len(members) < 2:
            raise ValueError(
                f"class {label} has {len(members)} example: a test split needs 2 or more of each "
                f"class; add examples or give test_x and test_y"
            )
        test[members[: max(1, round(TEST_FRACTION * len(members)))]] = True
    return (x[~test], y[~test]), (x[test], y[test])


def content_digest(*arrays: np.ndarray) -> str:
    """Return the SHA-256 (hex) over type, shape and little-endian values of some arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        digest.update(array.data)
    return digest.hexdigest()


def _permutation(n: int, stream: int = 0) -> np.ndarray:
    # Raw words are the same in every numpy version, Generator.permutation need not be.
    words = np.random.PCG64([SPLIT_SEED, stream]).random_raw(n)
    return np.argsort(words, kind="stable")


def _scaled(x: np.ndarray) -> np.ndarray:
    return np.divide(x, np.float32(255), dtype=np.float32) if x.dtype == np.uint8 else x


def _pixels(where: str, x: np.ndarray) -> np.ndarray:
    """Return examples as uint8 (from integers) or float32, shape (n, n_features), checked."""
    x = np.asarray(x)
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(f"{where}: shape {x.shape}; must be (n, ...) with one example a row")
    x = x.reshape(len(x), -1)
    if x.dtype.kind in "iu":
        if x.min() < 0 or x.max() > 255:
            raise ValueError(
                f"{where}: integers from {x.min()} to {x.max()}; allowed are pixels 0 to 255; "
                f"scale them to floats in [0, 1]"
            )
        return np.array(x, np.uint8, order="C")
    if x.dtype.kind == "f":
        _check_unit_range(where, x)
    elif x.dtype.kind != "b":
        raise TypeError(f"{where}: data type {x.dtype}; must be integers, floats or booleans")
    return np.array(x, np.float32, order="C")


def _labels(where: str, y: np.ndarray) -> np.ndarray:
    y = np.asarray(y)
    if y.dtype.kind not in "iu":
        raise TypeError(f"{where}: data type {y.dtype}; must be integer class numbers from 0")
    if y.size and int(y.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{where}: label {y.max()}; must be class numbers from 0")
    return np.array(y, np.int64, order="C")


def _check_shapes(where: str, x: np.ndarray, y: np.ndarray, n_features: int | None = None) -> None:
    if y.ndim != 1 or len(x) != len(y):
        raise ValueError(
            f"{where}: x of shape {x.shape} and y of shape {y.shape}; must be (n, n_features) and "
            f"(n,) with the same n"
        )
    if len(y) == 0:
        raise ValueError(f"{where}: no examples; each part needs one or more")
    if n_features is not None and x.shape[-1] != n_features:
        raise ValueError(
            f"{where}: {x.shape[-1]} features; must be {n_features} as in the training data"
        )


def _check_unit_range(where: str, x: np.ndarray) -> None:
    if not (x.min() >= 0 and x.max() <= 1):
        row, column = np.unravel_index(np.argmax(~((x >= 0) & (x <= 1))), x.shape)
        raise ValueError(
            f"{where}: value {x[row, column]} at row {row}, feature {column}; allowed are floats "
            f"in [0, 1]; scale or clean the data"
        )


def _check_labels(where: str, y: np.ndarray, n_classes: int) -> None:
    if y.min() < 0 or y.max() >= n_classes:
        i = int(np.argmax((y < 0) | (y >= n_classes)))
        raise ValueError(f"{where}: label {y[i]} at number {i}; allowed are 0 to {n_classes - 1}")
