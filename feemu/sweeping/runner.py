"""A sweep is a map over cases: one shard per case, one labelled Dataset at the end."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.case import Case
from feemu.sweeping.assemble import Assembly
from feemu.sweeping.folder import DIGITS, Folder
from feemu.sweeping.lock import locked
from feemu.sweeping.places import place_of, places
from feemu.sweeping.runs import Run
from feemu.sweeping.schedule import Jobs, run_here, run_on, run_on_workers
from feemu.sweeping.work import Outcome, task_of
from feemu.training import Progress, with_data

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("feemu")


def sweep(
    cases: Iterable[Case],
    *,
    executor: Executor | None = None,
    workers: int = 1,
    data: str | Path | None = None,
    out: str | Path | None = None,
    progress: Callable[[int, int, xr.Dataset | None], None] | None = None,
    coordinates: list[dict] | None = None,
    states: Sequence[str | Path] | None = None,
    watch: Callable[[Case, Progress], None] | None = None,
) -> xr.Dataset:
    """Run all cases and return one Dataset over pulse width, algorithm and seed.

    Parameters
    ----------
    cases : iterable of Case
        What to run; the result does not depend on their order.
    executor : concurrent.futures.Executor, optional
        Where to run; default: `workers` processes, or this process for one.
    workers : int
        Number of processes when no executor is given; one that is killed is replaced.
    data, out : path, optional
        Folder of data files; folder of shards, from which the same sweep resumes, and which no
        other sweep uses meanwhile. Workers on other machines must see both under the same names.
    progress : callable, optional
        Called with (ended, all, dataset of the case that ended) after each case that was run;
        the dataset is None if the case failed.
    coordinates : list of dict, optional
        Further dimensions of each case, such as ``{"states": 50}``.
    states : sequence of path, optional
        File for the final state of each case.
    watch : callable, optional
        Called with (case, its `Progress`) at each evaluation of cases that run in this process;
        with `out` or `workers`, also about once a second for those that run elsewhere.

    Returns
    -------
    xarray.Dataset
        Combinations that were not run hold NaN. So do cases that failed: they are logged, their
        errors stand in the provenance (see `failures`) and, with `out`, beside the shards.

    Raises
    ------
    ValueError
        If there is no case, two cases differ in none of the dimensions, networks differ in
        shape, or all cases fail.
    OSError
        If another sweep uses `out`, or it cannot be written to; what is finished is kept.
    """
    cases = list(cases)
    if not cases:
        raise ValueError("sweep: no cases; give at least one feemu.Case")
    if executor is None and workers < 1:
        raise ValueError(f"sweep: workers = {workers}; give 1 or more processes")
    dims, stands = places([place_of(case) for case in cases], coordinates)
    _check_shapes(cases)
    place = None if data is None else os.path.abspath(data)
    cases = [with_data(case, task_of(case.task, place)) for case in cases]
    files = [None if states is None else str(states[i]) for i in range(len(cases))]
    apart = workers != 1 if executor is None else isinstance(executor, ProcessPoolExecutor)
    with _folder(out, apart) as shards:
        run = _Sweep(cases, Assembly(dims, stands), shards, progress, watch)
        run.take_finished(files)
        folder = None if shards is None else os.path.abspath(shards)
        arguments = {i: (cases[i], place, folder, files[i]) for i in run.missing}
        jobs = Jobs(arguments, run.report, run.look)
        if executor is not None:
            run_on(executor, jobs, apart)
        elif workers == 1:
            run_here(jobs, watch)
        else:
            run_on_workers(workers, jobs)
        if run.folder is not None:
            run.folder.clean()  # of workers that were killed on the way
        return run.result()


@contextmanager
def _folder(out: str | Path | None, needed: bool) -> Iterator[str | Path | None]:
    """Yield the folder of the shards, locked; a temporary one if one is needed and none given."""
    if out is not None:
        with locked(out):
            yield out
    elif needed:
        with tempfile.TemporaryDirectory(prefix="feemu-") as path:
            yield path
    else:
        yield None


class _Sweep:
    """What is known of the cases while they run."""

    def __init__(self, cases, assembly, out, progress, watch) -> None:
        self.cases, self.assembly = cases, assembly
        self.progress, self.watch = progress, watch
        self.folder = None if out is None else Folder(out)
        self.digests = [case.digest() for case in cases] if self.folder else []
        self.errors: dict[int, str] = {}
        self.storage = ""
        self.missing = list(range(len(cases)))
        self.ended = 0
        self._seen: dict[int, Progress] = {}

    def take_finished(self, states: list[str | None]) -> None:
        """Take in the shards that are there; a shard without its state file does not count."""
        if self.folder is None:
            return
        self.folder.clean()
        self.folder.write_grid(self.digests, [self.assembly.at(i) for i in range(len(self.cases))])
        known, self.missing = self.folder.digests(), []
        for i, digest in enumerate(self.digests):
            there = digest[:DIGITS] in known and (states[i] is None or Path(states[i]).exists())
            run = self.folder.read(digest) if there else None
            if run is None:
                self.missing.append(i)
            else:
                self.assembly.add(i, run)
        self.ended = len(self.cases) - len(self.missing)

    def report(self, number: int, outcome: Outcome) -> bool:
        """Take in what became of a case; False says that nothing can be written any more."""
        if outcome.storage:
            log.warning("no further case is begun: %s", outcome.error)
            self.storage = self.storage or outcome.error
            return False
        self.ended += 1
        run, error = self._run_of(number, outcome)
        if run is None:
            self.errors[number] = error
            log.warning("case failed at %s: %s", self.assembly.at(number), error)
        else:
            self.assembly.add(number, run)
        if self.progress:
            kept = outcome.result is None and run is not None
            ds = run.dataset() if kept else outcome.result
            self.progress(self.ended, len(self.cases), ds)
        return not self.storage

    def _run_of(self, number: int, outcome: Outcome) -> tuple[Run | None, str]:
        """Return the result, or None and why there is none."""
        if outcome.result is not None:
            return Run.of(outcome.result), ""
        if outcome.kept and self.folder is not None:
            return self.folder.read(self.digests[number]), "its shard cannot be read"
        return None, outcome.error

    def look(self, running: Sequence[int]) -> None:
        """Tell who watches where the cases stand that run elsewhere."""
        if self.watch is None or self.folder is None:
            return
        told = self.folder.digests(running=True)
        for i in running:
            begun = self.digests[i][:DIGITS] in told
            seen = self.folder.running(self.digests[i]) if begun else None
            if seen is not None and seen != self._seen.get(i):
                self._seen[i] = seen
                self.watch(self.cases[i], seen)

    def result(self) -> xr.Dataset:
        """Return the Dataset."""
        if self.storage:
            raise OSError(
                f"{self.storage} ({self.ended - len(self.errors)} of {len(self.cases)} cases are "
                "finished; `out` keeps them, and the same sweep continues)"
            )
        if len(self.errors) == len(self.cases):
            number, error = min(self.errors.items())
            one = "the case" if len(self.cases) == 1 else f"all {len(self.cases)} cases"
            raise ValueError(f"sweep: {one} failed; at {self.assembly.at(number)}: {error}")
        return self.assembly.dataset(self.errors)


def _check_shapes(cases: list[Case]) -> None:
    """Raise a ValueError before anything runs if the results could not stand side by side."""
    for what, of in (
        ("hidden layers", lambda c: len(c.hidden)),
        ("pulse kinds", lambda c: tuple(k.name for k in c.device.kinds)),
    ):
        found = list(dict.fromkeys(map(of, cases)))
        if len(found) > 1:
            raise ValueError(
                f"sweep: {what} are {found[0]} in one case and {found[1]} in another; run them in "
                "sweeps of their own"
            )
