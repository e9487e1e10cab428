"""Devices: response models, noise, spread, tables, families over pulse width and presets."""

from feemu.devices.base import ResponseModel
from feemu.devices.beta import Beta
from feemu.devices.constant import Constant
from feemu.devices.device import Device, PulseKind
from feemu.devices.exponential import Exponential
from feemu.devices.family import Family
from feemu.devices.linear import Linear, neurosim_label
from feemu.devices.noise import Noise
from feemu.devices.power import Power
from feemu.devices.presets import preset, preset_names, preset_table, read_preset
from feemu.devices.soft_bounds import SoftBounds
from feemu.devices.spread import Spread, SpreadDraw
from feemu.devices.table import Table
from feemu.devices.tabulate import DeviceTables, tabulate
from feemu.devices.weight_spread import WeightSpread

MODELS = {
    "constant": Constant,
    "linear": Linear,
    "soft_bounds": SoftBounds,
    "exponential": Exponential,
    "power": Power,
    "beta": Beta,
    "table": Table,
}

__all__ = [
    "MODELS",
    "Beta",
    "Constant",
    "Device",
    "DeviceTables",
    "Exponential",
    "Family",
    "Linear",
    "Noise",
    "Power",
    "PulseKind",
    "ResponseModel",
    "SoftBounds",
    "Spread",
    "SpreadDraw",
    "Table",
    "WeightSpread",
    "neurosim_label",
    "preset",
    "preset_names",
    "preset_table",
    "read_preset",
    "tabulate",
]
