"""The study of causes: its files from a tiny real sweep."""

import numpy as np
import pytest

import feemu as fe
from feemu.algorithms import Float, MixedPrecision, PlainSGD, SymmetryPointShift
from feemu.report import causes_text, write_causes
from feemu.report.causes import one_cause

BASE = {"states": 30, "cycle_noise": 0.0}


@pytest.fixture(scope="module")
def result():
    cases, marks = [], []
    for cause, values in {"states": (10, 30), "cycle_noise": (0.0, 0.3)}.items():
        for value in values:
            point = {**BASE, cause: value}
            step = 1 / point["states"]
            device = fe.Device(
                response=fe.SoftBounds(A_up=2 * step, A_down=2 * step),
                noise=fe.Noise(relative=point["cycle_noise"]),
            )
            shift = SymmetryPointShift(n_pairs=5)
            for algorithm in (Float(), PlainSGD(), shift, MixedPrecision()):
                for seed in (0, 1):
                    cases.append(
                        fe.Case(
                            device=fe.tabulate(device),
                            algorithm=algorithm,
                            hidden=(8,),
                            epochs=0.5,
                            batch=8,
                            lr=1.0,
                            seed=seed,
                        )
                    )
                    marks.append({"cause": cause, "value": float(value)})
    return fe.sweep(cases, coordinates=marks)


def test_one_cause_has_only_its_own_values(result):
    assert one_cause(result, "states")["value"].values.tolist() == [10.0, 30.0]
    assert one_cause(result, "cycle_noise")["value"].values.tolist() == [0.0, 0.3]


def test_files(result, tmp_path):
    files = write_causes(tmp_path / "new", result, BASE)
    assert set(files) == {"causes.nc", "causes.txt", "causes.png"}
    assert all(path.stat().st_size > 0 for path in files.values())
    assert fe.load(files["causes.nc"]).sizes["cause"] == 2


def test_text_has_a_row_per_point_and_the_measured_accuracy(result):
    text = causes_text(result, BASE)
    rows = [line for line in text.splitlines() if line.startswith(("states", "cycle_noise"))]
    assert len(rows) == 4
    assert sum("(base)" in row for row in rows) == 2
    here = one_cause(result, "states").sel(value=10.0, algorithm="plain_sgd")
    final = 100 * np.nanmean(here["test_accuracy"].isel(epoch=-1).values)
    assert f"{final:.1f}" in rows[[r.split()[1] for r in rows].index("10")]
    assert "quick" in text
