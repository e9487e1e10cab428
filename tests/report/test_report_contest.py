"""Algorithms beside each other: the front, the table with its advice, and the files."""

import numpy as np
import pytest
from known_study import made_up, noise

import feemu as fe
from feemu.energy import price
from feemu.report import contest_text, standings, write_contest
from feemu.report.contest import contest_picture
from feemu.report.grid import at_end
from feemu.sweeping import spread_float

ACCURACY = {"plain_sgd": 0.80, "shift_push_pull": 0.949, "mixed_precision": 0.95, "float": 0.98}
LOAD = {"plain_sgd": 4, "shift_push_pull": 1, "mixed_precision": 8, "float": 1}


@pytest.fixture(scope="module")
def made():
    """Eight seeds; push-pull is a tenth of a point behind at an eighth of the events."""
    return made_up(
        test=lambda name, width, seed: ACCURACY[name] + 0.002 * noise(seed),
        load=lambda name, width, seed: LOAD[name],
    )


def test_means_and_costs(made):
    table = standings(made)
    for name, wanted in ACCURACY.items():
        at = table.sel(algorithm=name)
        np.testing.assert_allclose(at["accuracy"], wanted, atol=1e-9)
        assert (at["low"] < wanted).all() and (at["high"] > wanted).all()
    total = at_end(price(made)["energy_total"].sum("phase")).mean("seed")
    np.testing.assert_allclose(table["energy_total"], total, rtol=1e-6)


def test_the_front_is_what_no_other_beats(made):
    """Push-pull costs least, mixed precision is best; plain SGD is worse and dearer; no float."""
    front = standings(made)["front"]
    on = {str(n) for n in front["algorithm"].values if bool(front.sel(algorithm=n).all())}
    assert on == {"shift_push_pull", "mixed_precision"}
    assert not front.sel(algorithm=["plain_sgd", "float"]).any()


def test_the_advice_takes_the_cheapest_that_is_not_told_apart():
    """Push-pull is better and worse by turns, plain SGD always worse though by little."""
    shifted = {"plain_sgd": 0.003, "shift_push_pull": 0.0, "mixed_precision": -0.0001, "float": -1}
    made = made_up(
        test=lambda name, width, seed: (
            0.9 + 0.02 * noise(seed) - shifted[name]
            + (0.002 * noise(seed + 1) if name == "shift_push_pull" else 0.0)
        ),
        load=lambda name, width, seed: LOAD[name],
    )  # fmt: skip
    text = contest_text(standings(made))
    assert text.count("Highest mean: mixed precision; not told from it by paired seeds (95 %): "
                      "shift: push pull.") == 3  # fmt: skip
    assert text.count("shift: push pull takes") == text.count("use that. Its energy: ") == 3
    order = [text.index(w) for w in ("\nfloat", "\nmixed", "\nshift", "\nplain")]
    assert order == sorted(order) and "quick" not in text


def test_the_picture_has_a_mark_for_each_and_the_front(made):
    table = standings(made)
    panels = contest_picture(table)
    assert len(panels) == table.sizes["pulse_width"]
    for i, panel in enumerate(panels):
        one = table.isel(pulse_width=i)
        marks = {(float(bar[0].get_xdata()[0]), float(bar[0].get_ydata()[0]))
                 for bar in panel.containers}  # fmt: skip
        assert marks == set(zip(one["energy_total"].values, one["accuracy"].values))
        front = one.isel(algorithm=one["front"].values).sortby("energy_total")
        np.testing.assert_array_equal(panel.get_lines()[-1].get_ydata(), front["accuracy"])
        assert panel.get_yscale() == "logit" and panel.get_xlim() == panels[0].get_xlim()
    assert "float" in [
        text.get_text() for text in panels[0].figure.axes[-1].get_legend().get_texts()
    ]


def test_what_is_told_apart_is_not_advised(made):
    """Here push-pull is behind in every seed by the same tenth of a point."""
    table = standings(made)
    np.testing.assert_allclose(table["behind"].sel(algorithm="shift_push_pull"), 0.001, atol=1e-9)
    text = contest_text(table)
    assert text.count("not told from it by paired seeds (95 %): none.") == 3
    assert text.count("It takes the least total energy of these: use it.") == 3


def test_few_seeds_decide_nothing():
    text = contest_text(standings(made_up(seeds=2)))
    assert "quick: fewer than 5 seeds" in text and "95 %" not in text and " use " not in text
    assert text.count("Undecided, too few seeds. Highest mean: ") == 3


def test_cells_that_were_not_run_are_left_out():
    """Plain SGD ran at one of two widths, float at the other: no row, no mark, no advice."""
    cases = [
        fe.Case(device=fe.tabulate(fe.preset("hzo_superlattice").at(width)), seed=seed,
                algorithm=fe.algorithm(name), hidden=(4,), epochs=0.1)
        for name, width in (("plain_sgd", "20ns"), ("mixed_precision", "20ns"), ("float", "20ns"),
                            ("mixed_precision", "20us"))
        for seed in range(2)
    ]  # fmt: skip
    table = standings(spread_float(fe.sweep(cases)))
    assert table["runs"].sel(algorithm="plain_sgd").values.tolist() == [2, 0]
    assert table["front"].sel(algorithm="plain_sgd").values.tolist()[1] is False
    short, long = contest_text(table).split("pulse width 20us")
    assert "plain SGD" in short and "plain SGD" not in long and "float" in long
    shown = contest_picture(table)[1].containers
    assert sum(np.isfinite(float(bar[0].get_ydata()[0])) for bar in shown) == 2


def test_files_of_a_real_search(real, tmp_path, monkeypatch):
    monkeypatch.setattr("feemu.report.contest.DPI", 30)
    files = write_contest(tmp_path / "new", real[0], real[2]["accuracy"])
    assert set(files) == {p.name for p in (tmp_path / "new").iterdir()} == {
        "algorithms.nc", "tries.nc", "algorithms.txt", "accuracy_over_energy.png",
        "tuning_progress.png",
    }  # fmt: skip
    text = files["algorithms.txt"].read_text()
    assert "Undecided, too few seeds" in text and "Chosen on the validation split" in text


def test_no_sweep_is_refused():
    with pytest.raises(TypeError, match=r"contest: expected an xarray.Dataset"):
        standings("algorithms")
