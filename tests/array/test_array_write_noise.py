"""Write noise: on the visible weight only, renewed by the last pulse of an update."""

import math

import numpy as np
from array_cases import ALPHA, tables
from oracle import key, normal, word
from scipy import stats

from feemu.array import PHASES, SynapseArray

WRITE_STREAM = 8


def make(shape=(7, 5), **options):
    return SynapseArray(shape, tables("write_noise"), **{"omega": 1.5, "seed": 3, **options})


def hidden(array):
    """Return the weights without write noise, float64."""
    return 3.0 * (array.conductance.astype(np.float64) - array.reference)


def noise(array):
    """Return the write noise that each weight carries, in units of its standard deviation."""
    return (array.weights - hidden(array)) / (3.0 * 0.05)


def wanted(array, counter, update, where):
    """Return the noise of one update, zero where no pulse came."""
    k, z = key(array.seed, array.array_id, WRITE_STREAM), np.zeros(array.shape)
    for i, j in zip(*np.nonzero(where)):
        unit = PHASES.index(counter) * array.shape[0] + int(i)
        z[i, j] = normal(word(k, update, unit, int(j)))
    return z


def test_fabricated_weights_carry_none():
    assert np.abs(noise(make())).max() < 1e-4


def test_counts_renew_the_noise_of_pulsed_cells():
    array, carried, draw = make(), 0.0, np.random.default_rng(1)
    for n, phase in enumerate(("init", "calibration", "train", "train")):
        counts = draw.integers(-2, 3, array.shape)
        counts[n] = 0
        with array.counting(phase):
            array.pulse_counts(counts)
        update = array.counters[phase] - 1
        new = wanted(array, phase, update, counts)
        carried = np.where(counts != 0, new, carried)
        np.testing.assert_allclose(noise(array), carried, atol=2e-4)


def test_reads_of_cells_see_it():
    """All or some: what stands in the visible weight, in units of the conductance."""
    array = make()
    array.set_reference(np.linspace(0.2, 0.6, 35).reshape(7, 5))
    array.pulse_counts(np.full(array.shape, 2))
    seen = array.weights.astype(np.float64) / 3.0 + array.reference
    assert np.abs(seen - array.conductance).max() > 0.03
    np.testing.assert_allclose(array.read_cells("verify"), seen, rtol=0, atol=1e-6)
    cells = np.array([0, 4, 4]), np.array([3, 0, 2])
    np.testing.assert_allclose(array.read_cells("verify", cells), seen[cells], rtol=0, atol=1e-6)


def test_coincidences_renew_the_noise_of_pulsed_cells():
    """Sample by sample, whatever the phase: the counter of the trains belongs to them alone."""
    array, carried, draw = make(), np.zeros((7, 5)), np.random.default_rng(1)
    x, d = (draw.normal(size=(6, n)).astype(np.float32) for n in array.shape)
    for b in range(6):
        before = array.events.copy()
        with array.counting("calibration" if b % 2 else "train"):
            array.pulse_coincidence(x[b : b + 1], d[b : b + 1], 2 * array.granularity)
        pulsed = array.events > before
        carried = np.where(pulsed, wanted(array, "train", b, pulsed), carried)
        np.testing.assert_allclose(noise(array), carried, atol=2e-4)
    assert 0 < np.count_nonzero(carried) < carried.size


def test_counts_and_coincidences_of_a_phase_never_share_noise():
    array = make((1, 4))
    seen = []
    with array.counting("calibration"):
        for _ in range(3):
            array.pulse_counts(np.ones((1, 4), int))
            seen.append(noise(array).ravel())
            array.pulse_coincidence(
                np.ones((1, 1), np.float32), np.ones((1, 4), np.float32), 4 * array.granularity
            )
            seen.append(noise(array).ravel())
    seen = np.concatenate(seen)
    distance = np.abs(seen[:, None] - seen) + np.eye(seen.size)
    assert distance.min() > 1e-3


def test_law():
    """Mean and variance of 40,000 weights; false alarm 5e-9 for both together."""
    array = make((200, 200))
    array.pulse_counts(np.ones((200, 200), int))
    z = noise(array)
    n, total = z.size, np.sum(z * z)
    assert abs(z.mean()) < stats.norm.isf(ALPHA / 4) / math.sqrt(n)
    assert stats.chi2.ppf(ALPHA / 4, n) < total < stats.chi2.isf(ALPHA / 4, n)


def test_states_and_ledger_know_nothing_of_it():
    noisy, plain = make((9, 8)), SynapseArray((9, 8), tables("beta"), omega=1.5, seed=3)
    counts = np.random.default_rng(0).integers(-3, 4, (9, 8))
    for array in (noisy, plain):
        array.pulse_counts(counts)
    np.testing.assert_array_equal(noisy.state, plain.state)
    assert noisy.ledger.conductance.tolist() == plain.ledger.conductance.tolist()
