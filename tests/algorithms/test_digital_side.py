"""Rules that decide digitally, step by step: signs, random rounding, verification, bins."""

import math

import numpy as np
import pytest
from array_cases import mirror, noise_words
from layer_cases import Z, counted, reads, request, spec

from feemu import rng
from feemu.algorithms import Float, algorithm
from feemu.algorithms.quantise import quantised
from feemu.algorithms.write_verify import write_verified
from feemu.array import DIGITAL
from feemu.devices import Device, SoftBounds, tabulate

SHAPE = (6, 4)


def requests(batch, number):
    draw = np.random.default_rng([7, batch])
    return [request(draw, batch, SHAPE) for _ in range(number)]


def gradient(x, d):
    """Return ``x^T d`` sample by sample in double precision."""
    total = np.zeros((x.shape[1], d.shape[1]))
    for a, b in zip(x.astype(float), d.astype(float)):
        total += np.outer(a, b)
    return total


class Slow:
    """The slow copy of a layer's array, programmed by counts, and its comparison."""

    def __init__(self, layer):
        self.array, self.slow, self.updates = layer.arrays[0], mirror(layer.arrays[0]), 0
        self.start = self.array.events.astype(int)

    def program(self, counts):
        self.slow.counts(counts, noise_words(self.array, "train", self.updates))
        self.updates += 1
        np.testing.assert_array_equal(self.array.events - self.start, self.slow.events)
        np.testing.assert_allclose(self.array.state, self.slow.p, rtol=0, atol=1e-6)


def work_of(layer):
    return dict(zip(DIGITAL, counted(layer, "digital", "train").tolist()))


@pytest.mark.parametrize("device", ("quiet", "noisy", "curved"))
@pytest.mark.parametrize("batch, threshold", ((1, 1.0), (4, 1.0), (4, 3.0), (2, 1e-30)))
def test_manhattan(device, batch, threshold):
    """One pulse against the sign wherever ``lr |g| >= threshold dw``."""
    layer = algorithm("manhattan", threshold=threshold).build(spec(device, SHAPE, 0.2))
    slow, dw = Slow(layer), layer.granularity
    for x, d in requests(batch, 6):
        lr = 1.3 * dw
        g = lr * gradient(x, d)
        assert np.abs(np.abs(g) / dw - threshold).min() > 1e-6 or threshold < 1e-6
        layer.update(x, d, lr)
        slow.program(-np.sign(g).astype(int) * (np.abs(g) >= threshold * dw))
    assert slow.slow.events.sum() > 5
    lines = sum(int((x != 0).sum()) for x, _ in requests(batch, 6))
    driven = sum(int((x != 0).any(axis=0).sum()) for x, _ in requests(batch, 6))
    work = work_of(layer)
    assert (work["mac"], work["compare"], work["accumulator_rmw"]) == (4 * lines, 4 * driven, 0)


@pytest.mark.parametrize("device", ("quiet", "noisy"))
@pytest.mark.parametrize("period, size", ((1, 0.4), (3, 2.5)))
def test_stochastic_rounding(device, period, size):
    """``floor(|g| / dw + u)`` pulses every `period` mini-batches, and nothing is left."""
    layer = algorithm("stochastic_rounding", period=period).build(spec(device, SHAPE, 0.2))
    slow, total, dw = Slow(layer), np.zeros(SHAPE), layer.granularity
    key = rng.key(3, 0, "rounding")
    for number, (x, d) in enumerate(requests(2, 9), 1):
        layer.update(x, d, size * dw)
        total += size * dw * gradient(x, d)
        if number % period:
            np.testing.assert_allclose(layer.total, total, rtol=0, atol=1e-5 * size * dw)
            continue
        words = np.stack([rng.words(key, number, i, SHAPE[1]) for i in range(SHAPE[0])])
        pulses = np.abs(total) / dw + (words >> 8) * 2.0**-24
        assert np.abs(pulses - np.rint(pulses))[total != 0].min() > 2e-6
        slow.program((-np.sign(total) * np.floor(pulses)).astype(int))
        total[:] = 0.0
        assert not layer.total.any()
    assert slow.slow.events.sum() > 5


@pytest.mark.parametrize("asked", (0.3, 2.7))
def test_expected_pulses_of_stochastic_rounding(asked):
    """30,000 synapses that ask for `asked` pulses: the mean within z 5.85 (rate 5e-9)."""
    shape = (100, 300)
    layer = algorithm("stochastic_rounding").build(spec("fine", shape))
    x, d = np.ones((1, 100), np.float32), -np.ones((1, 300), np.float32)
    layer.update(x, d, asked * layer.granularity)
    events, part = layer.arrays[0].events.astype(float), asked % 1
    assert set(np.unique(events)) == {math.floor(asked), math.ceil(asked)}
    error = Z * math.sqrt(part * (1 - part) / events.size) + 1e-5
    assert abs(events.mean() - asked) < error < 0.02
    np.testing.assert_allclose(layer.weights, events * layer.granularity, rtol=1e-3)


@pytest.mark.parametrize("period, accesses, bits", ((1, 0, 0), (2, 2 * 12, 32)))
def test_memory_of_stochastic_rounding(period, accesses, bits):
    """One that adds up over mini-batches keeps 32 bits and accesses them for every line used."""
    made = algorithm("stochastic_rounding", period=period)
    layer = made.build(spec("quiet", SHAPE))
    x = np.array([[1, 0, 0, 2, 0, 0], [0, 0, 3, 0, 0, 0]], np.float32)
    for _ in range(2):
        layer.update(x, np.ones((2, 4), np.float32), 1e-3)
    work = dict(zip(DIGITAL, counted(layer, "digital", "train").tolist()))
    assert (work["mac"], work["accumulator_rmw"]) == (2 * 12, accesses)
    assert made.digital_bits_per_weight == bits


def verified(array, target, tolerance, rounds, most):
    """Program a slow copy as the rule says; returns (the copy, reads of rows, synapses left)."""
    slow, dw, rows = mirror(array), array.granularity, 0
    left = [(i, j) for i in range(array.shape[0]) for j in range(array.shape[1])]
    for updates in range(rounds):
        rows += len({i for i, _ in left})
        counts, weights, still = np.zeros(array.shape, int), slow.weights(), []
        for i, j in left:
            error = (target[i, j] - weights[i, j]) / dw
            assert abs(abs(error) - tolerance) > 1e-5
            if abs(error) > tolerance:
                still.append((i, j))
                n = max(1, min(most, round(abs(error))))
                counts[i, j] = n if error > 0 else -n
        left = still
        if not left:
            break
        slow.counts(counts, noise_words(array, "train", updates))
    return slow, rows, len(left)


@pytest.mark.parametrize("device", ("quiet", "noisy", "curved"))
@pytest.mark.parametrize("tolerance, rounds, most", ((0.75, 20, 32), (0.3, 4, 2), (1.0, 1, 32)))
def test_write_verify_against_the_slow_rule(device, tolerance, rounds, most):
    array = spec(device, SHAPE).array()
    target = np.random.default_rng(5).uniform(-0.6, 0.6, SHAPE).astype(np.float32)
    slow, rows, left = verified(array, target, tolerance, rounds, most)
    assert write_verified(array, target, tolerance, rounds, most) == left
    np.testing.assert_array_equal(array.events, slow.events)
    np.testing.assert_allclose(array.state, slow.p, rtol=0, atol=1e-6)
    assert array.ledger.reads[2].sum() == rows
    assert rounds > 1 or rows == SHAPE[0]


def test_write_verify_reaches_its_tolerance():
    """Where nothing is random and the range allows it, every synapse, within a few rounds."""
    array = spec("spread", (20, 15)).array()
    target = np.random.default_rng(5).uniform(-0.3, 0.3, (20, 15)).astype(np.float32)
    assert write_verified(array, target, 0.75, 20, 32) == 0
    assert np.abs(array.weights - target).max() <= 0.75 * array.granularity * (1 + 1e-5)


def test_write_verify_sees_the_write_noise():
    """What it calls outside the tolerance is what lies outside; noise of 2.5 granularities."""
    own = tabulate(Device(response=SoftBounds(0.02, 0.02), write_noise=0.025))
    array = spec(own, (20, 15)).array()
    target = np.random.default_rng(5).uniform(-0.3, 0.3, (20, 15)).astype(np.float32)
    left = write_verified(array, target, 0.75, 8, 32)
    # Synapses that are pulsed after their last read, in round 8, are judged before it.
    inside = np.abs(array.weights - target) <= 0.75 * array.granularity * (1 + 1e-5)
    assert 0 < left < 300 and inside.sum() >= 300 - left
    assert write_verified(array, target, 0.75, 1000, 32) == 0
    assert np.abs(array.weights - target).max() <= 0.75 * array.granularity * (1 + 1e-5)


def test_write_verify_trains_in_float_and_programs_at_the_end():
    """Float's weights exactly; the array knows nothing before, and its reads and pulses count."""
    given = spec("spread", SHAPE, 0.1)
    layer, plain = algorithm("write_verify").build(given), Float().build(given)
    fresh = layer.weights.copy()
    for x, d in requests(2, 5):
        np.testing.assert_array_equal(layer.forward(x), plain.forward(x))
        np.testing.assert_array_equal(layer.backward(d), plain.backward(d))
        for one in (layer, plain):
            one.update(x, d, 0.05)
    np.testing.assert_array_equal(layer.trained_weights, plain.weights)
    np.testing.assert_array_equal(layer.weights, fresh)
    assert not counted(layer, "pulses", "train").any()
    assert work_of(layer) == work_of(plain)
    layer.finish()
    off = np.abs(layer.weights - plain.weights) / layer.granularity
    assert np.median(off) < 0.75 and counted(layer, "pulses", "train").sum() > 10
    assert reads(layer, "reads", "train", "verify") >= 2 * SHAPE[0]
    done = counted(layer, "pulses", "train").sum()
    layer.finish()
    assert counted(layer, "pulses", "train").sum() == done, "nothing new to program"


def test_write_verify_by_period():
    layer = algorithm("write_verify", period=4).build(spec("spread", SHAPE))
    (x, d), *_ = requests(2, 1)
    seen = []
    for _ in range(6):
        layer.update(x, d, 0.05)
        seen.append(reads(layer, "reads", "train", "verify"))
    assert seen[0] == 0 and seen[1] > 0 and seen[2] == seen[1] < seen[3] and seen[4] < seen[5]


@pytest.mark.parametrize("bins", (2, 7, 256))
def test_bins_keep_the_mean_and_the_range(bins):
    """4,000 random roundings of each value: mean within z 5.85, values on ``bins // 2`` levels."""
    values = np.array([[0.0, 1.0, -0.37, 0.002, -3.0], [0.0] * 5], np.float32)
    u = np.random.default_rng(3).random((4000, 2, 5))
    rounded = np.stack([quantised(values, bins, one) for one in u])
    unit = 3.0 / (bins // 2)
    steps = rounded[:, 0] / unit
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-4)
    assert np.abs(rounded).max() <= 3.0 * (1 + 1e-6) and not rounded[:, 1].any()
    error = Z * unit * 0.5 / math.sqrt(4000) + 1e-6
    np.testing.assert_array_less(np.abs(rounded[:, 0].mean(axis=0) - values[0]), error)
    nearest = quantised(values, bins)[0]
    assert np.abs(nearest - values[0]).max() <= unit / 2 * (1 + 1e-5)


def variant_step(chi, g, eps_up, eps_down, most):
    """Return accumulator and counts: trunc per direction, `most` pulses, all of n given up."""
    chi, counts = chi + g, np.zeros(chi.shape, int)
    for at in np.ndindex(chi.shape):
        eps = eps_down if chi[at] > 0 else eps_up
        n = math.trunc(chi[at] / eps)
        assert abs(abs(chi[at] / eps) - max(1, round(abs(chi[at] / eps)))) > 1e-5
        counts[at] = -int(math.copysign(min(abs(n), most), n))
        chi[at] -= n * eps
    return chi, counts


@pytest.mark.parametrize("device", ("quiet", "noisy"))
@pytest.mark.parametrize(
    "options",
    (
        {"asymmetry": 2.0},
        {"one_pulse": True},
        {"asymmetry": 0.6, "one_pulse": True, "threshold": 0.7},
        {"x_bins": 8, "stochastic_bins": False},
        {"d_bins": 6},
        {"x_bins": 16, "d_bins": 4, "one_pulse": True},
    ),
    ids=lambda o: " ".join(o),
)
def test_variants_of_mixed_precision(device, options):
    """Asymmetric thresholds, one pulse at most, x and d in bins; one of both too."""
    made = algorithm("mixed_precision", **options)
    layer = made.build(spec(device, SHAPE, 0.2))
    slow, chi, dw = Slow(layer), np.zeros(SHAPE), layer.granularity
    up = made.threshold * dw
    key, most = rng.key(3, 0, "rounding"), 1 if made.one_pulse else 10**9
    for number, (x, d) in enumerate(requests(3, 6), 1):
        layer.update(x, d, 2.1 * dw)
        for side, bins in enumerate((made.x_bins, made.d_bins)):
            values = (x, d)[side]
            u = 0.5
            if made.stochastic_bins:
                units = [2 * b + side for b in range(3)]
                u = np.stack([rng.uniforms(key, number, i, values.shape[1]) for i in units])
            if bins and side == 0:
                x = quantised(x, bins, u)
            elif bins:
                d = quantised(d, bins, u)
        chi, counts = variant_step(chi, 2.1 * dw * gradient(x, d), up, made.asymmetry * up, most)
        slow.program(counts)
        np.testing.assert_allclose(layer.chi, chi, rtol=0, atol=2e-5 * dw)
    assert slow.slow.events.sum() > 10
    assert not made.one_pulse or slow.slow.events.max() <= 6
    searched = SHAPE[0] * bool(made.x_bins) + SHAPE[1] * bool(made.d_bins)
    work = counted(layer, "digital", "train")
    assert work[DIGITAL.index("max_search")] == 6 * 3 * searched
