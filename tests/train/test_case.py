"""The record of a case: its hash, and what it refuses."""

import dataclasses
import hashlib
import json
import pickle

import numpy as np
import pytest
from small_cases import case, device

import feemu as fe
from feemu.algorithms import MixedPrecision, PlainSGD, SymmetryPointShift
from feemu.case import PHYSICS_VERSION

#: Another valid value of every field.
OTHER = {
    "device": "noisy",
    "algorithm": PlainSGD(),
    "task": "mnist",
    "data_sha256": "0" * 64,
    "hidden": (10, 10),
    "activation": "relu",
    "bias": "array",
    "output_scale": "learned",
    "epochs": 2.5,
    "train_images": 7,
    "batch": 5,
    "lr": 0.20001,
    "lr_end": 0.5,
    "lr_period": 1.0,
    "weight_scale": 2.0,
    "init_gain": 0.5,
    "dac_bits": 5,
    "adc_bits": 6,
    "seed": 4,
    "device_seed": 3,
    "physics_version": PHYSICS_VERSION + 1,
}


def test_every_field_changes_the_hash():
    made = case("mixed_precision")
    assert {f.name for f in dataclasses.fields(fe.Case)} == {*OTHER}
    hashes = {made.digest()}
    for name, value in OTHER.items():
        other = made.replace(**{name: device(value) if name == "device" else value})
        assert other.digest() not in hashes, name
        hashes.add(other.digest())
    assert len(hashes) == 1 + len(OTHER) and all(len(h) == 64 for h in hashes)


@pytest.mark.parametrize("name, usual", (("lr_period", 0.0), ("output_scale", "none")))
def test_a_case_keeps_the_hash_that_it_had_before_a_field_came(name, usual):
    made = case("float")
    assert made.digest() == made.replace(**{name: usual}).digest()
    assert name not in made.to_dict() and name in made.replace(**{name: OTHER[name]}).to_dict()


@pytest.mark.parametrize(
    "made, change",
    [(MixedPrecision(), {"threshold": 0.5})]
    + [(PlainSGD(), c) for c in ({"bl_min": 2}, {"bl_max": 30}, {"managed": False})]
    + [
        (SymmetryPointShift(), c)
        for c in (
            {"variant": "global"}, {"ideal": True}, {"n_pairs": 99}, {"n_cal": 5},
            {"trim_step": 0.02}, {"sigma_copy": 0.0}, {"bl_min": 2},
        )
    ],
)  # fmt: skip
def test_every_parameter_of_an_algorithm_changes_the_hash(made, change):
    one = case("mixed_precision", algorithm=made)
    assert one.digest() != one.replace(algorithm=made.replace(**change)).digest()


def test_every_number_of_a_device_changes_the_hash():
    made, tables = case("mixed_precision"), device()
    for change in ({"pulse_width": 3e-8}, {"granularity_p": 0.03}, {"width_label": "virtual"}):
        other = made.replace(device=dataclasses.replace(tables, **change))
        assert other.digest() != made.digest()
    steps = tables.steps.copy()
    steps[1, 0, 700, 2] += 1e-7
    other = made.replace(device=dataclasses.replace(tables, steps=steps))
    assert other.digest() != made.digest()


def test_equal_cases_have_equal_hashes():
    made = case("push_pull")
    copy = pickle.loads(pickle.dumps(made))
    assert copy.digest() == made.digest() == made.replace().digest()
    fresh = fe.tabulate(fe.preset("hzo_superlattice").at(2e-8))
    assert made.replace(device=fresh).digest() == made.digest()
    assert made.replace(hidden=[10]).digest() == made.replace(hidden=(10,)).digest()
    assert json.loads(json.dumps(made.to_dict())) == made.to_dict()


@pytest.mark.parametrize(
    "change, told",
    (
        ({"lr": -1.0}, "Case.lr = -1.0: allowed is 1e-12 <= lr"),
        ({"lr": float("nan")}, "Case.lr = nan: allowed is"),
        ({"epochs": float("inf")}, "Case.epochs = inf: allowed is"),
        ({"batch": 0}, "Case.batch = 0: allowed is 1 <= batch"),
        ({"batch": 2.5}, "Case.batch = 2.5: must be a whole number"),
        ({"seed": -1}, "Case.seed = -1: allowed"),
        ({"weight_scale": 0.0}, "Case.weight_scale = 0.0: allowed"),
        ({"hidden": (10, 0)}, r"Case.hidden = \(10, 0\): must be the sizes"),
        ({"hidden": 64}, "Case.hidden = 64: must be the sizes"),
        ({"hidden": ("a",)}, r"Case.hidden = \('a',\): must be the sizes"),
        ({"hidden": (float("inf"),)}, r"Case.hidden = \(inf,\): must be the sizes"),
        ({"activation": "sigmoit"}, "unknown activation 'sigmoit': did you mean 'sigmoid'"),
        ({"bias": "non"}, "unknown bias 'non': did you mean 'none'"),
        ({"epoch": 3}, "unknown field of Case 'epoch': did you mean 'epochs'"),
        ({"adc_bits": 25}, "Case.adc_bits = 25 bit: allowed"),
    ),
)
def test_bad_values_are_refused_in_one_line(change, told):
    with pytest.raises(ValueError, match=told) as seen:
        case("mixed_precision", bias="array").replace(**change)
    assert "\n" not in str(seen.value)


@pytest.mark.parametrize(
    "change, told",
    (
        ({"device": fe.preset("ideal")}, r"got Device; pass feemu.tabulate\(device\)"),
        ({"algorithm": "plain_sgd"}, r"'plain_sgd': must be an instance of an algorithm"),
        ({"algorithm": PlainSGD}, r"must be an instance of an algorithm"),
        ({"lr": "0.1"}, r"Case.lr = '0.1': must be a number"),
        ({"seed": True}, r"Case.seed = True: must be a number"),
    ),
)
def test_bad_types_are_refused_in_one_line(change, told):
    with pytest.raises(TypeError, match=told) as seen:
        case("mixed_precision").replace(**change)
    assert "\n" not in str(seen.value)


# -- one form for equal values -------------------------------------------------------------------


def test_the_type_of_a_number_is_the_declared_one():
    one, other = case("plain_sgd", lr=1, epochs=3), case("plain_sgd", lr=1.0, epochs=np.float64(3))
    assert one == other.replace(device=one.device) and one.digest() == other.digest()
    assert type(one.lr) is type(other.epochs) is float
    assert type(case("plain_sgd", seed=np.int64(3)).seed) is int
    assert type(case("plain_sgd", batch=4.0).batch) is int
    assert type(fe.SoftBounds(A_up=np.float32(0.5)).A_up) is float


def test_the_hash_is_that_of_numbers_as_json_writes_them():
    """Shards of earlier versions are found: the hash of floats and integers did not change."""
    made = case("plain_sgd")
    body = json.loads(json.dumps(made.to_dict(), sort_keys=True))
    for name in ("lr", "epochs", "lr_end", "weight_scale", "init_gain"):
        assert isinstance(body[name], float)
    for name in ("seed", "batch", "device_seed", "dac_bits", "train_images"):
        assert isinstance(body[name], int)
    text = json.dumps(body, sort_keys=True).encode()
    assert hashlib.sha256(text).hexdigest() == made.digest()


def test_a_task_may_be_a_path_and_nothing_else_than_text(tmp_path):
    path = tmp_path / "own.npz"
    assert case("float", task=path).digest() == case("float", task=str(path)).digest()
    with pytest.raises(TypeError, match="task = 3: must be text"):
        case("float", task=3)
