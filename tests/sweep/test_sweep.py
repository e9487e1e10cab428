"""A sweep: one dataset, whatever the order, the number of workers or the interruptions."""

import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from grid_cases import FIELDS, case, grid, run, whole
from small_cases import file_digest

import feemu as fe
from feemu import schema
from feemu.sweeping import failures, run_case, schedule, sweep, work


def test_shape_and_labels():
    ds = whole()
    schema.validate(ds)
    assert list(ds["done"].dims) == ["pulse_width", "algorithm", "seed", "epoch"]
    assert ds["pulse_width"].values.tolist() == [2e-8, 2e-5]
    assert ds["algorithm"].values.tolist() == ["mixed_precision", "plain_sgd"]
    assert ds["seed"].values.tolist() == [0, 1] and ds["done"].all()
    assert ds["width_label"].values.tolist() == ["measured"] * 2
    assert ds.attrs["title"] == "feemu sweep on digits"
    for variable in ds.variables.values():
        assert {"units", "long_name"} <= {*variable.attrs}


def test_every_run_stands_in_its_place():
    for made in (("20ns", "plain_sgd", 1), ("20us", "mixed_precision", 0)):
        one, width = run(made), fe.parse_width(made[0])
        part = whole().sel(pulse_width=width, algorithm=made[1], seed=made[2])
        for name in one.data_vars:
            np.testing.assert_array_equal(part[name], one[name], err_msg=name)
            assert part[name].dtype == one[name].dtype


def test_the_order_of_the_cases_does_not_matter():
    cases = grid()
    mixed = [cases[i] for i in np.random.default_rng(1).permutation(len(cases))]
    assert file_digest(sweep(mixed)) == file_digest(whole())


def test_workers_do_not_matter():
    """Three processes that start afresh, in another order."""
    seen = []
    ds = sweep(grid()[::-1], workers=3, progress=lambda *three: seen.append(three[:2]))
    assert file_digest(ds) == file_digest(whole())
    assert seen == [(i + 1, 8) for i in range(8)]


def test_an_executor_of_one_s_own():
    with ThreadPoolExecutor(2) as pool:
        part = sweep(grid(seeds=(1,)), executor=pool)
        assert part.drop_attrs().identical(whole().sel(seed=[1]).drop_attrs())
        assert pool.submit(int, "3").result() == 3


def test_provenance_is_enough_to_run_any_case_again():
    known = json.loads(whole().attrs["provenance"])
    assert known["case"]["hidden"] == list(FIELDS["hidden"]) and "seed" not in known["case"]
    assert len(known["cases"]) == 8 and len(known["devices"]) == 2
    places = [(known["devices"][c["device_sha256"]]["pulse_width"], c["algorithm"]["name"],
               c["seed"]) for c in known["cases"]]  # fmt: skip
    assert places == sorted(places) and len({*places}) == 8
    assert any("pulse" in caveat for caveat in known["caveats"]) or known["caveats"]


# -- resuming ----------------------------------------------------------------------------------


class Cut(Exception):
    """Raised by a callback where a sweep is to be killed."""


def test_a_killed_sweep_goes_on(tmp_path):
    """After three cases; the shards that are there are not run again."""

    def cut(done, total, ds):
        if done == 3:
            raise Cut

    with pytest.raises(Cut):
        sweep(grid(), out=tmp_path, progress=cut)
    shards = sorted(tmp_path.glob("*.run.npz"))
    assert len(shards) == 3
    times = [os.stat(p).st_mtime_ns for p in shards]
    assert file_digest(sweep(grid()[::-1], out=tmp_path)) == file_digest(whole())
    assert [os.stat(p).st_mtime_ns for p in shards] == times
    left = {path.name.partition(".")[2] for path in tmp_path.iterdir()}
    assert left == {"run.npz", "json", "lock"}, "no checkpoint or temporary file is left"
    assert len([*tmp_path.glob("*.run.npz")]) == 8


def test_shards_are_used_without_running(tmp_path, monkeypatch):
    sweep(grid()[:2], out=tmp_path)
    monkeypatch.setattr(work, "train", None)
    again = sweep(grid()[:2], out=tmp_path)
    assert again["done"].all() and again.sizes["seed"] == 2


@pytest.mark.parametrize("damage", ("cut", "foreign", "empty"))
def test_a_damaged_shard_is_set_aside(damage, tmp_path, caplog):
    made = case()
    wanted = run_case(made, folder=str(tmp_path))
    (shard,) = tmp_path.glob("*.run.npz")
    body = shard.read_bytes()
    broken = {"cut": body[: len(body) // 2], "foreign": b"CDF\x01 not ours", "empty": b""}[damage]
    shard.write_bytes(broken)
    with caplog.at_level(logging.WARNING, "feemu"):
        again = run_case(made, folder=str(tmp_path))
    assert again.identical(wanted) and "shard set aside and run again" in caplog.text
    (aside,) = tmp_path.glob("*.corrupt")
    assert aside.read_bytes() == broken
    assert shard.read_bytes() == body


def test_a_killed_case_goes_on_from_its_checkpoint(tmp_path):
    made, seen = case(epochs=3.0), []

    def cut(progress):
        if progress.epoch == 2:
            raise Cut

    with pytest.raises(Cut):
        run_case(made, folder=str(tmp_path), progress=cut)
    assert len([*tmp_path.glob("*.checkpoint.npz")]) == 1
    ds = run_case(made, folder=str(tmp_path), progress=lambda p: seen.append(p.epoch))
    assert seen == [2.0, 3.0] and ds.identical(run_case(made))
    assert [p.name[32:] for p in tmp_path.iterdir()] == [".run.npz"]


def test_what_a_finished_case_had_no_time_to_remove_goes(tmp_path):
    """As when it is killed between the writing of its shard and the removal of the rest."""
    ds = sweep([case()], out=tmp_path)
    (shard,) = tmp_path.glob("*.run.npz")
    digest = shard.name.partition(".")[0]
    other = tmp_path / f"{'0' * 32}.checkpoint.npz"
    names = (f"{digest}.checkpoint.npz", f"{digest}.failed.json", ".feemu-0123.tmp", other.name)
    for name in names:
        (tmp_path / name).write_bytes(b"left")
    assert file_digest(sweep([case()], out=tmp_path)) == file_digest(ds)
    assert not {*names[:3]} & {path.name for path in tmp_path.iterdir()}
    assert other.exists(), "an unfinished case keeps its checkpoint"


def test_a_state_file_that_is_missing_runs_the_case_again(tmp_path):
    made, state = case(), tmp_path / "state.npz"
    wanted = run_case(made, folder=str(tmp_path / "."), state=str(state))
    state.unlink()
    assert run_case(made, folder=str(tmp_path), state=str(state)).identical(wanted)
    assert state.exists()


# -- refusals ----------------------------------------------------------------------------------


def refuse_to_run(*_, **__):
    raise RuntimeError("no case may run")


@pytest.mark.parametrize(
    "cases, options, told",
    (
        ([], {}, "sweep: no cases; give at least one feemu.Case"),
        (["20ns", "20ns"], {}, "two results at .*give coordinates that tell them apart"),
        (["20ns"], {"workers": 0}, "workers = 0; give 1 or more"),
        (["20ns", "20us"], {"coordinates": [{"a": 1}]}, "1 sets of coordinates for 2 runs"),
        (["20ns", "20us"], {"coordinates": [{"a": 1}, {"b": 1}]}, "all with the same names"),
    ),
)
def test_bad_sweeps_are_refused_before_they_run(cases, options, told, monkeypatch):
    monkeypatch.setattr(schedule, "attempt", refuse_to_run)
    with pytest.raises(ValueError, match=told) as seen:
        sweep([case(w) for w in cases], **options)
    assert "\n" not in str(seen.value)


# -- failures ----------------------------------------------------------------------------------

BAD = {"train_images": 10**6}
TOLD = "ValueError: Case.train_images = 1000000: the task has 1198 training images"


@pytest.mark.parametrize("out", (True, False))
def test_a_case_that_fails_is_recorded_and_the_others_run(out, tmp_path, caplog):
    cases, folder = [case(), case(seed=7, **BAD), case(seed=1)], tmp_path if out else None
    seen = []
    ds = sweep(cases, out=folder, progress=lambda done, total, one: seen.append((done, one)))
    assert [done for done, _ in seen] == [1, 2, 3] and seen[1][1] is None
    schema.validate(ds)
    assert ds["done"].any("epoch").sel(seed=[0, 1]).all() and not ds["done"].sel(seed=7).any()
    assert ds["test_accuracy"].sel(seed=7).isnull().all()
    (failed,) = failures(ds.attrs["provenance"])
    assert failed["at"]["seed"] == 7 and failed["error"] == TOLD and TOLD in caplog.text
    if out:
        (note,) = tmp_path.glob("*.failed.json")
        told = json.loads(note.read_text())
        assert told["error"] == TOLD and "Traceback" in told["details"][0]
        assert file_digest(sweep(cases, out=tmp_path)) == file_digest(ds)


def test_a_case_that_failed_runs_again_and_its_note_goes(tmp_path, monkeypatch):
    cases = [case(), case(seed=1)]
    real = work.train

    def train(one, *args, **options):
        if one.seed == 1:
            raise RuntimeError("out of\nluck")
        return real(one, *args, **options)

    monkeypatch.setattr(work, "train", train)
    ds = sweep(cases, out=tmp_path)
    assert failures(ds.attrs["provenance"])[0]["error"] == "RuntimeError: out of luck"
    monkeypatch.undo()
    whole = sweep(cases, out=tmp_path)
    assert whole["done"].all() and not failures(whole.attrs["provenance"])
    assert not [*tmp_path.glob("*.failed.json")]
    assert file_digest(whole) == file_digest(sweep(cases))


def test_a_sweep_in_which_all_cases_fail_is_an_error():
    with pytest.raises(ValueError, match=r"all 2 cases failed; at .*1198 training images") as seen:
        sweep([case(**BAD), case(seed=1, **BAD)])
    assert "\n" not in str(seen.value)


def test_what_killed_writers_leave_is_gone_at_the_end(tmp_path):
    left = tmp_path / ".feemu-0123456789abcdef.tmp"
    sweep([case()], out=tmp_path, progress=lambda *_: left.touch())
    assert not left.exists()
