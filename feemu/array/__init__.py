"""Arrays of synapses: state, programming pulse by pulse, reading, and the ledger."""

from feemu.array.ledger import DIGITAL, PHASES, READS, Ledger
from feemu.array.reading import Reading
from feemu.array.synapses import SynapseArray

__all__ = ["DIGITAL", "PHASES", "READS", "Ledger", "Reading", "SynapseArray"]
