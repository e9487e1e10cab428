"""Measured pulse trains: from the files that labs write to one labelled Dataset, and back."""

from feemu.curves.errors import CurvesError
from feemu.curves.mapping import Mapping, read_mapping
from feemu.curves.read import read_curves
from feemu.curves.write import write_curves

__all__ = ["CurvesError", "Mapping", "read_curves", "read_mapping", "write_curves"]
