"""A device: response, noise, spread, conductance map and the pulses that it was measured with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from feemu.devices.base import ResponseModel
from feemu.devices.beta import Beta
from feemu.devices.noise import Noise
from feemu.devices.spread import Spread
from feemu.devices.weight_spread import WeightSpread
from feemu.params import Record, param

MAX_VARIANTS = 256
SCHEMES = ("identical", "ramp", "unknown", "amplitude")
LABELS = ("measured", "interpolated", "extrapolated", "virtual")
SCHEME_CAVEAT = (
    "kernel measured under a ramp (or unknown protocol), applied as state-dependent step of a"
    " fixed pulse"
)
_NAN = math.nan
_BETA, _NOISE, _SPREAD = Beta(), Noise(), Spread()


@dataclass(frozen=True)
class PulseKind(Record):
    """One kind of programming pulse: direction, width and amplitude."""

    name: str = param(doc="name of the kind")
    sign: int = param(doc="+1 raises the state, -1 lowers it", choices=(1, -1))
    width: float = param(unit="s", doc="pulse width", lo=1e-15, hi=1e6)
    amplitude: float = param(_NAN, unit="V", doc="amplitude", lo=-1e3, hi=1e3, nan_ok=True)
    assumed: bool = param(False, doc="whether the amplitude is an assumption")


@dataclass(frozen=True)
class Device(Record):
    """A ferroelectric synapse under one programming pulse, as an emulator needs it.

    Notes
    -----
    State ``p`` in [0, 1]; a pulse of kind d adds ``d c_d (m_d(p) + sd_d(p) z)`` and clips; the
    conductance is ``offset + span g(p)`` with ``g = p`` (parallel domains) or
    ``g = (r^p - 1)/(r - 1)`` (barrier device with on/off ratio r).
    """

    name: str = param("device", doc="name of the device")
    response: ResponseModel = param(_BETA, doc="nominal steps over state")
    noise: Noise = param(_NOISE, doc="cycle-to-cycle noise")
    spread: Spread | WeightSpread = param(_SPREAD, doc="device-to-device spread")
    conductance: str = param(
        "linear", doc="conductance over state", choices=("linear", "exponential")
    )
    on_off: float = param(_NAN, doc="on/off ratio r", lo=1.000001, hi=1e12, nan_ok=True)
    read_noise: float = param(0.0, doc="sd of a read as a fraction of the conductance", lo=0, hi=10)
    write_noise: float = param(
        0.0, doc="sd of the visible conductance, fraction of range", lo=0, hi=10
    )
    variants: tuple[ResponseModel, ...] = param((), doc="curves that replace the nominal ones")
    extra_kinds: tuple[tuple[PulseKind, ResponseModel], ...] = param((), doc="further pulse kinds")
    pulse_width: float = param(1e-7, unit="s", doc="pulse width", lo=1e-15, hi=1e6)
    amplitude_up: float = param(
        _NAN, unit="V", doc="amplitude of potentiation", lo=-1e3, hi=1e3, nan_ok=True
    )
    amplitude_down: float = param(
        _NAN, unit="V", doc="amplitude of depression", lo=-1e3, hi=1e3, nan_ok=True
    )
    conductance_on: float = param(
        _NAN, unit="S", doc="conductance at p = 1, as measured", lo=0.0, hi=1e3, nan_ok=True
    )
    conductance_off: float = param(
        _NAN, unit="S", doc="conductance at p = 0, as measured", lo=0.0, hi=1e3, nan_ok=True
    )
    area: float = param(_NAN, unit="m2", doc="device area", lo=0.0, hi=1.0, nan_ok=True)
    scheme: str = param("unknown", doc="protocol behind the kernel", choices=SCHEMES)
    width_label: str = param("virtual", doc="where the kernel stands over width", choices=LABELS)
    source: str = param("", doc="where the numbers come from")
    caveat: str = param("", doc="what to keep in mind")

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "variants", tuple(self.variants))
        object.__setattr__(self, "extra_kinds", tuple(tuple(e) for e in self.extra_kinds))
        _check_parts(self)

    @property
    def kinds(self) -> tuple[PulseKind, ...]:
        """The pulse kinds: up, down, then the extra ones."""
        up = PulseKind("up", +1, self.pulse_width, self.amplitude_up)
        down = PulseKind("down", -1, self.pulse_width, self.amplitude_down)
        return (up, down, *(kind for kind, _ in self.extra_kinds))

    @property
    def caveats(self) -> tuple[str, ...]:
        """What every result of this device has to say."""
        notes = [self.caveat] if self.caveat else []
        if self.scheme in ("ramp", "unknown"):
            notes.append(SCHEME_CAVEAT)
        return tuple(notes)

    def g(self, p: np.ndarray) -> np.ndarray:
        """Return the normalised conductance [1] at state ``p`` [1]."""
        p = np.asarray(p, dtype=float)
        if self.conductance == "linear":
            return p
        return np.expm1(p * math.log(self.on_off)) / (self.on_off - 1.0)

    def g_slope(self, p: float) -> float:
        """Return the derivative of the normalised conductance [1] at state ``p`` [1]."""
        if self.conductance == "linear":
            return 1.0
        rate = math.log(self.on_off)
        return rate * math.exp(p * rate) / (self.on_off - 1.0)

    def state_of(self, g: float) -> float:
        """Return the state [1] whose normalised conductance is ``g`` [1]."""
        if self.conductance == "linear":
            return float(g)
        return math.log1p(g * (self.on_off - 1.0)) / math.log(self.on_off)

    @property
    def symmetry_point(self) -> float:
        """The state [1] at which both nominal steps are equal, or NaN."""
        return self.response.symmetry_point()

    @property
    def granularity(self) -> float:
        """The step of the conductance [1] at the symmetry point, or else at weight zero."""
        zero = self.state_of(0.5)
        point = self.symmetry_point
        place = zero if math.isnan(point) else point
        return self.response.granularity(zero) * self.g_slope(place)

    def describe(self) -> str:
        """Return a text table of the parameters and of what follows from them."""
        up, down = self.response.mean_step()
        there, back = self.response.pulses()
        rows = (
            ("symmetry point", f"{self.symmetry_point:.4g}", "state at which both steps are equal"),
            ("granularity", f"{self.granularity:.4g}", "conductance step at the symmetry point"),
            ("mean step", f"{up:.4g} / {down:.4g}", "up / down, over all states"),
            ("pulses", f"{there:g} / {back:g}", "from p = 0.05 to 0.9 / back, without noise"),
        )
        derived = [f"  {name.ljust(14)}  {value.ljust(17)}  {doc}" for name, value, doc in rows]
        return "\n".join([super().describe(), "  follows:", *derived])


def _check_parts(device: Device) -> None:
    where = f"Device {device.name!r}"
    for model in (device.response, *device.variants, *(m for _, m in device.extra_kinds)):
        if not isinstance(model, ResponseModel):
            raise TypeError(f"{where}: {model!r} is no ResponseModel; see feemu.devices.MODELS")
    if type(device.noise) is not Noise or type(device.spread) not in (Spread, WeightSpread):
        raise TypeError(f"{where}: noise must be a Noise and spread a Spread or a WeightSpread")
    if len(device.variants) > MAX_VARIANTS:
        raise ValueError(f"{where}: {len(device.variants)} variants; at most {MAX_VARIANTS}")
    if device.conductance == "exponential" and math.isnan(device.on_off):
        raise ValueError(f"{where}: exponential conductance needs on_off, a number > 1")
    names = [kind.name for kind in device.kinds]
    if len(set(names)) != len(names):
        raise ValueError(f"{where}: pulse kinds {names}: each needs a name of its own")
    if isinstance(device.spread, WeightSpread):
        _check_weight_spread(device, where)


def _check_weight_spread(device: Device, where: str) -> None:
    if device.response != device.spread.response() or device.conductance != "linear":
        raise ValueError(
            f"{where}: a WeightSpread needs its own response, spread.response(), and linear"
            f" conductance; got {device.response.name} and {device.conductance}"
        )
