"""Many cases: run on any executor, kept as shards, joined into one Dataset."""

from feemu.sweeping.assemble import combine
from feemu.sweeping.baseline import spread_float
from feemu.sweeping.places import GRID
from feemu.sweeping.pools import process_pool
from feemu.sweeping.provenance import merge_provenance
from feemu.sweeping.runner import sweep
from feemu.sweeping.shards import run_case

__all__ = [
    "GRID",
    "combine",
    "merge_provenance",
    "process_pool",
    "run_case",
    "spread_float",
    "sweep",
]
