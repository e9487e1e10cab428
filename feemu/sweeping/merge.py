"""Folders of several sweeps joined: parts of one grid that ran on several machines."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from feemu.sweeping.assemble import Assembly
from feemu.sweeping.folder import Folder, folders
from feemu.sweeping.places import GRID, places
from feemu.sweeping.runs import Run, read_run

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("feemu")


def merge(paths: Iterable[str | os.PathLike]) -> xr.Dataset:
    """Join what is finished in the folders of sweeps into one Dataset.

    Parameters
    ----------
    paths : iterable of path
        Folders of shards, or folders that ``feemu sweep`` wrote; nothing in them is changed, and
        sweeps may still run there. A case that stands in several is taken once.

    Returns
    -------
    xarray.Dataset
        As of one sweep over all cases; what is not finished anywhere is NaN, and False in
        ``done``.

    Raises
    ------
    ValueError
        If a folder holds no sweep, their dimensions differ, two different cases have one place,
        or nothing is finished.
    """
    where: dict[str, list[Folder]] = {}
    at: dict[str, dict] = {}
    for path in paths:
        folder = folders(path)[0]
        for digest, place in folder.grid():
            where.setdefault(digest, []).append(folder)
            at.setdefault(digest, place)
    stands = list(at.values())
    if len({tuple(sorted(s)) for s in stands}) > 1:
        known = sorted({", ".join(s) for s in stands})
        raise ValueError(f"merge: the sweeps have other dimensions: {' against '.join(known)}")
    grid = [{d: s[d] for d in GRID} for s in stands]
    extra = [{d: v for d, v in s.items() if d not in GRID} for s in stands]
    assembly, errors = Assembly(*places(grid, extra)), {}
    for number, (digest, found) in enumerate(where.items()):
        run = next(filter(None, (_read(folder, digest) for folder in found)), None)
        if run is not None:
            assembly.add(number, run)
        elif told := next(filter(None, (folder.failure(digest) for folder in found)), None):
            errors[number] = told
    return assembly.dataset(errors)


def _read(folder: Folder, digest: str) -> Run | None:
    path = folder.find(digest)
    try:
        return None if path is None else read_run(path, digest)
    except (ValueError, OSError) as error:
        log.warning("left out: %s; run its sweep again", error)
        return None
