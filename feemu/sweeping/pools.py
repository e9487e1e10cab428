"""Worker processes of a sweep, on this machine or on those of a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

#: A scheduler that takes longer to answer is not there [s].
_ANSWER = 10


class _Pool(ProcessPoolExecutor):
    """Processes that end at once when the pool is left by an exception, or its parent dies."""

    def __init__(self, workers: int) -> None:
        context = get_context("spawn")
        theirs, self._ours = context.Pipe(duplex=False)
        super().__init__(workers, context, initializer=_end_with, initargs=(os.getpid(), theirs))

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        # A process inherits what its parent does not hear: Ctrl-C is for the parent alone.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is not None:
            self._ours.close()
        self.shutdown(wait=True, cancel_futures=kind is not None)
        self._ours.close()


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of worker processes, to be used in a ``with`` statement.

    They start afresh (spawn), whatever the parent holds. They end at once when the statement is
    left by an exception, such as Ctrl-C, and when their parent is killed.
    """
    return _Pool(workers)


@contextlib.contextmanager
def dask_pool(address: str) -> Iterator[Executor]:
    """Yield an executor on the workers of a Dask cluster, ``Client(address).get_executor()``.

    Parameters
    ----------
    address : str
        Address of its scheduler, e.g. ``tcp://10.0.0.1:8786``.

    Raises
    ------
    ValueError
        If Dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("Dask is not installed: python -m pip install 'feemu[dask]'") from None
    try:
        client = Client(address, timeout=_ANSWER, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(
            f"Dask scheduler {address!r}: does not answer ({line}); expected an address such as "
            "tcp://10.0.0.1:8786"
        ) from None
    with client:
        yield client.get_executor()


def _end_with(parent: int, line: Connection) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.getppid() == parent and not line.poll(1.0):
                pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
