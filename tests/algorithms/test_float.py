"""The digital baseline against stochastic gradient descent in plain numpy."""

import numpy as np
import pytest
from layer_cases import counted, request, spec

from feemu.algorithms import Float
from feemu.array import DIGITAL
from feemu.mlp import MLP

SIZES = ((8, 6), (6, 4))


def layers():
    """Return a network's float layers with bias rows, and copies of their weights in float64."""
    draw = np.random.default_rng(4)
    made = []
    for index, (n_in, n_out) in enumerate(SIZES):
        initial = draw.normal(size=(n_in + 1, n_out)) / np.sqrt(n_in)
        made.append(Float().build(spec("quiet", initial.shape, initial, index)))
    return made, [layer.weights.astype(float) for layer in made]


def numpy_step(weights, x, labels, lr):
    """Take one step of softmax regression on sigmoid units, float64, in place."""
    ones = np.ones((len(x), 1))
    inputs, h = [], np.asarray(x, float)
    for w in weights:
        inputs.append(np.hstack([h, ones]))
        h = 1 / (1 + np.exp(-inputs[-1] @ w))
    logits = inputs[-1] @ weights[-1]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    d = (p - np.eye(p.shape[1])[labels]) / len(x)
    back = (d @ weights[1].T)[:, :-1]
    hidden = inputs[1][:, :-1]
    weights[1] -= lr * inputs[1].T @ d
    weights[0] -= lr * inputs[0].T @ (back * hidden * (1 - hidden))


@pytest.mark.parametrize("batch", (1, 5))
def test_trains_like_numpy(batch):
    """60 steps; single precision leaves 1e-5 of the weights."""
    made, weights = layers()
    net, draw = MLP(made), np.random.default_rng(5)
    for _ in range(60):
        x = draw.random((batch, 8)).astype(np.float32)
        labels = draw.integers(0, 4, batch)
        net.train_step(x, labels, 0.7)
        numpy_step(weights, x, labels, 0.7)
    for layer, wanted in zip(made, weights):
        assert np.abs(wanted - spec("quiet", wanted.shape).initial).max() > 0.1
        np.testing.assert_allclose(layer.weights, wanted, rtol=0, atol=1e-5)


def test_weights_are_a_copy_of_the_initial_ones():
    given = spec("quiet", initial=0.25)
    layer = Float().build(given)
    layer.update(*request(np.random.default_rng(1), 3, (12, 9)), 0.1)
    assert (given.initial == 0.25).all() and (layer.weights != 0.25).any()


def test_work_is_counted_and_evaluation_is_free():
    layer = Float().build(spec("quiet", (6, 4)))
    x = np.array([[1, 0, 0, 2, 0, 0], [0, 0, 3, 0, 0, 0]], np.float32)
    layer.forward(x, counted=False)
    assert not counted(layer, "digital", "train").any()
    layer.forward(x)
    layer.backward(np.ones((2, 4), np.float32))
    layer.update(x, np.ones((2, 4), np.float32), 0.1)
    work = dict(zip(DIGITAL, counted(layer, "digital", "train").tolist()))
    # Three driven lines forward and in the update, all twelve of two samples backward.
    assert work["mac"] == 3 * 4 + 12 * 4 + 3 * 4 and work["accumulator_rmw"] == 3 * 4
    assert layer.arrays == [] and not counted(layer, "pulses", "train").any()
