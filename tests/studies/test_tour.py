"""The notebook is executed as a reader would, in an empty folder."""

import json
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).resolve().parents[2] / "studies" / "tour.ipynb"
#: A path that is good on one machine only.
ABSOLUTE = re.compile(r"""(?:["'\s(=]|^)(?:/[A-Za-z]\w*/|~/|[A-Z]:\\)""", re.MULTILINE)


@pytest.fixture(scope="module")
def cells():
    """Return the notebook's cells as they are stored."""
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


def test_outputs_are_stripped(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert not [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"]]


def test_no_absolute_path(cells):
    found = [c["id"] for c in cells if ABSOLUTE.search("".join(c["source"]))]
    assert not found


def test_it_runs(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="pip install -e '.[dev]' brings nbformat")
    nbclient = pytest.importorskip("nbclient", reason="pip install -e '.[dev]' brings nbclient")
    pytest.importorskip("ipykernel", reason="pip install -e '.[dev]' brings ipykernel")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    folder = tmp_path / "reader"
    folder.mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    assert [file.name for file in folder.iterdir()] == ["tour.nc"]
    # A figure that cannot be drawn raises no error in the notebook, it only stays away.
    drawing = [c for c in notebook.cells if ".plot" in c["source"] and c["cell_type"] == "code"]
    assert len(drawing) == 5
    for cell in drawing:
        assert any("image/png" in out.get("data", {}) for out in cell["outputs"]), cell["id"]
