"""Fits of measured pulse trains: response model, noise, spread and intervals."""

from feemu.fit.dataset import fit_dataset
from feemu.fit.drawn import drawn_devices
from feemu.fit.fitting import fit
from feemu.fit.result import Fit, Part, Value
from feemu.fit.shapes import SHAPES

__all__ = ["SHAPES", "Fit", "Part", "Value", "drawn_devices", "fit", "fit_dataset"]
