"""The digital number behind a layer: its gradient, what it asks of the layer, what it costs."""

import numpy as np
import pytest
from networks import numerical_gradient, slow_loss

from feemu.algorithms import ScaledLayer
from feemu.algorithms.digital import FloatLayer
from feemu.mlp import MLP

SIZES = ((5, 4), (4, 3))


def scaled_net(scales=(0.7, 2.5), seed=4):
    """Return a network of two scaled layers, and a mini-batch."""
    draw = np.random.default_rng(seed)
    layers = [ScaledLayer(FloatLayer(draw.normal(size=s).astype(np.float32)), 2) for s in SIZES]
    for layer, scale in zip(layers, scales):
        layer.scale[:] = scale
    x, labels = draw.normal(size=(6, 5)).astype(np.float32), draw.integers(0, 3, 6)
    return MLP(layers, "tanh", "none"), x, labels


@pytest.mark.parametrize("place", (0, 1))
def test_scale_and_weights_go_down_their_gradients(place):
    """Central differences in double precision; 1e-5 is the rounding of single precision."""
    net, x, labels = scaled_net()
    weights = [layer.weights.astype(float) for layer in net.layers]
    scales = [layer.scale.astype(float) for layer in net.layers]
    net.train_step(x, labels, lr := 0.1)

    def loss():
        both = [s * w for s, w in zip(scales, weights)]
        return slow_loss(both, [], x, labels, "tanh", "none")

    for values, now in ((scales, net.layers[place].scale), (weights, net.layers[place].weights)):
        wanted = numerical_gradient(loss, values[place])
        np.testing.assert_allclose((now - values[place]) / -lr, wanted, rtol=0, atol=1e-5)


def test_an_evaluation_is_free_and_leaves_the_step_as_it_was():
    """Here the step's own read lies before an evaluation of another size."""
    nets = [scaled_net() for _ in range(2)]
    for number, (net, x, labels) in enumerate(nets):
        _, inputs, errors = net.gradients(x, labels)
        before = [book.digital.sum() for layer in net.layers for book in layer.ledgers]
        if number:
            net.evaluate(np.concatenate([x, x]), np.concatenate([labels, labels]))
        assert [b.digital.sum() for layer in net.layers for b in layer.ledgers] == before
        for layer, one, error in zip(net.layers, inputs, errors):
            layer.update(one, error, 0.1)
    for one, other in zip(*(net.layers for net, _, _ in nets)):
        assert one.scale == other.scale != 1.0
        np.testing.assert_array_equal(one.weights, other.weights)


def test_it_costs_three_multiply_adds_per_output_and_image():
    """Beside those of the layer: one forward, one for the errors, one for its own gradient."""
    net, x, labels = scaled_net()
    net.train_step(x, labels, 0.1)
    for layer, (_, n_out) in zip(net.layers, SIZES):
        own = layer.ledgers[-1]
        assert own.digital.sum() == 3 * len(x) * n_out
        assert own.digital_bits.max() == 32


def test_it_is_part_of_the_state():
    net, _, _ = scaled_net()
    saved = net.layers[1].state_dict()
    other, _, _ = scaled_net(scales=(1.0, 1.0), seed=9)
    other.layers[1].load_state_dict(saved)
    assert other.layers[1].scale[0] == np.float32(2.5)
    np.testing.assert_array_equal(other.layers[1].weights, net.layers[1].weights)
