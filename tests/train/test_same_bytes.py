"""The same case gives the same file: in another process, on another path, after any cut."""

import subprocess
import sys

import numpy as np
import pytest
import small_cases
from small_cases import CASES, case, device, differing, digest, file_digest, result, task

import feemu as fe
import feemu.array.running
from feemu.array import SynapseArray
from feemu.training import build_network, evaluation_points, load_state, train


class Cut(Exception):
    """Raised by a progress callback where a run is to be killed."""


def cut_at(images):
    """Return a callback that ends a run at an evaluation."""

    def watch(seen):
        if seen.images == images:
            raise Cut

    return watch


def points_of(made):
    n = made.train_images or len(task().train_y)
    return evaluation_points(n, made.epochs, made.batch)


def test_another_process_writes_the_same_file():
    """A fresh interpreter, with other string hashes and without threads of this one."""
    name = "reference"
    run = [sys.executable, small_cases.__file__, name]
    done = subprocess.run(run, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [digest(name), case(name).digest()]


@pytest.mark.parametrize("name", CASES)
def test_running_again_gives_the_same_file(name):
    seen = []
    again = train(case(name), task(), progress=seen.append)
    assert file_digest(again) == digest(name)
    assert [p.images for p in seen] == points_of(case(name)) == again["images"].values.tolist()


@pytest.mark.parametrize("name", ("plain_sgd", "mixed_precision"))
def test_threads_do_not_matter(name, monkeypatch):
    """Every update of a run split over 2 and over 4 threads: the same file."""
    made = case(name, train_images=60, epochs=1.0)
    whole = file_digest(train(made, task()))
    monkeypatch.setattr(feemu.array.running, "THREAD_EVENTS", 1)
    usual, seen = SynapseArray.__init__.__kwdefaults__, set()
    share = feemu.array.running.Running.share
    monkeypatch.setattr(
        feemu.array.running.Running, "share",
        lambda self, work, parts: (seen.add(parts), share(self, work, parts))[1],
    )  # fmt: skip
    for threads in (2, 4):
        monkeypatch.setattr(SynapseArray.__init__, "__kwdefaults__", {**usual, "threads": threads})
        assert file_digest(train(made, task())) == whole
    assert {2, 4} <= seen <= {1, 2, 4}


@pytest.mark.parametrize("name", CASES)
def test_resuming_gives_the_same_file(name, tmp_path):
    """Killed at every evaluation in turn, each time going on from the file of the last time."""
    made, checkpoint = case(name), tmp_path / "run.checkpoint.npz"
    begun = []
    for images in points_of(made):
        with pytest.raises(Cut):
            train(made, task(), checkpoint=checkpoint, progress=cut_at(images))
        begun.append(checkpoint.exists())
    assert begun[-1] and not begun[0]
    assert file_digest(train(made, task(), checkpoint=checkpoint)) == digest(name)


@pytest.mark.parametrize("images", (400, 1200))
def test_resuming_after_one_cut_with_every_kind_of_noise(images, tmp_path):
    """Read noise, write noise, stuck cells: the counters of all streams are in the file."""
    made = case("reference", device=device("noisy"), adc_bits=6, dac_bits=7)
    whole = train(made, task())
    with pytest.raises(Cut):
        train(made, task(), checkpoint=tmp_path / "cut.npz", progress=cut_at(images))
    assert train(made, task(), checkpoint=tmp_path / "cut.npz").identical(whole)
    assert float(whole["train_loss"][-1]) < float(whole["train_loss"][1])


def test_a_checkpoint_of_another_case_is_not_used(tmp_path):
    made = case("mixed_precision", train_images=200)
    with pytest.raises(Cut):
        train(made, task(), checkpoint=tmp_path / "c.npz", progress=cut_at(400))
    other = made.replace(seed=99)
    assert train(other, task(), checkpoint=tmp_path / "c.npz").identical(train(other, task()))


@pytest.mark.parametrize("damage", (b"", b"PK\x03\x04 not really", None))
def test_a_damaged_checkpoint_starts_the_run_again(damage, tmp_path, caplog):
    made, path = case("float", train_images=100), tmp_path / "c.npz"
    with pytest.raises(Cut):
        train(made, task(), checkpoint=path, progress=cut_at(200))
    path.write_bytes(path.read_bytes()[:-300] if damage is None else damage)
    assert train(made, task(), checkpoint=path).identical(train(made, task()))
    assert "is damaged; the case starts again" in caplog.text


def test_a_finished_run_has_nothing_left_of_its_progress(tmp_path):
    """Whether somebody looks, or asks for the result on the way, changes nothing."""
    parts = []
    whole = train(case("float"), task(), progress=lambda seen: parts.append(seen.result()))
    assert whole.identical(result("float")) and parts[-1].identical(whole)
    assert parts[2].sizes["epoch"] == 3
    assert not differing(parts[2].drop_vars("done"), whole.isel(epoch=slice(3)).drop_vars("done"))


def test_common_random_numbers():
    """Width and algorithm share initial weights, chip and data order: cases differ in little."""
    tables = [fe.tabulate(fe.preset("hzo_superlattice").at(w)) for w in ("20ns", "20us")]
    nets = [build_network(case("plain_sgd", device=t), task()) for t in tables]
    scales = [net.layers[0].arrays[0].step_scales[0] for net in nets]
    np.testing.assert_array_equal(*scales)
    asked = [net.layers[0].arrays[0].ledger.pulses[0].sum() * t.granularity
             for net, t in zip(nets, tables)]  # fmt: skip
    assert asked[0] == pytest.approx(asked[1], rel=0.05)
    other = build_network(case("plain_sgd", seed=4, device_seed=3), task())
    np.testing.assert_array_equal(other.layers[0].arrays[0].step_scales[0], scales[0])
    assert not np.array_equal(other.layers[0].weights, nets[0].layers[0].weights)


# -- state files -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_state_holds_the_trained_network(name, tmp_path):
    made = case(name)
    ds = train(made, task(), state=tmp_path / "final.npz")
    assert file_digest(ds) == digest(name)
    again, same_task, net = load_state(tmp_path / "final.npz")
    assert again.digest() == made.replace(data_sha256=task().data_sha256).digest()
    loss, accuracy = net.evaluate(same_task.validation_x, same_task.validation_y)
    assert (loss, accuracy) == (ds["validation_loss"][-1], ds["validation_accuracy"][-1])
    assert net.evaluate(same_task.test_x, same_task.test_y)[1] == ds["test_accuracy"][-1]


def test_a_state_with_a_foreign_task_or_content_is_refused(tmp_path):
    path = tmp_path / "state.npz"
    train(case("float", train_images=50, epochs=1.0), task(), state=path)
    small = fe.task_from_arrays(
        "small", np.random.default_rng(1).random((30, 5)), np.arange(30) % 3
    )
    with pytest.raises(ValueError, match=r"64 inputs and 10 classes, task 'small' has 5 and 3"):
        load_state(path, small)
    for content, told in ((b"", "no state file"), (b"PK12", "no state file")):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=told):
            load_state(path)
    np.savez(path, a=np.zeros(3))
    with pytest.raises(ValueError, match="holds arrays, but no state"):
        load_state(path)
    with pytest.raises(FileNotFoundError, match="no such file; expected one that"):
        load_state(tmp_path / "nothing.npz")
