"""Data sets: images in, a `Task` of float32 pixels and labels out; loading never uses the net."""

from feemu.tasks.catalog import IMAGE_SETS, ImageSet, RemoteFile
from feemu.tasks.download import fetch
from feemu.tasks.folders import cache_folder
from feemu.tasks.idx import read_idx, read_images, read_labels, read_pair
from feemu.tasks.load import load_task, task_names
from feemu.tasks.task import SPLIT_SEED, Task, task_from_arrays

__all__ = [
    "IMAGE_SETS",
    "SPLIT_SEED",
    "ImageSet",
    "RemoteFile",
    "Task",
    "cache_folder",
    "fetch",
    "load_task",
    "read_idx",
    "read_images",
    "read_labels",
    "read_pair",
    "task_from_arrays",
    "task_names",
]
