"""A case: everything that one training run depends on, as one frozen record with a hash."""

from __future__ import annotations

import hashlib
import json
import numbers
import os
from dataclasses import dataclass, fields
from typing import Any

from feemu.devices import DeviceTables
from feemu.mlp import ACTIVATIONS
from feemu.params import Record, param, plain

#: Raised whenever the same case gives other numbers than before; see CHANGELOG.
PHYSICS_VERSION = 3
#: Fields that came later, and values at which a case keeps the hash that it had without them.
_LATER = {"lr_period": 0.0, "output_scale": "none"}


@dataclass(frozen=True)
class Case(Record):
    """One training run; `feemu.train` is a pure function of it.

    The device is held as tables, so that a worker never needs the class it came from.
    """

    device: DeviceTables = param(doc="tabulated device at one pulse width")
    algorithm: Any = param(doc="algorithm, an instance from feemu.algorithms")
    task: str = param("digits", doc="data set by name, or a .npz file")
    data_sha256: str = param("", doc="content hash of the data set; set by train")
    hidden: tuple[int, ...] = param((64,), doc="sizes of the hidden layers")
    activation: str = param("sigmoid", doc="activation", choices=ACTIVATIONS)
    bias: str = param("array", doc="where biases live", choices=("array", "digital", "none"))
    output_scale: str = param(
        "none", doc="digital number behind each layer", choices=("none", "learned")
    )
    epochs: float = param(10.0, "1", "passes over the training data", lo=0.0, hi=1e4)
    train_images: int = param(0, "1", "images of one epoch; 0 is all of them", lo=0)
    batch: int = param(1, "1", "images per mini-batch", lo=1, hi=1_000_000)
    lr: float = param(0.1, "1", "learning rate in visible-weight units", lo=1e-12, hi=1e6)
    lr_end: float = param(
        1.0, "1", "learning rate at the end over that at the start",
        lo=1e-9, hi=1.0,
    )  # fmt: skip
    lr_period: float = param(
        0.0, "1", "epochs between the equal ratios that take lr to its end; 0: exponential",
        lo=0.0, hi=1e4,
    )  # fmt: skip
    weight_scale: float = param(1.0, "1", "kappa: weight scale of every layer", lo=1e-6, hi=1e6)
    init_gain: float = param(1.0, "1", "initial weights over Glorot's", lo=0.0, hi=100.0)
    dac_bits: int = param(0, "bit", "input resolution of reads; 0 is ideal", lo=0, hi=24)
    adc_bits: int = param(0, "bit", "output resolution of reads; 0 is ideal", lo=0, hi=24)
    seed: int = param(0, "1", "seed of the run", lo=0)
    device_seed: int = param(-1, "1", "seed of the device draw; -1 is the run's seed", lo=-1)
    physics_version: int = param(PHYSICS_VERSION, "1", "version of the emulator's numbers", lo=1)

    def __post_init__(self) -> None:
        if isinstance(self.task, os.PathLike):
            object.__setattr__(self, "task", os.fspath(self.task))
        super().__post_init__()
        if not isinstance(self.device, DeviceTables):
            kind = type(self.device).__name__
            raise TypeError(f"Case.device: got {kind}; pass feemu.tabulate(device)")
        if isinstance(self.algorithm, type) or not hasattr(self.algorithm, "build"):
            raise TypeError(
                f"Case.algorithm = {self.algorithm!r:.60}: must be an instance of an algorithm, "
                "e.g. feemu.algorithm('plain_sgd')"
            )
        if not isinstance(self.hidden, (tuple, list)) or not all(map(_is_size, self.hidden)):
            raise ValueError(
                f"Case.hidden = {self.hidden!r}: must be the sizes of the hidden layers, whole "
                "numbers from 1, e.g. (64,)"
            )
        object.__setattr__(self, "hidden", tuple(int(n) for n in self.hidden))

    def to_dict(self) -> dict:
        """Return the case as plain values; the device by its digest and parameters."""
        body = {f.name: plain(getattr(self, f.name)) for f in fields(self) if f.name != "device"}
        body = {n: v for n, v in body.items() if n not in _LATER or v != _LATER[n]}
        return {
            **body,
            "algorithm": {"name": self.algorithm.name, **plain(self.algorithm)},
            "device": self.device.device,
            "device_sha256": self.device.digest(),
        }

    def digest(self) -> str:
        """Return the SHA-256 of the case as hexadecimal text: equal cases, equal results."""
        text = json.dumps(self.to_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _is_size(n: Any) -> bool:
    return isinstance(n, numbers.Real) and not isinstance(n, bool) and n >= 1 and n % 1 == 0
