"""Running cases from the command line: progress, workers, parts to continue from."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.case import Case
from feemu.cli import text
from feemu.cli.text import Line
from feemu.energy import energy
from feemu.store import write_bytes_atomic, write_json_atomic
from feemu.sweeping import Folder, failures, sweep
from feemu.training import Progress

if TYPE_CHECKING:
    import xarray as xr


class Watch:
    """Turns what runs report into a line: time left, validation accuracy, pulses, energy."""

    def __init__(self, cases: Sequence[Case], line: Line) -> None:
        self.place = {case.digest(): i for i, case in enumerate(cases)}
        self.total, self.line = len(cases), line
        self._start: tuple[float, float] | None = None

    def within(self, case: Case, seen: Progress) -> None:
        """Show where a run in this process stands."""
        number = self.place.get(case.digest(), 0)
        done = (number + seen.images / max(seen.total, 1)) / self.total
        left = self._left(done, 0.01) if seen.images else ""
        if not self.line.due():
            return
        whole = seen.epoch * seen.total / max(seen.images, 1)
        number = f" {number + 1}/{self.total}" if self.total > 1 else f" seed {case.seed}"
        parts = [
            f"{case.algorithm.label}{number}",
            f"epoch {seen.epoch:.2f}" + (f"/{whole:g}" if seen.images else ""),
            left,
            f"accuracy {text.percent(seen.validation_accuracy)} %",
            f"{text.si(seen.pulses, '').strip()} pulses",
        ]
        if seen.result is not None:
            last = energy(seen.result().isel(epoch=[-1]))
            parts.append(f"programming {text.si(float(last['energy_device'].sum()), 'J')}")
        self.line.show("  ".join(filter(None, parts)))

    def after(self, done: int, total: int, ds: xr.Dataset | None) -> None:
        """Show that a run has ended."""
        left = self._left(done / total, 0.1)
        if not self.line.due() or ds is None:
            return
        accuracy = text.percent(float(ds["validation_accuracy"].values[-1]))
        last = ds.isel(epoch=[-1])
        parts = [
            f"{done}/{total} runs",
            left,
            f"{ds['algorithm'].item()} seed {ds['seed'].item()}: accuracy {accuracy} %",
            f"{text.si(last['pulses'].sum().item(), '').strip()} pulses",
            f"programming {text.si(float(energy(last)['energy_device'].sum()), 'J')}",
        ]
        self.line.show("  ".join(filter(None, parts)))

    def _left(self, done: float, least: float) -> str:
        """Return the time left, counted from the first report on: what was before, compiled."""
        now = time.monotonic()
        if self._start is None:
            self._start = (now, done)
        begin, already = self._start
        if done - already < least:
            return ""
        return f"{text.seconds((now - begin) * (1 - done) / (done - already))} left"


def run_cases(
    cases: Sequence[Case],
    watch: Watch,
    *,
    workers: int = 1,
    data: str | None = None,
    parts: Path | None = None,
    states: Sequence[Path] | None = None,
    coordinates: list[dict] | None = None,
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
    coordinates : list of dict, optional
        Further dimensions of each case.
    """
    kept = states if parts is None or states is None else _kept_states(cases, parts)
    try:
        ds = sweep(
            cases,
            workers=min(workers, len(cases)),
            progress=watch.after if watch.total > 1 else None,
            watch=watch.within,
            data=data,
            out=parts,
            states=kept,
            coordinates=coordinates,
        )
    finally:
        watch.line.close()
    if failed := failures(ds.attrs["provenance"]):
        raise ValueError(f"seed {failed[0]['at']['seed']} failed: {failed[0]['error']}")
    if parts is not None and states is not None:
        for source, target in zip(kept, states):
            write_bytes_atomic(target, source.read_bytes())
    return ds


def _kept_states(cases: Sequence[Case], parts: Path) -> list[Path]:
    return [Folder(parts).state(case.digest()) for case in cases]


def remove_parts(cases: Sequence[Case], parts: Path) -> None:
    """Remove what these cases left in the folder of parts, and the folder if it is empty then."""
    folder = Folder(parts)
    for case in cases:
        folder.forget(case.digest(), all_of_it=True)
    folder.remove()


def keep_parts(parts: Path) -> bool:
    """Return whether there is anything to continue from; an empty folder is removed."""
    return not Folder(parts).remove()


def processors() -> int:
    """Return the number of processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def write_run_record(path: Path, line: Line, workers: int | str) -> Path:
    """Write ``<name>.run.json`` beside a result: what depends on clock and machine."""
    record = {
        "command": ["feemu", *sys.argv[1:]],
        "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "seconds": round(line.elapsed, 3),
        "workers": workers,
        "processors": processors(),
        "machine": platform.platform(),
    }
    return write_json_atomic(path.with_suffix(".run.json"), record)
