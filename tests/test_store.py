"""Files: atomic, deterministic, validated; every failure is one line and loses nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from synthetic_result import result, sweep

from feemu import schema, store

HERE = Path(__file__).resolve().parent


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("make", [result, sweep])
def test_round_trip_is_identical(tmp_path, make):
    ds = make()
    assert store.save(ds, tmp_path / "run.nc") == tmp_path / "run.nc"
    back = store.load(tmp_path / "run.nc")
    xr.testing.assert_identical(back, ds)
    assert back["done"].dtype == bool
    assert back["pulses"].dtype == ds["pulses"].dtype
    assert _names(tmp_path) == ["run.nc"]


def test_same_dataset_same_bytes_in_another_process(tmp_path):
    store.save(sweep(), tmp_path / "a.nc")
    time.sleep(1.1)
    code = (
        "from synthetic_result import sweep; from feemu import store\n"
        "ds = sweep(); names = list(ds.data_vars)[::-1]\n"
        "store.save(ds[names], 'another_name.nc')"
    )
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    env = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "7", "MALLOC_PERTURB_": "165"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=env)
    assert _digest(tmp_path / "a.nc") == _digest(tmp_path / "another_name.nc")


def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path):
    ds = result()
    ds.attrs["title"] = "µ, Greek λ and a dot ·"
    store.save(ds, tmp_path / "a.nc")
    store.save(store.load(tmp_path / "a.nc"), tmp_path / "b.nc")
    assert _digest(tmp_path / "a.nc") == _digest(tmp_path / "b.nc")


def test_the_file_is_compressed_and_opens_without_feemu(tmp_path):
    ds = sweep(seeds=10)
    store.save(ds, tmp_path / "run.nc")
    assert (tmp_path / "run.nc").stat().st_size < ds.nbytes
    with netCDF4.Dataset(tmp_path / "run.nc") as file:
        assert file["pulses"].filters()["zlib"]
        assert file["pulses"].filters()["fletcher32"]
    with xr.open_dataset(tmp_path / "run.nc") as plain:
        xr.testing.assert_identical(plain.load(), ds)


def test_invalid_datasets_are_not_written(tmp_path):
    with pytest.raises(schema.SchemaError):
        store.save(result().drop_vars("pulses"), tmp_path / "run.nc")
    assert _names(tmp_path) == []
    store.save(result().drop_vars("pulses"), tmp_path / "part.nc", complete=False)
    store.load(tmp_path / "part.nc", complete=False)
    with pytest.raises(ValueError, match="pulses is missing"):
        store.load(tmp_path / "part.nc")


@pytest.mark.parametrize("keep", [0.001, 0.3, 0.9, 0.9999])
def test_truncated_files_are_refused_in_one_line(tmp_path, keep):
    path = store.save(result(), tmp_path / "run.nc")
    data = path.read_bytes()
    path.write_bytes(data[: max(int(len(data) * keep), 12)])
    _one_line(path, "truncated or damaged")


def test_flipped_bits_in_the_data_are_found(tmp_path):
    ds = result()
    path = store.save(ds, tmp_path / "run.nc")
    clean = bytearray(path.read_bytes())
    silent = 0
    for offset in np.linspace(2000, len(clean) - 1, 60).astype(int):
        damaged = clean.copy()
        damaged[offset] ^= 0x10
        path.write_bytes(bytes(damaged))
        try:
            silent += not store.load(path)["state_histogram"].equals(ds["state_histogram"])
        except ValueError as error:
            assert "\n" not in str(error)
    assert silent == 0


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "is empty"),
        (b"pulse,voltage_V\n1,2\n", "no netCDF"),
        (b"\x89HDF\r\n\x1a\nx", "damaged"),
    ],
)
def test_foreign_files_are_refused_in_one_line(tmp_path, body, part):
    path = tmp_path / "x.nc"
    path.write_bytes(body)
    _one_line(path, part)


def test_a_foreign_netcdf_file_is_refused_with_all_reasons(tmp_path):
    path = tmp_path / "x.nc"
    xr.Dataset({"temperature": ("x", np.zeros(3))}).to_netcdf(path)
    text = _one_line(path, "not a valid feemu result")
    assert "pulses is missing" in text
    assert "provenance is missing" in text


def test_missing_files_and_folders_are_named(tmp_path):
    store.save(result(), tmp_path / "run.nc")
    with pytest.raises(FileNotFoundError, match=r"no such file; the folder has run\.nc"):
        store.load(tmp_path / "ran.nc")
    with pytest.raises(IsADirectoryError, match="folder"):
        store.load(tmp_path)
    with pytest.raises(OSError, match="create it first"):
        store.save(result(), tmp_path / "none" / "run.nc")
    with pytest.raises(OSError, match="not written"):
        store.save(result(), tmp_path / "run.nc" / "run.nc")
    with pytest.raises(IsADirectoryError, match="add a file name"):
        store.save(result(), tmp_path)


def _one_line(path: Path, part: str) -> str:
    with pytest.raises(ValueError, match=part) as info:
        store.load(path)
    assert "\n" not in str(info.value)
    assert path.name in str(info.value)
    return str(info.value)


def _fail(monkeypatch, place: str, code: int) -> None:
    def raiser(*_args, **_more):
        raise OSError(code, os.strerror(code))

    if place == "write":
        monkeypatch.setattr(xr.Dataset, "to_netcdf", raiser)
    elif place == "open":
        monkeypatch.setattr(store.os, "open", raiser)
    else:
        monkeypatch.setattr(store.os, place, raiser)


@pytest.mark.parametrize("place", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_failed_save_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, place, code):
    path = store.save(result(0), tmp_path / "run.nc")
    before = _digest(path)
    with monkeypatch.context() as patch:
        _fail(patch, place, code)
        with pytest.raises(OSError, match="not written") as info:
            store.save(result(1), path)
    assert info.value.errno == code
    assert "\n" not in str(info.value)
    assert "was there before is unchanged" in str(info.value)
    assert ("disk is full" in str(info.value)) == (code == errno.ENOSPC)
    assert _digest(path) == before
    assert _names(tmp_path) == ["run.nc"]


def test_an_interrupt_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch):
    path = store.write_bytes_atomic(tmp_path / "state.npz", b"old")

    def interrupt(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(store.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write_bytes_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["state.npz"]


def test_a_folder_that_cannot_be_synced_is_said(tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def second(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.EIO, "input/output error")
        real(handle)

    monkeypatch.setattr(store.os, "fsync", second)
    with pytest.raises(OSError, match="written, but its folder"):
        store.write_text_atomic(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "new"


def test_a_real_size_limit_keeps_the_old_file(tmp_path):
    pytest.importorskip("resource")
    path = store.save(result(0), tmp_path / "run.nc")
    before = _digest(path)
    code = (
        "import resource, signal; from synthetic_result import result; from feemu import store\n"
        "ds = result(1); signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try:\n    store.save(ds, 'run.nc')\n"
        "except OSError as error:\n    print('one line:', error)\n"
    )
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    env = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith("one line: run.nc: not written"), done.stderr
    assert _digest(path) == before
    assert _names(tmp_path) == ["run.nc"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="may not be written"):
        store.write_text_atomic(tmp_path / "a.txt", "x")
    tmp_path.chmod(0o700)


def test_text_bytes_and_json(tmp_path):
    store.write_text_atomic(tmp_path / "a.txt", "µs\n")
    assert (tmp_path / "a.txt").read_bytes() == "µs\n".encode()
    store.write_json_atomic(tmp_path / "a.json", {"x": np.arange(2), "y": np.inf})
    assert (tmp_path / "a.json").read_text() == ('{\n "x": [\n  0,\n  1\n ],\n "y": "inf"\n}\n')
    with pytest.raises(TypeError, match="JSON"):
        store.write_json_atomic(tmp_path / "b.json", {"x": object()})
    assert _names(tmp_path) == ["a.json", "a.txt"]


def test_new_files_follow_the_umask_and_links_are_followed(tmp_path):
    old = os.umask(0o027)
    try:
        path = store.write_text_atomic(tmp_path / "a.txt", "1")
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o640
    (tmp_path / "link").symlink_to(path)
    store.write_text_atomic(tmp_path / "link", "2")
    assert (tmp_path / "link").is_symlink()
    assert path.read_text() == "2"
