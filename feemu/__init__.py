"""feemu: pulse-level emulator of ferroelectric synapse arrays and their training.

Everything below is loaded when it is first used, so that ``import feemu`` costs nothing.
"""

# ruff: noqa: F401 (type checkers read the imports below, nothing else does)

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feemu import algorithms, devices, energy, plots, statistics, tasks
    from feemu.algorithms import algorithm
    from feemu.array import SynapseArray
    from feemu.case import Case
    from feemu.curves import CurvesError, read_curves, write_curves
    from feemu.devices import (
        Beta,
        Constant,
        Device,
        Exponential,
        Family,
        Linear,
        Noise,
        Power,
        PulseKind,
        SoftBounds,
        Spread,
        Table,
        WeightSpread,
        preset,
        preset_names,
        preset_table,
        read_preset,
        tabulate,
    )
    from feemu.energy import EnergyModel, price
    from feemu.instrument import Protocol, measure
    from feemu.params import format_width, parse_width
    from feemu.store import load, save
    from feemu.sweeping import combine, sweep
    from feemu.tasks import Task, load_task, task_from_arrays
    from feemu.training import load_state, train
    from feemu.tuning import Search, tune

#: Where each public name lives; a module that is public itself has an empty list.
_PLACES = {
    "algorithms": ["algorithm"],
    "array": ["SynapseArray"],
    "case": ["Case"],
    "curves": ["CurvesError", "read_curves", "write_curves"],
    "devices": [
        "Beta",
        "Constant",
        "Device",
        "Exponential",
        "Family",
        "Linear",
        "Noise",
        "Power",
        "PulseKind",
        "SoftBounds",
        "Spread",
        "Table",
        "WeightSpread",
        "preset",
        "preset_names",
        "preset_table",
        "read_preset",
        "tabulate",
    ],
    "energy": ["EnergyModel", "price"],
    "instrument": ["Protocol", "measure"],
    "params": ["format_width", "parse_width"],
    "plots": [],
    "statistics": [],
    "store": ["load", "save"],
    "sweeping": ["combine", "sweep"],
    "tasks": ["Task", "load_task", "task_from_arrays"],
    "training": ["load_state", "train"],
    "tuning": ["Search", "tune"],
}
_MODULES = ("algorithms", "devices", "energy", "plots", "statistics", "tasks")
#: Names and modules never share a name: the import system would put one in the other's place.
_NAMES = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "__version__",
    *sorted([*_NAMES, *_MODULES]),
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("feemu")
    if name in _MODULES:
        return importlib.import_module(f"feemu.{name}")
    if name not in _NAMES:
        raise AttributeError(f"module 'feemu' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"feemu.{_NAMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
