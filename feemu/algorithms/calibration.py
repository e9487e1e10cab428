"""Calibration procedures: walk to the symmetry point, copy a reference, trim a ratio.

Every pulse and read of them runs through the array and its ledger.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from feemu import rng
from feemu.algorithms.base import ARRAYS_PER_LAYER, Algorithm, LayerSpec
from feemu.array import Ledger, SynapseArray
from feemu.array.plan import DOWN
from feemu.devices import DeviceTables
from feemu.params import param

Cells = tuple[np.ndarray, np.ndarray]
#: Reference cells of array number k of a layer are array number ``REFERENCE_ARRAY + k``.
REFERENCE_ARRAY = 8


def codes_of(shape: tuple[int, int], cells: Cells | None) -> tuple:
    """Return (rows, ptr, codes) of one potentiation pulse on every listed cell, or on all."""
    counts = np.zeros(shape, np.int64)
    counts[cells if cells is not None else ...] = 1
    per_row = counts.sum(axis=1)
    rows = np.flatnonzero(per_row).astype(np.uint32)
    ptr = np.concatenate([[0], np.cumsum(per_row[rows])]).astype(np.int64)
    return rows, ptr, np.nonzero(counts)[1].astype(np.uint32)


def alternate(array: SynapseArray, n_pairs: int, cells: Cells | None = None) -> None:
    """Pulse the cells up and down in turn, `n_pairs` times, in place.

    The pairs end in the direction whose two-cycle lies nearer to the symmetry point on the
    nominal curves (one full step apart from the other end).
    """
    rows, ptr, up = codes_of(array.shape, cells)
    pair = (up, up | DOWN)
    if last_direction(array.tables) == "up":
        pair = pair[::-1]
    for _ in range(n_pairs):
        for codes in pair:
            array.pulse_list(rows, ptr, codes)


def last_direction(tables: DeviceTables) -> str:
    """Return the direction, 'up' or 'down', in which alternating pulses end with smaller bias."""
    point = tables.symmetry_point
    if np.isnan(point):
        return "down"
    nodes = np.linspace(0.0, 1.0, tables.steps.shape[2])
    up, down = (tables.steps[k, 0, :, 0].astype(np.float64) for k in (0, 1))
    p = point
    for _ in range(2000):
        top = min(p + np.interp(p, nodes, up), 1.0)
        p = max(top - np.interp(top, nodes, down), 0.0)
    return "down" if abs(p - point) <= abs(top - point) else "up"


def copy_reference(
    spec: LayerSpec, array: SynapseArray, g: np.ndarray | float, sigma: float
) -> Ledger:
    """Set the array's reference to `g` as a written reference cell holds it; returns the cost.

    Reference cells are an array of the same device: pulses bring each from its fabricated state
    towards `g` (an open loop at the nominal granularity), one verify read each. The value
    taken over is ``g + N(0, sigma^2)``, one draw per reference cell.
    """
    shape = array.shape if np.ndim(g) else (1, 1)
    k = rng.key(array.seed, array.array_id, "reference")
    z = rng.normals(k, 0, 0, shape[0] * shape[1]).reshape(shape)
    target = np.broadcast_to(np.asarray(g, np.float32), shape)
    taken = target + np.float32(sigma) * z
    array.set_reference(taken if np.ndim(g) else float(taken[0, 0]))
    number = REFERENCE_ARRAY + array.array_id % ARRAYS_PER_LAYER
    cells = dataclasses.replace(spec, shape=shape).array(number)
    counts = np.rint((target - cells.conductance) / spec.tables.granularity).astype(np.int64)
    with cells.counting("calibration"):
        cells.pulse_counts(counts)
        cells.read_cells("verify")
    return cells.ledger


def ideal_param() -> Any:
    """Return the hyper-parameter ``ideal`` of an algorithm that calibrates."""
    return param(False, doc="exact reference, free of cost, for comparison", source="feemu's own")


def pairs_param() -> Any:
    """Return the hyper-parameter ``n_pairs`` of an algorithm that calibrates."""
    return param(
        100, "1", "alternating pulse pairs of the calibration", lo=1, hi=100_000, assumed=True
    )


def copy_param() -> Any:
    """Return the hyper-parameter ``sigma_copy`` of an algorithm that calibrates."""
    return param(
        float("nan"), "1", "error of the reference [range]; NaN: s*/sqrt(12)", lo=0.0, hi=1.0,
        nan_ok=True, source="feemu's own: the rounding to a step of the cell",
    )  # fmt: skip


def copy_error(spec: LayerSpec, sigma_copy: float) -> float:
    """Return the error of a written reference [range]; NaN stands for ``s* / sqrt(12)``."""
    return spec.tables.granularity / np.sqrt(12.0) if np.isnan(sigma_copy) else sigma_copy


def zero_at_symmetry_point(
    algorithm: Algorithm, spec: LayerSpec, array: SynapseArray
) -> list[Ledger]:
    """Bring every synapse to its symmetry point and make that weight zero, in place.

    The algorithm's `n_pairs` alternating pulses, one read, and a copy to the synapse's reference
    cell with error `sigma_copy`, all under phase `calibration`; `ideal` does it exactly and free
    of cost.

    Returns
    -------
    list of Ledger
        What the reference cells cost.
    """
    if algorithm.ideal:
        array.set_state(symmetry_points(array))
        array.set_reference(array.conductance)
        return []
    with array.counting("calibration"):
        alternate(array, algorithm.n_pairs)
        g = array.read_cells("calibration")
    return [copy_reference(spec, array, g, copy_error(spec, algorithm.sigma_copy))]


def symmetry_points(array: SynapseArray) -> np.ndarray:
    """Return the state where each synapse's own steps balance, shape (n_in, n_out).

    Solves ``c_up f(p) = c_down h(p)`` on the curves of the synapse's variant; a synapse without a
    crossing gets the end of the range towards which it drifts, one whose steps balance over an
    interval the state there that is nearest 0.5.
    """
    c_up, c_down = array.step_scales
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.nan_to_num(np.log(c_down.astype(np.float64) / c_up), nan=0.0)
    out = np.empty(array.shape, np.float32)
    for variant in range(array.n_variants):
        own = array.variants == variant
        out[own] = _balance(array.tables.steps[:, variant, :, 0].astype(np.float64), wanted[own])
    return out


def _balance(steps: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the states where the logarithm of step up over step down is `wanted`."""
    nodes, (up, down) = np.linspace(0.0, 1.0, steps.shape[1]), steps[:2]
    inner = (up > 0) & (down > 0)
    ratio = np.minimum.accumulate(np.log(up[inner] / down[inner]))
    p = np.interp(-wanted, -ratio, nodes[inner])
    left = np.interp(wanted, ratio[::-1], nodes[inner][::-1])
    p = np.where(p - left > 1e-9, np.clip(0.5, left, p), p)
    return np.where(wanted > ratio[0], 0.0, np.where(wanted < ratio[-1], 1.0, p))


def trim_ratio(array: SynapseArray, cells: Cells) -> float:
    """Return ``sqrt(h / f)`` at weight zero, estimated from pulses and reads on some cells.

    Every other cell gets one pulse up, the rest one down, each read before and after: a second
    pulse would start elsewhere, and many would walk to the symmetry point, where the ratio is
    one. Where pulses have no effect on the mean the estimate is one.
    """
    mean = np.zeros(2)
    for k in (0, 1):
        part = cells[0][k::2], cells[1][k::2]
        if part[0].size == 0:
            continue
        rows, ptr, up = codes_of(array.shape, part)
        before = array.read_cells("calibration", part)
        array.pulse_list(rows, ptr, up | DOWN if k else up)
        after = array.read_cells("calibration", part)
        mean[k] = np.mean(after.astype(np.float64) - before) * (1, -1)[k]
    return float(np.sqrt(mean[1] / mean[0])) if mean.min() > 0 else 1.0


def trimmed(tables: DeviceTables, ratio: float | None = None) -> DeviceTables:
    """Return the device with steps up times `ratio` and down over it (default: exact).

    The granularity becomes the geometric mean step at weight zero.
    """
    nodes = np.linspace(0.0, 1.0, tables.steps.shape[2])
    up, down = (np.interp(tables.p_zero, nodes, tables.steps[k, 0, :, 0]) for k in (0, 1))
    exact = float(np.sqrt(down / up))
    r = exact if ratio is None else ratio
    gain = np.where(tables.signs > 0, r, 1.0 / r).astype(np.float32)
    zero, nodes_g = tables.p_zero, np.linspace(0.0, 1.0, len(tables.conductance))
    slope = float(np.interp(zero, nodes_g, tables.conductance[:, 1]) * (len(nodes_g) - 1))
    return dataclasses.replace(
        tables,
        steps=tables.steps * gain[:, None, None, None],
        granularity_p=float(np.sqrt(up * down)),
        symmetry_point=zero if ratio is None else float("nan"),
        g_slope=1.0 if tables.linear else slope,
        caveats=(*tables.caveats, f"step ratio trimmed by {r:.3g} (assumed possible)"),
    )
