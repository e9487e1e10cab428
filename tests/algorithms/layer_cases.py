"""Layers for the tests of algorithms: devices, what to build from, random requests."""

from functools import cache

import numpy as np

from feemu.algorithms import LayerSpec, SymmetryPointShift
from feemu.array import PHASES, READS, Reading
from feemu.devices import Beta, Constant, Device, Noise, SoftBounds, Spread, preset, tabulate

#: z of a false-alarm rate of 5e-9 per test, two sides.
Z = 5.85
SPREAD = Spread(0.2, 0.1, 0.05, 0.05, fab_spread=0.05)
DEVICES = {
    # Symmetry point at 0.6, away from weight zero; nothing random.
    "quiet": Device(response=SoftBounds(0.06, 0.04)),
    "spread": Device(response=SoftBounds(0.06, 0.04), spread=SPREAD),
    "noisy": Device(response=Beta(), noise=Noise(relative=0.3), spread=SPREAD),
    # The kernel of the superlattice at 20 us, without its noise and spread.
    "hzo_superlattice_20us": preset("hzo_superlattice")
    .at(20e-6)
    .replace(noise=Noise(), spread=Spread()),
    "fine": Device(response=Constant(0.001, 0.001)),
    "curved": Device(
        response=SoftBounds(0.06, 0.04), spread=SPREAD, conductance="exponential", on_off=10.0
    ),
}
VARIANTS = [
    SymmetryPointShift(variant=variant, ideal=ideal)
    for variant in ("reference", "global", "trim", "push_pull", "none")
    for ideal in (False, True)
]


@cache
def tables(name):
    """Return the tables of a device above, or of a preset."""
    return tabulate(DEVICES[name] if name in DEVICES else preset(name))


def spec(device, shape=(12, 9), initial=None, index=0, omega=1.0, **options):
    """Return what a layer is built from; without initial weights they are all zero."""
    weights = np.zeros(shape) if initial is None else np.broadcast_to(initial, shape)
    given = {"seed": 3, "device_seed": 4, "reading": Reading(), **options}
    own = device if not isinstance(device, str) else tables(device)
    return LayerSpec(
        index, shape, own, omega, initial=np.array(weights, np.float32), **given
    )  # fmt: skip


def counted(layer, name, phase):
    """Return a counter of a phase, summed over the layer's ledgers, by pulse or read kind."""
    return sum(getattr(book, name)[PHASES.index(phase)] for book in layer.ledgers)


def reads(layer, name, phase, kind):
    """Return a read counter of a phase, summed over the layer's ledgers."""
    return int(counted(layer, name, phase)[READS.index(kind)])


def request(draw, batch, shape, sparse=0.3):
    """Return random (x, d) of both signs, some inputs zero."""
    x, d = (draw.normal(size=(batch, n)) for n in shape)
    x[draw.random(x.shape) < sparse] = 0.0
    return x.astype(np.float32), d.astype(np.float32)
