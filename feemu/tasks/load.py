"""Load a task by its name: the embedded digits, image sets in IDX files, own ``.npz`` files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from feemu.params import unknown
from feemu.tasks.catalog import IMAGE_SETS, ImageSet
from feemu.tasks.folders import find_files
from feemu.tasks.idx import read_pair
from feemu.tasks.task import Task, assemble, content_digest, task_from_arrays

# 5000 of the 60000 training images.
_IMAGE_VALIDATION_FRACTION = 1 / 12
_IMAGE_SHAPE = (28, 28)


def task_names() -> list[str]:
    """Return the names that `load_task` knows besides paths to ``.npz`` files."""
    return ["digits", *IMAGE_SETS]


def load_task(
    name: str | os.PathLike,
    data: str | os.PathLike | None = None,
    validation_fraction: float | None = None,
) -> Task:
    """Return a data set as a task; nothing is downloaded.

    Parameters
    ----------
    name : str or path
        ``"digits"``: the 1797 handwritten digits of 8x8 pixels in scikit-learn's bundled file
        (UCI, DOI 10.24432/C50P49), pixels / 16; a fixed fifth of each class is the test set.
        ``"mnist"``, ``"fashion_mnist"``: from IDX files, pixels / 255.
        A path ending in ``.npz``: arrays x, y and, if present, test_x, test_y with the rules of
        `task_from_arrays`.
    data : path, optional
        Folder with IDX files or with a subfolder ``mnist`` or ``fashion-mnist``; without it
        the variable FEEMU_DATA and the user's cache folder. Not used by the other tasks.
    validation_fraction : float, optional
        Part of the training examples that is cut for validation [1], by a fixed seed; default
        1/12 for the IDX tasks (5000 of 60000), else 1/6.

    Raises
    ------
    ValueError
        For an unknown name, absent, damaged or foreign files, values out of range.
    TypeError
        For an argument or array of another type.
    """
    if isinstance(name, os.PathLike) or (isinstance(name, str) and name.endswith(".npz")):
        return _load_npz(Path(name).expanduser(), validation_fraction)
    if name == "digits":
        return _load_digits(validation_fraction)
    if not isinstance(name, str) or name not in IMAGE_SETS:
        raise ValueError(unknown("task", name, task_names()) + ", or a path to an .npz file")
    return _load_images(IMAGE_SETS[name], data, validation_fraction)


def _load_digits(validation_fraction: float | None) -> Task:
    table = _read_digits()
    source = "UCI optical recognition of handwritten digits, scikit-learn's file"
    x, y = (table[:, :-1] / 16).astype(np.float32), table[:, -1].astype(np.int64)
    return task_from_arrays("digits", x, y, validation_fraction=validation_fraction, source=source)


def _read_digits() -> np.ndarray:
    """Return pixels (0 to 16) and class of all digits, shape (1797, 65).

    The file is read where scikit-learn holds it: importing that takes a second of every process.
    """
    from importlib.util import find_spec

    found = find_spec("sklearn")
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder, "datasets", "data", "digits.csv.gz")
        if file.is_file():
            return np.loadtxt(file, delimiter=",")
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ValueError(
            f"task 'digits': cannot import scikit-learn ({error}), which holds the data; "
            f"install it with 'pip install scikit-learn'"
        ) from None
    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target])


def _load_images(
    image_set: ImageSet, data: str | os.PathLike | None, validation_fraction: float | None
) -> Task:
    paths = find_files(image_set, data)
    train, test = read_pair(*paths[:2]), read_pair(*paths[2:])
    for path, (x, _) in zip(paths[::2], (train, test)):
        if x.shape[1:] != _IMAGE_SHAPE:
            raise ValueError(
                f"IDX file {str(path)!r}: found images of {x.shape[1]} x {x.shape[2]} pixels; "
                f"expected 28 x 28; use the files of {image_set.title}, or an .npz for own data"
            )
    parts = (train[0].reshape(-1, 784), train[1], test[0].reshape(-1, 784), test[1])
    content = content_digest(*parts)
    for other in IMAGE_SETS.values():
        if other is not image_set and content == other.content_sha256:
            raise ValueError(
                f"{image_set.title} in {str(paths[0].parent)!r}: found the files of {other.title}; "
                f"give the folder of {image_set.title} or one with a subfolder {image_set.folder}/"
            )
    published = content == image_set.content_sha256
    origin = "published files" if published else "other content than the published files"
    fraction = _IMAGE_VALIDATION_FRACTION if validation_fraction is None else validation_fraction
    source = f"{image_set.title}, {image_set.source}; {origin}"
    return assemble(image_set.name, parts, 10, fraction, source, content)


def _load_npz(path: Path, validation_fraction: float | None) -> Task:
    arrays = _read_npz(path)
    source = f"own data, {path.name}"
    try:
        return task_from_arrays(
            path.stem, **arrays, validation_fraction=validation_fraction, source=source
        )
    except (ValueError, TypeError) as error:
        raise type(error)(f"{str(path)!r}: {error}") from None


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    where = f"data file {str(path)!r}"
    expected = "expected an .npz with arrays x, y [, test_x, test_y], as numpy.savez writes"
    try:
        file = np.load(path, allow_pickle=False)
        names = file.files if isinstance(file, np.lib.npyio.NpzFile) else None
        wanted = [n for n in ("x", "y", "test_x", "test_y") if n in (names or ())]
        arrays = {n: file[n] for n in wanted}
    except OSError as error:
        raise ValueError(f"{where}: {_line(error.strerror or error)}; {expected}") from None
    except Exception as error:  # zip, zlib, numpy's header parser: many kinds
        raise ValueError(
            f"{where}: damaged or foreign ({_line(error)}); {expected}; write it again"
        ) from None
    if names is None or not {"x", "y"} <= set(names):
        found = f"arrays {', '.join(names) or 'none'}" if names is not None else "a single array"
        raise ValueError(f"{where}: found {found}; {expected}")
    foreign = [n for n in wanted if not isinstance(arrays[n], np.ndarray)]
    if foreign:
        raise ValueError(f"{where}: {', '.join(foreign)} is no array; {expected}")
    return arrays


def _line(error: object) -> str:
    return " ".join(str(error).split()) or type(error).__name__
