"""Devices, random requests and the slow reference array for the tests of `SynapseArray`."""

from functools import cache

import numpy as np
from oracle import OracleArray, key, update_words

from feemu import rng
from feemu.array import DIGITAL, PHASES, SynapseArray
from feemu.devices import (
    Beta,
    Constant,
    Device,
    DeviceTables,
    Noise,
    PulseKind,
    SoftBounds,
    Spread,
    preset,
    tabulate,
)

#: False-alarm rate of one statistical test.
ALPHA = 5e-9
#: Numbers of the streams that programming uses, as published in `feemu.rng.STREAMS`.
STREAMS = {"init": 2, "x-train": 5, "d-train": 6, "train": 7, "calibration": 15}

_SPREAD = Spread(0.3, 0.1, 0.1, 0.1, stuck_fraction=0.1, fab_spread=0.15)
_KINDS = (
    (PulseKind("long up", 1, 1e-6), SoftBounds(0.2, 0.1)),
    (PulseKind("long down", -1, 1e-6), SoftBounds(0.1, 0.15)),
)
DEVICES = {
    "plain": Device(response=SoftBounds(0.1, 0.1)),
    "constant": Device(response=Constant(0.004, 0.004)),
    "beta": Device(noise=Noise(relative=0.3), spread=_SPREAD),
    "soft_bounds": Device(response=SoftBounds(0.09, 0.06), noise=Noise(0.5, 0.03), spread=_SPREAD),
    "exponential": Device(
        noise=Noise(relative=0.1), spread=_SPREAD, conductance="exponential", on_off=14.5
    ),
    "variants": Device(
        variants=(Beta(), SoftBounds(0.05, 0.08), Constant(0.03, 0.02)),
        noise=Noise(0.2, 0.01),
        spread=_SPREAD,
    ),
    "kinds": Device(noise=Noise(relative=0.2), spread=_SPREAD, extra_kinds=_KINDS),
    "write_noise": Device(noise=Noise(relative=0.3), spread=_SPREAD, write_noise=0.05),
    "noisy_reads": Device(noise=Noise(relative=0.3), spread=_SPREAD, read_noise=0.02),
}


@cache
def tables(name: str) -> DeviceTables:
    """Return the tables of a device of `DEVICES`, or of a preset."""
    return tabulate(DEVICES[name] if name in DEVICES else preset(name))


@cache
def tables_of(device: Device) -> DeviceTables:
    """Return the tables of any device, once per process."""
    return tabulate(device)


def mirror(array: SynapseArray, exact_normals: bool = False) -> OracleArray:
    """Return the slow array in the same state; by default it takes the fast normals."""
    cells = array._cells
    variant = np.broadcast_to(array._variants, array.shape)
    c_up, c_down = array.step_scales
    return OracleArray.from_tables(
        array.state,
        array.tables,
        c_up=c_up,
        c_down=c_down,
        offset=cells[..., 3],
        span=cells[..., 4],
        variant=variant,
        reference=array.reference,
        omega=array.omega,
        **({} if exact_normals else {"z_of_word": lambda w: rng.normal_from_word(np.uint32(w))}),
    )


def noise_words(array: SynapseArray, phase: str, update: int):
    """Return event -> word of listed pulses in a phase."""
    k = key(array.seed, array.array_id, STREAMS[phase])
    return update_words(key_noise=k, update=update)[2]


def train_keys(array: SynapseArray, owner: int) -> tuple:
    """Return the keys of row trains, column trains and noise of a coincidence update."""
    trains = (key(array.seed, owner, STREAMS[s]) for s in ("x-train", "d-train"))
    return *trains, key(array.seed, array.array_id, STREAMS["train"])


def request(draw: np.random.Generator, batch: int, shape: tuple[int, int]) -> tuple:
    """Return (x, d) with zeros, one or both signs, or nothing at all in some samples."""
    parts = []
    for n in shape:
        v = draw.normal(size=(batch, n)) * (draw.random((batch, n)) < draw.choice([0.4, 1.0]))
        v = draw.choice([v, np.abs(v), -np.abs(v)])
        v[draw.random(batch) < 0.1] = 0.0
        parts.append(v.astype(np.float32))
    return tuple(parts)


def compare(array: SynapseArray, slow: OracleArray, tolerance: float = 1e-6) -> None:
    """Hold states, weights, event counters and the ledger against the slow array."""
    np.testing.assert_allclose(array.state, slow.p, atol=tolerance, rtol=0)
    scale = 2 * array.omega
    np.testing.assert_allclose(array.weights, slow.weights(), atol=4 * scale * tolerance, rtol=2e-6)
    np.testing.assert_array_equal(array.events, slow.events)
    book = array.ledger
    for p, phase in enumerate(PHASES):
        if phase not in slow.ledgers:
            assert not any(v[p].any() for k, v in book.arrays().items() if k != "digital_bits")
            continue
        wanted = slow.ledgers[phase].as_arrays()
        for name in ("pulses", "row_pulses", "column_pulses", "slots", "state_hist"):
            got = getattr(book, name)[p]
            np.testing.assert_array_equal(got, wanted[name], err_msg=f"{phase} {name}")
        assert book.clipped_updates[p] == wanted["clipped_updates"]
        drawn = dict(zip(DIGITAL, book.digital[p]))
        assert drawn["random_bits"] == 8 * wanted["random_numbers"]
        assert drawn["max_search"] == wanted["searched"]
        for name in ("switched", "conductance"):
            got, most = getattr(book, name)[p], 4 * tolerance * wanted["pulses"]
            np.testing.assert_array_less(np.abs(got - wanted[name]), most + 1e-12, err_msg=name)
        half = book.half_selected(*array.shape)[p].tolist()
        assert half == [
            slow.ledgers[phase].half_selected(k, *array.shape) for k in range(len(half))
        ]
        assert min(half) >= 0
    check_sums(array)


def check_sums(array: SynapseArray) -> None:
    """Assert the identities that hold within a ledger."""
    book = array.ledger
    np.testing.assert_array_equal(book.state_hist.sum(axis=2), book.pulses)
    assert book.pulses.sum() == array.events.sum(dtype=np.int64)
    assert np.all(book.switched >= 0) and np.all(book.switched <= book.pulses)
    n_in, n_out = array.shape
    assert np.all(book.pulses <= n_out * book.row_pulses)
    assert np.all(book.pulses <= n_in * book.column_pulses)
    assert np.all((book.slots > 0) | (book.pulses == 0))
