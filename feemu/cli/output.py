"""Files that a command will write: found to be writable before any work starts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path


def check_output(path: str | Path, suffixes: Sequence[str], overwrite: bool = True) -> Path:
    """Return a path after checking that a file can be written there; nothing is changed.

    Raises
    ------
    ValueError
        For another suffix, or for a file that is there while `overwrite` is false.
    OSError
        If the folder is missing or cannot be written to.
    """
    file = Path(path).expanduser()
    if file.is_dir():
        raise IsADirectoryError(
            f"{path}: is a folder; add a file name, e.g. {file / 'run'}{suffixes[0]}"
        )
    if file.suffix not in suffixes:
        allowed = " or ".join(suffixes)
        raise ValueError(f"{path}: the name must end in {allowed}, e.g. {file.stem}{suffixes[0]}")
    if file.exists() and not overwrite:
        raise ValueError(f"{path}: is there already; name another file or add --overwrite")
    check_folder(file.parent, path)
    if file.exists() and not os.access(file, os.W_OK):
        raise PermissionError(f"{path}: the file is write-protected; name another one")
    return file


def check_folder(folder: Path, shown: str | Path) -> None:
    """Raise an OSError unless a file can be made in the folder."""
    if not folder.exists():
        raise FileNotFoundError(
            f"{shown}: the folder {str(folder)!r} does not exist; create it first"
        )
    if not folder.is_dir():
        raise NotADirectoryError(f"{shown}: {str(folder)!r} is a file; name a folder")
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            trial.write(b"feemu")
    except OSError as error:
        raise OSError(
            f"{shown}: nothing can be written to the folder {str(folder)!r} "
            f"({error.strerror or error}); name another folder"
        ) from None


def make_folder(folder: Path) -> None:
    """Make a folder that files can be written to, unless it is there; an OSError says why not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"{folder}: the folder cannot be made ({error.strerror or error}); name another"
        ) from None
    check_folder(folder, folder)
