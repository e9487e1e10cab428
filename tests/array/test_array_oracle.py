"""The array against the slow emulator: same words, same events, same ledger."""

import numpy as np
import pytest
from array_cases import (
    DEVICES,
    check_sums,
    compare,
    mirror,
    noise_words,
    request,
    tables,
    train_keys,
)
from oracle import coincidence_batch

import feemu.array.synapses
from feemu.array import SynapseArray, stepping

TRAINS = ((1, 31), (31, 31), (1, 1), (5, 5), (2, 32))
KIND_PAIRS = ((0, 1), (2, 3), (0, 3), (2, 1))


def make(name, draw, **options):
    shape = tuple(int(n) for n in draw.integers(1, 13, 2))
    given = {"omega": float(draw.choice([0.5, 1.0, 3.0])), "seed": int(draw.integers(2**40))}
    given |= {"array_id": int(draw.integers(64)), "reference": float(draw.uniform(0.3, 0.7))}
    return SynapseArray(shape, tables(name), **{**given, **options})


def pulse_both(array, slow, draw, update, owner, kinds):
    """Program one random request on both arrays; returns the number of samples."""
    x, d = request(draw, int(draw.integers(1, 4)), array.shape)
    largest = max(float(np.abs(x).max() * np.abs(d).max()), 1e-3)
    lr = float(draw.choice([0.3, 3.3, 50.0])) * array.granularity / largest
    bl_min, bl_max = TRAINS[draw.integers(len(TRAINS))]
    managed = bool(draw.random() < 0.5)
    trains = bl_min, bl_max, managed
    done = coincidence_batch(
        slow, x, d, lr, *trains, array.granularity, train_keys(array, owner), update, kinds
    )
    assert not any(o.train.fragile for o in done)
    events = array.pulse_coincidence(
        x, d, lr, bl_min=bl_min, bl_max=bl_max, managed=managed, kinds=kinds
    )
    assert events == sum(o.events for o in done)
    return len(x)


@pytest.mark.parametrize("name", sorted({*DEVICES} - {"write_noise", "noisy_reads"}))
@pytest.mark.parametrize("seed", range(4))
def test_random_requests(name, seed):
    """Coincidences and counts in turn, in all phases, on an array of random shape."""
    draw = np.random.default_rng([seed, *name.encode()])
    array = make(name, draw)
    slow, updates = mirror(array), {"init": 0, "calibration": 0, "train": 0}
    for _ in range(5):
        phase = str(draw.choice(list(updates)))
        kinds = KIND_PAIRS[draw.integers(4)] if name == "kinds" else (0, 1)
        slow.phase = phase
        with array.counting(phase):
            if draw.random() < 0.6:
                update = updates["train"]
                updates["train"] += pulse_both(array, slow, draw, update, array.array_id, kinds)
            else:
                counts = draw.integers(-3, 4, array.shape) * (draw.random(array.shape) < 0.6)
                slow.counts(counts, noise_words(array, phase, updates[phase]), kinds)
                assert array.pulse_counts(counts, kinds) == np.abs(counts).sum()
                updates[phase] += 1
    assert array.phase == "train"
    assert {k: array.counters[k] for k in updates} == updates
    compare(array, slow)


@pytest.mark.parametrize("name", ("beta", "soft_bounds", "softbounds_aihwkit"))
def test_exact_normals_and_many_events(name):
    """The slow array with scipy's normals: states agree to 3e-5 of the range, counts exactly."""
    draw = np.random.default_rng(17)
    array = make(name, draw, train_id=3)
    slow, update = mirror(array, exact_normals=True), 0
    for _ in range(12):
        update += pulse_both(array, slow, draw, update, 3, (0, 1))
    assert array.events.sum() > 300
    book, wanted = array.ledger, slow.ledger.as_arrays()
    np.testing.assert_allclose(array.state, slow.p, atol=3e-5, rtol=0)
    np.testing.assert_allclose(array.weights, slow.weights(), atol=2e-4 * array.omega)
    for field in ("pulses", "row_pulses", "column_pulses", "slots"):
        np.testing.assert_array_equal(getattr(book, field)[2], wanted[field])
    np.testing.assert_allclose(book.switched[2], wanted["switched"], rtol=1e-5)
    np.testing.assert_allclose(book.conductance[2], wanted["conductance"], rtol=1e-5)
    # A state at the edge of a bin may fall to either side.
    assert np.abs(book.state_hist[2] - wanted["state_hist"]).sum() <= 4


@pytest.mark.parametrize("name", ("beta", "variants"))
def test_wide_rows(name):
    """Rows of 600 synapses: an update takes several pieces of the kernel's lists."""
    draw = np.random.default_rng(6)
    array = SynapseArray((4, 600), tables(name), seed=9)
    slow, x, d = mirror(array), draw.normal(size=(2, 4)), draw.normal(size=(2, 600))
    x, d, lr = x.astype(np.float32), d.astype(np.float32), 2 * array.granularity
    keys = train_keys(array, array.array_id)
    coincidence_batch(slow, x, d, lr, 1, 31, True, array.granularity, keys)
    assert array.pulse_coincidence(x, d, lr) > 1000
    counts = draw.integers(-1, 2, array.shape)
    slow.counts(counts, noise_words(array, "train", 2))
    array.pulse_counts(counts)
    compare(array, slow)


@pytest.mark.parametrize("limit", (1, 20, 100_000))
def test_counts_in_blocks_of_rows(limit, monkeypatch):
    """However many pulses are listed at a time, the update is one."""
    monkeypatch.setattr(feemu.array.synapses, "_LISTED", limit)
    draw = np.random.default_rng(3)
    array = SynapseArray((9, 7), tables("beta"), seed=2)
    slow = mirror(array)
    for n in range(3):
        counts = draw.integers(-4, 5, array.shape)
        counts[[0, 4]] = 0
        slow.counts(counts, noise_words(array, "train", n))
        assert array.pulse_counts(counts) == np.abs(counts).sum()
    compare(array, slow)


def test_update_counter_beyond_32_bits():
    draw = np.random.default_rng(4)
    array = SynapseArray((4, 3), tables("beta"), seed=7)
    start = array.counters["train"] = 2**32 - 2
    slow, x, d = mirror(array), draw.normal(size=(4, 4)), draw.normal(size=(4, 3))
    x, d, lr = x.astype(np.float32), d.astype(np.float32), 2 * array.granularity
    keys = train_keys(array, array.array_id)
    coincidence_batch(slow, x, d, lr, 1, 31, True, array.granularity, keys, start)
    assert array.pulse_coincidence(x, d, lr) > 10
    compare(array, slow)


@pytest.mark.parametrize("sx, sd", [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)])
def test_every_sign_combination(sx, sd):
    """K = 4 with both probabilities one: four pulses for sure, against the sign of x d."""
    array = SynapseArray((1, 1), tables("constant"))
    x, d = (np.array([[2.0 * s]], np.float32) for s in (sx, sd))
    sign = -sx * sd
    assert array.pulse_coincidence(x, d, array.granularity) == 4 * abs(sign)
    assert array.state[0, 0] == pytest.approx(0.5 + 4 * 0.004 * sign, abs=1e-6)
    book, slots = array.ledger, 4 * abs(sign)
    assert book.pulses[2].tolist() == [4 * (sign > 0), 4 * (sign < 0)]
    assert book.column_pulses[2].tolist() == [4 * (sign > 0), 4 * (sign < 0)]
    assert book.row_pulses[2].tolist() == book.slots[2].tolist() == [slots, slots]
    assert array.counters["train"] == 1


@pytest.mark.parametrize("managed", (True, False))
def test_clipped_updates_are_counted_once_per_sample(managed):
    """Samples with K below, at and above the longest train; unmanaged also one lopsided."""
    array = SynapseArray((3, 2), tables("plain"))
    size = np.sqrt(np.array([3.5, 4.0, 5.0, 400.0]))
    x = np.zeros((5, 3), np.float32)
    d = np.zeros((5, 2), np.float32)
    x[:4, 0], d[:4, 1] = 0.999 * size, -size
    x[4, 2], d[4, 0] = 16.0, 0.01
    array.pulse_coincidence(x, d, array.granularity, bl_min=1, bl_max=4, managed=managed)
    assert array.ledger.clipped_updates.tolist() == [0, 0, 2 if managed else 3]


def test_a_probability_of_one_always_fires():
    array = SynapseArray((5, 4), tables("constant"))
    x, d = np.ones((200, 5), np.float32), np.full((200, 4), -1.0, np.float32)
    # Clipped by far: the larger lines are all certain, whatever the words.
    events = array.pulse_coincidence(x, d, 1e4 * array.granularity, bl_min=1, bl_max=1)
    assert events == 200 * 20
    assert np.all(array.events == 200)


@pytest.mark.parametrize("name", ("plain", "soft_bounds", "constant"))
def test_both_ends_of_the_range(name):
    """States of exactly 0 and 1 are stepped, clipped and counted in the outer bins."""
    array = SynapseArray((2, 40), tables(name), seed=4)
    array.set_state(np.repeat([[0.0], [1.0]], 40, axis=1))
    slow = mirror(array)
    for n, direction in enumerate((1, -1, 1)):
        counts = np.full(array.shape, 2 * direction)
        slow.counts(counts, noise_words(array, "train", n))
        array.pulse_counts(counts)
    compare(array, slow)
    hist = array.ledger.state_hist[2]
    assert hist[0, 0] >= 40 and hist[0, 31] >= 40
    assert array.state.min() >= 0.0 and array.state.max() <= 1.0


def test_pulse_list_is_pulse_counts():
    draw = np.random.default_rng(2)
    a, b = (SynapseArray((6, 5), tables("beta"), seed=8) for _ in range(2))
    counts = draw.integers(-2, 3, (6, 5))
    counts[[1, 4]] = 0
    rows, ptr, codes = [], [0], []
    for i in np.flatnonzero(counts.any(axis=1)):
        rows.append(i)
        for j in range(5):
            codes += [j + (2**31 if counts[i, j] < 0 else 0)] * abs(int(counts[i, j]))
        ptr.append(len(codes))
    given = np.array(rows, np.int32), np.array(ptr, np.int64), np.array(codes, np.uint32)
    assert a.pulse_list(*given) == b.pulse_counts(counts) == np.abs(counts).sum()
    np.testing.assert_array_equal(a.state, b.state)
    for name, value in a.ledger.arrays().items():
        np.testing.assert_array_equal(value, getattr(b.ledger, name), err_msg=name)


def test_rows_without_pulses_take_no_room():
    """A list may name thousands of rows of which few are pulsed; there is room for 1,024 runs."""
    a, b = (SynapseArray((2000, 3), tables("beta"), seed=8) for _ in range(2))
    counts = np.zeros(a.shape, np.int64)
    counts[[700, 1500, 1998]] = [[1, 0, -2], [0, 3, 0], [-1, 0, 1]]
    ptr = np.concatenate([[0], np.abs(counts).sum(axis=1).cumsum()])
    codes = np.array([0, 2 + 2**31, 2 + 2**31, 1, 1, 1, 2**31, 2], np.uint32)
    given = np.arange(2000, dtype=np.uint32), ptr, codes
    place, n = stepping.list_given.py_func(*given, (0, 0), 2000, 3, a._running.out[2])
    assert (place, n) == ((2000, 0), 6)
    assert a.pulse_list(*given) == b.pulse_counts(counts) == 8
    np.testing.assert_array_equal(a.state, b.state)
    for name, value in a.ledger.arrays().items():
        np.testing.assert_array_equal(value, getattr(b.ledger, name), err_msg=name)


def test_rows_longer_than_the_list():
    """Some 700 pulses a row where 384 are listed at a time, both directions in each row."""
    array = SynapseArray((3, 4), tables("beta"), seed=5)
    slow = mirror(array)
    counts = np.array([[180, -190, 170, -160], [1, 0, -2, 0], [-400, 250, 3, -1]])
    assert np.abs(counts)[[0, 2]].sum(axis=1).min() > array._running.out[2][2].size
    slow.counts(counts, noise_words(array, "train", 0))
    array.pulse_counts(counts)
    compare(array, slow)


def test_counts_of_every_integer_type():
    """The most negative int8 has no positive counterpart of its type."""
    array = SynapseArray((1, 2), tables("constant"))
    assert array.pulse_counts(np.array([[-128, 3]], np.int8)) == 131
    assert array.pulse_counts(np.array([[2, 3]], np.uint8)) == 5
    np.testing.assert_array_equal(array.events, [[130, 6]])
    assert array.ledger.slots[2].tolist() == [3 + 3, 128]


def test_nothing_to_do_still_advances_the_counters():
    array = SynapseArray((3, 2), tables("beta"))
    x, d = np.zeros((4, 3), np.float32), np.ones((4, 2), np.float32)
    assert array.pulse_coincidence(x, d, 0.1) == 0
    assert array.pulse_coincidence(x + 1, d, 0.0) == 0
    assert array.pulse_counts(np.zeros((3, 2), int)) == 0
    assert array.counters["train"] == 9
    counted = {k: v for k, v in array.ledger.arrays().items() if v.any()}
    assert set(counted) == {"digital", "digital_bits"}, "the search for the largest values"
    assert counted["digital"].sum() == counted["digital"][2, -1] == 8 * 5


def test_pairs_of_kinds_do_not_stick():
    """Counts without `kinds` are pulses of kinds 0 and 1 whatever was used before."""
    array = SynapseArray((2, 2), tables("kinds"))
    x = np.ones((1, 2), np.float32)
    array.pulse_coincidence(x, -x, 3 * array.granularity, kinds=(2, 3))
    before = array.ledger.pulses[2].copy()
    assert before[2] > 0 and before[[0, 1, 3]].sum() == 0
    array.pulse_counts(np.array([[1, -1], [0, 0]]))
    array.pulse_counts(np.array([[1, -1], [0, 0]]), kinds=(0, 3))
    assert (array.ledger.pulses[2] - before).tolist() == [2, 1, 0, 1]
    check_sums(array)


def test_shared_trains_and_own_noise():
    """Arrays that share trains fire together; the noise stays their own."""
    draw = np.random.default_rng(1)
    x, d = (draw.normal(size=(8, n)).astype(np.float32) for n in (6, 5))
    one, two, other = (
        SynapseArray((6, 5), tables("beta"), seed=2, array_id=n, train_id=t)
        for n, t in ((0, None), (1, 0), (1, None))
    )
    for array in (one, two, other):
        array.set_state(0.5)
        array.pulse_coincidence(x, d, 3 * array.granularity)
    np.testing.assert_array_equal(one.events, two.events)
    assert not np.array_equal(one.events, other.events)
    assert not np.array_equal(one.state, two.state)


def test_device_seed_is_the_chip():
    """The same chip in another run: the same synapses, other pulse trains."""
    runs = [SynapseArray((9, 8), tables("beta"), seed=s, device_seed=5) for s in (5, 6)]
    chip = SynapseArray((9, 8), tables("beta"), seed=5)
    x, d = np.ones((9, 9), np.float32), np.ones((9, 8), np.float32)
    np.testing.assert_array_equal(runs[0].state, runs[1].state)
    np.testing.assert_array_equal(runs[0].state, chip.state)
    for array in runs:
        array.pulse_coincidence(x, d, 0.3 * array.granularity)
    assert not np.array_equal(runs[0].events, runs[1].events)


def test_visible_weights_follow_reference_and_device():
    array = SynapseArray((7, 6), tables("exponential"), omega=2.0, reference=0.4)
    p, (g, k) = array.state.astype(np.float64), (array._cells[..., i] for i in (3, 4))
    wanted = 4.0 * (g + k * (14.5**p - 1) / 13.5 - 0.4)
    np.testing.assert_allclose(array.weights, wanted, atol=2e-5)
    np.testing.assert_allclose(array.conductance, wanted / 4 + 0.4, atol=1e-5)
    shift = np.random.default_rng(1).uniform(0, 1, (7, 6)).astype(np.float32)
    array.set_reference(shift)
    np.testing.assert_allclose(array.weights, wanted + 4.0 * (0.4 - shift), atol=3e-5)
    array.set_device(tables("beta"))
    assert array.granularity == pytest.approx(4.0 * tables("beta").granularity)
    np.testing.assert_array_equal(array.state, p.astype(np.float32))
    np.testing.assert_allclose(array.weights, 4.0 * (g + k * p - shift), atol=3e-6)
