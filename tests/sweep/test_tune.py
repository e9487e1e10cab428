"""The search: equal budgets, reproducible tries, the best by validation, never by the test set."""

import dataclasses

import numpy as np
import pytest
from grid_cases import case

from feemu.sweeping import work
from feemu.tuning import TUNING_SEED, Search, candidates, final_accuracy, least_energy, tune

SEARCH = Search(tries=4, keep=2, images=60, images_long=120, seeds=2, lr_min=0.03, lr_max=3.0)
CELLS = [case("20ns", "plain_sgd"), case("20us", "mixed_precision"), case("20ns", "float")]
N_TRAIN = 120


def place(made):
    return {"pulse_width": made.device.pulse_width, "algorithm": made.algorithm.label}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return (folder of shards, what the search found)."""
    folder = tmp_path_factory.mktemp("tuned")
    return folder, tune(CELLS, SEARCH, n_train=N_TRAIN, out=folder)


# -- candidates --------------------------------------------------------------------------------


def test_tries_are_reproducible_and_the_same_for_every_cell():
    first = [candidates(cell, SEARCH) for cell in CELLS]
    assert [[c.digest() for c in one] for one in first] == [
        [c.digest() for c in candidates(cell, SEARCH)] for cell in CELLS
    ]
    rates = [[c.lr for c in one] for one in first]
    assert rates[0] == rates[1] == rates[2]
    assert [c.weight_scale for c in first[0]] == [c.weight_scale for c in first[1]]
    assert {c.weight_scale for c in first[2]} == {CELLS[2].weight_scale}, "float has no scale"
    other = candidates(CELLS[0], SEARCH.replace(seed=1))
    assert [c.lr for c in other] != rates[0]


def test_more_tries_contain_the_fewer():
    few, many = (candidates(CELLS[0], SEARCH.replace(tries=n)) for n in (5, 40))
    assert [c.digest() for c in many[:5]] == [c.digest() for c in few]


def test_tries_cover_the_space():
    """64 tries: log rates in every eighth of the range, every scale, every own parameter."""
    search = Search(tries=64, keep=4)
    for cell in CELLS[:2]:
        tries = candidates(cell, search)
        rates = np.log([c.lr for c in tries])
        low, high = np.log([search.lr_min, search.lr_max])
        counts, _ = np.histogram(rates, 8, (low - 1e-3, high + 1e-3))
        assert counts.min() >= 5 and counts.max() <= 12
        scales = [c.weight_scale for c in tries]
        assert {*scales} == {*search.scales}
        assert min(scales.count(s) for s in search.scales) >= 7
        for name, values in cell.algorithm.search.items():
            chosen = [getattr(c.algorithm, name) for c in tries]
            assert {*chosen} == {*values} and min(map(chosen.count, values)) >= 64 / len(values) / 2
        pairs = {(c.weight_scale, r > (low + high) / 2) for c, r in zip(tries, rates)}
        assert len(pairs) == 2 * len(search.scales)


def test_tries_change_only_what_is_searched():
    for cell in CELLS:
        for one in candidates(cell, SEARCH):
            same = {"lr": cell.lr, "weight_scale": cell.weight_scale, "seed": cell.seed,
                    "algorithm": cell.algorithm}  # fmt: skip
            assert one.replace(**same).digest() == cell.digest()
            assert one.seed == TUNING_SEED


# -- the search --------------------------------------------------------------------------------


def test_the_budget_is_the_same_for_every_cell(found):
    _, (chosen, first, second) = found
    for cell in CELLS:
        one, two = first.sel(place(cell)), second.sel(place(cell))
        assert one["done"].any("epoch").sum() == SEARCH.tries
        assert two["done"].any("epoch").sum() == SEARCH.keep * SEARCH.seeds
        assert one["images"].max("epoch").sum() == SEARCH.tries * SEARCH.images
        assert two["images"].max("epoch").sum() == SEARCH.keep * SEARCH.seeds * SEARCH.images_long
    assert first["seed"].values.tolist() == [TUNING_SEED]
    assert second["seed"].values.tolist() == [TUNING_SEED, TUNING_SEED + 1]
    assert len(chosen) == len(CELLS)


def test_the_chosen_try_has_the_best_mean_score(found):
    _, (chosen, first, second) = found
    for cell, made in zip(CELLS, chosen):
        scores = first["score"].sel(place(cell)).mean("seed").values
        kept = np.argsort(-scores, kind="stable")[: SEARCH.keep]
        means = second["score"].sel(place(cell)).mean("seed", skipna=False).values[: SEARCH.keep]
        tries = candidates(cell, SEARCH)
        won = tries[kept[int(np.argmax(means))]]
        got = (made.lr, made.weight_scale, made.algorithm)
        assert got == (won.lr, won.weight_scale, won.algorithm)
        rest = made.replace(lr=cell.lr, weight_scale=cell.weight_scale, algorithm=cell.algorithm)
        assert rest.digest() == cell.digest(), "seed and epochs are those of the cell"


def test_the_score_is_the_last_validation_accuracy(found):
    _, (_, first, _) = found
    score = final_accuracy(first)
    for cell in CELLS:
        for number in range(SEARCH.tries):
            one = first.sel(place(cell)).isel(seed=0).sel({"try": number})
            curve = one["validation_accuracy"].values[one["done"].values]
            assert score.sel(place(cell)).isel(seed=0).sel({"try": number}) == curve[-1]
    assert first["score"].attrs["units"] == "1"


def test_the_test_set_is_never_used(found, monkeypatch):
    """Another test set: other test accuracies, the same choice and the same scores."""
    _, (chosen, first, second) = found
    original = work.load_task

    def with_other_test(name, data):
        known = original(name, data)
        test_y = (known.test_y + 1 + np.arange(len(known.test_y)) % 3) % 10
        return dataclasses.replace(known, test_y=test_y)

    work.task_of.cache_clear()
    monkeypatch.setattr(work, "load_task", with_other_test)
    try:
        again = tune(CELLS[:2], SEARCH, n_train=N_TRAIN)
    finally:
        monkeypatch.undo()
        work.task_of.cache_clear()
    assert [c.digest() for c in again.chosen] == [c.digest() for c in chosen[:2]]
    for cell in CELLS[:2]:
        for one, other in ((first, again.first), (second, again.second)):
            one, other = one.sel(place(cell)), other.sel(place(cell))
            np.testing.assert_array_equal(one["score"], other["score"])
        test = one["test_accuracy"].dropna("epoch"), other["test_accuracy"].dropna("epoch")
        assert test[0].size > 0 and (test[0].values != test[1].values).any()


def test_the_search_resumes_and_another_score_takes_the_same_tries(found, monkeypatch):
    folder, (chosen, *_) = found
    before, cell = {*folder.glob("*.run.npz")}, CELLS[1]
    monkeypatch.setattr(work, "train", None)
    again = tune([cell], SEARCH, n_train=N_TRAIN, out=folder)
    assert again.chosen[0].digest() == chosen[1].digest()
    monkeypatch.undo()
    worst = tune([cell], SEARCH, n_train=N_TRAIN, out=folder, score=lambda ds: -final_accuracy(ds))
    assert worst.first.drop_vars("score").identical(again.first.drop_vars("score"))
    assert worst.chosen[0].digest() != chosen[1].digest()
    assert len({*folder.glob("*.run.npz")} - before) <= SEARCH.keep * SEARCH.seeds


def test_an_early_score_decides_what_runs_for_longer(found):
    folder, (*_, second) = found
    cell = CELLS[1]

    def worst(ds):
        return -final_accuracy(ds)

    early = tune([cell], SEARCH, n_train=N_TRAIN, out=folder, early=worst)
    both = tune([cell], SEARCH, n_train=N_TRAIN, out=folder, score=worst)
    at = place(cell)
    assert early.second["train_loss"].sel(at).identical(both.second["train_loss"].sel(at))
    assert not early.second["train_loss"].equals(second["train_loss"].sel(at))
    assert (early.second["score"] == -both.second["score"]).sel(at).all()


def test_a_score_of_energy_ranks_all_that_reach_the_target_first(found):
    _, (_, first, _) = found
    accuracy = final_accuracy(first)
    target = float(accuracy.sel(place(CELLS[1])).median())
    ran = first["done"].any("epoch")
    score = least_energy(target)(first).where(ran)
    best = first["validation_accuracy"].max("epoch")
    assert (score.where(best < target).max() <= 1.0) and score.max() > 50
    assert (score.isnull() == ~ran).all()


@pytest.mark.parametrize(
    "options, told",
    (
        ({"keep": 9, "tries": 4}, "Search.keep = 9: must not exceed tries = 4"),
        ({"lr_min": 2.0, "lr_max": 1.0}, "Search.lr_min = 2: must not exceed lr_max = 1"),
        ({"tries": 0}, "Search.tries = 0: allowed"),
        ({"tires": 3}, "unknown field of Search 'tires': did you mean 'tries'"),
    ),
)
def test_bad_searches_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        Search().replace(**options)
