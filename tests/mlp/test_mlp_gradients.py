"""Gradients of the network against central differences of the loss in double precision."""

import itertools

import numpy as np
import pytest
from networks import Plain, numerical_gradient, slow_loss

from feemu.mlp import MLP

SIZES = {1: (5, 4), 2: (5, 6, 4), 3: (5, 6, 3, 4)}


def make(activation, depth, bias, seed=3):
    """Return (network, float64 weights, float64 biases)."""
    draw = np.random.default_rng([seed, depth, len(bias)])
    sizes = SIZES[depth]
    extra = 1 if bias == "array" else 0
    weights = [draw.normal(size=(a + extra, b)) for a, b in itertools.pairwise(sizes)]
    weights = [w.astype(np.float32).astype(float) for w in weights]
    net = MLP([Plain(w) for w in weights], activation, bias)
    biases = []
    if bias == "digital":
        net.set_biases(sizes[1:])
        for b in net.biases:
            b[...] = draw.normal(size=b.shape)
            biases.append(b.astype(float))
    return net, weights, biases


def batch_of(size):
    draw = np.random.default_rng(size)
    return draw.normal(size=(size, 5)).astype(np.float32), draw.integers(0, 4, size)


@pytest.mark.parametrize("size", (1, 7))
@pytest.mark.parametrize("bias", ("array", "digital", "none"))
@pytest.mark.parametrize("depth", (1, 2, 3))
@pytest.mark.parametrize("activation", ("sigmoid", "tanh", "relu"))
def test_gradients(activation, depth, bias, size):
    """Weights and biases of every layer: 1e-5 of the largest, the rounding of single precision."""
    net, weights, biases = make(activation, depth, bias)
    x, labels = batch_of(size)

    def loss():
        return slow_loss(weights, biases, x, labels, activation, bias)

    got, inputs, errors = net.gradients(x, labels)
    assert got == pytest.approx(loss(), rel=1e-5)
    for i, w in enumerate(weights):
        wanted = numerical_gradient(loss, w)
        tolerance = 1e-5 * max(np.abs(wanted).max(), 0.1)
        np.testing.assert_allclose(inputs[i].T @ errors[i], wanted, rtol=0, atol=tolerance)
    for i, b in enumerate(biases):
        wanted = numerical_gradient(loss, b)
        np.testing.assert_allclose(errors[i].sum(axis=0), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("bias", ("array", "digital", "none"))
def test_step_goes_down_the_gradient(bias):
    """One step changes weights and biases by ``-lr`` times the gradient of the mean loss."""
    net, weights, biases = make("tanh", 2, bias)
    x, labels = batch_of(7)
    _, inputs, errors = net.gradients(x, labels)
    loss = net.train_step(x, labels, lr=0.3)
    assert loss == pytest.approx(slow_loss(weights, biases, x, labels, "tanh", bias), rel=1e-5)
    for i, layer in enumerate(net.layers):
        wanted = weights[i] - 0.3 * inputs[i].T @ errors[i]
        np.testing.assert_allclose(layer.weights, wanted, rtol=0, atol=1e-5)
    for i, b in enumerate(net.biases):
        wanted = biases[i] - 0.3 * errors[i].sum(axis=0)
        np.testing.assert_allclose(b, wanted, rtol=0, atol=1e-6)
    assert len(net.biases) == (2 if bias == "digital" else 0)
    assert net.train_step(x, labels, lr=0.3) < loss


def test_every_layer_is_read_before_any_is_updated():
    log = []
    draw = np.random.default_rng(1)
    layers = [Plain(draw.normal(size=s), log) for s in ((6, 6), (7, 3), (4, 4))]
    net = MLP(layers)
    net.train_step(*batch_of(2), lr=0.1)
    first, second, third = layers
    assert log == [
        ("forward", first), ("forward", second), ("forward", third),
        ("backward", third), ("backward", second),
        ("update", first), ("update", second), ("update", third),
    ]  # fmt: skip


def test_mean_of_the_batch_is_the_mean_of_its_samples():
    net, _, _ = make("sigmoid", 2, "array")
    x, labels = batch_of(7)
    _, inputs, errors = net.gradients(x, labels)
    for i in range(2):
        parts = []
        for b in range(7):
            _, one_in, one_error = net.gradients(x[b : b + 1], labels[b : b + 1])
            parts.append(one_in[i].T @ one_error[i])
        wanted = np.mean(parts, axis=0)
        np.testing.assert_allclose(inputs[i].T @ errors[i], wanted, rtol=0, atol=1e-6)
