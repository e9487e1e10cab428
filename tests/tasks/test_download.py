"""Fetching from a server on loopback: mirrors, checksums, cut connections, full disks."""

import hashlib
import os
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from idx_files import write_set

from feemu.tasks import IMAGE_SETS, RemoteFile, fetch, load_task


class Handler(BaseHTTPRequestHandler):
    """Serve server.bodies, spoilt as the first part of the address says."""

    def do_GET(self):
        way, name = self.path.strip("/").split("/")
        body = self.server.bodies[name]
        self.server.requests.append(self.path)
        if way == "absent":
            return self.send_error(404)
        if way == "moved":
            self.send_response(302)
            self.send_header("Location", f"/good/{name}")
            return self.end_headers()
        if way == "wrong":
            body = body[:-1] + bytes([body[-1] ^ 1])
        if way == "long":
            body += b"more"
        self.send_response(200)
        if way != "silent":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if way in ("cut", "silent") else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch, clean_environment):
    """Serve a small image set that stands in for MNIST."""
    monkeypatch.setenv("no_proxy", "*")
    write_set(tmp_path / "origin")
    bodies = {f.name: f.read_bytes() for f in (tmp_path / "origin").iterdir()}
    files = tuple(
        RemoteFile(f.name, len(bodies[f.name]), hashlib.sha256(bodies[f.name]).hexdigest())
        for f in IMAGE_SETS["mnist"].files
    )
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.bodies, http.requests = bodies, []
    http.at = lambda way: f"http://127.0.0.1:{http.server_port}/{way}"
    small = replace(IMAGE_SETS["mnist"], files=files, mirrors=(http.at("good"),))
    monkeypatch.setitem(IMAGE_SETS, "mnist", small)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield http
    http.shutdown()
    thread.join()
    http.server_close()


def stored(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_fetch_into_the_cache_and_load(server, clean_environment):
    seen = []
    folder = fetch("mnist", progress=lambda *args: seen.append(args))
    assert folder == clean_environment / "mnist"
    assert stored(folder) == server.bodies
    assert len(load_task("mnist").train_x) == 55
    for name, body in server.bodies.items():
        steps = [(got, total) for n, got, total in seen if n == name]
        assert steps[0] == (0, len(body)) and steps[-1] == (len(body), len(body))
        assert steps == sorted(steps)


def test_valid_files_are_kept(server, tmp_path):
    folder = fetch("mnist", tmp_path / "d")
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    server.requests.clear()
    seen = []
    fetch("mnist", tmp_path / "d", progress=lambda *args: seen.append(args))
    assert server.requests == [] and len(seen) == 4
    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before


def test_a_damaged_file_is_replaced(server, tmp_path):
    folder = fetch("mnist", tmp_path / "d")
    name = "train-labels-idx1-ubyte.gz"
    (folder / name).write_bytes(b"damaged")
    server.requests.clear()
    fetch("mnist", tmp_path / "d")
    assert server.requests == [f"/good/{name}"] and stored(folder) == server.bodies


@pytest.mark.parametrize(
    "way, words",
    [
        ("wrong", "SHA-256"),
        ("cut", "bytes"),
        ("silent", "bytes"),
        ("long", "more than the expected"),
        ("absent", "answered 404"),
    ],
)
def test_one_bad_mirror(server, tmp_path, one_line, way, words):
    with pytest.raises(ValueError) as caught:
        fetch("mnist", tmp_path / "d", mirrors=server.at(way))
    one_line(caught, "train-images-idx3-ubyte.gz", server.at(way), words)
    assert stored(tmp_path / "d") == {}
    fetch("mnist", tmp_path / "d", mirrors=[server.at(way), server.at("good") + "/"])
    assert stored(tmp_path / "d") == server.bodies


def test_a_failure_keeps_what_is_there(server, tmp_path):
    folder = fetch("mnist", tmp_path / "d")
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(b"older")
    before = stored(folder)
    with pytest.raises(ValueError):
        fetch("mnist", tmp_path / "d", mirrors=[server.at("wrong")])
    assert stored(folder) == before


def test_redirects_are_followed(server, tmp_path):
    assert stored(fetch("mnist", tmp_path / "d", mirrors=[server.at("moved")])) == server.bodies


def test_nobody_answers(server, tmp_path, one_line):
    closed = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    address = f"http://127.0.0.1:{closed.server_port}"
    closed.server_close()
    with pytest.raises(ValueError) as caught:
        fetch("mnist", tmp_path / "d", mirrors=[address, "http://[", "http://a b"])
    one_line(caught, address, "refused", "http://[", "http://a b", "by hand")
    assert stored(tmp_path / "d") == {}


def test_full_disk(server, tmp_path, monkeypatch, one_line):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError) as caught:
        fetch("mnist", tmp_path / "d")
    one_line(caught, tmp_path / "d", "No space left on device", "free")
    assert stored(tmp_path / "d") == {} and len(server.requests) == 1


def test_folder_that_cannot_be_made(server, tmp_path, one_line):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ValueError) as caught:
        fetch("mnist", tmp_path / "file")
    one_line(caught, tmp_path / "file", "writable folder")
    assert server.requests == [] and (tmp_path / "file").read_text() == "in the way"


def test_interruption_leaves_nothing(server, tmp_path):
    def stop(name, received, total):
        if received:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("mnist", tmp_path / "d", progress=stop)
    assert stored(tmp_path / "d") == {}


@pytest.mark.parametrize(
    "call, words",
    [
        ({"name": "mnits"}, "did you mean 'mnist'"),
        ({"name": "digits"}, "nothing to fetch"),
        ({"name": "mnist", "mirrors": ["file:///etc"]}, "http://"),
        ({"name": "mnist", "mirrors": []}, "empty"),
    ],
)
def test_bad_arguments(clean_environment, one_line, call, words):
    with pytest.raises(ValueError) as caught:
        fetch(**call)
    one_line(caught, words)
    assert not clean_environment.exists()
