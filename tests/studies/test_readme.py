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


def snippets():
    """Return (Python, what is shown under it or "") of each Python block, in order."""
    pattern = r"^```python\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?"
    return re.findall(pattern, TEXT, re.DOTALL | re.MULTILINE)


def differs(printed, shown):
    """Return the words that differ, numbers by more than trainings do between processors.

    These round in the last bit otherwise, which moves a pulse now and then and what follows it.
    """
    one, two = printed.split(), shown.split()
    if len(one) != len(two):
        return [(printed, shown)]
    return [(a, b) for a, b in zip(one, two) if a != b and not near(a, b)]


def near(printed, shown):
    """Return whether both are finite numbers within 5 % or 0.05 of each other."""
    pattern = r"[(]?[-+]?\d[\d,.]*(?:e[-+]\d+)?[,)]?"
    if not (re.fullmatch(pattern, printed) and re.fullmatch(pattern, shown)):
        return False
    a, b = (float(word.strip("(),").replace(",", "")) for word in (printed, shown))
    return abs(a - b) <= max(0.05 * abs(b), 0.05 if "." in shown and abs(b) > 1e-2 else 0.0)


def test_near_takes_what_rounds_otherwise_and_nothing_else():
    assert near("33,100", "33,262") and near("0.93", "0.916") and near("(112,", "(113,")
    assert not near("30,000", "33,262") and not near("0.8", "0.916") and not near("inf", "0.9")
    assert not near("8e-07", "9.69e-07") and not near("down", "up")


def test_its_python_runs_and_prints_what_it_shows(tmp_path, monkeypatch, capsys):
    matplotlib = pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("readme_of_feemu")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
    with matplotlib.rc_context({"backend": "agg"}):
        for number, (block, shown) in enumerate(snippets()):
            capsys.readouterr()
            exec(compile(block, f"README.md, Python block {number}", "exec"), module.__dict__)
            printed = capsys.readouterr().out
            assert not shown or not differs(printed, shown), (number, printed)
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
