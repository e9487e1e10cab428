"""The response models as a fit sees them: which numbers are free, on which scale, within what."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from feemu.devices import MODELS, ResponseModel, Table

#: Nodes of the table model.
NODES = 9
_TINY = 1e-5


@dataclasses.dataclass(frozen=True)
class Shape:
    """A response model with its free parameters.

    Attributes
    ----------
    name : str
        Name of the model in `feemu.devices.MODELS`.
    free : tuple of str
        Free parameters; those in `logs` are fitted as logarithms.
    logs : frozenset of str
        Which are.
    scales : tuple of (str, str)
        The two parameters that multiply the step up and down.
    gauge : bool
        True where no curvature fixes the ends of the range, so that they are held near the ends
        of the measured levels.
    fixed : str
        What the fit holds fixed, in words for the report.
    build : callable
        From a dict of free parameters to the model.
    bounds : dict
        Lowest and highest value of each free parameter.
    """

    name: str
    free: tuple[str, ...]
    logs: frozenset
    scales: tuple[str, str]
    gauge: bool
    fixed: str
    build: Callable[[dict], ResponseModel]
    bounds: dict

    def values(self, x: np.ndarray) -> dict:
        """Return free parameters from the fit's own scale."""
        pairs = zip(self.free, x[: len(self.free)])
        return {n: math.exp(v) if n in self.logs else float(v) for n, v in pairs}

    def internal(self, values: dict) -> np.ndarray:
        """Return the fit's own scale from free parameters."""
        return np.array([math.log(values[n]) if n in self.logs else values[n] for n in self.free])

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Return lowest and highest values on the fit's own scale."""
        return self.internal({n: b[0] for n, b in self.bounds.items()}), self.internal(
            {n: b[1] for n, b in self.bounds.items()}
        )

    def model(self, x: np.ndarray) -> ResponseModel:
        """Return the response model at a point of the fit's own scale."""
        return self.build(self.values(x))


def _declared(name: str, free: tuple[str, ...], logs: frozenset, tighter: dict) -> dict:
    """Return the bounds of free parameters from the model's own record."""
    fields = {f.name: f.metadata["param"] for f in dataclasses.fields(MODELS[name])}
    bounds = {}
    for n in free:
        lo, hi = tighter.get(n, (-math.inf, math.inf))
        lo, hi = max(lo, fields[n]["lo"]), min(hi, fields[n]["hi"])
        bounds[n] = (max(lo, _TINY) if n in logs else lo, hi)
    return bounds


def _plain(name: str, shapes: tuple[str, ...], gauge: bool, fixed: str, **tighter) -> Shape:
    free, logs = ("A_up", "A_down", *shapes), frozenset(("A_up", "A_down"))
    bounds = _declared(name, free, logs, tighter)
    build = MODELS[name]
    return Shape(name, free, logs, ("A_up", "A_down"), gauge, fixed, lambda v: build(**v), bounds)


def _exponential(values: dict) -> ResponseModel:
    up, down = values["gamma_up"], values["gamma_down"]
    return MODELS["exponential"](
        **values, A_up=math.exp(-up / 2), A_down=math.exp(-down / 2), a=0.5, b=0.0
    )


def _table(values: dict) -> ResponseModel:
    nodes = np.linspace(0.0, 1.0, NODES)
    return Table(
        nodes,
        [values[f"up_{i}"] for i in range(NODES)],
        [values[f"down_{i}"] for i in range(NODES)],
    )


_ENDS = "the ends of the range are held near those of the measured levels: no curvature shows them"
_NODES = tuple(f"{d}_{i}" for d in ("up", "down") for i in range(NODES))
_FREE = ("s_up", "s_down", "gamma_up", "gamma_down")

#: The response models that can be fitted, simplest first.
SHAPES = {
    "constant": _plain("constant", (), True, _ENDS),
    "soft_bounds": _plain("soft_bounds", (), False, ""),
    "linear": _plain(
        "linear", ("gamma_up", "gamma_down"), True, _ENDS, gamma_up=(-20, 1), gamma_down=(-20, 1)
    ),
    "exponential": Shape(
        "exponential",
        _FREE,
        frozenset(_FREE),
        ("s_up", "s_down"),
        False,
        "a = 0.5, b = 0 and A = exp(-gamma/2), so that steps vanish at the ends of the range",
        _exponential,
        _declared(
            "exponential", _FREE, frozenset(_FREE),
            {"gamma_up": (0.1, 100), "gamma_down": (0.1, 100)},
        ),
    ),
    "power": _plain(
        "power", ("g_up", "g_down"), False,
        "exponents of at least 0.4: the tables of an array resolve no smaller one",
        g_up=(0.4, 12), g_down=(0.4, 12),
    ),
    "beta": _plain(
        "beta", ("a_up", "b_up", "a_down", "b_down"), False,
        "exponents of at least 1: the step vanishes at both ends of the range",
        **dict.fromkeys(("a_up", "b_up", "a_down", "b_down"), (1.0, 12.0)),
        A_up=(_TINY, 100.0), A_down=(_TINY, 100.0),
    ),
    "table": Shape(
        "table", _NODES, frozenset(_NODES), ("up_0", "down_0"), True, _ENDS, _table,
        dict.fromkeys(_NODES, (_TINY, 1.0)),
    ),
}  # fmt: skip
