"""The virtual instrument: a measurement protocol run on an emulated device."""

from feemu.instrument.measure import measure
from feemu.instrument.protocol import Protocol

__all__ = ["Protocol", "measure"]
