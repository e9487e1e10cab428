"""One case in, one labelled Dataset out: the same bytes however the work is split."""

from __future__ import annotations

import dataclasses
import io
import itertools
import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from feemu import rng
from feemu.algorithms import LayerSpec, ScaledLayer
from feemu.array import Reading
from feemu.case import Case
from feemu.mlp import MLP, Diverged
from feemu.recorder import Recorder
from feemu.state import pack_case, read_state, unpack_case
from feemu.store import write_bytes_atomic
from feemu.tasks import Task, load_task

if TYPE_CHECKING:
    import xarray as xr

log = logging.getLogger("feemu")

#: Evaluation points per decade of images within the first epoch, from FIRST_POINT images on.
POINTS_PER_DECADE = 8
FIRST_POINT = 500
#: Arrays of the network's own streams (shuffling, initial weights) are numbered from here.
NETWORK_ID = 1_000_000
_EVALUATION = "read-evaluation"


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a run stands; handed to the `progress` callback at each evaluation."""

    images: int
    total: int
    epoch: float
    train_loss: float
    validation_accuracy: float
    pulses: int
    #: Makes the result so far as a Dataset, when it is asked for.
    result: Callable[[], xr.Dataset] | None = dataclasses.field(default=None, repr=False)


def evaluation_points(n_train: int, epochs: float, batch: int) -> list[int]:
    """Return the numbers of images after which a run is evaluated, whole batches each.

    0, then eight per decade from 500 images up to one epoch (short of its last 2 %), then every
    epoch and the end.
    """
    end = round(epochs * n_train)
    count = math.ceil(POINTS_PER_DECADE * math.log10(max(n_train / FIRST_POINT, 1)))
    early = [FIRST_POINT * 10 ** (k / POINTS_PER_DECADE) for k in range(count)]
    rounded = {math.ceil(s / batch) * batch for s in early}
    points = {p for p in rounded if p <= 0.98 * n_train}
    points |= {n_train * e for e in range(1, math.floor(epochs) + 1)}
    return sorted({0, end, *(p for p in points if p < end)})


def build_network(case: Case, task: Task) -> MLP:
    """Return the case's network: arrays fabricated, calibrated, initial weights programmed."""
    sizes = [task.n_features, *case.hidden, task.n_classes]
    extra = 1 if case.bias == "array" else 0
    reading = Reading(dac_bits=case.dac_bits, adc_bits=case.adc_bits)
    device_seed = case.seed if case.device_seed < 0 else case.device_seed
    layers = []
    for index, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
        initial = np.zeros((n_in + extra, n_out), np.float32)
        k = rng.key(case.seed, NETWORK_ID + index, "init")
        u = rng.uniforms(k, 0, 0, n_in * n_out).reshape(n_in, n_out)
        initial[:n_in] = (2 * u - 1) * case.init_gain * math.sqrt(6 / (n_in + n_out))
        spec = LayerSpec(
            index, initial.shape, case.device, case.weight_scale, case.seed, device_seed,
            initial, reading,
        )  # fmt: skip
        layer = case.algorithm.build(spec)
        scaled = case.output_scale == "learned"
        layers.append(ScaledLayer(layer, len(case.device.kinds)) if scaled else layer)
    net = MLP(layers, case.activation, case.bias)
    if case.bias == "digital":
        net.set_biases(sizes[1:])
    return net


class _Run:
    """The state of one training run between evaluations."""

    def __init__(self, case: Case, task: Task) -> None:
        self.case, self.task = case, task
        self.n = case.train_images or len(task.train_y)
        if self.n > len(task.train_y):
            raise ValueError(
                f"Case.train_images = {self.n}: the task has {len(task.train_y)} training images"
            )
        self.total = round(case.epochs * self.n)
        self.net = build_network(case, task)
        self.recorder = Recorder()
        self.images, self.loss_sum, self.loss_count = 0, 0.0, 0
        self._epoch, self._order = -1, np.empty(0, np.int64)

    def lr(self, images: int) -> float:
        """Return the learning rate that the step after `images` images takes."""
        case, done = self.case, min(images / max(self.total, 1), 1.0)
        if case.lr_period:
            steps = max(math.ceil(case.epochs / case.lr_period) - 1, 1)
            done = min(images // (case.lr_period * self.n), steps) / steps
        return case.lr * case.lr_end**done

    def advance(self, until: int) -> None:
        """Train until `until` images were seen."""
        x, y = self.task.train_x, self.task.train_y
        while self.images < until:
            epoch, start = divmod(self.images, self.n)
            if epoch != self._epoch:
                k = rng.key(self.case.seed, NETWORK_ID, "shuffle")
                self._epoch, self._order = epoch, rng.permutation(k, epoch, self.n)
            size = min(self.case.batch, self.n - start, until - self.images)
            picked = self._order[start : start + size]
            loss = self._step(x[picked], y[picked])
            self.loss_sum += loss * size
            self.loss_count += size
            self.images += size
            if not math.isfinite(loss):
                return
        if self.images == self.total:
            for layer in self.net.layers:
                layer.finish()

    def _step(self, x: np.ndarray, y: np.ndarray) -> float:
        """Take one step; returns the loss, infinity where the updates have diverged."""
        try:
            return self.net.train_step(x, y, self.lr(self.images))
        except Diverged as error:
            log.warning("%s", error)
            return math.inf

    def evaluate(self) -> Progress:
        """Record the network as it is now; the test set is looked at after whole epochs only."""
        task, net = self.task, self.net
        loss, validation = net.evaluate(task.validation_x, task.validation_y)
        test = math.nan
        if self.images == self.total or (self.images and self.images % self.n == 0):
            test = self._test_accuracy()
        mean = self.loss_sum / self.loss_count if self.loss_count else math.nan
        self.recorder.add(
            net.layers,
            epoch=self.images / self.n,
            images=self.images,
            train_loss=mean,
            validation_loss=loss,
            validation_accuracy=validation,
            test_accuracy=test,
            learning_rate=self.lr(self.images),
        )
        self.loss_sum, self.loss_count = 0.0, 0
        pulses = int(self.recorder.rows[-1]["pulses"].sum())
        epoch = self.images / self.n
        return Progress(self.images, self.total, epoch, mean, validation, pulses, self.result)

    def _test_accuracy(self) -> float:
        """Return the accuracy on the test set; its read noise leaves no trace in later reads."""
        arrays = [array for layer in self.net.layers for array in layer.arrays]
        before = [array.counters[_EVALUATION] for array in arrays]
        _, accuracy = self.net.evaluate(self.task.test_x, self.task.test_y)
        for array, count in zip(arrays, before):
            array.counters[_EVALUATION] = count
        return accuracy

    def result(self) -> xr.Dataset:
        """Return what was recorded so far as a Dataset."""
        return self.recorder.dataset(self.case, self.net.layers, self.task.source)

    def save(self, path: Path) -> None:
        """Write a checkpoint, atomically; it holds its case."""
        parts = pack_case(self.case) | {"images": np.int64(self.images)}
        parts["sizes"] = np.array([self.task.n_features, self.task.n_classes])
        parts |= {f"rows/{k}": v for k, v in self.recorder.state_dict().items()}
        for i, layer in enumerate(self.net.layers):
            parts |= {f"layer{i}/{k}": v for k, v in layer.state_dict().items()}
        parts |= {f"bias{i}": b for i, b in enumerate(self.net.biases)}
        body = io.BytesIO()
        np.savez(body, **parts)
        write_bytes_atomic(path, body.getvalue())

    def load(self, path: Path) -> bool:
        """Continue from a checkpoint of this case; returns whether there was a valid one."""
        try:
            with np.load(path) as saved:
                if str(saved["case"]) != self.case.digest():
                    return False
                parts = {k: saved[k] for k in saved.files}
        except FileNotFoundError:
            return False
        except Exception:  # whatever damage a half-written archive shows
            log.warning("checkpoint %s is damaged; the case starts again", path)
            return False
        self.images = int(parts["images"])
        self.recorder.load_state_dict(_part(parts, "rows/"))
        _restore(self.net, parts)
        return True


def _part(parts: dict, prefix: str) -> dict:
    return {k.removeprefix(prefix): v for k, v in parts.items() if k.startswith(prefix)}


def _restore(net: MLP, parts: dict) -> None:
    for i, layer in enumerate(net.layers):
        layer.load_state_dict(_part(parts, f"layer{i}/"))
    for i, bias in enumerate(net.biases):
        bias[...] = parts[f"bias{i}"]


def load_state(
    path: str | Path, task: Task | None = None, *, data: str | Path | None = None
) -> tuple[Case, Task, MLP]:
    """Return case, data set and trained network from a state file that `train` wrote.

    Parameters
    ----------
    path : path
        The file.
    task : Task, optional
        Another data set than the one of training, of the same shape.
    data : path, optional
        Folder of the data files.

    Raises
    ------
    ValueError
        If the file is damaged or foreign, or the data set does not fit the network; without
        `task` also if the data changed since the training.
    """
    parts = read_state(path)
    try:
        case = unpack_case(parts)
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path}: cannot be used ({error}); train again") from None
    given = task or load_task(case.task, data)
    if task is None:
        case = with_data(case, given)
    shape = parts["sizes"].tolist()
    if shape != [given.n_features, given.n_classes]:
        raise ValueError(
            f"{path}: the network has {shape[0]} inputs and {shape[1]} classes, task "
            f"{given.name!r} has {given.n_features} and {given.n_classes}; name a task of that "
            "shape"
        )
    net = build_network(case, given)
    _restore(net, parts)
    return case, given, net


def train(
    case: Case,
    task: Task | None = None,
    *,
    data: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    checkpoint: str | Path | None = None,
    state: str | Path | None = None,
) -> xr.Dataset:
    """Train one case and return its result.

    Parameters
    ----------
    case : Case
        What to train.
    task : Task, optional
        The data set; loaded by `case.task` from `data` if it is not given.
    data : path, optional
        Folder of the data files.
    progress : callable, optional
        Called with a `Progress` at each evaluation.
    checkpoint : path, optional
        File to continue from, if it is there, and to write after each epoch. The result is the
        same as that of an uninterrupted run.
    state : path, optional
        File that receives the final state, in the form of a checkpoint.

    Returns
    -------
    xarray.Dataset
        Over ``epoch`` and what belongs to it; see `feemu.schema`.

    Raises
    ------
    ValueError
        If the data set differs from the one that the case names by its hash.
    """
    task = task or load_task(case.task, data)
    case = with_data(case, task)
    run = _Run(case, task)
    if not (checkpoint and run.load(Path(checkpoint))):
        _report(run.evaluate(), progress)
    for point in evaluation_points(run.n, case.epochs, case.batch):
        if point <= run.images:
            continue
        run.advance(point)
        seen = run.evaluate()
        _report(seen, progress)
        if not math.isfinite(seen.train_loss):
            log.warning("the loss is not finite after %d images; the run ends here", run.images)
            break
        if checkpoint and run.images % run.n == 0 and run.images < run.total:
            run.save(Path(checkpoint))
    if state:
        run.save(Path(state))
    return run.result()


def _report(seen: Progress, progress: Callable[[Progress], None] | None) -> None:
    if progress:
        progress(seen)


def with_data(case: Case, task: Task) -> Case:
    """Return the case with the data set's hash, after checking one that is there already."""
    if case.data_sha256 not in ("", task.data_sha256):
        raise ValueError(
            f"Case.data_sha256 = {case.data_sha256[:12]}...: task {task.name!r} has "
            f"{task.data_sha256[:12]}...; the data changed since the case was made"
        )
    return case.replace(data_sha256=task.data_sha256)
