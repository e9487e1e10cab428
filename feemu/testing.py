"""What every response model, device and algorithm must hold; run it on your own.

::

    from feemu.testing import check_algorithm, check_device, check_response_model

    def test_my_algorithm():
        check_algorithm(MyAlgorithm(rate=0.1))

Each check takes some tenths of a second, returns nothing, and raises an `AssertionError` in one
line that says what does not hold.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import json
import math
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from feemu import schema
from feemu.algorithms import Algorithm, ArrayLayer, LayerSpec
from feemu.array import Ledger, Reading, SynapseArray
from feemu.case import Case
from feemu.devices import (
    Device,
    DeviceTables,
    Noise,
    PulseKind,
    ResponseModel,
    SoftBounds,
    Spread,
    tabulate,
)
from feemu.params import Record
from feemu.tasks import Task, task_from_arrays
from feemu.training import train

#: Layers that an algorithm is tried on: inputs by outputs, and the batch.
LAYERS = (((1, 1), 1), ((1, 1), 8), ((6, 4), 8), ((3, 7), 1))
_SPREAD = Spread(0.2, 0.1, 0.05, 0.05, stuck_fraction=0.05, fab_spread=0.05)
_KINDS = (
    (PulseKind("long up", 1, 1e-6), SoftBounds(0.2, 0.1)),
    (PulseKind("long down", -1, 1e-6), SoftBounds(0.1, 0.15)),
)
#: Devices that an algorithm is tried on: one that is simple, one that has everything.
DEVICES = (
    Device(name="simple", response=SoftBounds(0.05, 0.03)),
    Device(
        name="full", noise=Noise(0.2, 0.01), spread=_SPREAD, conductance="exponential",
        on_off=8.0, read_noise=0.02, write_noise=0.01, extra_kinds=_KINDS,
    ),
)  # fmt: skip


def check_response_model(model: ResponseModel) -> None:
    """Check a response model: its curves, what follows from them, and a device made of it.

    Parameters
    ----------
    model : ResponseModel
        An instance, with the parameters to be tried.

    Raises
    ------
    AssertionError
        For the first thing that does not hold.
    TypeError
        If it is no `ResponseModel`.
    """
    if not isinstance(model, ResponseModel):
        raise TypeError(f"check_response_model: got {_kind(model)}; give an instance of a model")
    who = _kind(model)
    _check_record(model)
    grid = np.union1d(np.linspace(0.0, 1.0, 2001), np.asarray(model.kinks, float))
    names = ("step_up", "step_down")
    up, down = (_check_curve(f"{who}.{n}", getattr(model, n), grid) for n in names)
    _require(all(0.0 < k < 1.0 for k in model.kinks), f"{who}.kinks lie in (0, 1)")
    peak, point = max(up.max(), down.max()), model.symmetry_point()
    _require(peak > 0.0, f"{who}: some pulse has an effect")
    if not math.isnan(point):
        at = np.array([point])
        gap = float(abs(model.step_up(at) - model.step_down(at))[0])
        _require(0.0 < point < 1.0, f"{who}.symmetry_point() = {point:g} lies in (0, 1)")
        _require(gap <= 1e-6 * peak, f"{who}: both steps are equal at the symmetry point")
    size = model.granularity()
    _require(0.0 < size <= 1.0, f"{who}.granularity() = {size:g} lies in (0, 1]")
    for mean, curve in zip(model.mean_step(), (up, down)):
        inside = curve.min() * (1 - 1e-6) <= mean <= curve.max() * (1 + 1e-6)
        _require(inside, f"{who}.mean_step(): {mean:g} lies between the smallest and largest step")
    _require(min(model.pulses()) >= 1, f"{who}.pulses() are at least one")
    check_device(Device(name=f"test of {who}", response=model, noise=Noise(relative=0.1)))


def check_device(device: Device) -> None:
    """Check a device: its tables, how it is pulsed and read, and its ledger.

    Parameters
    ----------
    device : Device
        A device, of a preset or your own.

    Raises
    ------
    AssertionError
        For the first thing that does not hold.
    TypeError
        If it is no `Device`; a family has one at each width, ``family.at(width)``.
    """
    if not isinstance(device, Device):
        raise TypeError(f"check_device: got {_kind(device)}; give a Device, e.g. family.at(width)")
    who = f"device {device.name!r}"
    _check_record(device)
    tables = tabulate(device)
    _check_tables(who, tables)
    _require(tables.digest() == tabulate(device).digest(), f"{who} gives the same tables twice")
    digest = pickle.loads(pickle.dumps(tables)).digest()
    _require(tables.digest() == digest, f"{who}: its tables survive pickling")
    _check_directions(who, tables)
    _check_array(who, tables)


def check_algorithm(algorithm: Algorithm, device: Device | None = None) -> None:
    """Check an algorithm: its record, its layers of several shapes and batches, and a training.

    Parameters
    ----------
    algorithm : Algorithm
        An instance; worker processes need its class at the top of a module.
    device : Device, optional
        Device to try it on; default: a simple one and one with every kind of imperfection.

    Raises
    ------
    AssertionError
        For the first thing that does not hold.
    TypeError
        If it is no `Algorithm`.
    """
    if not isinstance(algorithm, Algorithm):
        raise TypeError(f"check_algorithm: got {_kind(algorithm)}; give an instance")
    _check_hyper_parameters(algorithm)
    for one in DEVICES if device is None else (device,):
        tables = tabulate(one)
        for number, (shape, batch) in enumerate(LAYERS):
            who = f"{algorithm.label}, {shape[0]} x {shape[1]}, batch {batch}, on {one.name}"
            _check_layer(who, algorithm, _spec(number, shape, tables), batch)
        _check_training(f"{algorithm.label} on {one.name}", algorithm, tables)


def _require(holds: Any, text: str) -> None:
    if not holds:
        raise AssertionError(f"does not hold: {text}")


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def _check_record(record: Record) -> None:
    who = _kind(record)
    _require(record.name, f"{who}.name is not empty")
    _require(record.replace() == record, f"a copy of {who} equals it")
    _require(record.describe() == record.replace().describe(), f"{who} describes itself")
    _require(record.to_dict() == record.replace().to_dict(), f"{who}.to_dict() is reproducible")
    frozen = getattr(getattr(type(record), "__dataclass_params__", None), "frozen", False)
    _require(frozen, f"{who} is frozen: @dataclass(frozen=True)")


def _check_curve(who: str, curve: Callable, grid: np.ndarray) -> np.ndarray:
    """Return the curve on the grid: an elementwise function that leaves its input alone."""
    states = grid.copy()
    states.setflags(write=False)
    try:
        values = np.asarray(curve(states))
    except ValueError as error:
        raise AssertionError(f"{who} takes an array that may not be written to: {error}") from None
    _require(values.shape == grid.shape, f"{who}: one step for each state")
    _require(np.isfinite(values).all() and values.min() >= 0.0, f"{who} is finite and >= 0")
    square = np.asarray(curve(states[:900].reshape(30, 30)))
    _require(np.array_equal(square.ravel(), values[:900]), f"{who} takes states of any shape")
    part = np.asarray(curve(states[::7]))
    _require(np.allclose(part, values[::7], rtol=1e-12, atol=0), f"{who} works state by state")
    _require(np.array_equal(curve(states), values), f"{who} gives the same twice")
    return values


def _check_tables(who: str, tables: DeviceTables) -> None:
    steps, g = tables.steps, tables.conductance
    _require(np.isfinite(steps).all() and np.isfinite(g).all(), f"{who}: finite tables")
    _require((steps[..., 0] >= 0).all() and (steps[..., 2] >= 0).all(), f"{who}: steps, noise >= 0")
    for start in (0, 2):
        gaps = np.diff(steps[..., start], axis=2) - steps[..., :-1, start + 1]
        _require(np.abs(gaps).max() <= 1e-6, f"{who}: table differences lead to the next node")
    _require(np.all(np.diff(g[:, 0]) > 0), f"{who}: the conductance rises with the state")
    _require(abs(g[0, 0]) < 1e-6 and abs(g[-1, 0] - 1) < 1e-6, f"{who}: g runs from 0 to 1")
    _require(0 < tables.granularity < 1, f"{who}: granularity {tables.granularity:g} in (0, 1)")
    names = [kind.name for kind in tables.kinds]
    _require(len(names) == len(steps) == len(tables.signs), f"{who}: a table for each pulse kind")
    _require(set(tables.signs.tolist()) == {-1, 1}, f"{who}: pulses of both directions")


def _check_directions(who: str, tables: DeviceTables) -> None:
    """Check that without noise a pulse of each kind moves the state its way, or leaves it."""
    steps = tables.steps.copy()
    steps[..., 2:] = 0
    quiet = dataclasses.replace(tables, steps=steps)
    ups, downs = (np.flatnonzero(tables.signs == s).tolist() for s in (1, -1))
    for kinds in itertools.product(ups, downs):
        array = SynapseArray((5, 21), quiet, seed=1)
        array.set_state(np.tile(np.linspace(0, 1, 21, dtype=np.float32), (5, 1)))
        for sign in (1, -1):
            before = array.state
            array.pulse_counts(np.full((5, 21), sign), kinds)
            moved = sign * (array.state - before)
            _require((moved >= 0).all(), f"{who}: pulse kind {kinds[sign < 0]} keeps its direction")
            _require(moved.max() > 0, f"{who}: pulse kind {kinds[sign < 0]} has an effect")


def _check_array(who: str, tables: DeviceTables) -> None:
    draw = np.random.default_rng(3)
    first, second = (SynapseArray((7, 5), tables, seed=4) for _ in range(2))
    _require(_same(first.state_dict(), second.state_dict()), f"{who}: one seed, one array")
    for batch in (1, 8):
        x, d = (draw.normal(size=(batch, n)).astype(np.float32) for n in (7, 5))
        for array in (first, second):
            array.pulse_coincidence(x, d, 3 * array.granularity)
        counts = draw.integers(-3, 4, (7, 5))
        for array in (first, second):
            array.pulse_counts(counts)
        third = SynapseArray((7, 5), tables, seed=4)
        third.load_state_dict(first.state_dict())
        _require(_same(third.state_dict(), second.state_dict()), f"{who}: states are restored")
    p = first.state
    _require(p.min() >= 0 and p.max() <= 1, f"{who}: states stay in 0..1")
    if tables.write_noise == 0:
        exact = 2 * first.omega * (first.conductance - first.reference)
        close = np.allclose(first.weights, exact, rtol=0, atol=1e-5)
        _require(close, f"{who}: the weights follow from the states")
    _check_ledger(who, first.ledger, first.shape)
    _require(first.ledger.pulses.sum() == first.events.sum(), f"{who}: every pulse is an event")


def _check_hyper_parameters(algorithm: Algorithm) -> None:
    who = _kind(algorithm)
    _check_record(algorithm)
    _require(isinstance(algorithm.label, str) and algorithm.label, f"{who}.label is a name")
    try:
        json.dumps(algorithm.to_dict(), allow_nan=False)
        copy = pickle.loads(pickle.dumps(algorithm))
    except Exception as error:  # whatever a user's class raises
        text = " ".join(str(error).split())
        raise AssertionError(f"{who} can be pickled and written as JSON ({text})") from None
    _require(copy.to_dict() == algorithm.to_dict(), f"{who} survives pickling")
    for name, values in algorithm.search.items():
        for value in values:
            found = getattr(algorithm.replace(**{name: value}), name)
            _require(found == value, f"{who}.search: {name} can be {value!r}")


def _spec(number: int, shape: tuple[int, int], tables: DeviceTables, ideal: bool = False):
    initial = np.random.default_rng(number).uniform(-0.4, 0.4, shape).astype(np.float32)
    if ideal:
        tables = dataclasses.replace(tables, read_noise=0.0)
    return LayerSpec(number, shape, tables, 1.0, 5, 6, initial, Reading())


def _requests(shape: tuple[int, int], batch: int, number: int) -> list[tuple]:
    draw = np.random.default_rng([*shape, batch])
    sizes = [(batch, n) for n in shape]
    return [tuple(draw.normal(size=s).astype(np.float32) for s in sizes) for _ in range(number)]


def _work(layer: ArrayLayer, requests: list[tuple]) -> None:
    """Do what a network does at each step: read both ways, then update."""
    for x, d in requests:
        layer.forward(x)
        layer.backward(d)
        layer.update(x, d, 0.2)


def _check_layer(who: str, algorithm: Algorithm, spec: LayerSpec, batch: int) -> None:
    first, second = algorithm.build(spec), algorithm.build(spec)
    _check_weights(who, first, spec.shape)
    _require(_same(first.state_dict(), second.state_dict()), f"{who}: one spec, one layer")
    requests = _requests(spec.shape, batch, 6)
    _work(first, requests[:3])
    saved = first.state_dict()
    kept = {name: value.copy() for name, value in saved.items()}
    books = [_copy(book) for book in first.ledgers]
    _work(first, requests[3:])
    _require(_same(saved, kept), f"{who}: state_dict() holds copies, later updates leave it alone")
    second.load_state_dict(_through_file(saved))
    _require(_same(second.state_dict(), saved), f"{who}: load_state_dict undoes state_dict")
    _work(second, requests[3:])
    _require(_same(first.state_dict(), second.state_dict()), f"{who}: a restored layer goes on")
    _check_weights(who, first, spec.shape)
    _require(len(books) == len(first.ledgers), f"{who}: no ledger appears or vanishes")
    for before, after in zip(books, first.ledgers):
        grown = all(np.all(v >= before[n]) for n, v in _counts(after).items())
        _require(grown, f"{who}: ledgers never count down")
        _check_ledger(who, after)
    for array in first.arrays:
        _check_ledger(who, array.ledger, array.shape)
        events = array.events.sum(dtype=np.int64)
        _require(array.ledger.pulses.sum() == events, f"{who}: every pulse is an event")
    _check_reads(who, algorithm, spec, batch)


def _check_weights(who: str, layer: ArrayLayer, shape: tuple[int, int]) -> None:
    w = layer.weights
    _require(w.shape == shape and w.dtype == np.float32, f"{who}: float32 weights of {shape}")
    _require(np.isfinite(w).all(), f"{who}: finite weights")


def _check_reads(who: str, algorithm: Algorithm, spec: LayerSpec, batch: int) -> None:
    """Check that, without read noise, a layer reads as its weights, and that evaluation is free."""
    layer = algorithm.build(_spec(spec.index, spec.shape, spec.tables, ideal=True))
    x, d = _requests(spec.shape, batch, 1)[0]
    before = [_copy(book) for book in layer.ledgers]
    y = layer.forward(x, counted=False)
    free = all(_same(b, _copy(book)) for b, book in zip(before, layer.ledgers))
    _require(free, f"{who}: an evaluation is not counted")
    both = (y, x @ layer.weights), (layer.backward(d), d @ layer.trained_weights.T)
    for got, wanted in both:
        _require(got.shape == wanted.shape, f"{who}: a read gives {wanted.shape}")
        _require(np.allclose(got, wanted, rtol=1e-4, atol=1e-4), f"{who}: it reads its weights")


def _check_ledger(who: str, book: Ledger, shape: tuple[int, int] | None = None) -> None:
    _require(all(v.min() >= 0 for v in _counts(book).values()), f"{who}: no negative count")
    sums = book.state_hist.sum(axis=2)
    _require(np.array_equal(sums, book.pulses), f"{who}: histograms sum to the pulses")
    _require(np.all(book.switched <= book.pulses), f"{who}: a pulse switches at most everything")
    _require(np.all((book.slots > 0) | (book.pulses == 0)), f"{who}: every pulse has a time step")
    if shape is not None:
        _require(book.half_selected(*shape).min() >= 0, f"{who}: pulses are where lines meet")


def _check_training(who: str, algorithm: Algorithm, tables: DeviceTables) -> None:
    """Check that a training is valid, and goes on after a cut as if there had been none."""
    case = Case(device=tables, algorithm=algorithm, hidden=(5,), epochs=3.0, batch=4, lr=0.1)
    task = _task()
    whole = train(case, task)
    schema.validate(whole)

    def cut(seen) -> None:
        if seen.epoch >= 2:
            raise InterruptedError

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "cut.npz"
        with contextlib.suppress(InterruptedError):
            train(case, task, checkpoint=checkpoint, progress=cut)
        _require(checkpoint.exists(), f"{who}: a checkpoint is written at each evaluation")
        _require(whole.identical(train(case, task, checkpoint=checkpoint)), f"{who}: it resumes")


def _task() -> Task:
    draw = np.random.default_rng(8)
    y = np.arange(60) % 3
    x = np.clip(0.3 * draw.random((60, 6)) + 0.6 * np.eye(6)[2 * y], 0, 1)
    return task_from_arrays("check", x, y, source="made by feemu.testing")


def _counts(book: Ledger) -> dict[str, np.ndarray]:
    # The conductance of a cell whose lower end is spread may be negative.
    return {name: values for name, values in book.arrays().items() if name != "conductance"}


def _copy(book: Ledger) -> dict[str, np.ndarray]:
    return {name: values.copy() for name, values in book.arrays().items()}


def _through_file(saved: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a state as a checkpoint file gives it back: plain arrays, nothing pickled."""
    body = io.BytesIO()
    np.savez(body, **saved)
    body.seek(0)
    with np.load(body, allow_pickle=False) as parts:
        return {name: parts[name] for name in parts.files}


def _same(a: dict, b: dict) -> bool:
    if a.keys() != b.keys():
        return False
    pairs = [(np.asarray(a[n]), np.asarray(b[n])) for n in a]
    return all(x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in pairs)
