"""The synapses of an array: state, spread, reference and visible weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from feemu import rng
from feemu.array import stepping as st
from feemu.array.fabricate import fabricate

if TYPE_CHECKING:
    from feemu.devices import DeviceTables


class Cells:
    """What an array is made of; what is done with it stands in `SynapseArray`.

    Attributes
    ----------
    shape : (int, int)
        Rows (inputs) and columns (outputs).
    omega : float
        Weight scale: visible weight ``w = 2 omega (g - g_ref)``.
    granularity : float
        ``dw = 2 omega s* g'(p*)``, the visible step that controllers count in.
    weights : ndarray of float32, shape `shape`
        Visible weights, kept up to date by every pulse.
    events : ndarray of uint32, shape `shape`
        Pulses that each synapse has seen.
    tables : DeviceTables
        The device.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        tables: DeviceTables,
        omega: float,
        device_seed: int,
        array_id: int,
        reference: float,
    ) -> None:
        if len(shape) != 2 or min(shape) < 1:
            raise ValueError(
                f"array shape {tuple(shape)}: must be (rows, columns), each at least 1"
            )
        if shape[0] * shape[1] >= 2**32:
            raise ValueError(
                f"array shape {tuple(shape)}: at most 2^32 - 1 synapses; split it into several"
            )
        if not np.isfinite(reference):
            raise ValueError(f"reference = {reference!r}: must be finite, 0.5 is mid-range")
        if not (np.isfinite(omega) and omega > 0):
            raise ValueError(f"weight scale omega = {omega!r}: must be positive and finite")
        self.shape, self.omega = (int(shape[0]), int(shape[1])), float(omega)
        self.array_id = int(array_id)
        self.device_seed = int(device_seed)
        k = rng.key(self.device_seed, self.array_id, "spread")
        self._cells, self._variants = fabricate(self.shape, tables, k, float(reference))
        self.events = np.zeros(self.shape, np.uint32)
        self.weights = np.empty(self.shape, np.float32)
        self._set_tables(tables)

    def _set_tables(self, tables: DeviceTables) -> None:
        self.tables = tables
        self.granularity = 2.0 * self.omega * tables.granularity
        self._refresh()

    def _refresh(self) -> None:
        st.refresh_weights(self._cells, self.weights, *self._curve(), self._scale)

    @property
    def _scale(self) -> np.float32:
        return np.float32(2.0 * self.omega)

    def _curve(self) -> tuple[np.ndarray, bool]:
        return self.tables.conductance, bool(self.tables.linear)

    @property
    def state(self) -> np.ndarray:
        """Switched fraction of every synapse [1], a copy, shape (n_in, n_out)."""
        return self._cells[..., st.P].copy()

    @property
    def conductance(self) -> np.ndarray:
        """Normalised conductance of every synapse [1], shape (n_in, n_out)."""
        return self._cells[..., st.OFFSET] + self._cells[..., st.SPAN] * self._g(self.state)

    @property
    def reference(self) -> np.ndarray:
        """Reference conductance of every synapse [1], a copy, shape (n_in, n_out)."""
        return self._cells[..., st.REFERENCE].copy()

    @property
    def step_scales(self) -> tuple[np.ndarray, np.ndarray]:
        """Step scales (up, down) of every synapse [1], copies, shape (n_in, n_out) each."""
        return self._cells[..., st.C_UP].copy(), self._cells[..., st.C_DOWN].copy()

    @property
    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Normalised conductance [1] of every synapse at p = 0 and at p = 1, copies."""
        low = self._cells[..., st.OFFSET].copy()
        return low, low + self._cells[..., st.SPAN]

    @property
    def variants(self) -> np.ndarray:
        """Curve variant that every synapse follows, shape (n_in, n_out), read-only."""
        return np.broadcast_to(self._variants, self.shape)

    def _g(self, p: np.ndarray) -> np.ndarray:
        curve, linear = self._curve()
        if linear:
            return p
        return np.interp(p, np.linspace(0, 1, len(curve)), curve[:, 0]).astype(np.float32)

    def set_state(self, p: np.ndarray) -> None:
        """Set every switched fraction [1]; no pulse is counted.

        Raises
        ------
        ValueError
            If `p` does not broadcast to the shape, or leaves [0, 1].
        """
        values = self._checked(p, "state")
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(
                f"state: values from {values.min()} to {values.max()}, allowed 0..1; clip them"
            )
        self._cells[..., st.P] = values
        self._refresh()

    def set_reference(self, g_ref: np.ndarray | float) -> None:
        """Set the reference conductance [1], one number or one per synapse.

        Write noise that stands in the visible weights stays there.
        """
        noise = self._standing_noise()
        self._cells[..., st.REFERENCE] = self._checked(g_ref, "reference")
        self._refresh()
        self.weights += noise

    def _standing_noise(self) -> np.ndarray | np.float32:
        if self.tables.write_noise == 0:
            return np.float32(0)
        seen = self.weights.copy()
        self._refresh()
        return seen - self.weights

    def set_device(self, tables: DeviceTables) -> None:
        """Change curves, noise and pulse kinds; states, spread and counters stay.

        Raises
        ------
        ValueError
            If the number of pulse kinds or of variants differs.
        """
        now, new = self.tables.steps.shape[:2], tables.steps.shape[:2]
        if now != new:
            raise ValueError(
                f"set_device: device has (kinds, variants) = {new}, this array {now}; "
                "make a new array instead"
            )
        noise = self._standing_noise()
        self._set_tables(tables)
        self.weights += noise

    def _checked(self, values: np.ndarray | float, what: str) -> np.ndarray:
        array = np.asarray(values, np.float32)
        if array.ndim not in (0, 2) or (array.ndim == 2 and array.shape != self.shape):
            raise ValueError(
                f"{what}: shape {array.shape}, this array is {self.shape}; give one number or "
                "one for every synapse"
            )
        if not np.isfinite(array).all():
            raise ValueError(f"{what}: contains NaN or infinity; every value must be finite")
        return array

    # -- statistics ----------------------------------------------------------------------------

    def _scaled_steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Noise-free steps (up, down) of every synapse at its state, shape (n_in, n_out) each."""
        steps, p = self.tables.steps, self._cells[..., st.P]
        n = steps.shape[2] - 1
        k = np.minimum((p * n).astype(np.int64), n)
        v = self.variants
        up, down = (steps[kind, v, k, 0] + (p * n - k) * steps[kind, v, k, 1] for kind in (0, 1))
        return up * self._cells[..., st.C_UP], down * self._cells[..., st.C_DOWN]

    def saturated_fraction(self, limit: float = 0.1) -> float:
        """Return the fraction of synapses with a step below `limit` granularities either way."""
        smallest = limit * self.tables.granularity_p
        up, down = self._scaled_steps()
        return float(np.mean((up < smallest) | (down < smallest)))

    def no_symmetry_point(self) -> float:
        """Return the fraction of synapses whose up and down steps balance nowhere in (0, 1)."""
        fractions = [self._unbalanced(v)[self.variants == v] for v in range(self.n_variants)]
        return float(np.concatenate(fractions).mean())

    @property
    def n_variants(self) -> int:
        """Number of curve variants of the device."""
        return self.tables.steps.shape[1]

    def _unbalanced(self, variant: int) -> np.ndarray:
        up, down = (self.tables.steps[kind, variant, :, 0].astype(np.float64) for kind in (0, 1))
        inner = (up > 0) & (down > 0)
        if not inner.any():
            return np.ones(self.shape, bool)
        ratio = up[inner] / down[inner]
        c_up, c_down = self._cells[..., st.C_UP], self._cells[..., st.C_DOWN]
        low, high = c_up * np.float32(ratio.min()), c_up * np.float32(ratio.max())
        return (c_down < low) | (c_down > high) | (c_up <= 0) | (c_down <= 0)
