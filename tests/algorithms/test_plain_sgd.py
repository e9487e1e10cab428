"""Plain SGD: expected pulses, direction, and the pair of arrays that is pulsed push-pull."""

import math

import numpy as np
import pytest
from layer_cases import Z, counted, request, spec

from feemu.algorithms import PlainSGD, SymmetryPointShift, algorithm

PAIR = SymmetryPointShift(variant="push_pull")


@pytest.mark.parametrize("bl_min", (1, 31))
@pytest.mark.parametrize("made", (PlainSGD(), PAIR), ids=("one", "pair"))
def test_expected_pulses_of_a_pair_are_those_of_one_array(made, bl_min):
    """One synapse, 40,000 samples asking for 0.4 pulses each: binomial, within z 5.85."""
    layer = made.replace(bl_min=bl_min).build(spec("quiet", (1, 1)))
    n, asked = 40_000, 0.4
    dw = 2 * spec("quiet").tables.granularity
    x, d = np.full((n, 1), 0.5, np.float32), np.full((n, 1), 0.2, np.float32)
    layer.update(x, d, lr=asked * dw / 0.1)
    for array in layer.arrays:
        pulses = int(array.ledger.pulses[2].sum())
        assert abs(pulses - asked * n) < Z * math.sqrt(asked * n * (1 - asked / bl_min))


@pytest.mark.parametrize("sign_x, sign_d", ((1, 1), (1, -1), (-1, 1), (-1, -1)))
@pytest.mark.parametrize("made", (PlainSGD(), PAIR), ids=("one", "pair"))
def test_weight_moves_against_the_gradient(made, sign_x, sign_d):
    """On equal constant steps the weight moves by exactly one granularity per event."""
    layer = made.build(spec("fine", (5, 4)))
    x, d = np.full((20, 5), sign_x, np.float32), np.full((20, 4), sign_d, np.float32)
    dw = 2 * spec("fine").tables.granularity
    layer.update(x, d, lr=0.8 * dw)
    events = layer.arrays[0].events.astype(float)
    assert events.sum() > 100
    np.testing.assert_allclose(layer.weights, -sign_x * sign_d * events * dw, rtol=1e-3)


def test_both_arrays_of_a_pair_follow_the_same_trains():
    layer = PAIR.build(spec("noisy", initial=0.1))
    first, second = layer.arrays
    start = [a.events.astype(int) for a in layer.arrays]
    draw = np.random.default_rng(3)
    for batch in (1, 8):
        layer.update(*request(draw, batch, first.shape), lr=0.1)
    np.testing.assert_array_equal(first.events - start[0], second.events - start[1])
    one, other = (a.ledger for a in layer.arrays)
    assert one.pulses[2].min() > 20
    for name in ("pulses", "column_pulses", "row_pulses", "slots"):
        np.testing.assert_array_equal(getattr(one, name)[2], getattr(other, name)[2, ::-1], name)
    assert one.clipped_updates[2] == other.clipped_updates[2]


def test_devices_of_a_pair_are_two_chips_with_noise_of_their_own():
    layer = PAIR.build(spec("noisy"))
    first, second = layer.arrays
    assert not np.array_equal(first.step_scales[0], second.step_scales[0])
    copy = SymmetryPointShift(variant="push_pull").build(spec("noisy"))
    for array in copy.arrays:
        array.pulse_counts(np.ones((12, 9), int))
    moved = [a.state - b.state for a, b in zip(copy.arrays, layer.arrays)]
    assert not np.array_equal(*moved)


def test_weight_of_a_pair_is_half_the_difference_of_the_conductances():
    """``w = omega (g+ - g-)``, read as it stands, with the granularity of a single array."""
    layer = PAIR.build(spec("noisy", omega=1.5, initial=0.3))
    first, second = layer.arrays
    wanted = 1.5 * (first.conductance - second.conductance)
    np.testing.assert_allclose(layer.weights, wanted, atol=1e-5)
    x, d = request(np.random.default_rng(1), 4, (12, 9))
    np.testing.assert_allclose(layer.forward(x), x @ layer.weights, atol=1e-4)
    np.testing.assert_allclose(layer.backward(d), d @ layer.weights.T, atol=1e-4)
    single = PlainSGD().build(spec("noisy", omega=1.5)).arrays[0].granularity
    assert sum(a.granularity for a in layer.arrays) == pytest.approx(single)


def test_nominal_symmetry_point_of_a_pair_is_weight_zero():
    """As many requests of either direction, in turn: no drift beyond one granularity."""
    layer = PAIR.build(spec("quiet", (20, 15)))
    single = PlainSGD().build(spec("quiet", (20, 15)))
    draw = np.random.default_rng(5)
    dw = 2 * spec("quiet").tables.granularity
    for _ in range(60):
        x, sign = np.ones((4, 20), np.float32), draw.choice([-1.0, 1.0], 15)
        d = np.outer([1, -1, 1, -1], sign).astype(np.float32)
        for one in (layer, single):
            one.update(x, d, lr=0.9 * dw)
    assert abs(layer.weights.mean()) < dw < single.weights.mean()


def test_shortest_and_longest_trains_are_handed_on():
    layer = PlainSGD(bl_min=7, bl_max=7).build(spec("quiet", (3, 2)))
    layer.update(np.ones((5, 3), np.float32), np.ones((5, 2), np.float32), 1e-3)
    # x > 0 only: a slot is one half-step of either kind.
    assert counted(layer, "slots", "train").tolist() == [35, 35]


def test_options_are_checked():
    with pytest.raises(ValueError, match=r"PlainSGD.bl_min = 9: must not exceed bl_max = 8"):
        PlainSGD(bl_min=9, bl_max=8)
    with pytest.raises(TypeError, match=r"PlainSGD.managed = 'no': must be True or False"):
        PlainSGD(managed="no")
    with pytest.raises(
        ValueError, match=r"unknown algorithm 'plain sgd': did you mean 'plain_sgd'"
    ):
        algorithm("plain sgd")
    with pytest.raises(ValueError, match=r"did you mean 'bl_min' or 'bl_max'"):
        algorithm("plain_sgd", bl=1)
    with pytest.raises(ValueError, match=r"unknown variant 'refrence': did you mean 'reference'"):
        algorithm("symmetry_point_shift", variant="refrence")
