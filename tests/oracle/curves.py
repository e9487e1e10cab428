"""Step curves and conductance maps of the oracle: a table walked by hand, or the exact function."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np


class TableCurves:
    """Mean and spread of a step by linear interpolation in a table.

    Parameters
    ----------
    steps : array_like, shape (kinds, variants, n + 1, 4)
        Per node: m, difference of m to the next node, sd, difference of sd (last node: 0).
    precision : {"float32", "float64"}
        Type in which every single operation is rounded.
    """

    def __init__(self, steps: np.ndarray, precision: str = "float32") -> None:
        self.real = _real(precision)
        self.steps = np.asarray(steps)
        if self.steps.ndim != 4 or self.steps.shape[3] != 4 or self.steps.shape[2] < 2:
            raise ValueError(
                f"steps: shape {self.steps.shape}, expected (kinds, variants, n + 1, 4) with n >= 1"
            )

    @property
    def n_kinds(self) -> int:
        """Number of pulse kinds."""
        return self.steps.shape[0]

    def __call__(self, kind: int, variant: int, p: float) -> tuple:
        """Return (m, sd) at state p."""
        table = self.steps[kind, variant]
        node, part = _place(p, len(table) - 1, self.real)
        m, dm, sd, dsd = (self.real(v) for v in table[node])
        return m + part * dm, sd + part * dsd


class ExactCurves:
    """Mean and spread of a step from functions, without a table.

    Parameters
    ----------
    functions : nested sequence [kind][variant] of callables
        Each maps a float p to (m, sd).
    """

    def __init__(self, functions: Sequence[Sequence[Callable]]) -> None:
        self.functions = functions

    @property
    def n_kinds(self) -> int:
        """Number of pulse kinds."""
        return len(self.functions)

    def __call__(self, kind: int, variant: int, p: float) -> tuple[float, float]:
        """Return (m, sd) at state p."""
        return self.functions[kind][variant](float(p))


def tabulated(functions: Sequence[Sequence[Callable]], n: int = 1000) -> np.ndarray:
    """Return the float32 table, shape (kinds, variants, n + 1, 4), of functions p -> (m, sd).

    Node values are rounded to float32 first, differences are taken between the rounded values.
    """
    table = np.zeros((len(functions), len(functions[0]), n + 1, 4), dtype=np.float32)
    for k, variants in enumerate(functions):
        for v, function in enumerate(variants):
            for i in range(n + 1):
                table[k, v, i, 0], table[k, v, i, 2] = function(i / n)
    table[:, :, :-1, 1] = table[:, :, 1:, 0] - table[:, :, :-1, 0]
    table[:, :, :-1, 3] = table[:, :, 1:, 2] - table[:, :, :-1, 2]
    return table


def with_noise(step: Callable, relative: float = 0.0, absolute: float = 0.0) -> Callable:
    """Return p -> (m, sd) with sd the root of the squares of both noises."""

    def curve(p: float) -> tuple[float, float]:
        m = step(p)
        return m, math.hypot(relative * m, absolute)

    return curve


def constant(size: float) -> Callable:
    """Return the step function of a state-independent step."""
    return lambda p: size


def soft_bounds(size: float, up: bool) -> Callable:
    """Return size (1 - p) for up pulses, size p for down pulses."""
    return (lambda p: size * (1.0 - p)) if up else (lambda p: size * p)


def beta(size: float, a: float, b: float) -> Callable:
    """Return size q^(a-1) (1-q)^(b-1) with q = p limited to [.01, .99]."""

    def step(p: float) -> float:
        q = min(max(p, 0.01), 0.99)
        return size * q ** (a - 1.0) * (1.0 - q) ** (b - 1.0)

    return step


def linear_conductance(p: float) -> float:
    """Return g = p."""
    return float(p)


def exponential_conductance(ratio: float) -> Callable:
    """Return p -> (r^p - 1) / (r - 1), the exponential map with on/off ratio r."""
    return lambda p: (ratio ** float(p) - 1.0) / (ratio - 1.0)


def table_conductance(table: np.ndarray, precision: str = "float64") -> Callable:
    """Return g(p) by linear interpolation in a table, shape (n + 1, 2): g and its difference."""
    real = _real(precision)

    def g(p: float) -> float:
        node, part = _place(p, len(table) - 1, real)
        return float(real(table[node, 0]) + part * real(table[node, 1]))

    return g


def _place(p: float, n: int, real: type) -> tuple:
    position = real(p) * real(n)
    node = min(int(position), n)
    return node, position - real(node)


def _real(precision: str) -> type:
    if precision not in ("float32", "float64"):
        raise ValueError(f"precision {precision!r}: must be 'float32' or 'float64'")
    return np.float32 if precision == "float32" else np.float64
