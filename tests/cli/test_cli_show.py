"""info, devices, algorithms, eval, plot and data: what they show and what they refuse."""

import http.server
import json
import threading
from functools import partial

import numpy as np
import pytest

import feemu as fe
from feemu.cli.plot import KINDS


def test_devices_lists_every_preset_with_its_source(feemu):
    from feemu.devices import preset_names

    seen = feemu("devices")
    assert seen.code == 0 and all(f"\n{name} " in seen.out for name in preset_names())
    assert "arXiv:2601.00020" in seen.out and "20ns 200ns 2us 20us 200us" in seen.out


def test_algorithms_lists_parameters_and_choices(feemu, refused):
    seen = feemu("algorithms")
    assert "threshold over granularity" in seen.out and "push_pull" in seen.out
    one = feemu("algorithms", "symmetry_point_shift").out
    assert "reconstructed" in one and "mixed_precision" not in one
    refused("algorithms", "plain", words=("did you mean 'plain_sgd'",))


def test_info_of_a_family_and_of_a_device(feemu):
    from feemu.devices import preset_names

    seen = feemu("info", "hzo_superlattice").out
    for words in ("2us (interpolated)", "200us (extrapolated)", "symmetry point", "published",
                  "assumed", "0.24898", "caveat", "[3]"):  # fmt: skip
        assert words in seen
    for name in preset_names():
        assert feemu("devices", name).out == feemu("info", name).out


def test_info_of_an_own_preset_file(feemu, refused, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'name = "own"\nkind = "device"\nmodel = "soft_bounds"\nsource = "me"\n'
        '[sources]\nme = "my bench"\n[response]\n'
        'A_up = { value = 0.01, unit = "1", tag = "measured", source = "me" }\n'
        'A_down = { value = 0.02, unit = "1", tag = "measured", source = "me" }\n'
    )
    seen = feemu("info", path)
    assert seen.code == 0 and "my bench" in seen.out and "measured" in seen.out
    path.write_text("name = ")
    refused("info", path, words=(path, "TOML"))
    refused("info", tmp_path / "none.toml", words=("none.toml", "No such file"))


def test_info_of_a_result(feemu, trained):
    seen = feemu("info", trained / "run.nc")
    assert seen.code == 0
    for words in ("mixed_precision (", "threshold 1.0", "20ns (measured)", "numba",
                  "arXiv:2601.00020", "programming energy", "lr 0.1", "seed 1"):  # fmt: skip
        assert words in " ".join(seen.out.split()), "wherever lines are wrapped"
    assert max(map(len, seen.out.splitlines())) <= 125


def test_info_of_a_single_run_saved_from_python(feemu, trained, tmp_path):
    from feemu.store import load, save

    ds = load(trained / "run.nc").isel(pulse_width=0, algorithm=0, seed=0)
    seen = feemu("info", save(ds, tmp_path / "one.nc"))
    assert seen.code == 0 and "20ns (measured)" in seen.out
    assert feemu("plot", tmp_path / "one.nc").code == 0


def test_info_of_runs_that_diverged(feemu, tmp_path):
    fields = {
        "activation": "relu",
        "hidden": (8, 8),
        "train_images": 100,
        "epochs": 1.0,
        "batch": 4,
    }
    device = fe.tabulate(fe.preset("ideal"))
    made = fe.Case(device=device, algorithm=fe.algorithm("float"), init_gain=100.0, **fields)
    fe.save(fe.sweep([made.replace(lr=1e6), made.replace(lr=1e-9, seed=1)]), tmp_path / "both.nc")
    seen = feemu("info", tmp_path / "both.nc")
    assert "1 run(s) ended early: the loss was not finite; lower lr" in seen.out
    fe.save(fe.train(made.replace(lr=1e-9)), tmp_path / "good.nc")
    assert "ended early" not in feemu("info", tmp_path / "good.nc").out


def test_info_and_eval_of_a_state(feemu, refused, trained, tmp_path):
    seen = feemu("info", trained / "state.npz")
    assert seen.code == 0 and "150 images trained" in seen.out and "feemu eval" in seen.out
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    for command in ("info", "eval"):
        refused(command, tmp_path / "other.npz", words=("no state", "--save-state"))
        refused(command, tmp_path / "none.npz", words=("no such file",))
    broken = tmp_path / "broken.npz"
    broken.write_bytes((trained / "state.npz").read_bytes()[:-500])
    refused("eval", broken, words=("broken.npz", "damaged"))
    refused("eval", trained / "run.nc", words=("run.nc", "it is a netCDF result"))


def test_changed_state_is_refused(refused, trained, tmp_path):
    with np.load(trained / "state.npz") as saved:
        parts = {name: saved[name] for name in saved.files}
    body = json.loads(str(parts["case/json"]))
    body["lr"] = 0.2
    np.savez(tmp_path / "changed.npz", **{**parts, "case/json": np.array(json.dumps(body))})
    refused("eval", tmp_path / "changed.npz", words=("changed.npz", "hash"))


@pytest.mark.parametrize("command", ["info", "plot"])
def test_damaged_and_foreign_results(refused, trained, tmp_path, command):
    cut, foreign = tmp_path / "cut.nc", tmp_path / "foreign.nc"
    cut.write_bytes((trained / "run.nc").read_bytes()[:5000])
    foreign.write_bytes(b"hello, world")
    refused(command, cut, words=("cut.nc", "truncated or damaged"))
    refused(command, foreign, words=("foreign.nc", "no netCDF file"))
    refused(command, tmp_path / "cat.nc", words=("no such file", "cut.nc"))


def test_info_of_an_unknown_name(refused):
    refused("info", "ideel", words=("device 'ideel'", "did you mean 'ideal'", ".toml"))
    refused("devices", "ideel", words=("did you mean 'ideal'",))


def test_info_of_a_result_without_its_ending(refused, trained, monkeypatch):
    monkeypatch.chdir(trained)
    refused("info", "run", words=("run.nc",))


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("study", "draws")])
def test_plot_kinds(feemu, trained, tmp_path, kind):
    out = tmp_path / "picture.svg"
    seen = feemu("plot", trained / "run.nc", "--kind", kind, "--out", out)
    assert seen.code == 0, seen.err
    assert b"<svg" in out.read_bytes()


def test_plot_defaults_and_refusals(feemu, refused, trained, tmp_path):
    seen = feemu("plot", trained / "run.nc")
    assert seen.code == 0 and (trained / "run.png").read_bytes().startswith(b"\x89PNG")
    run = trained / "run.nc"
    before = (trained / "run.png").read_bytes()
    assert feemu("plot", run, "--kind", "weights").code == 0
    assert (trained / "run.weights.png").is_file() and (trained / "run.png").read_bytes() == before
    refused("plot", run, "--kind", "weight", words=("did you mean 'weights'",))
    refused("plot", run, "--target", "90", words=("--target 90", "0.9"))
    refused("plot", run, "--kind", "weights", "--target", "0.9", words=("leave it out",))
    refused("plot", run, "--out", tmp_path / "p.gif", words=(".png or .pdf or .svg",))
    refused("plot", run, "--out", tmp_path / "none" / "p.png", words=("does not exist",))


class _Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_data_fetch_from_a_loopback_mirror(feemu, refused, tmp_path, monkeypatch):
    import hashlib

    from feemu.tasks import catalog, download

    source = tmp_path / "mirror"
    source.mkdir()
    files = []
    for name in ("a.gz", "b.gz", "c.gz", "d.gz"):
        body = name.encode() * 100
        (source / name).write_bytes(body)
        files.append(catalog.RemoteFile(name, len(body), hashlib.sha256(body).hexdigest()))
    small = catalog.ImageSet("mnist", "M", "s", "l", "mnist", tuple(files), (), "")
    monkeypatch.setitem(download.IMAGE_SETS, "mnist", small)
    handler = partial(_Server, directory=str(source))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        fetch = ("data", "fetch", "mnist", "--folder", tmp_path / "data", "--mirror", url)
        seen = feemu(*fetch)
        assert seen.code == 0 and str(tmp_path / "data" / "mnist") in seen.out
        assert "--task mnist --data" in seen.out
        (source / "a.gz").write_bytes(b"x" * files[0].size)
        (tmp_path / "data" / "mnist" / "a.gz").unlink()
        refused(*fetch, words=("a.gz", "SHA-256"))
        server.shutdown()


def test_data_refusals(refused):
    refused("data", "fetch", "minst", words=("did you mean 'mnist'",))
    refused("data", "fetch", "digits", words=("nothing to fetch",))
    refused("data", "get", "mnist", words=("action 'get'", "fetch"))
    refused("data", "mnist", words=("feemu data fetch NAME", "fashion_mnist"))
