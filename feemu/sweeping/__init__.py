"""Many cases: run on any executor, kept as shards, joined into one Dataset."""

from feemu.sweeping.assemble import combine
from feemu.sweeping.baseline import spread_float
from feemu.sweeping.folder import Folder
from feemu.sweeping.places import GRID
from feemu.sweeping.pools import dask_pool, process_pool
from feemu.sweeping.provenance import failures
from feemu.sweeping.runner import sweep
from feemu.sweeping.work import run_case

__all__ = [
    "GRID",
    "Folder",
    "combine",
    "dask_pool",
    "failures",
    "process_pool",
    "run_case",
    "spread_float",
    "sweep",
]
