"""A sweep on a Dask cluster, one of whose workers is killed in the middle."""

import os
import signal
from pathlib import Path

import pytest
from grid_cases import grid, whole
from small_cases import file_digest

from feemu.cli import main
from feemu.sweeping import dask_pool, sweep

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'feemu[dask]'")


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster of three processes on this machine."""
    options = {"n_workers": 3, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as made:
        yield made


def test_a_worker_that_is_killed_does_not_change_the_result(cluster, tmp_path):
    workers = {w.process.pid if w.process else 0 for w in cluster.workers.values()}
    assert len(workers) == 3 and 0 not in workers
    killed = []

    def kill_one(done, *_):
        if not killed:
            killed.append(min(workers))
            os.kill(killed[0], signal.SIGKILL)

    with dask_pool(cluster.scheduler_address) as executor:
        ds = sweep(grid(), executor=executor, out=tmp_path, progress=kill_one)
    assert killed and ds["done"].all()
    assert file_digest(ds) == file_digest(whole())
    left = {path.name.partition(".")[2] for path in tmp_path.iterdir()}
    assert left == {"run.npz", "json", "lock"}, "no checkpoint or temporary file is left"


def test_the_command_runs_on_the_cluster(cluster, tmp_path, monkeypatch, capsys):
    """Paths may be relative; the workers have another folder."""
    study = tmp_path / "study.toml"
    study.write_text(
        'device = "hzo_superlattice"\nhidden = [6]\nepochs = 1\ntrain_images = 120\n[grid]\n'
        'pulse_width = ["20ns"]\nalgorithm = ["mixed_precision"]\nseed = [0, 1]\n'
    )
    monkeypatch.chdir(tmp_path)
    address = cluster.scheduler_address
    assert main(["sweep", study.name, "--out", "there", "--dask", address]) == 0
    assert main(["sweep", study.name, "--out", "here"]) == 0
    results = [Path(name, "study.nc").read_bytes() for name in ("there", "here")]
    assert results[0] == results[1]
    assert main(["sweep", study.name, "--out", "x", "--dask", address, "--workers", "2"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    monkeypatch.setattr("feemu.sweeping.pools._ANSWER", 1)
    with pytest.raises(ValueError, match="does not answer") as seen, dask_pool("tcp://127.0.0.1:9"):
        pass
    assert "\n" not in str(seen.value)
