"""A multilayer perceptron on anything that reads forward, reads backward and updates.

A network is a list of layers and a few functions; layers are arrays or plain numbers alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from feemu._numba import jit
from feemu.params import unknown

ACTIVATIONS = ("sigmoid", "tanh", "relu")
#: Images per evaluation call; bounds memory, does not change the result.
EVALUATION_BATCH = 500
# Arrays, which numpy combines with arrays faster than it does numbers.
_HALF, _ZERO = (np.array(value, np.float32) for value in (0.5, 0.0))


class Diverged(ValueError):
    """An update asks for more than a layer can carry out: the training has diverged."""


class Layer(Protocol):
    """What the network asks of a layer with ``(n_in, n_out)`` weights."""

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``x @ W``, shape (batch, n_out); evaluation is not counted."""

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Return ``d @ W.T``, shape (batch, n_in)."""

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out the request ``-lr x^T d`` in place."""


def activate(a: np.ndarray, name: str, out: np.ndarray | None = None) -> np.ndarray:
    """Return the activation of pre-activations `a`, written into `out` if that is given.

    Raises
    ------
    ValueError
        For an unknown activation.
    """
    if name == "sigmoid":
        h = np.multiply(a, _HALF, out)
        np.tanh(h, h)
        np.multiply(h, _HALF, h)
        return np.add(h, _HALF, h)
    if name == "tanh":
        return np.tanh(a, out)
    if name == "relu":
        return np.maximum(a, _ZERO, out=out)
    raise ValueError(unknown("activation", name, ACTIVATIONS))


@jit
def chain(e, h, activation, out):
    """Write `e` times the slope of an activation into `out`, and say whether all is finite.

    Parameters
    ----------
    e, h : ndarray of float32, shapes (batch, n) or (batch, n + 1)
        Gradient by the activation's values, and the values.
    activation : int
        Place in `ACTIVATIONS`.
    out : ndarray of float32, shape (batch, n)
    """
    one, finite = np.float32(1.0), True
    for b in range(out.shape[0]):
        for j in range(out.shape[1]):
            value = h[b, j]
            if activation == 0:
                slope = value * (one - value)
            elif activation == 1:
                slope = one - value * value
            else:
                slope = np.float32(value > 0)
            out[b, j] = e[b, j] * slope
            finite &= abs(value) < np.inf and abs(out[b, j]) < np.inf
    return finite


@jit
def below_top(logits, out):
    """Write logits less the largest of their row into `out`; stop at one that is not finite.

    Returns
    -------
    bool
        Whether every row was written.
    """
    for b in range(logits.shape[0]):
        top, finite = logits[b, 0], True
        for j in range(logits.shape[1]):
            finite &= logits[b, j] < np.inf  # minus infinity is a probability of zero
            top = max(top, logits[b, j])
        if not (finite and top > -np.inf):
            return False
        for j in range(logits.shape[1]):
            out[b, j] = logits[b, j] - top
    return True


@jit
def less_own(shifted, labels, total, p, loss):
    """Turn ``p = exp(shifted)`` into errors and ``loss = log(total)`` into losses, in place."""
    for b in range(p.shape[0]):
        own = labels[b]
        loss[b] -= shifted[b, own]
        for j in range(p.shape[1]):
            p[b, j] /= total[b]
        p[b, own] -= np.float32(1.0)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (summed softmax cross-entropy, its gradient by each sample's logits)."""
    shifted = np.empty(logits.shape, np.float32)
    if not below_top(logits, shifted):  # the loss says so, no warning
        return math.nan, np.full_like(logits, math.nan)
    p = np.exp(shifted)
    total = np.add.reduce(p, axis=1)
    losses = np.log(total)
    less_own(shifted, labels, total, p, losses)
    return float(np.add.reduce(losses)), p


class MLP:
    """A fully connected network with softmax cross-entropy.

    Parameters
    ----------
    layers : sequence of Layer
        Layer l maps ``n_l`` (plus one with array biases) inputs to ``n_(l+1)`` outputs.
    activation : str
        'sigmoid', 'tanh' or 'relu' between layers.
    bias : str
        'array': a row of the array driven by a constant input of one; 'digital': a number per
        output outside the array; 'none'.
    """

    def __init__(
        self, layers: Sequence[Layer], activation: str = "sigmoid", bias: str = "array"
    ) -> None:
        activate(np.zeros(1, np.float32), activation)
        if bias not in ("array", "digital", "none"):
            raise ValueError(unknown("bias", bias, ("array", "digital", "none")))
        self.layers, self.activation, self.bias = list(layers), activation, bias
        self.biases: list[np.ndarray] = []

    def set_biases(self, sizes: Sequence[int]) -> None:
        """Give each layer a digital bias of zero (bias 'digital' only)."""
        self.biases = [np.zeros(n, np.float32) for n in sizes]

    def _forward(self, x: np.ndarray, counted: bool) -> list[np.ndarray]:
        """Return every layer's input, and the logits at the end."""
        h, values = self._room(x)
        values[:] = x
        seen = [h]
        for i, layer in enumerate(self.layers):
            a = layer.forward(h, counted)
            if self.bias == "digital":
                a = a + self.biases[i]
            if i + 1 < len(self.layers):
                h, values = self._room(a)
                activate(a, self.activation, values)
                seen.append(h)
        return [*seen, a]

    def _room(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return an array for the input of a layer, and the part of it for values of a shape."""
        if self.bias != "array":
            h = np.empty(values.shape, np.float32)
            return h, h
        h = np.empty((values.shape[0], values.shape[1] + 1), np.float32)
        h.fill(1.0)
        return h, h[:, :-1]

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Return the network's output without counting reads."""
        return self._forward(x, counted=False)[-1]

    def gradients(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, list, list]:
        """Return (mean loss, inputs of each layer, errors of each layer).

        The loss is infinite where a value or an error between layers is not finite.
        The gradient of the mean loss by the weights of layer l is ``inputs[l].T @ errors[l]``.
        """
        *inputs, out = self._forward(x, counted=True)
        loss, d = cross_entropy(out, labels)
        d *= 1.0 / len(labels)
        errors = [d]
        finite, function = True, ACTIVATIONS.index(self.activation)
        for i in range(len(self.layers) - 1, 0, -1):
            h = inputs[i]
            d = np.empty((h.shape[0], h.shape[1] - (self.bias == "array")), np.float32)
            finite &= chain(self.layers[i].backward(errors[0]), h, function, d)
            errors.insert(0, d)
        if math.isfinite(loss) and not finite:
            loss = math.inf
        return loss / len(labels), inputs, errors

    def train_step(self, x: np.ndarray, labels: np.ndarray, lr: float) -> float:
        """Take one step on a mini-batch; every layer is read before any is updated.

        Returns
        -------
        float
            Mean loss of the mini-batch before the step, see `gradients`; nothing is updated if it
            is not finite.

        Raises
        ------
        Diverged
            If a layer cannot carry out its update; layers before it have been updated.
        """
        loss, inputs, errors = self.gradients(x, labels)
        if not math.isfinite(loss):
            return loss
        for i, layer in enumerate(self.layers):
            layer.update(inputs[i], errors[i], lr)
            if self.bias == "digital":
                self.biases[i] -= np.float32(lr) * errors[i].sum(axis=0)
        return loss

    def evaluate(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Return (mean loss, accuracy in 0..1); reads are not counted."""
        loss, right = 0.0, 0
        for start in range(0, len(labels), EVALUATION_BATCH):
            part = slice(start, start + EVALUATION_BATCH)
            out = self.logits(x[part])
            loss += cross_entropy(out, labels[part])[0]
            right += int((out.argmax(axis=1) == labels[part]).sum())
        return loss / len(labels), right / len(labels)
