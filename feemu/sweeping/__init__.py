"""Many cases: run on any executor, kept as shards, joined into one Dataset."""

from feemu.sweeping.assemble import combine
from feemu.sweeping.baseline import spread_float
from feemu.sweeping.folder import SEARCH, SHARDS, Folder, folders
from feemu.sweeping.lock import holder
from feemu.sweeping.merge import merge
from feemu.sweeping.places import GRID, free
from feemu.sweeping.pools import dask_pool, process_pool
from feemu.sweeping.provenance import failures
from feemu.sweeping.runner import sweep
from feemu.sweeping.work import run_case

__all__ = [
    "GRID",
    "SEARCH",
    "SHARDS",
    "Folder",
    "combine",
    "dask_pool",
    "failures",
    "folders",
    "free",
    "holder",
    "merge",
    "process_pool",
    "run_case",
    "spread_float",
    "sweep",
]
