"""Tables of a device: what kernels, workers and result files get instead of its classes."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, fields

import numpy as np

from feemu.devices.device import Device, PulseKind
from feemu.devices.spread import Spread
from feemu.devices.weight_spread import WeightSpread
from feemu.params import format_width, plain

MIN_INTERVALS = 1000
MAX_INTERVALS = 8000
CHECK_POINTS = 100_000
RELATIVE_ERROR = 2e-3
ABSOLUTE_ERROR = 1e-2
LARGE = 0.1
_COPIED = ("spread", "read_noise", "write_noise", "name", "pulse_width", "width_label", "scheme")


@dataclass(frozen=True, eq=False)
class DeviceTables:
    """A device as arrays and plain values.

    Attributes
    ----------
    steps : ndarray of float32, shape (kinds, variants, n + 1, 4)
        At each node of the state: step m [1], m(next) - m, its sd [1], sd(next) - sd; both
        differences are 0 at the last node.
    signs : ndarray of int8, shape (kinds,)
        Direction of each pulse kind.
    conductance : ndarray of float32, shape (n + 1, 2)
        At each node: g [1] and g(next) - g.
    linear : bool
        Whether g is the state itself.
    granularity_p, symmetry_point, g_slope, p_zero : float
        Step of the state at the symmetry point [1]; that point [1], NaN without one; dg/dp there
        (or at weight zero); nominal state of weight zero [1].
    spread : Spread or WeightSpread
    kinds : tuple of PulseKind
    device : dict
        All parameters of the device as plain values.
    """

    steps: np.ndarray
    signs: np.ndarray
    conductance: np.ndarray
    linear: bool
    granularity_p: float
    symmetry_point: float
    g_slope: float
    p_zero: float
    spread: Spread | WeightSpread
    read_noise: float
    write_noise: float
    kinds: tuple[PulseKind, ...]
    name: str
    pulse_width: float
    width_label: str
    scheme: str
    caveats: tuple[str, ...]
    device: dict

    def __repr__(self) -> str:
        """Return what tells devices apart, not the arrays."""
        return f"<DeviceTables of {self.name}, {format_width(self.pulse_width)} {self.width_label}>"

    @property
    def granularity(self) -> float:
        """Step of the conductance [1] that controllers count in, ``granularity_p * g_slope``."""
        return self.granularity_p * self.g_slope

    @property
    def intervals(self) -> int:
        """Number of intervals of the tables."""
        return self.steps.shape[2] - 1

    @property
    def n_variants(self) -> int:
        """Number of curve variants."""
        return self.steps.shape[1]

    def digest(self) -> str:
        """Return the SHA-256 of all arrays and values as hexadecimal text."""
        total = hashlib.sha256()
        for item in fields(self):
            value = getattr(self, item.name)
            total.update(item.name.encode())
            if isinstance(value, np.ndarray):
                total.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
            else:
                total.update(json.dumps(plain(value), sort_keys=True).encode())
        return total.hexdigest()


def tabulate(device: Device) -> DeviceTables:
    """Return the tables of a device, checked against its functions.

    Notes
    -----
    1,000 intervals, or the next number that puts a node on every kink. On 100,000 points a table
    may be wrong by 0.2 % where the curve exceeds 10 % of its peak and by 1 % of the peak
    elsewhere; until then the intervals double, up to 8,000.

    Raises
    ------
    ValueError
        If a curve is negative, not finite or of the wrong shape, or if 8,000 intervals do not
        resolve it; the message names the curve and the state.
    """
    curves = _curves(device)
    kinks = {k for model in _models(device) for k in model.kinks}
    n = _intervals(kinks)
    while problem := next((e for name, c in curves if (e := _table_error(name, c, n))), ""):
        if 2 * n > MAX_INTERVALS:
            raise ValueError(
                f"device {device.name!r}: {problem} with {n} intervals (at most {MAX_INTERVALS});"
                " smooth the curve there"
            )
        n *= 2
    return _build(device, n)


def _build(device: Device, n: int) -> DeviceTables:
    point, zero = device.symmetry_point, device.state_of(0.5)
    kinds = device.kinds
    models = [device.variants or (device.response,)] * 2
    models += [(model,) * len(models[0]) for _, model in device.extra_kinds]
    nodes = np.linspace(0.0, 1.0, n + 1)
    steps = [
        [
            _step_columns(device, model.step_up if kind.sign > 0 else model.step_down, nodes)
            for model in row
        ]
        for kind, row in zip(kinds, models)
    ]
    return DeviceTables(
        steps=np.array(steps, dtype=np.float32),
        signs=np.array([kind.sign for kind in kinds], dtype=np.int8),
        conductance=_columns(device.g(nodes)),
        linear=device.conductance == "linear",
        granularity_p=device.response.granularity(zero),
        symmetry_point=point,
        g_slope=device.g_slope(zero if math.isnan(point) else point),
        p_zero=zero,
        kinds=kinds,
        caveats=device.caveats,
        device=json.loads(json.dumps(device.to_dict(), default=_named)),
        **{k: getattr(device, k) for k in _COPIED},
    )


def _named(value: object) -> str:
    """Return the name of what a user's model may hold, without an address that changes."""
    return getattr(value, "__qualname__", type(value).__qualname__)


def _step_columns(device: Device, step, nodes: np.ndarray) -> np.ndarray:
    m = np.asarray(step(nodes), dtype=float)
    return _columns(m, device.noise.sd(m))


def _columns(*curves: np.ndarray) -> np.ndarray:
    """Return float32 columns (value, difference to the next node) of each curve."""
    columns = []
    for curve in curves:
        value = curve.astype(np.float32)
        columns += [value, np.append(np.diff(value), np.float32(0))]
    return np.stack(columns, axis=-1)


def _models(device: Device) -> list:
    return [device.response, *device.variants, *(model for _, model in device.extra_kinds)]


def _curves(device: Device) -> list:
    """Return (name, function) of every curve that goes into a table."""
    curves = [("conductance", device.g)]
    extra = [(f"kind {k.name!r} ", m, (k.sign,)) for k, m in device.extra_kinds]
    varied = [(f"variant {i} ", m, (1, -1)) for i, m in enumerate(device.variants)]
    noise = device.noise
    for prefix, model, signs in [("", device.response, (1, -1)), *varied, *extra]:
        for sign in signs:
            step = model.step_up if sign > 0 else model.step_down
            label = f"{prefix}{type(model).__name__}.step_{'up' if sign > 0 else 'down'}"
            curves.append((label, step))
            # Otherwise the noise is constant or a multiple of the step, and as good as its table.
            if noise.relative > 0.0 and noise.absolute > 0.0:
                curves.append((f"noise of {label}", lambda p, step=step: noise.sd(step(p))))
    return curves


def _intervals(kinks: set[float]) -> int:
    """Return the smallest number of intervals from 1,000 on that puts nodes on all kinks."""
    places = np.array(sorted(kinks))
    for n in range(MIN_INTERVALS, MAX_INTERVALS + 1):
        if np.all(np.abs(places * n - np.rint(places * n)) < 1e-9 * n):
            return n
    return MIN_INTERVALS


def _table_error(name: str, curve, n: int) -> str:
    """Return what is wrong with a curve or with its table of n intervals; empty if nothing."""
    p = np.linspace(0.0, 1.0, CHECK_POINTS)
    exact = np.asarray(curve(p), dtype=float)
    if exact.shape != p.shape:
        raise ValueError(f"{name}: returned shape {exact.shape} for states of shape {p.shape}")
    wrong = ~(np.isfinite(exact) & (exact >= 0.0))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(f"{name} = {exact[i]:g} at p = {p[i]:.5g}: must be finite and >= 0")
    table = np.interp(p, np.linspace(0.0, 1.0, n + 1), curve(np.linspace(0.0, 1.0, n + 1)))
    peak = float(exact.max())
    allowed = np.where(exact > LARGE * peak, RELATIVE_ERROR * exact, ABSOLUTE_ERROR * peak)
    excess = np.abs(table - exact) - allowed
    i = int(np.argmax(excess))
    if excess[i] <= 0.0:
        return ""
    return f"table of {name} is wrong by {abs(table[i] - exact[i]):.3g} at p = {p[i]:.5g}"
