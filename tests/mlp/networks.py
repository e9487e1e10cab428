"""A layer of plain numbers, and the network's loss once more, slowly and in double precision."""

import numpy as np


class Plain:
    """Weights without a device; notes what is done to it in `log`."""

    def __init__(self, weights, log=None):
        self.weights = np.asarray(weights, np.float32)
        self.log, self.counted = [] if log is None else log, 0

    def forward(self, x, counted=True):
        """Return ``x @ W``."""
        self.counted += len(x) if counted else 0
        self.log.append(("forward", self))
        return x @ self.weights

    def backward(self, d):
        """Return ``d @ W.T``."""
        self.log.append(("backward", self))
        return d @ self.weights.T

    def update(self, x, d, lr):
        """Subtract ``lr x^T d``."""
        self.log.append(("update", self))
        self.weights = self.weights - np.float32(lr) * (x.T @ d)


ACTIVATIONS = {
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.where(a > 0, a, 0.0),
}


def slow_loss(weights, biases, x, labels, activation, bias):
    """Return the mean cross-entropy, sample by sample, in float64."""
    total = 0.0
    for sample, label in zip(np.asarray(x, float), labels):
        h = sample
        for i, w in enumerate(weights):
            h = np.append(h, 1.0) if bias == "array" else h
            h = h @ w + (biases[i] if bias == "digital" else 0.0)
            if i + 1 < len(weights):
                h = ACTIVATIONS[activation](h)
        total -= np.log(np.exp(h[label]) / np.exp(h).sum())
    return total / len(labels)


def numerical_gradient(loss, array, step=1e-6):
    """Return central differences of ``loss()`` by every element of `array`, changed in place."""
    gradient = np.empty(array.shape)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        high = loss()
        array[place] = kept - step
        low = loss()
        array[place] = kept
        gradient[place] = (high - low) / (2 * step)
    return gradient
