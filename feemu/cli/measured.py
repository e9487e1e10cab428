"""The table ``[measured]`` of a study: measured files, fitted before its cases are made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

#: Where the fit lies in the folder of a sweep, and what it was made from.
FITTED, MADE_FROM = "fitted", "measured.json"
_EXAMPLE = 'files = ["up.csv", "down.csv"]'


def fitted_preset(table: dict[str, Any], beside: Path, out: Path) -> Path:
    """Return the preset file of the device that measured files are fitted to.

    Parameters
    ----------
    table : dict
        ``files``, and if wanted ``model`` and ``name`` as of ``feemu fit``; everything else is a
        setting of the reader, see `feemu.curves.Mapping`.
    beside : path
        Folder that the files are named from.
    out : path
        Folder of the sweep. The fit lies in its subfolder ``fitted``; it is made again only when
        files, settings or feemu's version changed.

    Raises
    ------
    ValueError
        For a table without files, or what the reader or the fit refuses.
    """
    from feemu import __version__
    from feemu.cli.fit import fit_files
    from feemu.store import write_text_atomic

    own = dict(table)
    files, model, name = own.pop("files", None), own.pop("model", None), own.pop("name", None)
    if not isinstance(files, list) or not files or not all(isinstance(f, str) for f in files):
        raise ValueError(f"files = {files!r}: must be a list of names, e.g. {_EXAMPLE}")
    named = [_beside(f, beside) for f in files]
    told = {"files": {f: _digest(p) for f, p in zip(files, named)}, "version": __version__}
    made_from = json.dumps({"table": table, **told}, sort_keys=True, indent=1)
    folder = out / FITTED
    preset, note = folder / "device.toml", folder / MADE_FROM
    if not (preset.is_file() and note.is_file() and note.read_text() == made_from):
        note.unlink(missing_ok=True)
        fit_files(named, folder, model=model, name=name, **own)
        write_text_atomic(note, made_from)
    return preset.resolve()


def _beside(file: str, folder: Path) -> str:
    """Return a name as seen from the study's folder, its label kept."""
    label, equals, path = file.rpartition("=")
    return f"{label}{equals}{folder / path}"


def _digest(file: str) -> str:
    path = Path(file.rpartition("=")[2])
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise type(error)(f"{path}: cannot be read: {error.strerror or error}") from None
