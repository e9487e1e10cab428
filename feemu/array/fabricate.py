"""The synapses of an array as fabricated: one draw of the device-to-device spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu import rng
from feemu.array import stepping as st

if TYPE_CHECKING:
    from feemu.devices import DeviceTables


def fabricate(
    shape: tuple[int, int], tables: DeviceTables, key: tuple, reference: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cells of a new array.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    tables : DeviceTables
        The device.
    key : tuple
        Key of the spread stream: property i is update i, its normals unit 0, its uniforms unit 1.
    reference : float
        Normalised conductance of weight zero [1].

    Returns
    -------
    cells : ndarray of float32, shape (n_in, n_out, 6)
        Fields as in `feemu.array.stepping`.
    variants : ndarray of uint8, shape (n_in, n_out), or (1, 1) with one variant only
    """
    n = shape[0] * shape[1]
    nodes = np.linspace(0.0, 1.0, len(tables.conductance))
    p_zero = float(np.interp(reference, tables.conductance[:, 0], nodes))
    draw = tables.spread.draw(
        shape,
        lambda i: rng.normals(key, i, 0, n).reshape(shape),
        lambda i: rng.uniforms(key, i, 1, n).reshape(shape),
        p_zero,
        tables.n_variants,
    )
    cells = np.empty((*shape, 6), np.float32)
    for field, values in (
        (st.P, draw.p_fab),
        (st.C_UP, draw.c_up),
        (st.C_DOWN, draw.c_down),
        (st.OFFSET, draw.offset),
        (st.SPAN, draw.span),
        (st.REFERENCE, reference),
    ):
        cells[..., field] = values
    return cells, draw.variant if tables.n_variants > 1 else np.zeros((1, 1), np.uint8)
