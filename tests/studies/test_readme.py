"""What the README shows is run: its Python in order, its commands by name, its links by file."""

import re
import sys
import types
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Return the code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_its_python_runs(tmp_path, monkeypatch):
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("readme_of_feemu")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
    with matplotlib.rc_context({"backend": "agg"}):
        for number, block in enumerate(blocks("python")):
            exec(compile(block, f"README.md, Python block {number}", "exec"), module.__dict__)
    assert {file.name for file in tmp_path.iterdir()} == {"run.nc", "accuracy.png", "train.csv"}


def test_its_commands_exist():
    from feemu.cli import COMMANDS

    named = set(re.findall(r"`feemu ([a-z]+)", TEXT)) | set(
        re.findall(r"^\$ feemu ([a-z]+)", TEXT, re.MULTILINE)
    )
    assert named == set(COMMANDS)


def test_it_names_the_version_of_the_numbers():
    from feemu.case import PHYSICS_VERSION

    (named,) = re.findall(r"`physics_version` rises .*?It\s+is\s+(\d+)", TEXT, re.DOTALL)
    assert int(named) == PHYSICS_VERSION


def test_its_links_lead_to_files():
    targets = re.findall(r"\]\(([^)#]+)\)", TEXT)
    assert targets
    assert not [t for t in targets if "://" not in t and not (ROOT / t).is_file()]


def test_its_newcomer_commands_are_complete():
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    demo, tests = (line for line in lines if line.startswith("python3 -m venv"))
    assert demo.endswith("feemu demo") and tests.endswith("pytest")
