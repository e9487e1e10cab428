"""What an algorithm is: how the layers of a network turn gradients into pulses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from feemu import rng
from feemu.array import Ledger, Reading, SynapseArray
from feemu.devices import DeviceTables
from feemu.params import Record

#: Arrays of layer l are numbered from ``l * ARRAYS_PER_LAYER``.
ARRAYS_PER_LAYER = 16


@dataclass(frozen=True)
class LayerSpec:
    """What a layer is built from.

    Parameters
    ----------
    index : int
        Number of the layer within the network.
    shape : (int, int)
        Inputs (with the bias row) and outputs.
    tables : DeviceTables
        The device.
    omega : float
        Weight scale.
    seed, device_seed : int
        Seeds of the run and of the device draw.
    initial : ndarray of float32, shape `shape`
        Initial weights that are asked for.
    reading : Reading
        Periphery of reads.
    """

    index: int
    shape: tuple[int, int]
    tables: DeviceTables
    omega: float
    seed: int
    device_seed: int
    initial: np.ndarray
    reading: Reading

    def array(self, number: int = 0, omega: float | None = None, **options) -> SynapseArray:
        """Return array `number` of this layer.

        Raises
        ------
        ValueError
            If the nominal device has no step in one direction: requests have no unit of pulses.
        """
        if not self.tables.granularity > 0:
            raise ValueError(
                f"device {self.tables.name!r}: granularity {self.tables.granularity:g}: algorithms "
                "count in steps, so the nominal device must step both up and down at weight zero"
            )
        return SynapseArray(
            self.shape,
            options.pop("tables", self.tables),
            omega=self.omega if omega is None else omega,
            seed=self.seed,
            device_seed=self.device_seed,
            array_id=self.index * ARRAYS_PER_LAYER + number,
            reading=self.reading,
            **options,
        )


@dataclass(frozen=True)
class Algorithm(Record):
    """Base of training algorithms: a frozen record of hyper-parameters that builds layers.

    A subclass sets `name`, `devices_per_weight` (reference cells of single synapses included),
    `digital_bits_per_weight` (memory that outlasts an update), and `search`: its own
    hyper-parameters with the values that a search tries. Where they depend on hyper-parameters
    the first two are properties.

    The learning rate and its schedule belong to the case (`lr`, `lr_end`, `lr_period`). Gradients
    have no momentum: the sources use it in their digital baselines only. `momentum` of Tiki-Taka
    v2 and its successors is that of their buffer.
    """

    name: ClassVar[str] = ""
    devices_per_weight: ClassVar[int] = 1
    digital_bits_per_weight: ClassVar[int] = 0
    search: ClassVar[dict[str, tuple]] = {}

    @property
    def label(self) -> str:
        """Name shown in results; a variant may add to it."""
        return self.name

    def describe(self) -> str:
        """Return a text table of the hyper-parameters, headed by what a weight costs."""
        head, *rows = super().describe().splitlines()
        devices, bits = self.devices_per_weight, self.digital_bits_per_weight
        cost = f"{devices or 'no'} device{'s' * (devices != 1)} and {bits} bit of memory per weight"
        return "\n".join([f"{head}: {cost}", *rows])

    def build(self, spec: LayerSpec) -> ArrayLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights."""
        raise NotImplementedError


class ArrayLayer:
    """A layer whose weight is a signed sum of arrays, ``W = sum_k gamma_k W_k``."""

    def __init__(self, arrays: list[SynapseArray], gammas: list[float] | None = None) -> None:
        self.arrays = arrays
        self.gammas = [1.0] * len(arrays) if gammas is None else gammas
        #: Ledgers of arrays that were only used while calibrating.
        self.past: list[Ledger] = []
        #: What the layer keeps beside its arrays, by name: numbers that a checkpoint holds too.
        self.digital: dict[str, np.ndarray] = {}

    @property
    def weights(self) -> np.ndarray:
        """Visible weights, shape (n_in, n_out); an array with ``gamma = 0`` is not seen."""
        return self._sum(lambda array: array.weights)

    @property
    def trained_weights(self) -> np.ndarray:
        """Weights that training reads: `weights`, unless training happens outside the arrays."""
        return self.weights

    @property
    def weight_scale(self) -> float:
        """Weight at the end of the nominal range; NaN without arrays."""
        return self._total([array.omega for array in self.arrays])

    @property
    def granularity(self) -> float:
        """Weight change per pulse event at the symmetry point; NaN without arrays."""
        return self._total([array.granularity for array in self.arrays])

    def _total(self, values: list[float]) -> float:
        if not values:
            return float("nan")
        return sum(abs(gamma) * value for gamma, value in zip(self.gammas, values))

    @property
    def ledgers(self) -> list[Ledger]:
        """Ledgers of all arrays of this layer, past ones included."""
        return [*(array.ledger for array in self.arrays), *self.past]

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``x @ W``, shape (batch, n_out); an evaluation (not counted) is free."""
        kind = "forward" if counted else None
        return self._sum(lambda array: array.forward(x, kind))

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Return ``d @ W.T``, shape (batch, n_in)."""
        return self._sum(lambda array: array.backward(d))

    @cached_property
    def _seen(self) -> list[tuple[np.float32, SynapseArray]]:
        return [(np.float32(g), a) for g, a in zip(self.gammas, self.arrays) if g != 0.0]

    def _sum(self, read) -> np.ndarray:
        if len(self._seen) == 1 and self._seen[0][0] == 1.0:
            return read(self._seen[0][1])
        return sum(gamma * read(array) for gamma, array in self._seen)

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out the request ``-lr x^T d`` in place."""
        raise NotImplementedError

    def finish(self) -> None:
        """Do what comes after the last update of a training, in place; nothing by default."""

    def program_initial(
        self, spec: LayerSpec, start: np.ndarray | float = 0.0, arrays: slice = slice(None)
    ) -> None:
        """Program the initial weights by ``stochastic_round((w0 - start) / dw)`` pulses.

        `start` is the weight that the synapses have by what the controller knows; 0 where the
        fabricated or calibrated state is weight zero. `arrays` are those that are programmed.
        Counted under phase `init`.
        """
        dw = 2.0 * spec.omega * spec.tables.granularity
        k = rng.key(spec.seed, spec.index * ARRAYS_PER_LAYER, "rounding")
        u = rng.uniforms(k, 0, 0, spec.initial.size).reshape(spec.shape)
        counts = np.floor((spec.initial - start) / dw + u).astype(np.int64)
        for gamma, array in list(zip(self.gammas, self.arrays))[arrays]:
            with array.counting("init"):
                array.pulse_counts(counts if gamma > 0 else -counts)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Return copies of all that a checkpoint needs."""
        states = {}
        for i, array in enumerate(self.arrays):
            states |= {f"array{i}_{k}": v for k, v in array.state_dict().items()}
        for i, book in enumerate(self.past):
            states |= {f"past{i}_{k}": v.copy() for k, v in book.arrays().items()}
        return states | {name: values.copy() for name, values in self.digital.items()}

    def load_state_dict(self, saved: dict[str, np.ndarray]) -> None:
        """Continue from a `state_dict`, in place."""
        for i, array in enumerate(self.arrays):
            array.load_state_dict(_with_prefix(saved, f"array{i}_"))
        for i, book in enumerate(self.past):
            book.load(_with_prefix(saved, f"past{i}_"))
        for name, values in self.digital.items():
            values[...] = saved[name]


def _with_prefix(saved: dict, prefix: str) -> dict:
    return {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}
