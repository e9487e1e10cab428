"""Multi-tile residual learning: tiles of falling weight, trained one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.algorithms.calibration import (
    copy_param,
    ideal_param,
    pairs_param,
    zero_at_symmetry_point,
)
from feemu.algorithms.transfer import REFERENCES
from feemu.params import param


@dataclass(frozen=True)
class MultiTile(Algorithm):
    """Multi-tile residual learning (Li et al. 2025, arXiv:2510.02516; reconstructed).

    ``W = sum_n gamma^n W_n``. Plain pulsed SGD trains tile 0 until it levels off, then the tile
    stays as it is and the next one, with steps gamma times as fine, learns what is left; the last
    one goes on. The paper's abstract could be read, its rule for switching not: here a tile has
    levelled off when the mean error that reaches the layer (mean ``|d|``, times the batch) over
    `window` images has not fallen by `gain` against the window before (assumed).
    """

    name: ClassVar[str] = "multi_tile"
    search: ClassVar[dict[str, tuple]] = {"gamma": (0.15, 0.4), "window": (500, 2000)}

    tiles: int = param(3, "1", "tiles", lo=1, hi=8, assumed=True)
    gamma: float = param(
        0.25, "1", "weight of a tile over the one before", lo=1e-6, hi=1.0, assumed=True
    )
    window: int = param(1000, "1", "images that are averaged over", lo=1, hi=10**9, assumed=True)
    gain: float = param(
        0.05, "1", "fall of the error that keeps a tile in training", lo=0.0, hi=0.99, assumed=True
    )
    bl_max: int = param(31, "1", "longest pulse train [slots]", lo=1, hi=32, source="aihwkit 1.2")
    reference: str = param(
        "none", doc="zero of each tile: the symmetry point of each synapse, or mid-range",
        choices=REFERENCES, assumed=True,
    )  # fmt: skip
    ideal: bool = ideal_param()
    n_pairs: int = pairs_param()
    sigma_copy: float = copy_param()

    @property
    def devices_per_weight(self) -> int:
        """Devices per weight: one for each tile, and their reference cells if calibrated."""
        return self.tiles * (2 if self.reference == "calibrated" else 1)

    def build(self, spec: LayerSpec) -> MultiTileLayer:
        """Return a layer that is fabricated and holds its initial weights in tile 0."""
        return MultiTileLayer(self, spec)


class MultiTileLayer(ArrayLayer):
    """Tiles of weight scale ``omega gamma^n``, one of them in training."""

    def __init__(self, algorithm: MultiTile, spec: LayerSpec) -> None:
        scales = [spec.omega * algorithm.gamma**n for n in range(algorithm.tiles)]
        super().__init__([spec.array(n, omega=scale) for n, scale in enumerate(scales)])
        self.algorithm = algorithm
        #: Tile in training.
        self.place = self.digital["place"] = np.zeros(1, np.int64)
        #: Images and summed error of this window, mean error of the window before.
        self.seen = self.digital["seen"] = np.array([0.0, 0.0, np.inf])
        if algorithm.reference == "calibrated":
            for array in self.arrays:
                self.past += zero_at_symmetry_point(algorithm, spec, array)
        self.program_initial(spec, arrays=slice(1))

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Carry out the request ``-lr x^T d`` on the tile in training, in place."""
        array = self.arrays[int(self.place[0])]
        array.pulse_coincidence(x, d, lr, bl_max=self.algorithm.bl_max)
        self._watch(d)

    def _watch(self, d: np.ndarray) -> None:
        """Go on to the next tile when this one has levelled off."""
        if self.place[0] + 1 == len(self.arrays):
            return
        self.seen[:2] += len(d), len(d) * float(np.abs(d).sum(dtype=np.float64))
        self.arrays[0].count_digital(32, mac=d.size)
        if self.seen[0] < self.algorithm.window:
            return
        mean = self.seen[1] / self.seen[0]
        if mean > (1 - self.algorithm.gain) * self.seen[2]:
            self.place += 1
            mean = np.inf
        self.seen[:] = 0.0, 0.0, mean
