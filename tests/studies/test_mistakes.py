"""What the studies of algorithms say to wrong arguments: one line and exit code 2."""

import importlib
import sys
from pathlib import Path

import pytest

from feemu.cli import told
from feemu.sweeping.lock import locked

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.mark.parametrize(
    "study, arguments, words",
    (
        ("algorithms", ["--quick", "--only", "float", "--only", "agda"], "did you mean 'agad'?"),
        (
            "algorithms",
            ["--quick", "--only", "agad@2ns"],
            "unknown pulse width '2ns': did you mean",
        ),
        ("algorithms", ["--quick", "--device", "ideel"], "did you mean 'ideal'?"),
        ("algorithms", ["--quick", "--device", "no.toml"], "no.toml"),
        ("algorithms", ["--data", "nowhere"], "no train-images-idx3-ubyte.gz"),
        ("algorithms", ["--quick", "--seeds", "-1"], "--seeds -1: must be at least 1"),
        ("symmetry_point", ["--data", "nowhere"], "no train-images-idx3-ubyte.gz"),
        ("symmetry_point", ["--quick", "--workers", "0"], "--workers 0: must be at least 1"),
    ),
)
def test_a_mistake_is_told(study, arguments, words, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(STUDIES))
    monkeypatch.setattr(sys, "argv", [f"{study}.py", *arguments])
    code = told(importlib.import_module(study).main)
    (line,) = (s for s in capsys.readouterr().err.splitlines() if "error:" in s)
    assert code == 2 and words in line
    assert not any(tmp_path.iterdir())


def test_a_folder_in_use_is_told(monkeypatch, capsys, tmp_path):
    monkeypatch.syspath_prepend(str(STUDIES))
    given = ["--quick", "--only", "float", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["algorithms.py", *given])
    with locked(tmp_path / "shards"):
        code = told(importlib.import_module("algorithms").main)
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 2 and "another sweep runs there" in line


def test_a_device_of_one_width_is_a_table_alone(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDIES))
    study = importlib.import_module("algorithms")
    assert [t.name for t in study.tables_of("softbounds_aihwkit", (0, 4))] == ["softbounds_aihwkit"]
    widths = [t.pulse_width for t in study.tables_of("hzo_superlattice", (0, 4, 9))]
    assert widths == [2e-8, 2e-4]


@pytest.mark.parametrize(
    "only, wanted",
    (
        ([], 32 - 1),
        (["float"], 1),
        (["agad@20ns", "mixed_precision"], 3),
        (["shift_push_pull@200us", "shift_push_pull"], 2),
    ),
)
def test_parts_of_the_comparison_are_cells(only, wanted, monkeypatch):
    """Two widths of each algorithm, float once; a cell that is named twice is run once."""
    monkeypatch.syspath_prepend(str(STUDIES))
    study = importlib.import_module("algorithms")
    tables = study.tables_of("hzo_superlattice", (0, 4))
    found = study.picked(None, only, study.cells(study.EVERY, {}, tables))
    assert len(found) == wanted
    labels = {name.partition("@")[0] for name in only} or {made.label for made in study.EVERY}
    assert {case.algorithm.label for case in found} == labels
