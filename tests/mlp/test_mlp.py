"""Loss, activations, evaluation and errors of the network."""

import math
import warnings

import numpy as np
import pytest
from networks import ACTIVATIONS, Plain

from feemu import mlp
from feemu.mlp import MLP, activate, chain, cross_entropy

ONE = np.array([0])


def logits(*rows):
    return np.array(rows, np.float32)


def slope(h, name):
    out = np.empty((1, h.size), np.float32)
    assert chain(np.ones_like(out), h[None], mlp.ACTIVATIONS.index(name), out)
    return out[0]


@pytest.mark.parametrize("classes", (2, 10, 1000))
def test_loss_of_equal_logits_is_the_log_of_the_classes(classes):
    for height in (0.0, 50.0, -3e4):
        loss, d = cross_entropy(np.full((1, classes), height, np.float32), ONE)
        assert loss == pytest.approx(math.log(classes), rel=1e-6)
        assert d[0, 0] == pytest.approx(1 / classes - 1, rel=1e-6)


def test_loss_of_known_probabilities():
    """Logits ln(1), ln(3), ln(4): probabilities 1/8, 3/8, 1/2."""
    row = [0.0, math.log(3), math.log(4)]
    loss, d = cross_entropy(logits(row, row), np.array([0, 2]))
    assert loss == pytest.approx(math.log(8) + math.log(2), rel=1e-6)
    np.testing.assert_allclose(d, [[-7 / 8, 3 / 8, 1 / 2], [1 / 8, 3 / 8, -1 / 2]], atol=1e-6)


def test_loss_of_large_logits_does_not_overflow():
    loss, d = cross_entropy(logits([0.0, 2e4], [3e38, 0.0]), np.array([0, 0]))
    assert loss == pytest.approx(2e4)
    np.testing.assert_array_equal(d, [[-1, 1], [0, 0]])


def test_infinite_logits_give_a_loss_that_says_so():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss, _ = cross_entropy(logits([np.inf, 0.0]), ONE)
    assert not math.isfinite(loss)


def test_errors_of_a_sample_sum_to_zero():
    draw = np.random.default_rng(1)
    _, d = cross_entropy(draw.normal(size=(20, 7)).astype(np.float32), draw.integers(0, 7, 20))
    assert d.dtype == np.float32
    np.testing.assert_allclose(d.sum(axis=1), 0, atol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_and_its_slope(name):
    a = np.linspace(-4, 4, 200).astype(np.float32)
    h = activate(a, name)
    assert h.dtype == np.float32
    function, wide = ACTIVATIONS[name], a.astype(float)
    np.testing.assert_allclose(h, function(wide), atol=2e-7)
    numerical = (function(wide + 1e-6) - function(wide - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope(h, name), numerical, atol=2e-6)


def test_activations_saturate_without_a_warning():
    far = np.array([-3e38, -1e4, 0.0, 1e4, 3e38], np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(activate(far, "sigmoid"), [0, 0, 0.5, 1, 1])
        np.testing.assert_array_equal(activate(far, "tanh"), [-1, -1, 0, 1, 1])
    np.testing.assert_array_equal(slope(activate(far, "relu"), "relu"), [0, 0, 0, 1, 1])


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"unknown activation 'sigmoit': did you mean 'sigmoid'"):
        MLP([], "sigmoit")
    with pytest.raises(ValueError, match=r"unknown bias 'arrays': did you mean 'array'\?"):
        MLP([], "tanh", "arrays")


def test_evaluate_counts_the_right_ones():
    """The identity as network: the class is the largest input, 7 of 10 labels agree."""
    net = MLP([Plain(np.eye(3))], bias="none")
    x = np.eye(3, dtype=np.float32)[np.arange(10) % 3]
    labels = np.arange(10) % 3
    labels[:3] = (labels[:3] + 1) % 3
    loss, accuracy = net.evaluate(x, labels)
    right, wrong = math.log(1 + 2 / math.e), math.log(2 + math.e)
    assert accuracy == 0.7
    assert loss == pytest.approx(0.7 * right + 0.3 * wrong, rel=1e-6)
    assert net.layers[0].counted == 0


def test_evaluation_in_parts_is_the_same(monkeypatch):
    draw = np.random.default_rng(2)
    net = MLP([Plain(draw.normal(size=(5, 4))), Plain(draw.normal(size=(5, 3)))])
    x, labels = draw.random((1201, 4)).astype(np.float32), draw.integers(0, 3, 1201)
    whole = net.evaluate(x, labels)
    assert len(net.layers[0].log) == 3
    monkeypatch.setattr(mlp, "EVALUATION_BATCH", 7)
    assert net.evaluate(x, labels) == (pytest.approx(whole[0]), whole[1])


def test_training_reads_are_counted_and_evaluations_are_not():
    net = MLP([Plain(np.ones((3, 2))), Plain(np.ones((3, 2)))])
    x, labels = np.ones((4, 2), np.float32), np.zeros(4, int)
    net.logits(x)
    assert [layer.counted for layer in net.layers] == [0, 0]
    net.train_step(x, labels, 0.1)
    assert [layer.counted for layer in net.layers] == [4, 4]


@pytest.mark.parametrize("bias", ("array", "digital"))
def test_nothing_is_updated_when_the_loss_is_not_finite(bias):
    net = MLP([Plain(np.full((2 + (bias == "array"), 2), 1e38))], bias=bias)
    if bias == "digital":
        net.set_biases([2])
    x = np.array([[1e30, -1e30]], np.float32)
    with np.errstate(all="ignore"):
        assert not math.isfinite(net.train_step(x, ONE, 0.1))
    assert ("update", net.layers[0]) not in net.layers[0].log
    assert not any(b.any() for b in net.biases)


def test_the_network_learns_a_rule():
    """A class is the larger of two inputs; 200 steps on the whole set separate it."""
    x = np.random.default_rng(5).random((60, 2)).astype(np.float32)
    labels = (x[:, 0] > x[:, 1]).astype(int)
    draw = np.random.default_rng(6)
    net = MLP([Plain(draw.normal(size=(3, 8))), Plain(draw.normal(size=(9, 2)))], "tanh")
    for _ in range(200):
        net.train_step(x, labels, 0.5)
    assert net.evaluate(x, labels)[1] > 0.95
