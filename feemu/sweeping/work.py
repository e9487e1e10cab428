"""One case, one shard: what a worker of a sweep does."""

from __future__ import annotations

import contextlib
import logging
import time
import traceback
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from feemu.case import Case
from feemu.sweeping.folder import Folder
from feemu.sweeping.runs import write_run
from feemu.tasks import Task, load_task
from feemu.training import Progress, train, with_data

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("feemu")

#: A running case says where it stands at most this often [s].
SPACING = 0.5
#: An error is told in so many characters at most.
_LINE = 800


class StorageError(OSError):
    """The folder of the sweep cannot be written to; the cases are not at fault."""


class Outcome(NamedTuple):
    """What became of a case: its result, or its error.

    Attributes
    ----------
    result : xarray.Dataset or None
        The result.
    error : str
        The error in one line, empty for a result.
    storage : bool
        Whether the folder is at fault and not the case.
    kept : bool
        Whether the result is in the folder alone.
    """

    result: xr.Dataset | None
    error: str = ""
    storage: bool = False
    kept: bool = False


@lru_cache(maxsize=2)
def task_of(name: str, data: str | None) -> Task:
    """Return a data set, the last ones from memory."""
    return load_task(name, data)


def run_case(
    case: Case,
    data: str | None = None,
    folder: str | None = None,
    state: str | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> xr.Dataset:
    """Run one case, or take its shard from `folder` if a valid one is there.

    A shard that does not load is set aside as ``.corrupt`` and run again; a case that was cut
    off continues from its checkpoint. `state` and `progress` as in `feemu.train`; without
    its state file a shard does not count.

    Raises
    ------
    StorageError
        If shard, checkpoint or state cannot be written.
    """
    task = task_of(case.task, data)
    case = with_data(case, task)
    if folder is None:
        return train(case, task, state=state, progress=progress)
    place, digest = Folder(folder), case.digest()
    known = place.read(digest) if state is None or Path(state).exists() else None
    if known is not None:
        return known.dataset()
    try:
        options = {"checkpoint": place.checkpoint(digest), "state": state, "progress": progress}
        ds = train(case, task, **options)
        write_run(ds, place.shard(digest))
        place.forget(digest)
    except OSError as error:
        told = StorageError(str(error))
        told.errno = error.errno
        raise told from None
    return ds


def attempt(
    case: Case,
    data: str | None,
    folder: str | None,
    state: str | None,
    watch: Callable[[Case, Progress], None] | None = None,
) -> Outcome:
    """Run one case and return what became of it; only an interruption is raised.

    With a folder, where the case stands and why it failed are written there.
    """
    report = _Reporter(case, data, folder, watch)
    try:
        return Outcome(run_case(case, data, folder, state, report))
    except StorageError as error:
        return Outcome(None, _line(error), storage=True)
    except Exception as error:  # whatever a case may do to itself, others go on
        told = f"{type(error).__name__}: {_line(error)}"
        try:
            report.failed(told, traceback.format_exc())
        except OSError as full:
            return Outcome(None, _line(full), storage=True)
        return Outcome(None, told)
    finally:
        report.end()


def attempt_apart(*arguments: Any) -> Outcome:
    """As `attempt`, with a folder, where the result stays; for worker processes.

    What is sent goes through a pipe in one piece. The rest of a longer message would never come
    from a process that is killed meanwhile, and whoever reads it would wait for ever.
    """
    done = attempt(*arguments)
    return done._replace(result=None, kept=done.result is not None)


class _Reporter:
    """Tells where a case stands: to the folder, and to who watches in this process."""

    def __init__(self, case: Case, data: str | None, folder: str | None, watch) -> None:
        self.case, self.data, self.watch = case, data, watch
        self.folder = None if folder is None else Folder(folder)
        self._next, self._digest = 0.0, ""

    def __call__(self, seen: Progress) -> None:
        if self.watch is not None:
            self.watch(self.case, seen)
        if self.folder is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + SPACING
            with contextlib.suppress(OSError):
                self.folder.say_running(self._name(), seen)

    def failed(self, error: str, details: str) -> None:
        """Write why the case failed."""
        if self.folder is not None:
            self.folder.say_failed(self._name(), error, details)

    def end(self) -> None:
        """Remove what was said while the case ran."""
        if self.folder is not None and self._next:
            with contextlib.suppress(OSError):
                self.folder.stopped(self._name())

    def _name(self) -> str:
        if not self._digest:
            case = self.case
            with contextlib.suppress(Exception):  # without data the case names itself
                case = with_data(case, task_of(case.task, self.data))
            self._digest = case.digest()
        return self._digest


def _line(error: BaseException) -> str:
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= _LINE else f"{line[:_LINE]}..."
