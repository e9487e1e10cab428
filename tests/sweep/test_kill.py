"""Sweeps that are killed: what is finished is kept, and the result is that of a quiet run.

The kills are those of the kernel (SIGKILL), at random moments; FEEMU_SLOW=1 repeats them 20 times
each (about ten minutes).
"""

import os
import random
import signal
import time

import pytest
from grid_cases import case
from killing import CASES, SOON, Deadly, Sweep, digest, wait_until, write_study

from feemu.cli import main
from feemu.sweeping import Folder, failures, holder, sweep
from feemu.sweeping.runs import read_run

SLOW = pytest.mark.skipif(not os.environ.get("FEEMU_SLOW"), reason="set FEEMU_SLOW=1 (10 minutes)")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return the study's file."""
    return write_study(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def whole(study):
    """Return the SHA-256 of the result of a run that nobody disturbs."""
    return resumed(study, study.parent / "whole")


@pytest.fixture(scope="module")
def span(study):
    """Return how long a quiet run takes from its first case on [s]."""
    with Sweep(study, study.parent / "quiet") as run:
        wait_until(run.begun)
        begin = time.monotonic()
        assert run.end() == 0
        return time.monotonic() - begin


def resumed(study, out):
    """Run what is missing, in this process; return the SHA-256 of the result."""
    assert main(["sweep", str(study), "--out", str(out)]) == 0
    left = {path.name.partition(".")[2] for path in (out / "shards").iterdir()}
    assert left == {"run.npz", "json", "lock"}, "no checkpoint or temporary file is left"
    return digest(out / "study.nc")


def check_files(folder):
    """Check that every shard is whole, and return how many there are."""
    known = Folder(folder).digests()
    for one in known:
        read_run(Folder(folder).shard(one), one)
    return len(known)


def test_worker_then_whole_group_killed(study, whole, tmp_path):
    out = tmp_path / "out"
    with Sweep(study, out) as run:
        wait_until(run.begun)
        first, _ = before = run.workers()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(run.shards()) >= 2 and len({*run.workers()} - {*before}) == 2)
        assert run.process.poll() is None, "the loss of a worker does not end a sweep"
        assert holder(out / "shards")["pid"] == run.process.pid
        os.killpg(run.process.pid, signal.SIGKILL)
        run.end()
    done = check_files(out / "shards")
    assert 2 <= done < CASES
    assert holder(out / "shards") is None, "the lock of a killed process does not count"
    times = {path: path.stat().st_mtime_ns for path in run.shards()}
    assert resumed(study, out) == whole
    assert {path: path.stat().st_mtime_ns for path in times} == times, "shards are run once"


@pytest.mark.parametrize("workers", (1, 2))
def test_ctrl_c_ends_all_workers_soon(workers, study, whole, tmp_path):
    out, processes = tmp_path / "out", 0 if workers == 1 else workers
    with Sweep(study, out, workers) as run:
        wait_until(lambda: run.shards() and len(run.workers()) == processes)
        begin = time.monotonic()
        os.killpg(run.process.pid, signal.SIGINT)  # as a terminal does: to all of the group
        assert run.end(SOON) == 130
        wait_until(lambda: not run.workers(), SOON - (time.monotonic() - begin))
    assert "what is finished is kept" in run.log.read_text()
    assert "Traceback" not in run.log.read_text()
    assert 1 <= check_files(out / "shards") < CASES
    assert resumed(study, out) == whole


def test_a_second_sweep_in_the_folder_is_refused(study, tmp_path, capsys):
    out = tmp_path / "out"
    with Sweep(study, out, workers=1) as run:
        wait_until(run.begun)
        assert main(["sweep", str(study), "--out", str(out)]) == 2
        told = capsys.readouterr().err.strip()
        assert f"another sweep runs there (process {run.process.pid} on" in told
        assert "\n" not in told
        assert main(["status", str(out)]) == 0
        seen = capsys.readouterr().out
        assert f"runs: process {run.process.pid}" in seen and f"of {CASES} finished" in seen


@SLOW
def test_a_case_that_ends_its_worker_fails_alone(tmp_path, caplog):
    cases = [case(seed=s) for s in range(3)]
    bad = case(seed=9, algorithm=Deadly())
    ds = sweep([bad, *cases], workers=2, out=tmp_path)
    (failed,) = failures(ds.attrs["provenance"])
    assert failed["at"]["algorithm"] == "deadly"
    assert "its worker process ended by itself 3 times" in failed["error"]
    assert ds["done"].any("epoch").sum() == len(cases)


@SLOW
@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("what", ("worker", "main", "group"))
def test_killed_at_a_random_moment(what, number, study, whole, span, tmp_path):
    moment = random.Random(f"{what} {number}").uniform(0, span)
    out = tmp_path / "out"
    with Sweep(study, out) as run:
        wait_until(run.begun)
        time.sleep(moment)
        workers, running = run.workers(), run.process.poll() is None
        if what == "worker" and workers:
            os.kill(random.Random(number).choice(workers), signal.SIGKILL)
            assert run.end() == 0
            assert digest(out / "study.nc") == whole
        elif what == "main" and running:
            os.kill(run.process.pid, signal.SIGKILL)
            wait_until(lambda: not run.workers(), SOON)
        elif running:
            os.killpg(run.process.pid, signal.SIGKILL)
        run.end()
        print(f"killed {what} after {moment:.2f} s: {check_files(out / 'shards')} cases finished")
    assert resumed(study, out) == whole
