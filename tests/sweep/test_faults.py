"""A fault at each step of each write: files are whole or absent, and the sweep goes on later."""

import errno
import json
import os
import tempfile
from concurrent.futures import process
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from grid_cases import case
from small_cases import file_digest

from feemu import store
from feemu.sweeping import Folder, merge, sweep, work
from feemu.sweeping.runs import read_run

#: POSIX: at least so many bytes go through a pipe whole or not at all, on Linux 4096.
ATOMIC = 4096
CASES = [case(seed=s, epochs=2.0, train_images=40, hidden=(3,)) for s in (0, 1)]


@pytest.fixture(scope="module")
def whole():
    """Return the digest of the sweep that nothing disturbs."""
    return file_digest(sweep(CASES))


class Faults:
    """Counts what is asked of the disk, and lets some of it fail.

    A write that fails has put half of its bytes into the file.
    """

    def __init__(self, monkeypatch, first=0, code=errno.ENOSPC, lasting=False):
        self.count, self.first, self.code, self.lasting = 0, first, code, lasting
        for name in ("open", "fsync", "replace"):
            real = getattr(os, name)
            monkeypatch.setattr(os, name, self.step(real))
        real = store._write_all
        monkeypatch.setattr(
            store, "_write_all", self.step(real, lambda n, d: real(n, d[: len(d) // 2]))
        )
        monkeypatch.setattr(work, "SPACING", 0.0)

    def step(self, real, partly=None):
        """Return a function that fails when its turn has come."""

        def call(*args, **options):
            self.count += 1
            if self.first and (
                self.count == self.first or (self.lasting and self.count > self.first)
            ):
                if partly:
                    partly(*args)
                raise OSError(self.code, os.strerror(self.code))
            return real(*args, **options)

        return call


def steps(folder):
    """Return how often an undisturbed sweep asks something of the disk."""
    with pytest.MonkeyPatch.context() as patch:
        seen = Faults(patch)
        sweep(CASES, out=folder)
    return seen.count


def check(folder):
    """Check that every file is whole; return the hashes of the finished cases."""
    for path in folder.iterdir():
        if path.name.endswith(".run.npz"):
            read_run(path, path.name[:32])
        elif path.suffix == ".npz":
            with np.load(path) as file:
                assert all(file[name] is not None for name in file.files)
        elif path.suffix == ".json":
            json.loads(path.read_text())
        else:
            assert path.name == "sweep.lock"
    return Folder(folder).digests() if folder.exists() else set()


def test_one_fault_anywhere(whole, tmp_path):
    """An input/output error at every single step, once."""
    number = steps(tmp_path / "quiet")
    assert number > 40
    told = 0
    for first in range(1, number + 1):
        out, ended = tmp_path / str(first), []
        with pytest.MonkeyPatch.context() as patch:
            Faults(patch, first, errno.EIO)
            try:
                ds = sweep(CASES, out=out, progress=lambda done, *_, to=ended: to.append(done))
                assert file_digest(ds) == whole, "a fault that is not told changed nothing"
            except OSError as error:
                assert "\n" not in str(error), first
                told += 1
        if out.exists():
            assert len(check(out)) >= len(ended), "what has ended is kept"
    assert told > 15
    for first in range(1, number + 1, 7):
        assert file_digest(sweep(CASES, out=tmp_path / str(first))) == whole


def test_a_disk_that_is_full_from_some_moment_on(whole, tmp_path, caplog):
    number = steps(tmp_path / "quiet")
    for first in range(1, number, 5):
        out, ended = tmp_path / str(first), []
        with pytest.MonkeyPatch.context() as patch:
            Faults(patch, first, errno.ENOSPC, lasting=True)
            with pytest.raises(OSError, match=r"space|disk is full") as seen:
                sweep(CASES, out=out, progress=lambda done, *_, to=ended: to.append(done))
        assert "\n" not in str(seen.value)
        if out.exists():
            kept = check(out)
            assert len(kept) >= len(ended)
            if ended:
                told = f"{len(ended)} of 2 cases are finished; `out` keeps them"
                assert told in str(seen.value)
            assert file_digest(sweep(CASES, out=out)) == whole


@pytest.mark.parametrize("code", (errno.EROFS, errno.EACCES))
def test_a_folder_that_may_not_be_written_to(code, whole, tmp_path):
    """Told before anything runs; what is finished there can still be joined."""
    sweep(CASES, out=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.MonkeyPatch.context() as patch:
        Faults(patch, 1, code, lasting=True)
        with pytest.raises(OSError, match=r"nothing can be written there .*'feemu merge'"):
            sweep(CASES, out=tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert file_digest(merge([tmp_path])) == whole


@pytest.mark.parametrize("bad", (False, True))
def test_what_a_worker_sends_goes_through_the_pipe_in_one_piece(bad, tmp_path, monkeypatch):
    # Else the parent of one that is killed on the way waits for the rest for ever.
    if bad:
        monkeypatch.setattr(work, "train", lambda *_, **__: int("€" * 10**5))
    told = work.attempt_apart(CASES[0], None, str(tmp_path), None)
    assert told.result is None and told.kept != bad and bool(told.error) == bad
    item = process._ResultItem(10**6, result=told, exit_pid=None)
    assert len(ForkingPickler.dumps(item)) + 4 <= ATOMIC, "with the length before it"
    assert len(Folder(tmp_path).digests()) == (not bad)


def test_workers_need_no_folder_of_the_caller(whole, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen = []
    ds = sweep(CASES, workers=2, progress=lambda *one: seen.append(one))
    assert file_digest(ds) == whole and not [*tmp_path.iterdir()]
    assert [one[:2] for one in seen] == [(1, 2), (2, 2)]
    assert all("test_accuracy" in one[2] for one in seen)
