"""The contract that every response model keeps, run over all of them."""

import math
import pickle

import numpy as np
import pytest

from feemu.devices import MODELS, Device, Linear, ResponseModel, Table, tabulate

GRID = np.linspace(0.0, 1.0, 4001)
MORE = (
    Linear.from_neurosim(2.4, -4.88, 97),
    Linear.from_neurosim(1.75, 1.46, 32),
    Table.uniform(np.linspace(0.04, 0.0, 12), np.linspace(0.0, 0.05, 12)),
    MODELS["power"](0.02, 0.03, 2.5, 0.7),
)


@pytest.fixture(params=[*(cls() for cls in MODELS.values()), *MORE], ids=lambda m: m.name)
def model(request):
    return request.param


def test_name_is_the_key_in_the_list(model):
    assert MODELS[model.name] is type(model)
    assert issubclass(type(model), ResponseModel)


def test_curves_keep_the_shape_and_are_finite_magnitudes(model):
    for curve in (model.step_up, model.step_down):
        for states in (GRID, GRID.reshape(-1, 1), np.array([0.3])):
            step = curve(states)
            assert step.shape == states.shape
            assert np.all(np.isfinite(step)) and np.all(step >= 0.0)


def test_kinks_lie_inside(model):
    assert all(0.0 < kink < 1.0 for kink in model.kinks)


def test_symmetry_point_is_a_crossing(model):
    point = model.symmetry_point()
    if math.isnan(point):
        diff = model.step_up(GRID) - model.step_down(GRID)
        assert np.all(diff[1:-1] > 0) or np.all(diff[1:-1] < 0)
    else:
        assert 0.0 < point < 1.0
        up, down = (float(c(np.array([point]))[0]) for c in (model.step_up, model.step_down))
        assert up == pytest.approx(down, rel=1e-9)
        assert model.granularity() == pytest.approx(up, rel=1e-9)


def test_mean_step_is_the_mean_of_the_curve(model):
    up, down = model.mean_step()
    middle = (np.arange(200_000) + 0.5) / 200_000
    assert up == pytest.approx(model.step_up(middle).mean(), rel=1e-4)
    assert down == pytest.approx(model.step_down(middle).mean(), rel=1e-4)


def test_pulses_follow_the_curve_there_and_back(model):
    up, down = model.pulses(0.2, 0.6)
    state = 0.2
    for _ in range(up):
        assert state < 0.6
        state += float(model.step_up(np.array([state]))[0])
    assert state >= 0.6
    for _ in range(down):
        assert state > 0.2
        state -= float(model.step_down(np.array([state]))[0])
    assert state <= 0.2


def test_pickles_prints_and_becomes_plain_values(model):
    assert pickle.loads(pickle.dumps(model)) == model
    assert type(model).__name__ in str(model)
    assert model.to_dict()["kind"] == type(model).__name__


def test_formula_and_source_are_documented(model):
    doc = type(model).__doc__
    assert "Notes" in doc
    assert "doi:" in doc or "arXiv:" in doc


def test_table_holds_the_curve_at_any_state(model):
    tables = tabulate(Device(response=model))
    n = tables.intervals
    x = np.random.default_rng(5).uniform(0.0, n, 20_000)
    i = x.astype(int)
    for k, curve in enumerate((model.step_up, model.step_down)):
        m, slope = tables.steps[k, 0, :, 0].astype(float), tables.steps[k, 0, :, 1].astype(float)
        exact = curve(x / n)
        error = np.abs(m[i] + (x - i) * slope[i] - exact)
        large = exact > 0.1 * exact.max()
        assert np.all(error[large] <= 2.1e-3 * exact[large])
        assert np.all(error <= 1.01e-2 * exact.max())
