"""A multilayer perceptron on anything that reads forward, reads backward and updates.

A network is a list of layers and a few functions; layers are arrays or plain numbers alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from feemu.params import unknown

ACTIVATIONS = ("sigmoid", "tanh", "relu")
#: Images per evaluation call; bounds memory, does not change the result.
EVALUATION_BATCH = 500
_HALF = np.float32(0.5)


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


def activate(a: np.ndarray, name: str) -> np.ndarray:
    """Return the activation of pre-activations `a`.

    Raises
    ------
    ValueError
        For an unknown activation.
    """
    if name == "sigmoid":
        h = a * _HALF
        np.tanh(h, out=h)
        h *= _HALF
        h += _HALF
        return h
    if name == "tanh":
        return np.tanh(a)
    if name == "relu":
        return np.maximum(a, np.float32(0.0))
    raise ValueError(unknown("activation", name, ACTIVATIONS))


def slope(h: np.ndarray, name: str) -> np.ndarray:
    """Return the activation's derivative from its value `h`."""
    if name == "sigmoid":
        return h * (np.float32(1.0) - h)
    if name == "tanh":
        return np.float32(1.0) - h * h
    return (h > 0).astype(np.float32)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (summed softmax cross-entropy, its gradient by each sample's logits)."""
    top = np.maximum.reduce(logits, axis=1, keepdims=True)
    if not math.isfinite(float(np.add.reduce(top, axis=None))):  # the loss says so, no warning
        return math.nan, np.full_like(logits, math.nan)
    shifted = logits - top
    p = np.exp(shifted)
    total = np.add.reduce(p, axis=1, keepdims=True)
    at = np.arange(len(labels)), labels
    loss = float(np.add.reduce(np.log(total[:, 0]) - shifted[at]))
    p /= total
    p[at] -= np.float32(1.0)
    return loss, p


def _with_one(h: np.ndarray) -> np.ndarray:
    out = np.empty((h.shape[0], h.shape[1] + 1), np.float32)
    out[:, :-1], out[:, -1] = h, np.float32(1.0)
    return out


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
        h, seen = x, []
        for i, layer in enumerate(self.layers):
            seen.append(_with_one(h) if self.bias == "array" else h)
            h = layer.forward(seen[-1], counted)
            if self.bias == "digital":
                h = h + self.biases[i]
            if i + 1 < len(self.layers):
                h = activate(h, self.activation)
        return [*seen, h]

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Return the network's output without counting reads."""
        return self._forward(x, counted=False)[-1]

    def gradients(self, x: np.ndarray, labels: np.ndarray) -> tuple[float, list, list]:
        """Return (mean loss, inputs of each layer, errors of each layer).

        The gradient of the mean loss by the weights of layer l is ``inputs[l].T @ errors[l]``.
        """
        *inputs, out = self._forward(x, counted=True)
        loss, d = cross_entropy(out, labels)
        d *= np.float32(1.0 / len(labels))
        errors = [d]
        for i in range(len(self.layers) - 1, 0, -1):
            e = self.layers[i].backward(errors[0])
            h = inputs[i]
            if self.bias == "array":
                e, h = e[:, :-1], h[:, :-1]
            errors.insert(0, np.ascontiguousarray(e * slope(h, self.activation)))
        return loss / len(labels), inputs, errors

    def train_step(self, x: np.ndarray, labels: np.ndarray, lr: float) -> float:
        """Take one step on a mini-batch; every layer is read before any is updated.

        Returns
        -------
        float
            Mean loss of the mini-batch before the step. Nothing is updated if it, or an error that
            it hands back, is not finite; infinity is returned for the latter.

        Raises
        ------
        Diverged
            If a layer cannot carry out its update; layers before it have been updated.
        """
        loss, inputs, errors = self.gradients(x, labels)
        if not math.isfinite(loss):
            return loss
        if not all(np.isfinite(values).all() for values in (*inputs[1:], *errors)):
            return math.inf
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
