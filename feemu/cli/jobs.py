"""Running cases from the command line: progress, workers, parts to continue from."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.case import Case
from feemu.cli import text
from feemu.cli.text import Line
from feemu.energy import energy
from feemu.store import write_bytes_atomic, write_json_atomic
from feemu.sweep import sweep
from feemu.train import Progress

if TYPE_CHECKING:
    import xarray as xr


class Watch:
    """Turns what runs report into a progress line with accuracy, pulses, energy and time left."""

    def __init__(self, cases: Sequence[Case], line: Line) -> None:
        self.place = {case.digest(): i for i, case in enumerate(cases)}
        self.total, self.line = len(cases), line
        self._start: tuple[float, float] | None = None

    def within(self, case: Case, seen: Progress) -> None:
        """Show where a run in this process stands."""
        number = self.place.get(case.digest(), 0)
        done = (number + seen.images / max(seen.total, 1)) / self.total
        if self._start is None:
            self._start = (time.monotonic(), done)
        if not self.line.due():
            return
        begin, already = self._start
        whole = seen.epoch * seen.total / max(seen.images, 1)
        parts = [
            f"{_name(case)} ({number + 1} of {self.total})" if self.total > 1 else _name(case),
            f"epoch {seen.epoch:.2f}" + (f" of {whole:g}" if seen.images else ""),
            f"validation {text.percent(seen.validation_accuracy)} %",
            f"{text.count(seen.pulses)} pulses",
        ]
        if seen.result is not None:
            last = energy(seen.result().isel(epoch=[-1]))
            parts.append(f"programming {text.si(float(last['energy_device'].sum()), 'J')}")
        parts.append(text.left(time.monotonic() - begin, done - already, 1 - already))
        self.line.show("  ".join(filter(None, parts)))

    def after(self, done: int, total: int, ds: xr.Dataset) -> None:
        """Show that a run has ended."""
        if not self.line.due():
            return
        accuracy = float(ds["validation_accuracy"].values[-1])
        last = energy(ds.isel(epoch=[-1]))
        pulses = ds["pulses"].isel(epoch=-1).sum().item()
        self.line.show(
            f"{done} of {total} runs  {ds['algorithm'].item()} seed {ds['seed'].item()}: "
            f"validation {text.percent(accuracy)} %  {text.count(pulses)} pulses  programming "
            f"{text.si(float(last['energy_device'].sum()), 'J')}  "
            f"{text.left(self.line.elapsed, done, total)}"
        )


def run_cases(
    cases: Sequence[Case],
    watch: Watch,
    *,
    workers: int = 1,
    data: str | None = None,
    parts: Path | None = None,
    states: Sequence[Path] | None = None,
) -> xr.Dataset:
    """Run cases here or on worker processes and return the sweep's Dataset.

    Parameters
    ----------
    cases : sequence of Case
        What to run, data hash included.
    watch : Watch
        Receives the progress.
    workers : int
        Number of processes; 1 is this one.
    data : str, optional
        Folder of data files.
    parts : path, optional
        Folder of finished runs and checkpoints; the same cases continue from it.
    states : sequence of path, optional
        File for the final state of each case.
    """
    kept = _kept_states(cases, parts, states)
    common = {"data": data, "out": parts, "states": kept}
    workers = min(workers, len(cases))
    try:
        if workers == 1:
            progress = watch.after if watch.total > 1 else None
            ds = sweep(cases, progress=progress, watch=watch.within, **common)
        else:
            ds = _on_workers(cases, watch, workers, common)
    finally:
        watch.line.close()
    if parts is not None and states is not None:
        for source, target in zip(kept, states):
            write_bytes_atomic(target, source.read_bytes())
    return ds


def _on_workers(cases: Sequence[Case], watch: Watch, workers: int, common: dict) -> xr.Dataset:
    # Only the parent answers Ctrl-C; it ends its workers, whose checkpoints are always whole.
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        return sweep(cases, executor=pool, progress=watch.after, **common)
    except BrokenProcessPool:
        raise OSError(
            "a worker process ended by itself, perhaps for lack of memory; use fewer --workers"
        ) from None
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _kept_states(cases: Sequence[Case], parts: Path | None, states: Sequence[Path] | None):
    if parts is None or states is None:
        return states
    return [parts / f"{case.digest()[:32]}.state.npz" for case in cases]


def remove_parts(cases: Sequence[Case], parts: Path) -> None:
    """Remove what these cases left in the folder of parts, and the folder if it is empty then."""
    for case in cases:
        for suffix in (".nc", ".state.npz", ".checkpoint.npz"):
            (parts / f"{case.digest()[:32]}{suffix}").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        parts.rmdir()


def write_run_record(path: Path, line: Line, workers: int) -> Path:
    """Write ``<name>.run.json`` beside a result: what depends on clock and machine."""
    record = {
        "command": ["feemu", *sys.argv[1:]],
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(line.elapsed, 3),
        "workers": workers,
        "processors": os.cpu_count(),
        "machine": platform.platform(),
    }
    return write_json_atomic(path.with_suffix(".run.json"), record)


def _name(case: Case) -> str:
    return f"{case.algorithm.label} seed {case.seed}"
