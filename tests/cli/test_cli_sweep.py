"""``feemu sweep``, ``status`` and ``merge``: a study file, its errors, and what they print."""

import json

import numpy as np
import pytest

import feemu as fe
from feemu.cli.study_file import line_of, read_study
from feemu.sweeping import SEARCH, SHARDS, Folder

HEAD = """
task = "digits"
device = "hzo_superlattice"
hidden = [6]
epochs = 1
train_images = 120
batch = 4
lr = 0.2
"""
GRID = """
[grid]
pulse_width = ["20ns", "20us"]
algorithm = ["plain_sgd", { name = "mixed_precision", threshold = 2.0 }]
noise.relative = [0, 0.5]
seed = [0, 1]

[algorithms.plain_sgd]
bl_max = 15
"""


@pytest.fixture
def study(tmp_path):
    """Return a function that writes a study file."""

    def write(grid=GRID, head=HEAD, name="study.toml"):
        path = tmp_path / name
        path.write_text(head + grid)
        return path

    return write


def test_a_study_is_its_cases(study):
    made = read_study(study(), "unused")
    assert len(made.cases) == len({c.digest() for c in made.cases}) == 16
    assert {c.device.pulse_width for c in made.cases} == {2e-8, 2e-5}
    assert {m["noise_relative"] for m in made.marks} == {0.0, 0.5}
    for case, mark in zip(made.cases, made.marks):
        assert case.device.device["noise"]["relative"] == mark["noise_relative"]
        own = ("bl_max", 15) if case.algorithm.name == "plain_sgd" else ("threshold", 2.0)
        assert getattr(case.algorithm, own[0]) == own[1]
        assert (case.hidden, case.epochs, case.train_images, case.lr) == ((6,), 1.0, 120, 0.2)


@pytest.mark.parametrize(
    "old, new, told",
    (
        ("epochs", "epohs", ":5: unknown setting 'epohs': did you mean 'epochs'"),
        ("lr = 0.2", "lr = -1", ":8: Case.lr = -1: allowed is"),
        ("lr = 0.2", "lr = 0.2\nlr = 1", "is no TOML: .* line 9"),
        ('device = "hzo_superl', 'device = "hzo_supel', ":3: unknown device .*'hzo_superlattice'"),
        ("pulse_width = [", "pulse_width = 2 #", ":11: pulse_width = 2: must be a list"),
        ('"20us"', '"20uu"', ":11: pulse width '20uu': expected a time"),
        ('"20us"', '"5ms"', ":11: .*more than a decade outside .*; take a width nearer to them"),
        ("seed = [0, 1]", "seed = [0, 0]", ":14: seed: a value stands there twice"),
        ("seed = [0, 1]", "sed = [0]", ":14: unknown dimension of the grid 'sed'.*'seed'"),
        ("noise.relative", "noise.relativ", ":13: unknown field of Noise 'relativ'.*'relative'"),
        ("noise.relative", "noice.relative", ":13: unknown dimension of the grid 'noice'"),
        ('"plain_sgd", {', '"plain_sgt", {', ":12: unknown algorithm 'plain_sgt'.*'plain_sgd'"),
        ("bl_max = 15", "bl_mx = 15", ":17: unknown field of PlainSGD 'bl_mx'.*'bl_max'"),
        ("[grid]", "lr_end = 2\n[grid]", ":10: Case.lr_end = 2: allowed is"),
        ("[algorithms.plain_sgd]\nbl_max", "[search]\ntris", ":17: unknown setting of the search"),
        ("seed = [0, 1]", "lr = [1.0]", ":14: lr is set for all cases as well"),
    ),
)  # fmt: skip
def test_errors_name_line_and_nearest(old, new, told, study):
    path = study()
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError, match=told) as seen:
        read_study(path, "unused")
    assert str(seen.value).startswith(str(path)) and "\n" not in str(seen.value)


def test_lines_are_found_in_their_table():
    text = 'a = 1\n[t]\na = 2\n"x.y" = 3\n[t.u]\na = 4\n'
    found = [line_of(text, *where) for where in (("", "a"), ("t", "a"), ("t", "x.y"), ("t.u", "a"))]
    assert found == [1, 3, 4, 6] and line_of(text, "t", "b") == 0


def test_nothing_runs_before_all_is_checked(refused, study, tmp_path):
    path = study(GRID.replace("0.5", "-0.5"))
    refused("sweep", path, "--out", tmp_path / "out", words=["Noise.relative = -0.5"])
    assert not (tmp_path / "out").exists()


MEASURED = """
[measured]
files = ["probe.csv"]
model = "linear"
"""


def test_measured_files_are_fitted_once_and_are_the_device(feemu, study, tmp_path):
    protocol = fe.Protocol(devices=2, cycles=2, pulses_up=20, pulses_down=20, noise=0.01)
    fe.write_curves(fe.measure(fe.preset("jerry_fefet"), protocol), tmp_path / "probe.csv")
    head = HEAD.replace('device = "hzo_superlattice"\n', "")
    path = study(
        '\n[grid]\nalgorithm = ["mixed_precision"]\nnoise.relative = [0, 0.5]\n' + MEASURED, head
    )
    out = tmp_path / "out"
    feemu("sweep", path, "--out", out)
    ds = fe.load(out / "study.nc")
    assert "probe.csv" in fe.read_preset(out / "fitted" / "device.toml").source
    assert ds.sizes["noise_relative"] == 2 and ds["done"].isel(epoch=0).all()
    made = {p: p.stat().st_mtime_ns for p in (out / "fitted").iterdir()}
    assert read_study(path, out).cases[0].device.device["name"] == "probe"
    assert {p: p.stat().st_mtime_ns for p in made} == made, "fitted once"
    path.write_text(path.read_text().replace("probe.csv", "prob.csv"))
    with pytest.raises(ValueError, match=r"study.toml:\d+: .*prob.csv: cannot be read"):
        read_study(path, out)
    path.write_text('device = "ideal"' + path.read_text())
    with pytest.raises(ValueError, match=r"\[measured\] is the device; leave it or device out"):
        read_study(path, out)


ONE = '\n[grid]\npulse_width = ["20ns"]\nalgorithm = ["mixed_precision"]\n'


def test_a_sweep_grows_and_parts_of_it_merge(feemu, study, tmp_path):
    first = study(f"{ONE}seed = [0, 1]\n")
    second = study(f"{ONE}seed = [1, 2]\n", name="second.toml")
    both = study(f"{ONE}seed = [0, 1, 2]\n", name="both.toml")
    a, b = tmp_path / "a", tmp_path / "b"
    assert feemu("sweep", first, "--out", a).code == 0
    times = {p: p.stat().st_mtime_ns for p in (a / SHARDS).glob("*.run.npz")}
    assert feemu("sweep", second, "--out", b).code == 0
    joined = tmp_path / "joined.nc"
    seen = feemu("merge", a, b, "--out", joined)
    assert seen.code == 0 and "3 of 3 cells of the grid are finished" in seen.out
    assert feemu("sweep", both, "--out", a).code == 0
    assert {p: p.stat().st_mtime_ns for p in times} == times, "what exists is reused"
    assert joined.read_bytes() == (a / "both.nc").read_bytes()
    seen = feemu("status", a)
    assert seen.code == 0 and "3 of 3 finished, 0 failed" in seen.out


def test_a_failing_case_gives_exit_code_1(feemu, study, tmp_path):
    path = study(f"{ONE}train_images = [120, 100_000]\n", HEAD.replace("train_images = 120", ""))
    seen = feemu("sweep", path, "--out", tmp_path / "out")
    told = "20ns mixed_precision seed 0 train_images 100000: ValueError: Case.train_images"
    assert seen.code == 1 and told in " ".join(seen.out.split())
    ds = fe.load(tmp_path / "out" / "study.nc")
    assert np.isnan(ds["test_accuracy"].sel(train_images=1e5)).all()
    assert not ds["done"].sel(train_images=1e5).any()
    seen = feemu("status", tmp_path / "out")
    assert "1 of 2 finished, 1 failed" in seen.out and "no sweep runs here" in seen.out
    assert told in " ".join(seen.out.split())
    merged = feemu("merge", tmp_path / "out", "--out", tmp_path / "merged.nc")
    assert merged.code == 1
    assert (tmp_path / "merged.nc").read_bytes() == (tmp_path / "out" / "study.nc").read_bytes()


def test_the_search_chooses_for_each_cell_and_keeps_its_tries(feemu, study, tmp_path):
    search = "\n[search]\ntries = 2\nkeep = 1\nimages = 60\nimages_long = 60\nseeds = 1\n"
    path = study(f"{ONE}noise.relative = [0, 1]\nseed = [0, 1]\n{search}", HEAD)
    assert feemu("sweep", path, "--out", tmp_path / "out").code == 0
    ds = fe.load(tmp_path / "out" / "study.nc")
    assert ds["done"].all() and ds.sizes["seed"] == 2
    known = json.loads(ds.attrs["provenance"])
    rates = {c.get("lr", known["case"].get("lr")) for c in known["cases"]}
    for cells in (0, 1):
        tries = fe.load(tmp_path / "out" / SEARCH / f"cells{cells}-first.nc", complete=False)
        assert tries.sizes["try"] == 2 and "score" in tries
    assert rates and 0.2 not in rates
    assert len(Folder(tmp_path / "out" / SEARCH).digests()) >= 4


def test_folders_without_a_sweep_are_refused(refused, tmp_path):
    refused("status", tmp_path, words=["no sweep was begun there"])
    refused("merge", tmp_path, "--out", tmp_path / "x.nc", words=["no sweep was begun there"])
