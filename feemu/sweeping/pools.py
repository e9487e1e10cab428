"""Worker processes of a sweep."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of worker processes.

    They start afresh (spawn), whatever the parent holds, and end when it is killed.
    """
    context = get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
