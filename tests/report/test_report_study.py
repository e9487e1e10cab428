"""A tiny real study, written to files."""

import json

import numpy as np
import pytest

from feemu.report import claims, tries_table, write_study
from feemu.report.pareto import ACCURACY, JOULES
from feemu.store import load

PICTURES = {
    "study.png", "accuracy_over_epoch.png", "accuracy_over_energy.png", "epochs_to_target.png",
    "energy_to_target.png", "tau_w_map.png", "tuning_progress.png", "pareto.png",
    "pulse_energy.png", "recovered.png",
}  # fmt: skip
TABLES = {"accuracy.nc", "energy.nc", "tries.nc", "claims.json", "claims.txt"}


@pytest.fixture(scope="module")
def written(real, family, tmp_path_factory):
    """The folder and the files of one study, its pictures coarse."""
    folder = tmp_path_factory.mktemp("study") / "new"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feemu.report.study.DPI", 30)
        return folder, write_study(folder, *real, family, 0.3)


def test_all_files_are_there(written):
    folder, files = written
    assert set(files) == PICTURES | TABLES == {p.name for p in folder.iterdir()}
    for name in PICTURES:
        assert files[name].read_bytes().startswith(b"\x89PNG")


def test_datasets_come_back(written, real):
    _, files = written
    for name, ds in zip(("accuracy", "energy"), real):
        np.testing.assert_array_equal(load(files[f"{name}.nc"])["pulses"], ds["pulses"])


def test_tries_hold_every_run_of_the_search(written, real):
    _, files = written
    table = load(files["tries.nc"], complete=False)
    for objective, search in real[2].items():
        for name in ("first", "second"):
            ran = int(getattr(search, name)["done"].any("epoch").sum())
            part = table.sel(objective=objective, round=name)
            assert int(part[ACCURACY].notnull().sum()) == ran
    programmed = table[JOULES].sel(algorithm="plain_sgd", objective="accuracy", round="first")
    assert float(programmed.min()) > 0
    assert "accuracy, first round" in json.loads(table.attrs["provenance"])


def test_one_search_stands_for_accuracy(real):
    table = tries_table(real[2]["accuracy"])
    assert table["objective"].values.tolist() == ["accuracy"]
    with pytest.raises(ValueError, match="no search"):
        tries_table({})


def test_claims_as_json(written, real, family):
    _, files = written
    body = json.loads(files["claims.json"].read_text())
    assert body["quick"] is True and body["seeds"] == 2
    assert "area" in body["assumed"] and body["energy_model"]["area"] == 2.5e-12
    rows = claims(*real[:2], family, targets=(0.3, 0.95, "float-0.01"))
    assert [r["verdict"] for r in body["claims"]] == [r.verdict for r in rows]
    assert {r["algorithm"] for r in body["recovered"]} == {"shift_push_pull"}
    decided = {"holds", "does not hold"}
    assert not decided & {r["verdict"] for r in body["claims"]}


def test_text_file_is_labelled_quick(written):
    _, files = written
    text = files["claims.txt"].read_text()
    assert "quick: 2 seeds" in text and "(a) shorter pulses" in text
