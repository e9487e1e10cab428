"""Multi-tile residual learning: the finest tile follows the gradient and hands it up."""

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
from feemu.algorithms.turns import UNITS, Turns
from feemu.params import param

#: Program of the authors of arXiv:2510.02516, its MNIST settings for four states.
PROGRAM = "github.com/kdhhewuciedu/AIMC"


@dataclass(frozen=True)
class MultiTile(Algorithm):
    """Multi-tile residual learning for devices of few states (Li et al. 2025, arXiv:2510.02516).

    ``W = sum_n gamma^n W_n``, tiles 0 to N - 1 of the same weight scale. The gradient always goes
    to the finest one, ``W_(N-1) <- pulsed(-fast_lr lr d x^T)``. Of a line read, ``v = W_n e_k``,
    and ``W_m <- pulsed(transfer_lr transfer_growth^n v e_k^T)``, whatever lr is. At first
    (warm start) the finest tile is read, every ``transfer_every transfer_ratio``, for tile
    m = 0, after training has levelled off for tile 1, and so on. When the last has, every tile n is
    read for tile n - 1, the finest every `transfer_every`, each coarser one `transfer_ratio` times
    less often.

    So in the authors' program (github.com/kdhhewuciedu/AIMC); the equations of the paper could not
    be read. It goes on when the loss of an epoch has not fallen. A layer sees no loss; here
    training has levelled off when the mean error that reaches the layer (mean ``|d|``, times the
    batch) over `window` images has not fallen by `gain` against the window before (assumed). A
    tile that is read must have its symmetry point at weight zero.
    """

    name: ClassVar[str] = "multi_tile"
    search: ClassVar[dict[str, tuple]] = {
        "gamma": (0.25, 0.5), "transfer_lr": (0.1, 1.0), "n_reads": (1, 8),
    }  # fmt: skip

    tiles: int = param(3, "1", "tiles, 7 in the authors' program", lo=1, hi=8, assumed=True)
    gamma: float = param(
        0.5, "1", "weight of a tile over the one before", lo=1e-6, hi=1.0, source=PROGRAM
    )
    fast_lr: float = param(
        1.0, "1", "rate of the finest tile over lr", lo=1e-9, hi=1e9, source=PROGRAM
    )
    transfer_lr: float = param(
        0.1, "1", "rate of transfers, times growth", lo=1e-9, hi=1e9, source=PROGRAM
    )
    transfer_growth: float = param(
        1.2, "1", "rate of a tile's transfer over that of the one before", lo=1e-3, hi=1e3,
        source=PROGRAM,
    )  # fmt: skip
    transfer_every: int = param(
        2, "1", "images or mini-batches between transfers", lo=1, hi=10**9, source=PROGRAM
    )
    transfer_ratio: int = param(
        5, "1", "how much less often a coarser tile is read", lo=1, hi=1000, source=PROGRAM
    )
    transfer_unit: str = param(
        "mini_batch", doc="what transfer_every counts", choices=UNITS, source=PROGRAM
    )
    n_reads: int = param(1, "1", "lines read per transfer", lo=1, hi=10**6, source=PROGRAM)
    window: int = param(1000, "1", "images that are averaged over", lo=1, hi=10**9, assumed=True)
    gain: float = param(
        0.05, "1", "fall of the error of what goes on learning", lo=0.0, hi=0.99, assumed=True
    )
    bl_max: int = param(31, "1", "longest pulse train [slots]", lo=1, hi=32, source="aihwkit 1.2")
    reference: str = param(
        "calibrated", doc="zero of tiles that are read: their symmetry points, or mid-range",
        choices=REFERENCES, assumed=True,
    )  # fmt: skip
    ideal: bool = ideal_param()
    n_pairs: int = pairs_param()
    sigma_copy: float = copy_param()

    @property
    def devices_per_weight(self) -> int:
        """Devices per weight: one for each tile, and reference cells of calibrated tiles."""
        return self.tiles + (self.tiles - 1 if self.reference == "calibrated" else 0)

    def build(self, spec: LayerSpec) -> MultiTileLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights in tile 0."""
        return MultiTileLayer(self, spec)


class MultiTileLayer(ArrayLayer):
    """Tiles, the coarsest first, and what has been handed up so far."""

    def __init__(self, algorithm: MultiTile, spec: LayerSpec) -> None:
        own, tiles = algorithm, range(algorithm.tiles)
        super().__init__([spec.array(n) for n in tiles], [own.gamma**n for n in tiles])
        self.algorithm = algorithm
        #: Tile that the finest one is read for; the number of tiles after the warm start.
        self.place = self.digital["place"] = np.zeros(1, np.int64)
        #: Images and summed error of this window, mean error of the window before.
        self.seen = self.digital["seen"] = np.array([0.0, 0.0, np.inf])
        #: Turns of the lines: while warming up, and of tiles 1 and up afterwards.
        powers = [1, *(own.tiles - 1 - n for n in tiles[1:])]
        often = [own.transfer_every * own.transfer_ratio**power for power in powers]
        self.turns = [self._turns(spec.shape[0], every) for every in often]
        for n, turns in enumerate(self.turns):
            self.digital[f"turns{n}"] = turns.place
        if own.reference == "calibrated":
            for array in self.arrays[1:]:
                self.past += zero_at_symmetry_point(own, spec, array)
        self.program_initial(spec, arrays=slice(1))

    def _turns(self, n_in: int, every: int) -> Turns:
        return Turns(n_in, every, self.algorithm.n_reads, self.algorithm.transfer_unit)

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Program the request on the finest tile, and hand up what is due, in place."""
        own, last = self.algorithm, len(self.arrays) - 1
        self.arrays[last].pulse_coincidence(x, d, own.fast_lr * lr, bl_max=own.bl_max)
        self._watch(d)
        warm = int(self.place[0])
        if warm > last:
            for n in range(last, 0, -1):
                self._hand_up(n, n - 1, self.turns[n], len(x))
        elif warm < last:
            self._hand_up(last, warm, self.turns[0], len(x))

    def _hand_up(self, n: int, to: int, turns: Turns, images: int) -> None:
        """Program readings of tile n on a coarser tile, if it is time."""
        own = self.algorithm
        if turns.due(images).size:
            v = self.arrays[n].forward(turns.one_hot, "transfer")
            rate = own.transfer_lr * own.transfer_growth**n
            self.arrays[to].pulse_coincidence(turns.one_hot, -v, rate, bl_max=own.bl_max)

    def _watch(self, d: np.ndarray) -> None:
        """Go on to the next tile when training has levelled off."""
        if self.place[0] == len(self.arrays):
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
