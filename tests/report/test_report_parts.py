"""Part of the gap, map over tau_w, fronts and text; all from fixed numbers."""

import numpy as np
import pytest
from known_study import NAMES, NEVER, QUICK, WIDTHS, made_up, noise

from feemu.energy import EnergyModel, critical_tau_w, price
from feemu.report import claims, claims_text, on_front, recovered, study_text, tau_w_map
from feemu.statistics import energy_to

LEVEL = {"plain_sgd": 0.80, "shift_push_pull": 0.84, "mixed_precision": 0.90, "float": 0.92}
SHORT, LONG = WIDTHS[0], WIDTHS[-1]


def test_recovered_is_exact_where_seeds_share_their_noise():
    ds = recovered(made_up(test=lambda n, w, s: LEVEL[n] + 0.02 * noise(s)))
    for name in ("recovered", "low", "high", "mean_recovered", "mean_low", "mean_high"):
        np.testing.assert_allclose(ds[name], 0.4, atol=1e-12)
    np.testing.assert_allclose(ds["gap"], 0.1)
    assert (ds["runs"] == 8).all()


def test_recovered_interval_holds_the_truth():
    def test(name, width, seed):
        return LEVEL[name] + 0.005 * noise(seed + len(name))

    ds = recovered(made_up(test=test))
    assert (ds["low"] < 0.4).all() and (ds["high"] > 0.4).all()
    assert (ds["high"] - ds["low"] < 0.3).all()


def test_recovered_without_gap_or_seeds():
    ds = recovered(made_up(test=lambda n, w, s: 0.9))
    assert ds["recovered"].isnull().all()
    few = recovered(made_up(test=lambda n, w, s: LEVEL[n], seeds=2))
    np.testing.assert_allclose(few["recovered"], 0.4)
    assert few["low"].isnull().all() and few["high"].isnull().all()


def test_an_uncertain_gap_gives_an_open_interval():
    """A gap that changes its sign with the seeds bounds nothing."""

    def test(name, width, seed):
        return 0.85 + (name == "mixed_precision") * (0.002 + 0.05 * noise(seed))

    ds = recovered(made_up(test=test))
    assert (ds["low"] == -np.inf).all() and (ds["high"] == np.inf).all()


def test_recovered_needs_its_algorithms():
    with pytest.raises(ValueError, match="no variant of the shift"):
        recovered(made_up(names=("plain_sgd", "mixed_precision"), seeds=1))
    with pytest.raises(ValueError, match="'plain_sgd'"):
        recovered(made_up(names=("mixed_precision", "shift_push_pull"), seeds=1))


@pytest.fixture(scope="module")
def triple():
    """Three times as many events at the short width."""
    return made_up(load=lambda n, w, s: 3 if w == SHORT else 1, names=NAMES[:1])


def test_pulses_alone_flip_where_the_formula_says(triple):
    ds = tau_w_map(triple, 0.9).sel(part="pulses", algorithm="plain_sgd")
    assert float(ds["critical_tau_w"]) == pytest.approx(float(critical_tau_w(3.0, SHORT, LONG)))
    tau = ds["tau_w"].values
    np.testing.assert_allclose(ds["ratio"], 3 * (1 + SHORT / tau) / (1 + LONG / tau))
    assert (ds["low"] <= ds["ratio"] + 1e-12).all() and (ds["high"] >= ds["ratio"] - 1e-12).all()


@pytest.mark.parametrize("part, column", [("programming", "device"), ("total", "total")])
def test_pricing_at_the_critical_tau_w_gives_equal_energies(triple, part, column):
    """The map scales conduction; pricing again with that conductance must agree."""
    model = EnergyModel(half_select=0.2)
    ds = tau_w_map(triple, 0.9, model).sel(part=part, algorithm="plain_sgd")
    at, own = float(ds["critical_tau_w"]), float(ds["model_tau_w"])
    assert 0 < at < own
    scaled = price(triple, model.replace(g_write_ratio=own / at)).sel(algorithm="plain_sgd")
    joules = energy_to(scaled, 0.9, column=f"energy_{column}").median("seed")
    assert float(joules.sel(pulse_width=SHORT)) == pytest.approx(
        float(joules.sel(pulse_width=LONG)), rel=1e-6
    )


def test_map_where_nothing_is_reached():
    ds = tau_w_map(made_up(lambda n, w, s: NEVER), 0.9)
    assert ds["critical_tau_w"].isnull().all() and ds["ratio"].isnull().all()


def test_map_needs_two_widths(triple):
    with pytest.raises(ValueError, match="need two"):
        tau_w_map(triple, 0.9, short=LONG, long=SHORT)
    with pytest.raises(ValueError, match="the sweep has"):
        tau_w_map(triple, 0.9, short=3e-8)


def test_front_against_all_pairs():
    random = np.random.default_rng(1)
    for _ in range(50):
        joules, accuracy = random.integers(0, 6, (2, 12)).astype(float)
        accuracy[random.uniform(size=12) < 0.1] = np.nan
        front = on_front(joules, accuracy)
        for i in range(12):
            cheaper = (joules <= joules[i]) & (accuracy >= accuracy[i])
            better = cheaper & ((joules < joules[i]) | (accuracy > accuracy[i]))
            equal = cheaper & ~better
            first = np.flatnonzero(equal)[0] == i if equal.any() else False
            assert front[i] == (bool(not better.any()) and bool(first))


def test_text_tells_all(family):
    accuracy = made_up(
        lambda n, w, s: NEVER if n == "plain_sgd" else QUICK, lambda n, w, s: LEVEL[n]
    )
    rows = claims(accuracy, accuracy, family, targets=(0.9,))
    text = study_text(accuracy, price(accuracy), rows, 0.9)
    assert "CLAIMS, ALL WIDTHS: 20 ns against 20 us" in text
    assert "CLAIMS, MEASURED WIDTHS" in text
    assert "2 us (interp.) were not measured" in text
    assert "area 2.5e-12 m^2" in text
    assert "never (0/8)" in text and "reached at neither width" in text
    assert "gap closed [%]" in text and "40 [40, 40]" in text
    assert "quick" not in text
    for key in "abcdef":
        assert f"\n({key}) " in text
    assert "nan" not in text.lower().replace("nanolaminate", "")
    assert max(map(len, text.splitlines())) <= 150


def test_text_of_a_quick_run(family):
    accuracy = made_up(seeds=2, names=NAMES[:1], widths=(SHORT, LONG), origins=("measured",) * 2)
    rows = claims(accuracy, accuracy, family, targets=(0.9,))
    text = study_text(accuracy, price(accuracy), rows, 0.9)
    assert "quick: 2 seeds" in text and "no claim is decided" in text
    assert "undecided (quick: 2 seeds)" in claims_text(rows)
