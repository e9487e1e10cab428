"""Slow references of the rules between a fast and a slow array, number by number."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .algorithms import drift_coefficients


class Buffered(NamedTuple):
    """One line of a buffer after a reading: its numbers, signed pulses, and the margin.

    `margin` is the smallest distance of a magnitude from a whole number >= 1: below some 1e-5
    single precision may count otherwise.
    """

    values: list[float]
    counts: list[int]
    margin: float


def buffer_line(
    values: list[float], v: list[float], gain: float, most: int, momentum: float, forget: bool
) -> Buffered:
    """Return ``H += gain v``, ``n = trunc(H)`` within +-most, and what is left of H.

    Where n is not 0: ``H = momentum H`` if the buffer forgets, else ``H -= (1 - momentum) n``.
    """
    out, counts, margin = [], [], math.inf
    for h, one in zip(values, v):
        h += gain * one
        n = max(-most, min(most, math.trunc(h)))
        margin = min(margin, abs(abs(h) - max(1.0, round(abs(h)))))
        if n != 0:
            h = momentum * h if forget else h - (1.0 - momentum) * n
        out.append(h)
        counts.append(n)
    return Buffered(out, counts, margin)


def held_off_zero(curvature: float, sigma: float, up: float, down: float) -> float:
    """Return the distance from the optimum at which an array with these steps stays where it is.

    The root of ``E[g] F + E|g| G = 0`` for Gaussian g of mean ``curvature distance`` and standard
    deviation sigma, `up` and `down` the steps where the array is held.
    """
    F, G = drift_coefficients(up, down)

    def balance(mean: float) -> float:
        size = sigma * math.sqrt(2.0 / math.pi) * math.exp(-0.5 * (mean / sigma) ** 2)
        size += mean * math.erf(mean / (sigma * math.sqrt(2.0)))
        return mean * F + size * G

    low, high = -20.0 * sigma, 20.0 * sigma
    for _ in range(200):  # balance rises with the mean, as |G| < F
        middle = 0.5 * (low + high)
        low, high = (middle, high) if balance(middle) < 0 else (low, middle)
    return 0.5 * (low + high) / curvature


class Lines:
    """The order in which lines are read: in turn, and in ascending order among those of a step."""

    def __init__(self, n_in: int, number: int, every: int) -> None:
        self.n_in, self.number, self.every = n_in, number, every
        self.passed, self.next = 0, 0

    def take(self, units: int) -> list[int]:
        """Return the lines to read after so many more units of time, each of them once."""
        now = self.passed + units
        due = [at for at in range(self.passed + 1, now + 1) if at % self.every == 0]
        many = min(len(due) * self.number, self.n_in)
        lines = [(self.next + i) % self.n_in for i in range(many)]
        self.passed, self.next = now, (self.next + many) % self.n_in
        return sorted(lines)


class AutoRate:
    """``fast_lr dw / (m_x m_d)``, means over samples of max |x| and max |d|.

    The past weighs 0.99 in every mini-batch, its own samples share the rest.
    """

    def __init__(self, fast_lr: float, granularity: float) -> None:
        self.fast_lr, self.granularity, self.means = fast_lr, granularity, [0.0, 0.0]

    def rate(self, x: np.ndarray, d: np.ndarray) -> float:
        """Return the rate for a mini-batch."""
        for i, values in enumerate((x, d)):
            tops = [max(abs(float(v)) for v in sample) for sample in values]
            now = math.fsum(tops) / len(tops)
            self.means[i] = 0.99 * self.means[i] + 0.01 * now if self.means[i] else now
        return self.fast_lr * self.granularity / (self.means[0] * self.means[1])


class Chop:
    """Signs of lines; line k flips after a read if `flip(k, reads since its last flip)`."""

    def __init__(self, n_in: int, flip) -> None:
        self.sign, self.reads, self.flips, self._flip = [1] * n_in, [0] * n_in, [0] * n_in, flip

    def after_read(self, k: int) -> bool:
        """Count a read of line k and return whether its sign flipped."""
        self.reads[k] += 1
        if not self._flip(k, self.reads[k]):
            return False
        self.sign[k], self.reads[k] = -self.sign[k], 0
        self.flips[k] += 1
        return True


class Agad:
    """``dv = c (v - before)``; ``mu += b (v - mu)``; at a flip ``before = mu``; first period 0."""

    def __init__(self, shape: tuple[int, int], period: int, tail: float) -> None:
        self.mu, self.before = np.zeros(shape), np.zeros(shape)
        self.b = min(tail / period, 1.0)

    def signal(self, chop: Chop, k: int, v: list[float]) -> list[float]:
        """Return what goes into the buffer."""
        out = [chop.sign[k] * (one - self.before[k, j]) for j, one in enumerate(v)]
        if chop.flips[k] == 0:
            out = [0.0] * len(v)
        for j, one in enumerate(v):
            self.mu[k, j] = (1 - self.b) * self.mu[k, j] + self.b * one
        if chop.after_read(k):
            self.before[k] = self.mu[k]
        return out


class Tracking:
    """``dv = c (v - Q)``; ``Q = (1 - eta) Q + eta v`` at each read, or with choppers at flips."""

    def __init__(self, shape: tuple[int, int], eta: float, chopped: bool) -> None:
        self.Q, self.eta, self.chopped = np.zeros(shape), eta, chopped

    def signal(self, chop: Chop, k: int, v: list[float]) -> list[float]:
        """Return what goes into the buffer."""
        out = [chop.sign[k] * (one - self.Q[k, j]) for j, one in enumerate(v)]
        if chop.after_read(k) or not self.chopped:
            for j, one in enumerate(v):
                self.Q[k, j] = (1 - self.eta) * self.Q[k, j] + self.eta * one
        return out
