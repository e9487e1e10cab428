"""One sweep at a time in a folder; the lock of a process that was killed does not count."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

#: The lock file of a folder.
LOCK = "sweep.lock"
#: A look at the lock by ``feemu status`` takes less than this [s].
PATIENCE = 0.5
#: Locks that this process holds; a child that is forked off must not keep them.
_HELD: set[int] = set()
_UNKNOWN_TO_SYSTEM = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)


@contextlib.contextmanager
def locked(folder: str | os.PathLike, **notes: object) -> Iterator[None]:
    """Hold a folder for one sweep.

    Parameters
    ----------
    folder : path
        The folder; made if it is not there.
    notes : object
        Written into the lock file beside host, process and time.

    Raises
    ------
    OSError
        If another sweep holds it (the message says which), or nothing can be written there.

    Notes
    -----
    The lock is the operating system's (flock): it ends with the process, however that ends.
    """
    handle = _opened(Path(folder))
    _HELD.add(handle)
    try:
        _take(handle, Path(folder))
        about = {"host": socket.gethostname(), "pid": os.getpid(), "started": time.time()}
        _write(handle, json.dumps({**about, **notes}))
        yield
        _write(handle, "")
    finally:
        _HELD.discard(handle)
        os.close(handle)


def _let_go() -> None:
    for handle in _HELD:
        os.close(handle)
    _HELD.clear()


os.register_at_fork(after_in_child=_let_go)


def holder(folder: str | os.PathLike) -> dict | None:
    """Return what the sweep that runs in a folder wrote into its lock, or None without one."""
    try:
        handle = os.open(Path(folder) / LOCK, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        try:
            return json.loads(os.pread(handle, 10_000, 0))
        except ValueError:
            return {}
    except OSError:
        return None
    else:
        return None
    finally:
        os.close(handle)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        told = OSError(
            f"{folder}: nothing can be written there ({error.strerror}); name another folder; if "
            "cases are finished there, 'feemu merge' joins them"
        )
        told.errno = error.errno
        raise told from None


def _take(handle: int, folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise BlockingIOError(_occupied(folder)) from None
            time.sleep(0.05)
        except OSError as error:
            if error.errno in _UNKNOWN_TO_SYSTEM:  # some network file systems
                return None
            raise


def _occupied(folder: Path) -> str:
    told = holder(folder) or {}
    who = f"process {told.get('pid', '?')} on {told.get('host', 'an unknown host')}"
    return (
        f"{folder}: another sweep runs there ({who}); wait for it, look at it with 'feemu status', "
        "or name another folder"
    )


def _write(handle: int, text: str) -> None:
    with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0)
