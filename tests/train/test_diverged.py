"""A run whose loss is no number any more: it ends, is marked, saved and resumed like others."""

import math
import warnings

import numpy as np
import pytest
from small_cases import case, file_digest, task

import feemu as fe
from feemu.algorithms import algorithm
from feemu.training import build_network, train

WILD = {"lr": 1e6, "activation": "relu", "init_gain": 100.0, "hidden": (8, 8, 8), "epochs": 3.0}


def wild(**changes):
    return case("float", **{**WILD, "train_images": 100, **changes})


@pytest.fixture(scope="module")
def diverged():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return train(wild(), task())


def test_it_ends_and_is_marked(diverged, caplog):
    """The last point has a loss that is not finite, far from the end; no warning is raised."""
    assert diverged.sizes["epoch"] == 2 and diverged["images"][-1] < 300
    assert not math.isfinite(diverged["train_loss"][-1])
    train(wild(), task())
    assert "the loss is not finite after" in caplog.text


def test_it_is_saved_and_loaded(diverged, tmp_path):
    path = fe.save(diverged, tmp_path / "run.nc")
    assert fe.load(path).identical(diverged)


@pytest.mark.parametrize("batch", (4, 100))
def test_it_stays_ended_when_resumed(batch, tmp_path):
    """Also if it diverged exactly at the end of an epoch, where checkpoints are written."""
    made = wild(batch=batch)
    whole = train(made, task())
    for _ in range(3):
        assert file_digest(train(made, task(), checkpoint=tmp_path / "c.npz")) == file_digest(whole)


def test_it_stands_in_a_sweep_beside_others(diverged):
    good = train(wild(lr=1e-3, init_gain=1.0, seed=9), task())
    both = fe.combine([diverged, good])
    assert both["done"].sum("epoch").values.ravel().tolist() == [2, good.sizes["epoch"]]
    ended = both.sel(seed=3).isel(epoch=-1)
    assert not ended["done"] and np.isnan(ended["validation_accuracy"])


@pytest.mark.parametrize("name", ("plain_sgd", "push_pull"))
def test_arrays_survive_any_learning_rate(name):
    """Their weights are bounded: trains are as long as they get, and the ledger says so."""
    ds = train(case(name, lr=1e6, train_images=60, epochs=1.0, batch=1), task())
    assert np.isfinite(ds["train_loss"][-1])
    clipped = ds["clipped_updates"].sel(phase="train").isel(epoch=-1)
    assert (clipped.sum("layer") > 60).all()


@pytest.mark.parametrize("name", ("mixed_precision", "stochastic_rounding"))
def test_more_pulses_than_can_be_listed_end_a_run(name, tmp_path, caplog):
    """An absurd rate: what was computed is saved and marked, and the log says what to change."""
    made = case("mixed_precision", lr=1e6, weight_scale=1e-4, train_images=20)
    made = made.replace(algorithm=algorithm(name))
    ds = train(made, task())
    assert ds.sizes["epoch"] == 2 and ds["images"][-1] == made.batch
    assert ds["train_loss"][-1] == math.inf and np.isfinite(ds["validation_accuracy"][0])
    assert f"{name}: an update asks for" in caplog.text and "lower lr, or" in caplog.text
    assert fe.load(fe.save(ds, tmp_path / "run.nc")).identical(ds)
    for _ in range(2):
        assert train(made, task(), checkpoint=tmp_path / "c.npz").identical(ds)


def test_errors_that_overflow_end_a_run():
    """A finite loss whose errors are not finite on their way back."""
    net = build_network(wild(lr=0.1, hidden=(8, 8), activation="tanh"), task())
    for layer in net.layers[1:]:
        layer.weights[...] = 3e38 * np.sign(layer.weights)
    x = np.zeros((4, task().n_features), np.float32)
    before = [layer.weights.copy() for layer in net.layers]
    with np.errstate(over="ignore", invalid="ignore"):
        assert net.train_step(x, task().train_y[:4], 0.1) == math.inf
    for layer, kept in zip(net.layers, before):
        np.testing.assert_array_equal(layer.weights, kept)
