"""Every algorithm, response model and device against `feemu.testing`, and what that notices."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from layer_cases import VARIANTS

from feemu.algorithms import ALGORITHMS, Algorithm, ArrayLayer, SymmetryPointShift
from feemu.algorithms.symmetry_point_shift import VARIANTS as SHIFTS
from feemu.devices import (
    MODELS,
    Device,
    Family,
    ResponseModel,
    SoftBounds,
    Table,
    preset,
    preset_names,
)
from feemu.params import param
from feemu.testing import DEVICES, check_algorithm, check_device, check_response_model

FULL = DEVICES[1]
SMALL = Device(name="small", response=SoftBounds(0.05, 0.03))


class SignLayer(ArrayLayer):
    """One array, one pulse for each weight whose request is the largest seen so far."""

    def __init__(self, spec, share):
        super().__init__([spec.array()])
        self.share, self.peak = share, np.zeros(1)

    def update(self, x, d, lr):
        request = -lr * x.T.astype(float) @ d
        self.peak = np.maximum(self.peak, np.abs(request).max())
        self.arrays[0].pulse_counts((request / self.peak / self.share).astype(int))

    def state_dict(self):
        return {**super().state_dict(), "peak": self.peak.copy()}

    def load_state_dict(self, saved):
        super().load_state_dict(saved)
        self.peak = saved["peak"].copy()


@dataclass(frozen=True)
class SignSGD(Algorithm):
    """A user's own algorithm, in a few lines."""

    name: ClassVar[str] = "sign_sgd"
    search: ClassVar[dict] = {"share": (0.3, 0.6)}

    share: float = param(0.5, "1", "part of the peak that fires", lo=0.01, hi=1.0)
    layer: ClassVar[type] = SignLayer

    def build(self, spec):
        layer = self.layer(spec, self.share)
        layer.program_initial(spec)
        return layer


@dataclass(frozen=True)
class Triangle(ResponseModel):
    """A user's own response model."""

    name: ClassVar[str] = "triangle"
    size: float = param(0.1, "1", "peak", lo=0.0, hi=1.0)

    kinks = (0.25, 0.75)

    def step_up(self, p):
        return np.interp(p, (0.0, 0.25, 1.0), (0.0, self.size, 0.0))

    def step_down(self, p):
        return np.interp(p, (0.0, 0.75, 1.0), (0.0, self.size, 0.0))


OWN = [a() for a in ALGORITHMS.values() if a is not SymmetryPointShift]


@pytest.mark.parametrize("made", [*OWN, *VARIANTS, SignSGD()], ids=lambda a: a.label)
def test_algorithm(made):
    """On both devices; the ideal variants only on the one that has everything."""
    check_algorithm(made, FULL if made.label.endswith("_ideal") else None)


def test_every_algorithm_is_here():
    assert {*ALGORITHMS} == {a.name for a in [*OWN, *VARIANTS]}
    assert {v.variant for v in VARIANTS} == {*SHIFTS}


@pytest.mark.parametrize("name", MODELS)
def test_response_model(name):
    check_response_model(
        Table((0.0, 0.5, 1.0), (0.1, 0.05, 0.0), (0.0, 0.04, 0.1))
        if name == "table"
        else MODELS[name]()
    )


def test_own_response_model():
    check_response_model(Triangle())


@pytest.mark.parametrize("name", preset_names())
def test_preset(name):
    made = preset(name)
    if isinstance(made, Family):
        with pytest.raises(TypeError, match=r"check_device: got Family; give a Device"):
            check_device(made)
        made = made.at(made.widths[0])
    check_device(made)


# -- what the checks notice --------------------------------------------------------------------


def fails(check, *arguments):
    """Return the one-line message of a check that must fail."""
    with pytest.raises(AssertionError) as seen:
        check(*arguments)
    assert "\n" not in str(seen.value)
    return str(seen.value)


class Forgetful(SignLayer):
    def state_dict(self):
        return ArrayLayer.state_dict(self)

    def load_state_dict(self, saved):
        ArrayLayer.load_state_dict(self, saved)


class Shared(SignLayer):
    def state_dict(self):
        return {**ArrayLayer.state_dict(self), "peak": self.peak}

    def update(self, x, d, lr):
        self.peak += 1.0
        super().update(x, d, lr)


class Deaf(SignLayer):
    def forward(self, x, counted=True):
        return 2 * super().forward(x, counted)


class Costly(SignLayer):
    def forward(self, x, counted=True):
        return super().forward(x, True)


class Random(SignLayer):
    def __init__(self, spec, share):
        super().__init__(spec, share)
        self.arrays[0].set_state(np.random.default_rng().random(spec.shape).astype(np.float32))


@pytest.mark.parametrize(
    "layer_type, told",
    (
        (Forgetful, "a restored layer goes on"),
        (Shared, "state_dict() holds copies"),
        (Deaf, "reads its weights"),
        (Costly, "an evaluation is not counted"),
        (Random, "one spec, one layer"),
    ),
)
def test_broken_layer_is_noticed(layer_type, told):
    @dataclass(frozen=True)
    class Broken(SignSGD):
        layer: ClassVar[type] = layer_type

    Broken.__qualname__, globals()["Broken"] = "Broken", Broken
    assert told in fails(check_algorithm, Broken(), SMALL)


@dataclass(frozen=True)
class Unsearchable(SignSGD):
    search: ClassVar[dict] = {"share": (0.5, 7.0)}


def test_broken_record_is_noticed():
    with pytest.raises(ValueError, match=r"Unsearchable.share = 7.0"):
        check_algorithm(Unsearchable(), SMALL)
    with pytest.raises(TypeError, match=r"check_algorithm: got str; give an instance"):
        check_algorithm("plain_sgd")
    with pytest.raises(TypeError, match=r"check_response_model: got the class SoftBounds"):
        check_response_model(SoftBounds)


class Negative(Triangle):
    def step_up(self, p):
        return np.asarray(p) - 0.5


class Scalar(Triangle):
    def step_up(self, p):
        return 0.1


class Careless(Triangle):
    def step_down(self, p):
        p *= 1.0
        return self.size * p


class Sorted(Triangle):
    def step_up(self, p):
        return np.cumsum(np.full_like(p, 1e-5))


class Elsewhere(Triangle):
    def symmetry_point(self):
        return 0.9


@pytest.mark.parametrize(
    "model, told",
    (
        (Negative(), "Negative.step_up is finite and >= 0"),
        (Scalar(), "Scalar.step_up: one step for each state"),
        (Careless(), "may not be written to"),
        (Sorted(), "Sorted.step_up works state by state"),
        (Elsewhere(), "both steps are equal at the symmetry point"),
        (Triangle(size=0.0), "some pulse has an effect"),
    ),
)
def test_broken_model_is_noticed(model, told):
    assert told in fails(check_response_model, model)
