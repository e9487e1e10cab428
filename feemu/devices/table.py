"""Table: curves given by nodes, linear in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.params import param


@dataclass(frozen=True)
class Table(ResponseModel):
    """Step given at nodes of the state, linearly interpolated in between.

    Notes
    -----
    For measured curves, and for the PiecewiseStep device of aihwkit (Rasch et al., AICAS 2021,
    doi:10.1109/AICAS51828.2021.9458494). Sequences are kept as tuples of floats.

    Raises
    ------
    ValueError
        Unless ``nodes`` rises from 0 to 1 and both curves have a finite step >= 0 at each node.
    """

    name: ClassVar[str] = "table"
    nodes: tuple[float, ...] = param((0.0, 1.0), doc="states of the nodes, from 0 to 1")
    up: tuple[float, ...] = param((0.01, 0.01), doc="step up at the nodes", assumed=True)
    down: tuple[float, ...] = param((0.01, 0.01), doc="step down at the nodes", assumed=True)

    def __post_init__(self) -> None:
        for field in ("nodes", "up", "down"):
            object.__setattr__(self, field, _floats(field, getattr(self, field)))
        super().__post_init__()
        nodes = self.nodes
        if len(nodes) < 2 or nodes[0] != 0.0 or nodes[-1] != 1.0 or np.any(np.diff(nodes) <= 0):
            raise ValueError(
                "Table.nodes: must rise strictly from 0 to 1 with at least 2 nodes,"
                f" got {len(nodes)} nodes from {nodes[:1]} to {nodes[-1:]}"
            )
        for field in ("up", "down"):
            _check_curve(field, getattr(self, field), nodes)

    @classmethod
    def uniform(cls, up: Sequence[float], down: Sequence[float]) -> Table:
        """Return a table whose nodes lie at equal distances over the range."""
        return cls(np.linspace(0.0, 1.0, len(up)), up, down)

    @property
    def kinks(self) -> tuple[float, ...]:
        """The inner nodes."""
        return self.nodes[1:-1]

    def step_up(self, p: np.ndarray) -> np.ndarray:
        """Return the interpolated step up."""
        return np.interp(np.asarray(p, dtype=float), self.nodes, self.up)

    def step_down(self, p: np.ndarray) -> np.ndarray:
        """Return the interpolated step down."""
        return np.interp(np.asarray(p, dtype=float), self.nodes, self.down)


def _floats(field: str, values: Sequence[float]) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in values)
    except (TypeError, ValueError):
        raise TypeError(f"Table.{field}: must be a sequence of numbers, got {values!r}") from None


def _check_curve(field: str, curve: tuple[float, ...], nodes: tuple[float, ...]) -> None:
    if len(curve) != len(nodes):
        raise ValueError(f"Table.{field}: has {len(curve)} values for {len(nodes)} nodes")
    for p, step in zip(nodes, curve):
        if not (np.isfinite(step) and step >= 0.0):
            raise ValueError(f"Table.{field}: {step!r} at p = {p:g}: must be finite and >= 0")
