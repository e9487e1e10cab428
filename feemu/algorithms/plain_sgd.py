"""Plain SGD: every sample's outer product is programmed by stochastic coincidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.params import param


@dataclass(frozen=True)
class PlainSGD(Algorithm):
    """Stochastic pulsed SGD (Gokmen & Vlasov 2016, doi:10.3389/fnins.2016.00333).

    Each sample requests ``-lr d x^T``; rows and columns fire at random and a synapse is pulsed
    where both meet. Expected pulses ``|lr d x| / dw``, in any state: an asymmetric device drifts
    to its symmetry point (Wu et al. 2024, arXiv:2406.12774).
    """

    name: ClassVar[str] = "plain_sgd"
    search: ClassVar[dict[str, tuple]] = {"bl_min": (1, 31)}

    bl_min: int = param(1, "1", "shortest pulse train [slots]", lo=1, hi=32, source="Gokmen 2017")
    bl_max: int = param(31, "1", "longest pulse train [slots]", lo=1, hi=32, source="aihwkit 1.2")
    managed: bool = param(
        True, doc="update management: equal largest probabilities", source="Gokmen 2017"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bl_min > self.bl_max:
            raise ValueError(
                f"{type(self).__name__}.bl_min = {self.bl_min}: must not exceed bl_max = "
                f"{self.bl_max}"
            )

    def build(self, spec: LayerSpec) -> PulsedLayer:
        """Return a layer that is fabricated and holds its initial weights."""
        layer = PulsedLayer(self, [spec.array()])
        layer.program_initial(spec)
        return layer


class PulsedLayer(ArrayLayer):
    """A layer that programs every sample's request on all of its arrays."""

    def __init__(self, algorithm: PlainSGD, arrays: list, gammas: list | None = None) -> None:
        super().__init__(arrays, gammas)
        self.algorithm = algorithm

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out the request ``-lr x^T d`` in place, sample by sample."""
        options = self.algorithm
        for gamma, array in zip(self.gammas, self.arrays):
            array.pulse_coincidence(
                x,
                d if gamma > 0 else -d,
                lr / len(self.arrays),
                bl_min=options.bl_min,
                bl_max=options.bl_max,
                managed=options.managed,
            )
