"""What algorithms with a fast and a slow array share: gradients go to A, readings of A to C."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu._numba import jit
from feemu.algorithms.base import Algorithm, ArrayLayer, LayerSpec
from feemu.algorithms.buffer import Buffer
from feemu.algorithms.calibration import (
    copy_param,
    ideal_param,
    pairs_param,
    zero_at_symmetry_point,
)
from feemu.algorithms.chopper import Chopper
from feemu.algorithms.turns import UNITS, Turns
from feemu.params import param

#: Share of the past in the running means of max |x| and max |d|.
KEPT = 0.99
#: What the fast array's rate counts in.
FAST_RATES = ("times_lr", "absolute", "auto")
REFERENCES = ("calibrated", "none")


@jit
def average_largest(x, d, kept, means):
    """Follow each sample's max |x| and max |d| by running means, in place; returns their product.

    A mini-batch counts once, by the mean over its samples.
    """
    sum_x, sum_d = 0.0, 0.0
    for b in range(x.shape[0]):
        top_x, top_d = 0.0, 0.0
        for i in range(x.shape[1]):
            top_x = max(top_x, abs(np.float64(x[b, i])))
        for j in range(d.shape[1]):
            top_d = max(top_d, abs(np.float64(d[b, j])))
        sum_x, sum_d = sum_x + top_x, sum_d + top_d
    sum_x, sum_d = sum_x / x.shape[0], sum_d / x.shape[0]
    means[0] = kept * means[0] + (1.0 - kept) * sum_x if means[0] > 0 else sum_x
    means[1] = kept * means[1] + (1.0 - kept) * sum_d if means[1] > 0 else sum_d
    return means[0] * means[1]


@dataclass(frozen=True)
class TransferAlgorithm(Algorithm):
    """Base of algorithms with a fast array A and a slow array C.

    Every sample is programmed on A by stochastic coincidence, at rate `fast_lr` times lr
    (``times_lr``), as it is (``absolute``, visible-weight units), or in units of the rate at
    which the largest request of an average sample is one pulse (``auto``). Every
    `transfer_every` images or mini-batches (`transfer_unit`) the next `n_reads` input lines of A
    are read in turn, each by one vector read with a one-hot input, and moved to C at a rate that
    holds lr. Papers that write weights as (outputs, inputs) call a line a column.

    Notes
    -----
    Transfers that fall due within a mini-batch come after it, a line at most once. aihwkit 1.2
    puts them between its samples. Both read as many lines; a line sees some samples earlier.
    """

    #: Share of A in the visible weight; a hyper-parameter where A is seen.
    gamma: ClassVar[float] = 0.0

    fast_lr: float = param(
        1.0, "1", "rate of A, see fast_rate", lo=1e-9, hi=1e9, source="aihwkit 1.2"
    )
    fast_rate: str = param(
        "times_lr", doc="what fast_lr counts in", choices=FAST_RATES, source="aihwkit 1.2"
    )
    transfer_lr: float = param(
        1.0, "1", "rate of the transfer over lr", lo=1e-9, hi=1e9, source="aihwkit 1.2"
    )
    transfer_every: int = param(
        1, "1", "images or mini-batches between transfers", lo=1, hi=10**9, source="aihwkit 1.2"
    )
    transfer_unit: str = param(
        "mini_batch", doc="what transfer_every counts", choices=UNITS,
        source="units_in_mbatch of aihwkit 1.2",
    )  # fmt: skip
    n_reads: int = param(
        1, "1", "lines of A read per transfer", lo=1, hi=10**6, source="aihwkit 1.2"
    )
    bl_max: int = param(31, "1", "longest pulse train [slots]", lo=1, hi=32, source="aihwkit 1.2")
    reference: str = param(
        "calibrated", doc="zero of A: the symmetry point of each synapse, or mid-range",
        choices=REFERENCES, source="Gokmen & Haensch 2020",
    )  # fmt: skip
    ideal: bool = ideal_param()
    n_pairs: int = pairs_param()
    sigma_copy: float = copy_param()

    @property
    def devices_per_weight(self) -> int:
        """Devices per weight: A, C, and the reference cell of a calibrated A."""
        return 3 if self.reference == "calibrated" else 2


class TransferLayer(ArrayLayer):
    """A slow array C (number 0) and a fast one A (number 1), ``W = C + gamma A``.

    A subclass says in `transfer` what happens with the lines that were read.
    """

    def __init__(
        self, algorithm: TransferAlgorithm, spec: LayerSpec, chopper: Chopper | None = None
    ) -> None:
        self.slow, self.fast = spec.array(0), spec.array(1)
        super().__init__([self.slow, self.fast], [1.0, float(algorithm.gamma)])
        self.algorithm, self.chopper = algorithm, chopper
        self.turns = Turns(
            spec.shape[0], algorithm.transfer_every, algorithm.n_reads, algorithm.transfer_unit
        )
        self.digital["place"] = self.turns.place
        #: Running means of max |x| and max |d|.
        self.largest = self.digital["largest"] = np.zeros(2)
        if chopper is not None:
            self.digital |= chopper.state()
        if algorithm.reference == "calibrated":
            self.past += zero_at_symmetry_point(algorithm, spec, self.fast)
        self.program_initial(spec, arrays=slice(1))

    def update(self, x: np.ndarray, d: np.ndarray, lr: float) -> None:
        """Program the request on A, sample by sample, and transfer if it is time, in place."""
        seen = x if self.chopper is None else x * self.chopper.signs
        rate = self._fast_lr(x, d, lr)
        self.fast.pulse_coincidence(seen, d, rate, bl_max=self.algorithm.bl_max)
        lines = self.turns.due(len(x))
        if lines.size:
            self.transfer(lines, self.fast.forward(self.turns.one_hot, "transfer"), lr)

    def transfer(self, lines: np.ndarray, v: np.ndarray, lr: float) -> None:
        """Move readings `v`, shape (lines, n_out), of some lines of A to C, in place."""
        raise NotImplementedError

    def _fast_lr(self, x: np.ndarray, d: np.ndarray, lr: float) -> float:
        """Return the rate of A in visible-weight units."""
        own = self.algorithm
        if own.fast_rate != "auto":
            return own.fast_lr * lr if own.fast_rate == "times_lr" else own.fast_lr
        # The search for the largest is that of the pulse trains, counted there.
        product = average_largest(x, d, KEPT, self.largest)
        return own.fast_lr * self.fast.granularity / product if product > 0 else 0.0


@dataclass(frozen=True)
class BufferedAlgorithm(TransferAlgorithm):
    """Base of those with a digital buffer between A and C, see `feemu.algorithms.buffer`.

    The threshold of one pulse is `threshold` granularities of A, times ``auto_period / P`` (if
    `auto_period` is not 0), P the images (or mini-batches) between two reads of a line: a line
    that is read less often counts for more.
    """

    digital_bits_per_weight: ClassVar[int] = 32
    search: ClassVar[dict[str, tuple]] = {"fast_lr": (0.5, 2.0, 8.0), "n_reads": (1, 8)}

    fast_lr: float = param(
        0.5, "1", "rate of A, see fast_rate", lo=1e-9, hi=1e9,
        source="fast_lr 0.1 x length 5 of aihwkit 1.2's build_config",
    )  # fmt: skip
    fast_rate: str = param(
        "auto", doc="what fast_lr counts in", choices=FAST_RATES, source="aihwkit 1.2 build_config"
    )
    threshold: float = param(
        1.0, "1", "threshold of the buffer in granularities", lo=1e-6, hi=1e6,
        source="thres_scale, buffer_granularity of aihwkit 1.2",
    )  # fmt: skip
    auto_period: float = param(
        1000.0, "1", "period of a line that the threshold is for; 0: any", lo=0.0, hi=1e9,
        source="auto_granularity of aihwkit 1.2 presets",
    )  # fmt: skip
    momentum: float = param(
        0.1, "1", "part of the buffer that stays after a pulse", lo=0.0, hi=1.0,
        source="aihwkit 1.2 default",
    )  # fmt: skip
    transfer_unit: str = param(
        "image", doc="what transfer_every counts", choices=UNITS,
        source="units_in_mbatch of aihwkit 1.2's build_config",
    )  # fmt: skip
    forget: bool = param(
        True, doc="reset the buffer after a pulse instead of subtracting", source="aihwkit 1.2"
    )
    max_pulses: int = param(
        1, "1", "most pulses of a synapse per transfer", lo=1, hi=1000, source="Gokmen 2021"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if 0 < self.auto_period < 1e-3:
            raise ValueError(
                f"{type(self).__name__}.auto_period = {self.auto_period:g}: allowed is 0 (any "
                "period) or 0.001 <= auto_period <= 1e+09"
            )


class BufferedLayer(TransferLayer):
    """A transfer layer whose readings go through a digital buffer to C."""

    def __init__(
        self, algorithm: BufferedAlgorithm, spec: LayerSpec, chopper: Chopper | None = None
    ) -> None:
        super().__init__(algorithm, spec, chopper)
        self.buffer = Buffer(spec.shape, algorithm.max_pulses, algorithm.momentum, algorithm.forget)
        self.digital["buffer"] = self.buffer.values
        ratio = algorithm.auto_period / self.turns.period if algorithm.auto_period else 1.0
        #: Reading of A [visible weight] that is worth one pulse at a transfer rate of one.
        self.threshold = algorithm.threshold * self.fast.granularity * ratio

    def transfer(self, lines: np.ndarray, v: np.ndarray, lr: float) -> None:
        """Add the readings to the buffer and program what passes the threshold, in place."""
        self.write(lines, self.signal(lines, v), lr)

    def signal(self, lines: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return what goes into the buffer for readings `v`, and keep its books, in place."""
        return v

    def write(self, lines: np.ndarray, v: np.ndarray, lr: float) -> None:
        """Send a signal through the buffer to C, in place."""
        ptr, codes = self.buffer.add(lines, v, lr * self.algorithm.transfer_lr / self.threshold)
        self.slow.pulse_list(lines, ptr, codes)
        self.slow.count_digital(32, mac=v.size, accumulator_rmw=v.size, compare=v.size)
