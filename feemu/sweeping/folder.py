"""The folder of a sweep: which file is what, who works there, what the grid was."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from feemu.store import remove_leftovers, write_json_atomic
from feemu.sweeping.lock import LOCK
from feemu.sweeping.runs import Run, read_run
from feemu.training import Progress

log = logging.getLogger("feemu")

#: Hexadecimal digits of a case's hash in the names of its files.
DIGITS = 32
_RUN, _OLD, _CHECKPOINT = ".run.npz", ".nc", ".checkpoint.npz"
#: Folders of the cases and of the tries in a folder that ``feemu sweep`` writes.
SHARDS, SEARCH = "shards", "search"
_FAILED, _RUNNING, _GRID = ".failed.json", ".running.json", "sweep.json"


class Folder:
    """A folder of shards; every file belongs to one case and is named by its hash."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)

    def shard(self, digest: str) -> Path:
        """Return the file of a finished case."""
        return self._file(digest, _RUN)

    def checkpoint(self, digest: str) -> Path:
        """Return the file that a case which was cut off continues from."""
        return self._file(digest, _CHECKPOINT)

    def state(self, digest: str) -> Path:
        """Return the file for the final state of a case, for those who keep it here."""
        return self._file(digest, ".state.npz")

    def find(self, digest: str) -> Path | None:
        """Return the shard of a case, if there is one; an earlier version wrote netCDF."""
        known = (self._file(digest, _RUN), self._file(digest, _OLD))
        return next((path for path in known if path.exists()), None)

    def read(self, digest: str) -> Run | None:
        """Return a finished case, or None; a damaged shard is set aside as ``.corrupt``."""
        path = self.find(digest)
        if path is None:
            return None
        try:
            return read_run(path, digest[:DIGITS])
        except (ValueError, OSError) as error:
            log.warning("shard set aside and run again: %s", error)
            os.replace(path, self._file(digest, ".corrupt"))
            return None

    def digests(self, *, running: bool = False) -> set[str]:
        """Return the first digits of the hashes of all finished cases, or of all that run."""
        suffixes = (_RUNNING,) if running else (_RUN, _OLD)
        return {n[:DIGITS] for n in os.listdir(self.path) if n[DIGITS:] in suffixes}

    # -- what a case says of itself --------------------------------------------------------------

    def say_running(self, digest: str, seen: Progress) -> None:
        """Write where a running case stands, without waiting for the disk."""
        body = {n: getattr(seen, n) for n in _SHOWN}
        write_json_atomic(self._file(digest, _RUNNING), body, durable=False)

    def running(self, digest: str) -> Progress | None:
        """Return where a running case stood last."""
        body = _read(self._file(digest, _RUNNING))
        try:
            return Progress(**{n: form(body[n]) for n, form in _SHOWN.items()})
        except (KeyError, TypeError, ValueError):
            return None

    def say_failed(self, digest: str, error: str, details: str) -> None:
        """Write why a case failed."""
        body = {"error": error, "details": details.splitlines()}
        write_json_atomic(self._file(digest, _FAILED), body)

    def failure(self, digest: str) -> str | None:
        """Return why a case failed."""
        body = _read(self._file(digest, _FAILED))
        return body.get("error") if isinstance(body, dict) else None

    def forget(self, digest: str, *, all_of_it: bool = False) -> None:
        """Remove what a case left besides its shard, or everything."""
        suffixes = (_CHECKPOINT, _RUNNING, _FAILED)
        for suffix in (*suffixes, _RUN, _OLD, ".state.npz") if all_of_it else suffixes:
            self._file(digest, suffix).unlink(missing_ok=True)

    def stopped(self, digest: str) -> None:
        """Remove the note that a case runs."""
        self._file(digest, _RUNNING).unlink(missing_ok=True)

    # -- the whole -------------------------------------------------------------------------------

    def clean(self) -> None:
        """Remove what processes that were killed left; checkpoints of unfinished cases stay."""
        remove_leftovers(self.path)
        known = self.digests()
        for suffix in (_CHECKPOINT, _FAILED):
            for path in self.path.glob(f"*{suffix}"):
                if path.name[:DIGITS] in known:  # killed after the shard was written
                    path.unlink(missing_ok=True)
        for path in self.path.glob(f"*{_RUNNING}"):
            path.unlink(missing_ok=True)

    def remove(self) -> bool:
        """Remove the folder if it holds no case, finished or begun; return whether it is gone."""
        if not self.path.is_dir():
            return True
        if not any(self.path.glob("*.npz")) and not any(self.path.glob("*.nc")):
            self.clean()
            for path in (self.path / _GRID, self.path / LOCK, *self.path.glob(f"*{_FAILED}")):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.path.rmdir()
        return not self.path.is_dir()

    def write_grid(self, digests: list[str], stands: list[dict]) -> None:
        """Write which cases the sweep has, and where each stands."""
        cases = [[digest[:DIGITS], at] for digest, at in zip(digests, stands)]
        write_json_atomic(self.path / _GRID, {"cases": cases})

    def grid(self) -> list[tuple[str, dict]] | None:
        """Return (hash, place) of each case of the last sweep here, or None if none is told."""
        body = _read(self.path / _GRID)
        try:
            return [(str(digest), dict(at)) for digest, at in body["cases"]]
        except (KeyError, TypeError, ValueError):
            return None

    def _file(self, digest: str, suffix: str) -> Path:
        return self.path / f"{digest[:DIGITS]}{suffix}"


#: What a running case says: name and form of the fields of its `Progress`.
_SHOWN = {
    "images": int, "total": int, "epoch": float, "train_loss": float,
    "validation_accuracy": float, "pulses": int,
}  # fmt: skip


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def folders(path: str | os.PathLike) -> list[Folder]:
    """Return the folders of shards in a folder that ``feemu sweep`` wrote, or that folder itself.

    Raises
    ------
    ValueError
        If no sweep was ever begun there.
    """
    inner = [Path(path) / name for name in (SHARDS, SEARCH)]
    found = [Folder(p) for p in (*inner, Path(path)) if Folder(p).grid() is not None]
    if not found:
        raise ValueError(
            f"{path}: no sweep was begun there; name the folder given as --out to 'feemu sweep'"
        )
    return found
