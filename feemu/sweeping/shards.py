"""One case, one shard: what a worker of a sweep does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from feemu.case import Case
from feemu.store import load, save
from feemu.tasks import Task, load_task
from feemu.training import Progress, train, with_data

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("feemu")


@lru_cache(maxsize=2)
def _task(name: str, data: str | None) -> Task:
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
    """
    task = _task(case.task, data)
    case = with_data(case, task)
    if folder is None:
        return train(case, task, state=state, progress=progress)
    shard = Path(folder) / f"{case.digest()[:32]}.nc"
    checkpoint = shard.with_suffix(".checkpoint.npz")
    if shard.exists() and (state is None or Path(state).exists()):
        try:
            return load(shard)
        except (ValueError, OSError) as error:
            log.warning("shard set aside and run again: %s", error)
            os.replace(shard, shard.with_suffix(".corrupt"))
    ds = train(case, task, checkpoint=checkpoint, state=state, progress=progress)
    save(ds, shard)
    checkpoint.unlink(missing_ok=True)
    return ds
