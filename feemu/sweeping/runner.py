"""A sweep is a map over cases: one shard per case, one labelled Dataset at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, as_completed
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.case import Case
from feemu.sweeping.assemble import combine
from feemu.sweeping.places import place_of, places
from feemu.sweeping.pools import process_pool
from feemu.sweeping.shards import run_case
from feemu.training import Progress

if TYPE_CHECKING:
    import xarray as xr


def sweep(
    cases: Iterable[Case],
    *,
    executor: Executor | None = None,
    workers: int = 1,
    data: str | Path | None = None,
    out: str | Path | None = None,
    progress: Callable[[int, int, xr.Dataset], None] | None = None,
    coordinates: list[dict] | None = None,
    states: list[str | Path] | None = None,
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
        Number of processes when no executor is given.
    data, out : path, optional
        Folder of data files; folder of shards, from which the same sweep resumes.
    progress : callable, optional
        Called with (finished, all, dataset of the finished case).
    coordinates : list of dict, optional
        Further dimensions of each case, such as ``{"states": 50}``.
    states : list of path, optional
        File for the final state of each case.
    watch : callable, optional
        Called with (case, its `Progress`) at each evaluation, where the cases run in this process.

    Returns
    -------
    xarray.Dataset
        Combinations that were not run hold NaN.

    Raises
    ------
    ValueError
        If there is no case, or two cases differ in none of the dimensions.
    """
    cases = list(cases)
    if not cases:
        raise ValueError("sweep: no cases; give at least one feemu.Case")
    places([place_of(case) for case in cases], coordinates)
    folder = None if out is None else str(out)
    if folder is not None:
        Path(folder).mkdir(parents=True, exist_ok=True)
    place = None if data is None else str(data)
    files = [None if states is None else str(states[i]) for i in range(len(cases))]
    results: list = [None] * len(cases)
    done = 0
    if executor is None and workers == 1:
        for i, case in enumerate(cases):
            each = None if watch is None else partial(watch, case)
            results[i] = run_case(case, place, folder, files[i], each)
            done += 1
            if progress:
                progress(done, len(cases), results[i])
    else:
        with nullcontext(executor) if executor else process_pool(workers) as pool:
            jobs = {
                pool.submit(run_case, case, place, folder, files[i]): i
                for i, case in enumerate(cases)
            }
            try:
                for job in as_completed(jobs):
                    results[jobs[job]] = job.result()
                    done += 1
                    if progress:
                        progress(done, len(cases), results[jobs[job]])
            except BaseException:
                for job in jobs:
                    job.cancel()
                raise
    return combine(results, coordinates)
