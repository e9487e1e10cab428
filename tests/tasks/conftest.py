"""Fixtures of the data set tests: environment, the folder of real files, the error check."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def clean_environment(monkeypatch, tmp_path):
    """Point the cache at an empty folder and forget FEEMU_DATA; return the cache folder."""
    monkeypatch.delenv("FEEMU_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "feemu"


@pytest.fixture(scope="session")
def real_data():
    """Return the folder with the published MNIST and Fashion-MNIST files, or skip."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("FEEMU_DATA") or beside)
    if not (folder / "mnist").is_dir() or not (folder / "fashion-mnist").is_dir():
        pytest.skip(
            f"no mnist/ and fashion-mnist/ in {folder}: set FEEMU_DATA to a folder with them"
        )
    return folder


@pytest.fixture
def one_line():
    """Return a check that a raised error is one line and names some words."""

    def check(caught, *words):
        text = str(caught.value)
        assert text and "\n" not in text and "\r" not in text
        for word in words:
            assert str(word) in text, f"{word!r} is missing in: {text}"

    return check
