"""Fixtures of the command line tests: run a command here, and one small trained run for all."""

import sys
from types import SimpleNamespace

import pytest
from small_run import SMALL

from feemu.cli import main


@pytest.fixture
def feemu(capsys, monkeypatch):
    """Return a function that runs one command in this process and returns code, out, err."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["feemu", *map(str, arguments)])
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        seen = capsys.readouterr()
        return SimpleNamespace(code=code, out=seen.out, err=seen.err)

    return run


@pytest.fixture
def refused(feemu):
    """Return a function that runs a command which must fail in one line that holds some words."""

    def run(*arguments, words=()):
        seen = feemu(*arguments)
        assert seen.code == 2, seen
        lines = seen.err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("feemu: error: "), seen.err
        for word in words:
            assert str(word) in lines[0], f"{word!r} is missing in: {lines[0]}"
        return seen

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Return the folder with run.nc and state.npz of one small training."""
    folder = tmp_path_factory.mktemp("trained")
    files = ["--out", str(folder / "run.nc"), "--save-state", str(folder / "state.npz")]
    assert main([*SMALL, *files]) == 0
    return folder
