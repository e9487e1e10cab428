"""Initial weights: whole pulses by unbiased rounding, the same request for every algorithm."""

import math

import numpy as np
import pytest
from layer_cases import VARIANTS, Z, counted, spec, tables

from feemu.algorithms import ALGORITHMS, Float, MixedPrecision, PlainSGD, SymmetryPointShift

ALL = [*(a() for a in ALGORITHMS.values() if a is not SymmetryPointShift), *VARIANTS]


def pulses_asked(initial, **options):
    """Return signed initial pulses of each synapse, from an array whose every pulse is equal."""
    given = spec("fine", initial.shape, initial, **options)
    layer = PlainSGD().build(given)
    counts = layer.weights / (2 * given.omega * given.tables.granularity)
    np.testing.assert_allclose(counts, np.rint(counts), atol=1e-2)
    return np.rint(counts)


@pytest.mark.parametrize("part", (0.0, 0.1, 0.5, 0.93, 1.0))
@pytest.mark.parametrize("sign", (1, -1))
def test_rounding_is_unbiased(part, sign):
    """20,000 synapses asked for 7 + part pulses: the mean within z 5.85 (false alarm 5e-9)."""
    dw = 2 * tables("fine").granularity
    initial = np.full((200, 100), sign * (7 + part) * dw, np.float32)
    counts = pulses_asked(initial)
    # Single precision of the request itself; a whole number may round either way by that.
    slack = 1e-5 + Z * math.sqrt(part * (1 - part) / counts.size)
    assert abs(counts.mean() - sign * (7 + part)) < max(slack, Z * 1e-3)
    assert set(np.unique(np.abs(counts))) <= {7, 8}


def test_rounding_is_unbiased_over_random_weights():
    """Sum of the errors of 10,000 different weights, each of variance f (1 - f); z 5.85."""
    dw = 2 * tables("fine").granularity
    initial = np.random.default_rng(1).uniform(-0.3, 0.3, (100, 100)).astype(np.float32)
    error = pulses_asked(initial) - initial.astype(float) / dw
    assert np.abs(error).max() < 1 + 1e-3
    rest = np.mod(initial.astype(float) / dw, 1)
    z = error.sum() / math.sqrt((rest * (1 - rest)).sum())
    assert abs(z) < Z
    halves = error[initial > 0].mean(), error[initial < 0].mean()
    assert max(map(abs, halves)) < Z * math.sqrt(0.25 / 4500)


def test_rounding_depends_on_the_seed_and_the_layer():
    initial = np.full((30, 30), 0.1007, np.float32)
    first = pulses_asked(initial)
    assert np.array_equal(first, pulses_asked(initial))
    assert not np.array_equal(first, pulses_asked(initial, seed=77))
    assert not np.array_equal(first, pulses_asked(initial, index=2))
    assert np.array_equal(first, pulses_asked(initial, device_seed=77))


@pytest.mark.parametrize("made", ALL, ids=lambda a: a.label)
def test_all_algorithms_ask_for_the_same_initial_pulses(made):
    """Every array gets the counts that plain SGD gives its own, one of a pair the reverse.

    A fast array, later tiles, and an array that is programmed at the end get none.
    """
    initial = np.random.default_rng(2).uniform(-0.5, 0.5, (12, 9)).astype(np.float32)
    given = spec("noisy", initial=initial)
    layer, plain = made.build(given), PlainSGD().build(given)
    wanted = counted(plain, "pulses", "init")
    if isinstance(made, Float):
        np.testing.assert_array_equal(layer.weights, initial)
        assert not counted(layer, "pulses", "init").any()
        return
    filled = 0 if made.label == "write_verify" else 2 if made.label.startswith("shift") else 1
    for number, (gamma, array) in enumerate(zip(layer.gammas, layer.arrays)):
        pulses = array.ledger.pulses[0]
        if number >= filled:
            assert not pulses.any()
        elif not made.label.startswith("shift_global"):
            np.testing.assert_array_equal(pulses, wanted if gamma > 0 else wanted[::-1])
    assert counted(layer, "pulses", "train").sum() == 0
    if made.label in ("mixed_precision", "shift_none", "shift_push_pull"):
        for array in layer.arrays:
            np.testing.assert_array_equal(array.events, plain.arrays[0].events)
    if made.label in ("mixed_precision", "shift_none"):
        np.testing.assert_array_equal(layer.weights, plain.weights)


@pytest.mark.parametrize("ideal", (False, True))
def test_a_global_reference_does_not_displace_the_initial_weights(ideal):
    """The synapses stand beside it when they are programmed; their mean weight is as asked."""
    given = spec("quiet", (40, 50), initial=0.05)
    made = SymmetryPointShift(variant="global", sigma_copy=0.0, n_cal=10, ideal=ideal)
    layer, plain = made.build(given), PlainSGD().build(given)
    start = 2 * (0.5 - float(layer.arrays[0].reference[0, 0]))
    dw = layer.granularity
    assert start < -3 * dw
    rest = np.ones((40, 50), bool)
    rest[layer.arrays[0].sample_cells(10)] = ideal
    assert layer.weights[rest].mean() == pytest.approx(0.05, abs=dw)
    assert plain.weights.mean() == pytest.approx(0.05, abs=dw)


def test_asked_weights_are_reached_where_steps_are_equal():
    """Within one granularity, for one array and for a pair, at any weight scale."""
    initial = np.random.default_rng(3).uniform(-0.4, 0.4, (12, 9)).astype(np.float32)
    for omega in (0.5, 1.0, 4.0):
        given = spec("fine", initial=initial, omega=omega)
        for made in (PlainSGD(), MixedPrecision(), SymmetryPointShift(variant="push_pull")):
            layer = made.build(given)
            error = np.abs(layer.weights - initial).max()
            assert error < 1.01 * 2 * omega * given.tables.granularity
