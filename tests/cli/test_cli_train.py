"""Training from the command line: the form, what it writes, what it refuses before it starts."""

import json
import os

import numpy as np
import pytest
from small_run import SMALL

from feemu.store import load

BASE = ["train", "--device", "hzo_superlattice", "--pulse-width", "20ns"]
ALGORITHMS = {
    "float": [],
    "mixed_precision": ["--set", "threshold=2"],
    "plain_sgd": ["--set", "bl_min=31", "--set", "managed=no"],
    "symmetry_point_shift": ["--set", "variant=trim", "--set", "n_pairs=20"],
}


def test_result_holds_the_run_and_its_price(trained, feemu):
    ds = load(trained / "run.nc")
    assert dict(ds.sizes)["seed"] == 1 and ds["algorithm"].values.tolist() == ["mixed_precision"]
    assert float(ds["energy_device"].isel(epoch=-1).sum()) > 0
    assert ds["width_label"].values.tolist() == ["measured"]
    case = json.loads(ds.attrs["provenance"])["case"]
    assert case["train_images"] == 150 and case["hidden"] == [8]
    record = json.loads((trained / "run.run.json").read_text())
    assert record["workers"] == 1 and record["seconds"] > 0
    assert not (trained / "run.nc.parts").exists()


def test_output_names_device_network_result_and_next_steps(feemu, tmp_path):
    out = tmp_path / "run.nc"
    seen = feemu(*SMALL, "--seeds", 2, "--seed", 5, "--out", out)
    assert seen.code == 0
    for words in (
        "hzo_superlattice at 20ns (measured)", "arXiv:2601.00020", "caveat", "64-8-10",
        "threshold", "assumed", f"wrote     {out}", f"feemu info {out}", f"feemu plot {out}",
    ):  # fmt: skip
        assert words in seen.out
    rows = [line.split() for line in seen.out.splitlines()]
    assert [r[0] for r in rows if r and r[0] in ("5", "6", "mean")] == ["5", "6", "mean"]
    assert load(out)["seed"].values.tolist() == [5, 6]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_eval_gives_the_accuracy_after_training(feemu, tmp_path, algorithm):
    state = tmp_path / "state.npz"
    extra = ["--hidden", "8", "--epochs", "1", "--train-images", "150", "--lr", "0.3"]
    seen = feemu(*BASE, "--algorithm", algorithm, *ALGORITHMS[algorithm], *extra,
                 "--bias", "digital", "--adc-bits", "8", "--save-state", state)  # fmt: skip
    assert seen.code == 0 and "kept      nothing" in seen.out
    seen = feemu("eval", state)
    assert seen.code == 0, seen.err
    rows = [r.split() for r in seen.out.splitlines() if r.startswith(("validation", "test "))]
    assert len(rows) == 2
    for _, _, now, _, after in rows:
        assert now == after


def test_state_of_each_seed_and_eval_on_other_data(feemu, refused, tmp_path, rng_arrays):
    state = tmp_path / "s.npz"
    out = ("--out", tmp_path / "run.nc")
    assert feemu(*SMALL, "--seeds", 2, "--save-state", state, *out).code == 0
    assert sorted(p.name for p in tmp_path.glob("s*.npz")) == ["s-seed0.npz", "s-seed1.npz"]
    own = rng_arrays(64)
    seen = feemu("eval", tmp_path / "s-seed1.npz", "--task", own)
    assert seen.code == 0 and "not the data that the network was trained with" in seen.out
    other = rng_arrays(36)
    refused("eval", tmp_path / "s-seed1.npz", "--task", other, words=("64 inputs", "has 36"))


def test_interrupted_training_continues_to_the_same_bytes(feemu, tmp_path, monkeypatch):
    from feemu.sweeping.work import task_of
    from feemu.training import _Run as run

    whole, cut = tmp_path / "whole.nc", tmp_path / "cut.nc"
    assert feemu(*SMALL, "--epochs", 3, "--out", whole).code == 0
    real = run.save

    def stop(self, path):
        real(self, path)
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "save", stop)
    seen = feemu(*SMALL, "--epochs", 3, "--out", cut)
    assert seen.code == 130 and f"continues from {cut}.parts" in seen.err and not cut.exists()
    monkeypatch.setattr(run, "save", real)
    task_of.cache_clear()
    assert feemu(*SMALL, "--epochs", 3, "--out", cut).code == 0
    assert cut.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "cut.nc.parts").exists()


def test_workers_give_the_same_bytes(feemu, tmp_path):
    one, two = tmp_path / "one.nc", tmp_path / "two.nc"
    small = [*SMALL, "--algorithm", "float", "--seeds", 2]
    assert feemu(*small, "--out", one).code == 0
    assert feemu(*small, "--out", two, "--workers", 2).code == 0
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--pulse-width", "-20ns"], ("-20ns", "positive")),
        (["--pulse-width", "20"], ("20s", "decade", "--extrapolate")),
        (["--pulse-width", "fast"], ("'fast'", "'20ns'")),
        (["--lr", "nan"], ("--lr nan", "allowed is")),
        (["--lr", "-0.1"], ("--lr -0.1", "allowed is")),
        (["--batch", "0"], ("--batch 0", "allowed is")),
        (["--epochs", "inf"], ("--epochs inf",)),
        (["--weight-scale", "0"], ("--weight-scale 0",)),
        (["--hidden", "0,5"], ("--hidden", "whole numbers from 1")),
        (["--seed", "-3"], ("--seed -3",)),
        (["--activation", "sigmoidal"], ("activation", "did you mean 'sigmoid'")),
        (["--task", "digit"], ("task 'digit'", "did you mean 'digits'")),
        (["--task", "MNIST"], ("did you mean 'mnist'",)),
        (["--algorithm", "shift_push_pull"], ("did you mean 'symmetry_point_shift'",)),
        (["--task", "none.npz"], ("none.npz", "No such file")),
        (["--train-images", "99999"], ("--train-images 99999", "1198")),
        (["--algorithm", "mixed_presision"], ("did you mean 'mixed_precision'",)),
        (["--set", "treshold=2"], ("did you mean 'threshold'",)),
        (["--set", "threshold"], ("name=value", "threshold=1")),
        (["--set", "threshold=nan"], ("threshold = nan", "allowed is")),
        (["--set", "threshold=two"], ("expected a number",)),
        (["--device", "hzo_superlatice"], ("did you mean 'hzo_superlattice'",)),
        (["--device", "none.toml"], ("none.toml", "No such file")),
        (["--device", "ideal"], ("'ideal'", "100ns only", "leave --pulse-width out")),
    ],
)
def test_bad_input_is_refused_in_one_line(refused, tmp_path, extra, words):
    out = tmp_path / "run.nc"
    seen = refused(*SMALL, "--out", out, *extra, words=words)
    assert seen.out == "" and list(tmp_path.iterdir()) == []


def test_family_needs_a_width_and_other_algorithms_their_own_settings(refused):
    asked = ["train", "--device", "hzo_superlattice", "--algorithm", "float"]
    refused(*asked, words=("--pulse-width", "20ns, 200ns"))
    refused(*SMALL, "--algorithm", "float", "--set", "x=1", words=("has no parameters",))
    shift = ["--algorithm", "symmetry_point_shift", "--set"]
    refused(*SMALL, *shift, "variant=pushpull", words=("did you mean 'push_pull'",))
    refused(*SMALL, *shift, "ideal=perhaps", words=("true or false",))


def test_extrapolation_is_labelled(feemu):
    small = [*SMALL, "--algorithm", "float", "--pulse-width", "20ms", "--extrapolate"]
    assert "20ms (extrapolated)" in feemu(*small).out


def test_unusable_outputs_are_found_before_training(refused, tmp_path, trained):
    before = (trained / "run.nc").read_bytes()
    ready = refused(*SMALL, "--out", trained / "run.nc", words=("is there already", "--overwrite"))
    assert ready.out == "" and (trained / "run.nc").read_bytes() == before
    refused(*SMALL, "--out", tmp_path / "none" / "run.nc", words=("does not exist",))
    refused(*SMALL, "--out", tmp_path, words=("is a folder",))
    refused(*SMALL, "--out", tmp_path / "run.txt", words=("must end in .nc",))
    refused(*SMALL, "--out", trained / "run.nc" / "run.nc", words=("is a file",))
    refused(*SMALL, "--save-state", tmp_path / "none" / "s.npz", words=("does not exist",))
    refused(*SMALL, "--save-state", trained / "state.npz", words=("is there already",))


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder nobody can write to")
def test_read_only_folder_is_found_before_training(refused):
    seen = refused(*SMALL, "--out", "/proc/run.nc", words=("nothing can be written", "/proc"))
    assert seen.out == ""


def test_full_disk_loses_nothing(feemu, tmp_path, monkeypatch):
    import feemu.store as store

    out = tmp_path / "run.nc"
    out.write_bytes(b"older result")
    real = store._sync

    def full(path):
        if out.name not in str(path) and not (tmp_path / "run.nc.parts").samefile(path.parent):
            raise OSError(28, "No space left on device")
        real(path)

    monkeypatch.setattr(store, "_sync", full)
    seen = feemu(*SMALL, "--out", out, "--overwrite")
    assert seen.code == 2 and "disk is full" in seen.err and "Traceback" not in seen.err
    assert out.read_bytes() == b"older result"
    assert list((tmp_path / "run.nc.parts").glob("*.run.npz")), "the finished run is kept"
    monkeypatch.setattr(store, "_sync", real)
    assert feemu(*SMALL, "--out", out, "--overwrite").code == 0
    assert load(out)["done"].all()


def test_bad_data_files(refused, tmp_path, rng_arrays):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, kind in (("train", "images-idx3"), ("train", "labels-idx1"),
                       ("t10k", "images-idx3"), ("t10k", "labels-idx1")):  # fmt: skip
        (folder / f"{part}-{kind}-ubyte").write_bytes(b"\0\0\x08\x03\0\0\0\x05\0\0\0\x1c")
    mnist = [*SMALL, "--task", "mnist", "--data"]
    refused(*mnist, tmp_path, words=("train-images-idx3-ubyte",))
    refused(*mnist, tmp_path / "none", words=("feemu data fetch mnist", "--data DIR"))
    refused(*SMALL, "--task", rng_arrays(64, bad=np.nan), words=("nan", "[0, 1]"))
    refused(*SMALL, "--task", rng_arrays(64, cut=3), words=("shape",))


def test_diverging_run_ends_with_a_warning_and_a_result(feemu, tmp_path):
    out = tmp_path / "run.nc"
    seen = feemu(*SMALL, "--algorithm", "float", "--lr", "1e6", "--activation", "relu",
                 "--epochs", 3, "--out", out)  # fmt: skip
    assert seen.code == 0 and "Traceback" not in seen.err and "RuntimeWarning" not in seen.err
    assert load(out)["done"].any()


@pytest.fixture
def rng_arrays(tmp_path):
    """Return a maker of .npz tasks of random pixels with some number of features."""

    def make(features, bad=None, cut=0):
        source = np.random.default_rng(features)
        x, y = source.random((120, features)).astype(np.float32), np.arange(120) % 10
        if bad is not None:
            x[3, 5] = bad
        path = tmp_path / f"own{features}.npz"
        np.savez(path, x=x, y=y[: len(y) - cut])
        return path

    return make
