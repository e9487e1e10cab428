"""One small measurement that the tests write in many ways, and the folder of real ones."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent))

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def put(tmp_path):
    """Return a function that writes text or bytes to a file and returns its path."""

    def write(text, name="train.csv", encoding="utf-8"):
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return file

    return write


@pytest.fixture(scope="session")
def measured():
    """Return the folder of the published measurements; skip where it is not at hand."""
    folder = Path(os.environ.get("FEEMU_MEASURED", ROOT.parent / "shared" / "measured"))
    if not folder.is_dir():
        pytest.skip("no folder of measurements (FEEMU_MEASURED)")
    return folder
