"""From the ledger to joules: pure functions, so that a stored result can be priced again."""

from feemu.energy.model import EnergyModel
from feemu.energy.pricing import energy, price, time_programming
from feemu.energy.pulse import critical_tau_w, pulse_energy, pulse_terms, relative_energy, tau_w

__all__ = [
    "EnergyModel",
    "critical_tau_w",
    "energy",
    "price",
    "pulse_energy",
    "pulse_terms",
    "relative_energy",
    "tau_w",
    "time_programming",
]
