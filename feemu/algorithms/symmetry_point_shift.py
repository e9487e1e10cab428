"""Symmetry point shifting: plain SGD on arrays whose symmetry point lies at weight zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from feemu.algorithms.base import LayerSpec
from feemu.algorithms.calibration import (
    alternate,
    copy_error,
    copy_param,
    copy_reference,
    ideal_param,
    pairs_param,
    symmetry_points,
    trim_ratio,
    trimmed,
    zero_at_symmetry_point,
)
from feemu.algorithms.plain_sgd import PlainSGD, PulsedLayer
from feemu.params import param

VARIANTS = ("reference", "global", "trim", "push_pull", "none")


@dataclass(frozen=True)
class SymmetryPointShift(PlainSGD):
    """Plain SGD after moving the symmetry point to weight zero (Kim et al. 2019, arXiv:1907.10228).

    Garg et al. 2025 (arXiv:2509.18121) report that the shift restores plain SGD; how they move it
    is not readable, so these variants are feemu's reading of it (reconstructed):

    - ``reference``: every synapse walks to its symmetry point under `n_pairs` alternating pulses
      and its conductance is copied to its own reference cell.
    - ``global``: the same on `n_cal` synapses; their mean is the reference of the whole array.
    - ``trim``: step ratios are trimmed so that the nominal symmetry point lies at weight zero,
      estimated on `n_cal` synapses by one pulse each, half of them down; energy is counted at
      the untrimmed amplitude (assumed).
    - ``push_pull``: weight = difference of two devices that are pulsed in opposite directions
      and read as a pair, with one conversion; no calibration.
    - ``none``: plain SGD, for a comparison that differs by nothing else.

    Calibration pulses and reads are simulated and counted under phase `calibration`. `ideal` puts
    the exact symmetry point of every synapse in place at no cost.
    """

    name: ClassVar[str] = "symmetry_point_shift"

    variant: str = param("reference", doc="how the point is moved", choices=VARIANTS, assumed=True)
    ideal: bool = ideal_param()
    n_pairs: int = pairs_param()
    n_cal: int = param(
        128, "1", "synapses calibrated for global and trim", lo=1, hi=10**6, assumed=True
    )
    trim_step: float = param(
        0.01, "1", "resolution of the trimmed ratio", lo=1e-9, hi=1.0, assumed=True
    )
    sigma_copy: float = copy_param()

    @property
    def devices_per_weight(self) -> int:
        """Devices per weight: two of a pair, or a synapse and its own reference cell."""
        return 2 if self.variant in ("push_pull", "reference") else 1

    @property
    def label(self) -> str:
        """Name of the algorithm with its variant, as shown in results."""
        return f"shift_{self.variant}" + ("_ideal" if self.ideal else "")

    def build(self, spec: LayerSpec) -> PulsedLayer:
        """Return a layer that is fabricated, calibrated and holds its initial weights."""
        layer = getattr(self, f"_{self.variant}")(spec)
        layer.program_initial(spec, self._start(layer, spec))
        return layer

    def _start(self, layer: PulsedLayer, spec: LayerSpec) -> np.ndarray | float:
        """Return the nominal weights before the initial weights are programmed.

        With a global reference all but the calibrated synapses still stand where they were
        fabricated, beside it.
        """
        if self.variant != "global":
            return 0.0
        array = layer.arrays[0]
        g_ref = float(array.reference.mean(dtype=np.float64))
        start = np.full(spec.shape, 2.0 * spec.omega * (0.5 - g_ref))
        if not self.ideal:
            start[array.sample_cells(self.n_cal)] = 0.0
        return start

    def _none(self, spec: LayerSpec) -> PulsedLayer:
        return PulsedLayer(self, [spec.array()])

    def _push_pull(self, spec: LayerSpec) -> PulsedLayer:
        first = spec.array(0, omega=spec.omega / 2)
        second = spec.array(1, omega=spec.omega / 2, train_id=first.array_id)
        return PairLayer(self, [first, second], [1.0, -1.0])

    def _reference(self, spec: LayerSpec) -> PulsedLayer:
        layer = self._none(spec)
        layer.past += zero_at_symmetry_point(self, spec, layer.arrays[0])
        return layer

    def _global(self, spec: LayerSpec) -> PulsedLayer:
        layer = self._none(spec)
        array = layer.arrays[0]
        if self.ideal:
            array.set_reference(_conductance_at(array, symmetry_points(array)).mean())
            return layer
        rows, columns = array.sample_cells(self.n_cal)
        with array.counting("calibration"):
            alternate(array, self.n_pairs, (rows, columns))
            g = array.read_cells("calibration", (rows, columns))
        error = copy_error(spec, self.sigma_copy)
        layer.past.append(copy_reference(spec, array, np.float32(g.mean()), error))
        return layer

    def _trim(self, spec: LayerSpec) -> PulsedLayer:
        tables = spec.tables
        if self.ideal:
            return PulsedLayer(self, [spec.array(tables=trimmed(tables))])
        layer = self._none(spec)
        array = layer.arrays[0]
        with array.counting("calibration"):
            ratio = trim_ratio(array, array.sample_cells(self.n_cal))
        ratio = max(round(ratio / self.trim_step), 1) * self.trim_step
        array.set_device(trimmed(tables, ratio))
        return layer


class PairLayer(PulsedLayer):
    """Two arrays as differential pairs: trains that pulse a device up pulse the other down."""

    def __init__(self, algorithm: SymmetryPointShift, arrays: list, gammas: list) -> None:
        super().__init__(algorithm, arrays, gammas)
        arrays[0].pair_with(arrays[1])

    def forward(self, x: np.ndarray, counted: bool = True) -> np.ndarray:
        """Return ``x @ W``, shape (batch, n_out)."""
        return self.arrays[0].forward(x, "forward" if counted else None)

    def backward(self, d: np.ndarray) -> np.ndarray:
        """Return ``d @ W.T``, shape (batch, n_in)."""
        return self.arrays[0].backward(d)


def _conductance_at(array, p: np.ndarray) -> np.ndarray:
    before = array.state
    array.set_state(p)
    g = array.conductance
    array.set_state(before)
    return g
