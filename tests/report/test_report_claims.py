"""Verdicts on made-up studies where the right one is known.

Everything here is computed from fixed numbers: there is no chance of a false alarm. Each study
holds several cases, one per algorithm, because a table of claims takes about a second.
"""

import numpy as np
import pytest
from known_study import NAMES, NEVER, ORIGINS, QUICK, SLOW, WIDTHS, made_up, noise

from feemu.energy import EnergyModel
from feemu.report import claims
from feemu.statistics import VERDICTS

SHORT, _, LONG = WIDTHS
ENDS = {"widths": (SHORT, LONG), "origins": ("measured", "measured")}
#: What each algorithm does in the study of epochs.
LATE_SHORT, LATE_LONG, EVEN = "plain_sgd", "mixed_precision", "shift_trim"
NEVER_SHORT, NEVER_LONG, NEVER_AT_ALL = "shift_reference", "shift_global", "shift_none"
SOMETIMES = "shift_push_pull"
LEVEL = {"plain_sgd": 0.80, "shift_push_pull": 0.84, "mixed_precision": 0.90, "float": 0.92}
LOSS = {"plain_sgd": 0.02, "shift_push_pull": 0.005, "mixed_precision": 0.001, "float": 0.0}


def pick(rows, **where):
    """Return the rows that match."""
    return [r for r in rows if all(getattr(r, k) == v for k, v in where.items())]


def curve(name, width, seed):
    """Return the validation curve of the study of epochs."""
    short = width == SHORT
    late = {LATE_SHORT: short, LATE_LONG: not short, EVEN: False}
    if name in late:
        base = SLOW if late[name] else QUICK
        return base + 0.01 * noise(seed) * (base > 0.4)
    never = {NEVER_SHORT: short, NEVER_LONG: not short, NEVER_AT_ALL: True}
    if never.get(name, short and seed < 3):
        return NEVER
    return QUICK + 0.001 * noise(seed)


@pytest.fixture(scope="module")
def epochs(family):
    """Claims of a study in which every algorithm converges in its own way."""
    names = (
        LATE_SHORT, LATE_LONG, EVEN, NEVER_SHORT, NEVER_LONG, NEVER_AT_ALL, SOMETIMES,
    )  # fmt: skip
    ds = made_up(curve, names=names, **ENDS)
    return claims(ds, ds, family, targets=(0.9,))


@pytest.fixture(scope="module")
def finals(family):
    """Claims of a study with known final accuracies, and three times the events at 20 ns."""

    def test(name, width, seed):
        own = 0.002 * noise(seed + len(name)) - (width == SHORT) * (
            LOSS[name] + 0.002 * noise(seed + 3)
        )
        return LEVEL[name] + 0.02 * noise(seed) + own

    def load(name, width, seed):
        return 3 if name == "mixed_precision" and width == SHORT else 1

    ds = made_up(test=test, load=load)
    return claims(ds, ds, family, targets=(0.9, "float-0.01"))


@pytest.mark.parametrize(
    "name, words", [(LATE_SHORT, "holds"), (LATE_LONG, "does not hold"), (EVEN, "undecided")]
)
def test_epochs_over_width(epochs, name, words):
    for row in pick(epochs, key="b", algorithm=name):
        assert row.verdict == words
        assert row.runs == 8 and row.widths == (SHORT, LONG)
        assert row.low <= row.effect <= row.high
        assert row.p_holm >= row.p_value


def test_never_reached_at_the_short_width(epochs):
    for row in pick(epochs, key="b", algorithm=NEVER_SHORT):
        assert row.effect == np.inf and row.verdict == "holds"
        assert "never (0/8 runs) at 20 ns" in row.note
    for row in pick(epochs, key="c", algorithm=NEVER_SHORT):
        assert row.effect == np.inf and row.verdict == "does not hold"
        assert row.critical_tau_w == 0 and "at no tau_w" in row.note


def test_never_reached_at_the_long_width(epochs):
    for row in pick(epochs, key="b", algorithm=NEVER_LONG):
        assert row.effect == 0 and row.verdict == "does not hold"
    for row in pick(epochs, key="c", algorithm=NEVER_LONG):
        assert row.effect == 0 and row.verdict == "holds" and row.critical_tau_w == np.inf


def test_never_reached_at_all(epochs):
    found = pick(epochs, algorithm=NEVER_AT_ALL, target="90 %")
    assert {row.key for row in found} == {"b", "c"}
    for row in found:
        assert row.verdict == "undecided (never reached)"
        assert np.isnan([row.effect, row.low, row.high, row.p_value, row.p_holm]).all()
        assert row.runs == 8


def test_some_runs_never_reach(epochs):
    """Three of eight failures leave a finite median and an interval without upper end."""
    for row in pick(epochs, key="b", algorithm=SOMETIMES):
        assert np.isfinite(row.effect) and row.high == np.inf
        assert row.verdict == "undecided" and "(5/8 runs) at 20 ns" in row.note


def test_one_table_where_all_widths_are_measured(epochs):
    assert {row.table for row in epochs} == {"all widths"}


def test_energy_of_a_pulse_is_by_construction(finals):
    first, *others = pick(finals, key="a", table="all widths")
    assert first.verdict == "by construction" and 0 < first.effect < 1
    assert "3 V" in first.note and first.runs == 0
    assert {row.verdict for row in others} == {"holds"}


@pytest.mark.parametrize(
    "name, words", [("plain_sgd", "holds"), ("mixed_precision", "does not hold")]
)
def test_energy_to_a_target(finals, name, words):
    """Equal pulses: the shorter are cheaper. Three times the pulses are not worth it at 79 us."""
    for row in pick(finals, key="c", algorithm=name, quantity="programming energy to 90 %"):
        assert row.verdict == words
        assert (row.critical_tau_w == np.inf) == (words == "holds")


def test_other_targets_say_what_the_runs_were_tuned_for(finals):
    tuned = {row.target: row.tuned_for for row in finals if row.key == "c"}
    assert tuned == {"90 %": "energy", "96.0 % (float - 1 pt)": "energy to 90 %"}


def test_accuracy_against_others(finals):
    (below,) = pick(finals, key="d", table="all widths")
    assert below.verdict == "holds" and below.origins == ORIGINS
    assert below.effect == pytest.approx(-0.10 - (0.02 - 0.001) / 3, abs=1e-9)
    plain, mixed = pick(finals, key="e", table="all widths")
    assert plain.verdict == "holds" and plain.null == 0
    assert plain.effect == pytest.approx(0.04 + (0.02 - 0.005) / 3, abs=1e-9)
    assert mixed.verdict == "does not hold" and mixed.null == -0.005
    assert "of the gap [" in plain.note and "gap" not in mixed.note


@pytest.mark.parametrize(
    "name, words",
    [
        ("mixed_precision", "holds"),
        ("plain_sgd", "does not hold"),
        ("shift_push_pull", "undecided"),
    ],
)
def test_no_loss_at_short_pulses(finals, name, words):
    for row in pick(finals, key="f", algorithm=name):
        assert row.effect == pytest.approx(-LOSS[name], abs=1e-9) and row.verdict == words


def test_two_tables_with_their_own_adjustment(finals):
    tables = [pick(finals, table=name) for name in ("all widths", "measured widths")]
    assert len(tables[0]) == len(tables[1]) and len(finals) == 2 * len(tables[0])
    for own in tables:
        p = np.array([(row.p_value, row.p_holm) for row in own])
        p = p[~np.isnan(p).any(axis=1)]
        assert np.all(p[:, 1] >= p[:, 0]) and np.any(p[:, 1] > p[:, 0])
    assert {row.origins for row in tables[1]} == {("measured", "measured")}


def test_verdicts_are_known_words(epochs, finals):
    for row in (*epochs, *finals):
        assert row.verdict.partition(" (")[0] in VERDICTS
        assert row.statement and row.to_dict()["statement"] == row.statement


def test_few_seeds_decide_nothing(family):
    names = ("plain_sgd", "mixed_precision")
    ds = made_up(
        lambda n, w, s: SLOW if w == SHORT else QUICK,
        lambda n, w, s: LEVEL[n],
        seeds=3,
        names=names,
        **ENDS,
    )
    for row in claims(ds, ds, family, targets=(0.9,)):
        assert row.verdict in ("undecided (quick: 3 seeds)", "by construction")
        assert np.isnan([row.low, row.high, row.p_value]).all() and np.isfinite(row.effect)


def test_prices_decide_where_nothing_is_assumed(family):
    given = {
        "area": 1e-12, "capacitance_per_area": 0.05, "remanent_polarization": 0.2,
        "g_on": 1e-9, "g_off": 1e-10, "g_write_ratio": 2.0,
    }  # fmt: skip
    volts = {"amplitude_up": 2.5, "amplitude_down": -2.5}
    known = family.replace(devices=tuple(d.replace(**volts) for d in family.devices))
    ds = made_up(seeds=1, names=("plain_sgd",), **ENDS)
    found = claims(ds, ds, known, EnergyModel(**given), targets=(0.9,))
    assert found[0].key == "a" and found[0].verdict == "holds"
    found = claims(ds, ds, family, EnergyModel(**given), targets=(0.9,))
    assert found[0].verdict == "by construction"


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda ds: ds.isel(seed=0), "lacks dimension seed"),
        (lambda ds: ds.isel(pulse_width=[0]), "single pulse width"),
        (lambda ds: ds.expand_dims("omega"), "further dimension 'omega'"),
    ],
)
def test_wrong_datasets(family, plain, change, words):
    wrong = change(plain)
    with pytest.raises(ValueError, match=words):
        claims(wrong, wrong, family, targets=(0.9,))


@pytest.mark.parametrize("target", [90, 0.0, "mixed-0.01", "float-x"])
def test_wrong_targets(family, plain, target):
    with pytest.raises(ValueError, match="target = "):
        claims(plain, plain, family, targets=(target,))


def test_other_wrong_input(family, plain):
    with pytest.raises(TypeError, match=r"expected an xarray\.Dataset"):
        claims({}, plain, family)
    with pytest.raises(ValueError, match="same pulse widths"):
        claims(plain, plain.isel(pulse_width=[0, 1]), family)
    without = plain.sel(algorithm=list(NAMES[:3]))
    with pytest.raises(ValueError, match="baseline"):
        claims(without, without, family)
