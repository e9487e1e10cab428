"""Where the files of an image set are looked for, and where fetched ones are put."""

from __future__ import annotations

import os
from pathlib import Path

from feemu.tasks.catalog import ImageSet

DATA_VARIABLE = "FEEMU_DATA"


def cache_folder() -> Path:
    """Return the user's cache folder of feemu, which need not exist.

    It is ``$XDG_CACHE_HOME/feemu`` where that variable holds an absolute path, else
    ``~/.cache/feemu``.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "feemu"


def find_files(image_set: ImageSet, data: str | os.PathLike | None = None) -> list[Path]:
    """Return the paths of the four IDX files of an image set.

    Searched are `data` alone where it is given, else the folder in the variable FEEMU_DATA and
    then the user's cache folder; in each the subfolder named after the set (``mnist``,
    ``fashion-mnist``) before the folder itself. The first folder with one of the files counts.

    Returns
    -------
    list of Path
        Training images, training labels, test images, test labels; the ``.gz`` form wins.

    Raises
    ------
    ValueError
        If no folder holds the files, or the first that holds any lacks some.
    """
    roots = _roots(data)
    for root in roots:
        for folder in (root / image_set.folder, root):
            found = [_existing(folder, f.name) for f in image_set.files]
            if all(found):
                return found
            if any(found):
                missing = ", ".join(f.name for f, p in zip(image_set.files, found) if p is None)
                raise ValueError(
                    f"{image_set.title} in {str(folder)!r}: found some of its files, but not "
                    f"{missing} (nor without .gz); {_mend(image_set)}"
                )
    places = " and ".join(repr(str(root)) for root in roots)
    raise ValueError(
        f"{image_set.title}: no {image_set.files[0].name} (nor without .gz) in {places} or the "
        f"subfolder {image_set.folder}/; {_mend(image_set)}"
    )


def _roots(data: str | os.PathLike | None) -> list[Path]:
    if data is not None:
        if not isinstance(data, (str, os.PathLike)):
            raise TypeError(f"data = {data!r}: must be the path of a folder with IDX files")
        return [Path(data).expanduser()]
    variable = os.environ.get(DATA_VARIABLE)
    return ([Path(variable).expanduser()] if variable else []) + [cache_folder()]


def _existing(folder: Path, name: str) -> Path | None:
    for candidate in (folder / name, folder / name.removesuffix(".gz")):
        if os.path.exists(candidate):
            return candidate
    return None


def _mend(image_set: ImageSet) -> str:
    return (
        f"download them with 'feemu data fetch {image_set.name}', or name their folder with "
        f"--data DIR or {DATA_VARIABLE}"
    )
