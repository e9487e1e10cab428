"""Drift of the level at a rate: found, covered, held where the data tell nothing of it."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import t
from simulate import measure

from feemu.devices import SoftBounds
from feemu.fit import fit
from feemu.fit.averages import averaged
from feemu.fit.estimate import estimate
from feemu.fit.fitting import _emulation, intervals
from feemu.fit.problem import RATE, Problem
from feemu.fit.sequence import sequences
from feemu.fit.shapes import SHAPES
from feemu.fit.trajectories import Simulation

TRUE = SoftBounds(0.08, 0.07)
CASE = {"seed": 6, "devices": 3, "cycles": 8, "pulses": 30, "drift": 0.002}
POINT = np.array([*np.log([0.08, 0.07]), 0.0, -0.05, 1.1, *np.log([0.1, 0.002, 0.004, 0.003])])


def at_rate(rate):
    x = POINT.copy()
    x[RATE] = rate
    return x


def fitted(**more):
    (s,) = sequences(measure(TRUE, **{**CASE, **more}))
    return estimate(s, SHAPES["soft_bounds"])


def sd_of(value):
    return (value.upper - value.lower) / 3.92


@pytest.mark.parametrize("continuous", [True, False])
def test_a_known_rate_is_as_none_of_readings_less_its_drift(continuous):
    """The likelihood of both is the same number, with missing readings and restarts too."""
    ds = measure(TRUE, **CASE, missing=0.05, continuous=continuous)
    (s,) = sequences(ds)
    span, rate = POINT[-5] - POINT[-6], 0.02
    cycle = np.unravel_index(s.place, s.shape)[1]
    u = np.random.default_rng(1).normal(size=(3, 4)) * 0.05
    plain = Problem(s, SHAPES["soft_bounds"])
    moved = plain.with_sequence(dataclasses.replace(s, y=s.y + rate * span * cycle))
    wanted = plain.log_likelihood(at_rate(0.0), u)
    np.testing.assert_allclose(moved.log_likelihood(at_rate(rate), u), wanted, rtol=1e-9)
    np.testing.assert_allclose(moved.steady(at_rate(rate)), s.y, atol=1e-12)
    assert np.abs(moved.log_likelihood(at_rate(0.0), u) - wanted).min() > 1.0


def test_simulated_readings_drift():
    (s,) = sequences(measure(TRUE, **CASE))
    problem, u = Problem(s, SHAPES["soft_bounds"]), np.zeros((3, 4))
    still, moved = (Simulation(problem, at_rate(r), u).draw(1).sequence.y for r in (0, 0.01))
    trend = 0.01 * (POINT[-5] - POINT[-6]) * np.unravel_index(s.place, s.shape)[1]
    seen = np.isfinite(s.y)
    np.testing.assert_allclose((moved - still)[seen], trend[seen], atol=1e-12)


@pytest.mark.parametrize("rate", [0.0, 0.006, -0.006])
@pytest.mark.parametrize("continuous", [True, False])
def test_the_rate_is_found(rate, continuous):
    """Within six standard deviations: a false alarm in less than 1e-7 of all measurements."""
    _, _, _, values = intervals(fitted(rate=rate, continuous=continuous), False, "S", 500, 0.95, 0)
    value = values["drift_rate"]
    assert abs(value.value - rate) < 6 * sd_of(value) and sd_of(value) < 0.0012
    assert value.note == "" and value.lower < value.value < value.upper


@pytest.mark.parametrize(
    "devices, cycles, said", [(2, 1, "one cycle"), (1, 4, "3 step(s) between cycles")]
)
def test_a_rate_that_cannot_be_told_is_held_at_zero(devices, cycles, said):
    from feemu.plots.fitted import fit_figure
    from feemu.report.fitted import fit_text

    ds = measure(TRUE, seed=2, devices=devices, cycles=cycles, pulses=25, drift=0.01)
    found = fit(ds, "soft_bounds", draws=200)
    part, value = found.part(), found.parameters["drift_rate"]
    assert (value.value, value.note) == (0.0, "held") and math.isnan(value.lower + value.upper)
    assert sum("drift_rate is held at 0" in n and said in n for n in part.notes) == 1
    assert not any("drift_rate lies" in n or "drift_rate is not" in n for n in part.notes)
    assert np.all(part.draws.x[:, RATE] == 0) and not part.estimate.point.free[RATE]
    assert "held" in fit_text(found)
    texts = [text.get_text() for ax in fit_figure(found).axes for text in ax.texts]
    assert "held" in texts


def test_a_rate_is_no_failure_where_its_interval_holds_zero():
    """Of either sign, so that no factor tells how well it is known; and drawn in words."""
    from feemu.plots.fitted import fit_figure

    found = fit(measure(TRUE, **CASE), "soft_bounds", draws=200)
    assert not any(n.startswith("drift_rate") for n in found.part().notes)
    value = found.parameters["drift_rate"]
    texts = [text.get_text() for ax in fit_figure(found).axes for text in ax.texts]
    assert f"{value.lower:.3g} to {value.upper:.3g}" in texts


def test_curves_through_mean_levels_leave_the_drift_out():
    """Drift over half the range; steps within 5 %, twice what noise of reading makes of them."""
    found = averaged(fitted(rate=0.06, spread=(0, 0, 0, 0)))
    again, _, _, values = intervals(found, True, "S", 200, 0.95, 0)
    assert again.point.free[RATE] and not again.point.free[:2].any()
    assert values["A_up"].value == pytest.approx(0.08, rel=0.05)
    assert values["A_down"].value == pytest.approx(0.07, rel=0.05)
    value = values["drift_rate"]
    assert abs(value.value - 0.06) < 6 * sd_of(value) and sd_of(value) < 0.002


def test_the_emulator_drifts_as_the_data_do():
    """p is above 0.001 for a right fit but once in 1,000."""
    found = fitted(rate=0.03)
    found, drawn, _, _ = intervals(found, False, "S", 200, 0.95, 0)
    x, u, _ = drawn.centre
    assert _emulation(found, drawn, x, u)["emulated_levels"][2] > 0.001
    still = dataclasses.replace(drawn, x=drawn.x.copy())
    still.x[:, RATE] = 0.0
    assert _emulation(found, still, x, u)["emulated_levels"][2] < 0.02


@pytest.fixture(scope="module")
def few():
    """Return the steps of a drift that is plainly seen, five of them, and a fit's intervals."""
    model, still = SoftBounds(0.3, 0.3), {"relative": 0.0, "read": 1e-4, "spread": (0, 0, 0, 0)}
    case = {"seed": 6, "devices": 1, "cycles": 6, "pulses": 30, **still}
    ds, flat = (measure(model, **case, drift=d) for d in (0.01, 0.0))
    drift = (ds["conductance"] - flat["conductance"]).values[0, 0, :, 0, 5] / 1.8e-5
    (s,) = sequences(ds)
    found = estimate(s, SHAPES["soft_bounds"])
    return np.diff(drift), intervals(found, False, "S", 200, 0.95, 0)[3]


def test_the_rate_of_few_steps_has_the_interval_of_student(few):
    step, value = few[0], few[1]["drift_rate"]
    half = t.ppf(0.975, step.size - 1) * step.std(ddof=1) / math.sqrt(step.size)
    assert value.lower == pytest.approx(step.mean() - half, abs=0.05 * half)
    assert value.upper == pytest.approx(step.mean() + half, abs=0.05 * half)


def test_the_random_drift_of_few_steps_has_the_interval_of_their_restricted_likelihood(few):
    """That of five steps about a mean of their own: one degree of freedom less than steps."""
    step, value = few[0], few[1]["drift"]
    n, most = step.size, step.std()

    def over(log):
        """Log likelihood lost from a standard deviation `most` to exp(log) times it, less 1.92."""
        return (n - 1) * log + n / 2 * (math.exp(-2 * log) - 1) - 1.92

    ends = [most * math.exp(brentq(over, *part)) for part in ((-3.0, 0.0), (0.2, 5.0))]
    assert value.lower == pytest.approx(ends[0], rel=0.05)
    assert value.upper == pytest.approx(ends[1], rel=0.05)
