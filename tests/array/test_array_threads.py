"""Same seed, same bytes: any number of threads, any split of the work, across a checkpoint."""

import hashlib

import numpy as np
import pytest
from array_cases import check_sums, tables

import feemu.array.running
from feemu.array import Reading, SynapseArray


def digest(array):
    """Return the SHA-256 of states, weights, event counters and the whole ledger."""
    total = hashlib.sha256()
    for name, value in sorted(array.state_dict().items()):
        total.update(name.encode() + np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


def drive(array, steps=3, seed=0):
    """Program coincidences of both signs and counts in all phases, and read in between."""
    draw = np.random.default_rng(seed)
    for n in range(steps):
        x, d = (draw.normal(size=(3, k)).astype(np.float32) for k in array.shape)
        array.forward(x)
        array.backward(d)
        array.pulse_coincidence(x, d, 2 * array.granularity, managed=n % 2 == 0)
        with array.counting(("init", "calibration", "train")[n % 3]):
            array.pulse_counts(draw.integers(-2, 3, array.shape))
    return array


def test_large_updates_split_over_threads():
    """Some 150,000 events in each of three updates: above the limit from which threads work."""
    hashes, split = set(), []
    draw = np.random.default_rng(3)
    x, d = draw.uniform(0.5, 1, (2, 1024)), draw.uniform(0.5, 1, (2, 512))
    x[0] *= -1
    counts = draw.integers(0, 2, (1024, 512)) * 2 - 1
    counts[draw.random(1024) < 0.4] = 0
    x, d = x.astype(np.float32), d.astype(np.float32)
    for threads in (1, 2, 4):
        array = SynapseArray((1024, 512), tables("beta"), seed=1, threads=threads)
        split.append(array.pulse_coincidence(x, d, array.granularity / 2) / 2)
        with array.counting("calibration"):
            split.append(array.pulse_counts(counts))
        check_sums(array)
        hashes.add(digest(array))
    assert len(hashes) == 1
    assert min(split) > feemu.array.running.THREAD_EVENTS


@pytest.mark.parametrize("name", ("beta", "variants", "exponential", "write_noise"))
def test_small_splits(name, monkeypatch):
    """Every update is split, also into more threads than rows, down to empty parts."""
    monkeypatch.setattr(feemu.array.running, "THREAD_EVENTS", 1)
    for shape in ((1, 3), (5, 4), (23, 17)):
        hashes = {
            digest(drive(SynapseArray(shape, tables(name), seed=6, threads=t)))
            for t in (1, 2, 3, 4, 9)
        }
        assert len(hashes) == 1


@pytest.mark.parametrize("threads", (1, 3))
def test_room_for_lists_does_not_matter(threads, monkeypatch):
    """Pulses listed in many small parts, rows of counts cut in the middle."""
    monkeypatch.setattr(feemu.array.running, "THREAD_EVENTS", 1)
    hashes, states = set(), set()
    for room, runs in ((4096, 1024), (1, 2), (300, 7)):
        monkeypatch.setattr(feemu.array.running, "LISTED", room)
        monkeypatch.setattr(feemu.array.running, "RUNS", runs)
        array = drive(SynapseArray((40, 3), tables("beta"), seed=6, threads=threads))
        hashes.add(digest(array))
        array.pulse_counts(np.arange(-300, 300, 5).reshape(40, 3))
        states.add(array.weights.tobytes() + array.events.tobytes())
    assert len(hashes) == len(states) == 1


@pytest.mark.parametrize("name, threads", (("beta", 1), ("beta", 2), ("write_noise", 1)))
def test_a_batch_is_its_samples_one_by_one(name, threads):
    draw = np.random.default_rng(9)
    x, d = (draw.normal(size=(6, n)).astype(np.float32) for n in (13, 7))
    whole, single = (SynapseArray((13, 7), tables(name), seed=3, threads=threads) for _ in "ab")
    whole.pulse_coincidence(x, d, whole.granularity)
    for b in range(6):
        single.pulse_coincidence(x[b : b + 1], d[b : b + 1], single.granularity)
    np.testing.assert_array_equal(whole.weights, single.weights)
    assert digest(whole) == digest(single)


def test_the_sample_path_is_the_batch_path():
    """Write noise takes the path sample by sample: states equal those without write noise."""
    with_noise, without = (
        drive(SynapseArray((12, 9), tables(n), seed=2)) for n in ("write_noise", "beta")
    )
    np.testing.assert_array_equal(with_noise.state, without.state)
    for name, value in with_noise.ledger.arrays().items():
        np.testing.assert_array_equal(value, getattr(without.ledger, name), err_msg=name)
    assert not np.array_equal(with_noise.weights, without.weights)


def test_looking_at_the_ledger_changes_nothing():
    one, two = (SynapseArray((12, 9), tables("beta"), seed=2) for _ in "ab")
    for n in range(4):
        drive(one, 1, n)
        drive(two, 1, n)
        two.ledger.arrays()
        two.state_dict()
        with two.counting("init"):
            pass
    assert digest(one) == digest(two)


@pytest.mark.parametrize("name", ("beta", "variants", "write_noise", "noisy_reads"))
@pytest.mark.parametrize("threads", (1, 2))
def test_checkpoint_continues_with_the_same_bytes(name, threads, monkeypatch):
    monkeypatch.setattr(feemu.array.running, "THREAD_EVENTS", 1)
    options = {"seed": 4, "array_id": 3, "reading": Reading(dac_bits=5, adc_bits=9)}

    def fresh(**changes):
        return SynapseArray((14, 10), tables(name), **{**options, "threads": threads, **changes})

    through = drive(fresh(), 3, seed=1)
    saved = through.state_dict()
    copies = {k: v.copy() for k, v in saved.items()}
    drive(through, 3, seed=2)
    again = fresh(device_seed=77, threads=1)
    again.load_state_dict(saved)
    drive(again, 3, seed=2)
    x = np.ones((2, 14), np.float32)
    assert digest(again) == digest(through)
    np.testing.assert_array_equal(again.forward(x), through.forward(x))
    for key, value in saved.items():
        np.testing.assert_array_equal(value, copies[key], err_msg=f"{key}: saved in place")


def test_checkpoint_within_a_phase_and_a_pair_of_kinds():
    """Counters of all kinds and phases are kept, whatever was in use when saving."""
    arrays = [SynapseArray((8, 6), tables("kinds"), seed=1) for _ in range(2)]
    draw = np.random.default_rng(0)
    x, d = (draw.normal(size=(4, n)).astype(np.float32) for n in (8, 6))
    with arrays[0].counting("calibration"):
        arrays[0].pulse_coincidence(x, d, 2 * arrays[0].granularity, kinds=(2, 1))
        arrays[1].load_state_dict(arrays[0].state_dict())
    for array in arrays:
        drive(array, 2)
        array.pulse_coincidence(x, d, array.granularity, kinds=(0, 3))
        check_sums(array)
    assert digest(arrays[0]) == digest(arrays[1])
