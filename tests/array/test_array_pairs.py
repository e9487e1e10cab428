"""Differential pairs: one read, one conversion, the noise of two devices and of no reference."""

import numpy as np
import pytest

from feemu.array import READS, Reading, SynapseArray
from feemu.devices import Device, SoftBounds, tabulate

SHAPE, OMEGA, SIGMA = (6, 4), 0.5, 0.05
FORWARD, BACKWARD = READS.index("forward"), READS.index("backward")


def pair(read_noise=0.0, **reading):
    """Return two arrays in random states, the first read as a pair with the second."""
    tables = tabulate(Device(response=SoftBounds(0.05, 0.03), read_noise=read_noise))
    draw = np.random.default_rng(5)
    made = [
        SynapseArray(SHAPE, tables, omega=OMEGA, array_id=i, reading=Reading(**reading))
        for i in (0, 1)
    ]
    for array in made:
        array.set_state(draw.uniform(0.1, 0.9, SHAPE).astype(np.float32))
    made[0].pair_with(made[1])
    return made


def vectors(batch, n):
    return np.random.default_rng(6).normal(size=(batch, n)).astype(np.float32)


def test_a_pair_reads_the_difference_and_converts_once():
    first, second = pair()
    alone = SynapseArray(SHAPE, first.tables, omega=OMEGA)
    x, d = vectors(3, 6), vectors(3, 4)
    w = (first.weights - second.weights).astype(float)
    np.testing.assert_allclose(first.forward(x), x @ w, atol=1e-5)
    np.testing.assert_allclose(first.backward(d), d @ w.T, atol=1e-5)
    alone.forward(x), alone.backward(d)
    book, one = first.ledger, alone.ledger
    for name in ("reads", "adc", "dac", "read_rows"):
        np.testing.assert_array_equal(getattr(book, name), getattr(one, name))
    np.testing.assert_array_equal(book.read_x2, 2 * one.read_x2)
    assert not second.ledger.reads.any()


def test_the_converter_sees_the_difference():
    """Whole levels of a full scale that spans both devices."""
    first, second = pair(adc_bits=6, adc_range=2.0)
    x = vectors(5, 6)
    unit = 2.0 * 2 * OMEGA * np.abs(x).max(axis=1, keepdims=True) / 31
    levels = np.clip(np.rint(x @ (first.weights - second.weights) / unit), -31, 31)
    np.testing.assert_allclose(first.forward(x), levels * unit, rtol=1e-5)


@pytest.mark.parametrize("forward", (True, False))
def test_noise_is_that_of_two_devices(forward):
    """20,000 reads: a standard deviation within 3 % fails by chance once in 10^7 runs."""
    first, second = pair(SIGMA)
    x = vectors(1, SHAPE[not forward])
    read = first.forward if forward else first.backward
    seen = read(np.repeat(x, 20_000, axis=0))
    squares = sum((2 * OMEGA * array.conductance.astype(float)) ** 2 for array in (first, second))
    wanted = SIGMA * np.sqrt(x[0].astype(float) ** 2 @ (squares if forward else squares.T))
    np.testing.assert_allclose(seen.std(axis=0), wanted, rtol=0.03)


def test_shared_trains_are_drawn_once():
    """Of two arrays that follow the same trains the one whose trains they are pays for them."""
    tables = tabulate(Device(response=SoftBounds(0.05, 0.03)))
    arrays = [SynapseArray(SHAPE, tables, array_id=i, train_id=0) for i in (0, 1)]
    for array in arrays:
        array.pulse_coincidence(np.ones((2, 6), np.float32), vectors(2, 4), 0.1)
    work = [array.ledger.digital.sum(axis=0).tolist() for array in arrays]
    slots = arrays[0].ledger.slots[2, 0]
    assert work[0] == [0, 0, 0, 8 * slots * 10, 2 * 10] and work[1] == [0] * 5
    assert arrays[0].ledger.digital_bits.tolist() == [0, 0, 0, 1, 32]
