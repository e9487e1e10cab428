"""Transfers, choppers, buffers and references, step by step against slow rules and slow arrays."""

import numpy as np
import pytest
from array_cases import mirror, noise_words, train_keys
from layer_cases import counted, reads, request, spec
from oracle import coincidence_batch
from oracle.transfer import Agad, AutoRate, Chop, Lines, Tracking, buffer_line

from feemu import rng
from feemu.algorithms import algorithm
from feemu.array import DIGITAL

SHAPE = (5, 4)
#: Transfers of every step program C so strongly that most lines get pulses.
STRONG = {"transfer_lr": 40.0, "fast_lr": 3.0, "auto_period": 0.0, "reference": "none"}


class Both:
    """A layer, the slow copy of its arrays, and a way to let both see the same step."""

    def __init__(self, made, device, n_reads, every, shape=SHAPE):
        self.layer = made.build(spec(device, shape, 0.2))
        self.made, self.steps = made, 0
        self.slow, self.fast = mirror(self.layer.slow), mirror(self.layer.fast)
        self.start = [a.events.astype(int) for a in self.layer.arrays]
        self.samples, self.transfers, self.coincidences = 0, 0, 0
        self.lines = Lines(shape[0], n_reads, every)
        self.auto = AutoRate(made.fast_lr, self.layer.fast.granularity)

    def rate(self, x, d, lr):
        if self.made.fast_rate == "auto":
            return self.auto.rate(x, d)
        return self.made.fast_lr * (lr if self.made.fast_rate == "times_lr" else 1.0)

    def step(self, x, d, lr, signs=None):
        """Update the layer and slow A; returns [(line, its reading)] if it is time for them."""
        seen = x if signs is None else x * np.array(signs, np.float32)
        array = self.layer.fast
        keys, dw = train_keys(array, array.array_id), array.granularity
        at = self.rate(x, d, lr), 1, self.made.bl_max, True, dw, keys, self.samples
        coincidence_batch(self.fast, seen, d, *at)
        self.samples += len(x)
        self.layer.update(x, d, lr)
        self.steps += 1
        np.testing.assert_array_equal(array.events - self.start[1], self.fast.events)
        np.testing.assert_allclose(array.state, self.fast.p, rtol=0, atol=1e-6)
        due = self.lines.take(len(x) if self.made.transfer_unit == "image" else 1)
        return [(k, array.weights[k].tolist()) for k in due]

    def program(self, counts):
        """Program slow C by counts and compare it with C."""
        self.slow.counts(counts, noise_words(self.layer.slow, "train", self.transfers))
        self.transfers += 1
        self.check()

    def coincide(self, k, v, rate):
        """Program a reading on a line of slow C by coincidence."""
        one_hot, d = np.zeros((1, self.slow.p.shape[0])), -np.array([v], np.float32)
        one_hot[0, k] = 1.0
        array = self.layer.slow
        keys, dw = train_keys(array, array.array_id), array.granularity
        at = rate, 1, self.made.bl_max, True, dw, keys, self.coincidences
        coincidence_batch(self.slow, one_hot, d, *at)
        self.coincidences += 1

    def check(self):
        array = self.layer.slow
        np.testing.assert_array_equal(array.events - self.start[0], self.slow.events)
        np.testing.assert_allclose(array.state, self.slow.p, rtol=0, atol=1e-6)


def requests(batch, number, seed=0):
    draw = np.random.default_rng([seed, batch])
    return [request(draw, batch, SHAPE) for _ in range(number)]


@pytest.mark.parametrize("device", ("quiet", "noisy", "curved"))
@pytest.mark.parametrize("batch, every, n_reads", ((1, 1, 1), (4, 2, 3), (2, 1, 99)))
def test_direct_transfer(device, batch, every, n_reads):
    """Tiki-Taka v1 and residual learning: ``C += pulsed(transfer_lr lr v e_k^T)``."""
    options = {"n_reads": n_reads, "transfer_every": every, "transfer_lr": 2.0, "gamma": 0.3}
    for name in ("tiki_taka_v1", "residual_learning"):
        made = algorithm(name, reference="none", **options)
        both = Both(made, device, n_reads, every)
        lr = 3 * both.layer.fast.granularity
        for x, d in requests(batch, 8):
            for k, v in both.step(x, d, lr):
                both.coincide(k, v, 2.0 * lr)
            both.check()
        assert both.slow.events.sum() > 5
        wanted = both.layer.slow.weights + np.float32(0.3) * both.layer.fast.weights
        np.testing.assert_array_equal(both.layer.weights, wanted)


@pytest.mark.parametrize("device", ("quiet", "noisy"))
@pytest.mark.parametrize(
    "options",
    (
        {},
        {"forget": False, "momentum": 0.0, "max_pulses": 3},
        {"forget": False, "momentum": 0.4, "n_reads": 3, "transfer_every": 2},
        {"fast_rate": "absolute", "fast_lr": 0.2, "auto_period": 100.0, "transfer_lr": 500.0},
    ),
    ids=("forget", "whole pulses", "momentum", "absolute"),
)
@pytest.mark.parametrize("name", ("tiki_taka_v2", "residual_learning"))
def test_buffered_transfer(name, device, options):
    """Tiki-Taka v2, and residual learning with a buffer."""
    own = {"buffered": True, "fast_rate": "auto"} if name == "residual_learning" else {}
    made = algorithm(name, **{**STRONG, **own, **options})
    both = Both(made, device, made.n_reads, made.transfer_every)
    period = SHAPE[0] * made.transfer_every / made.n_reads
    theta = made.threshold * both.layer.fast.granularity
    theta *= made.auto_period / period if made.auto_period else 1.0
    run_buffered(both, made, theta, lambda k, v: v)


def run_buffered(both, made, theta, signal, signs=None, number=24):
    """Compare C and its buffer after every step; returns the slow buffer."""
    H, margin, lr = np.zeros(SHAPE), np.inf, 0.05
    for x, d in requests(2, number):
        lines = both.step(x, d, lr, signs)
        if not lines:
            continue
        counts = np.zeros(SHAPE, int)
        for k, v in lines:
            rule = made.max_pulses, made.momentum, made.forget
            gain = lr * made.transfer_lr / theta
            H[k], counts[k], near = buffer_line(H[k], signal(k, v), gain, *rule)
            margin = min(margin, near)
        assert margin > 1e-5, "too near to a whole number for single precision: other requests"
        both.program(counts)
        atol = 1e-6 * max(10.0, np.abs(H).max())  # single precision; small sums of large numbers
        np.testing.assert_allclose(both.layer.buffer.values, H, rtol=1e-5, atol=atol)
    assert both.slow.events.sum() > 5
    return H


def random_flips(layer, p, lines):
    """Return the flips of a random chopper: a number for each of the lines read at a time."""
    key, transfers = rng.key(3, 0, "chopper"), iter(range(10**6))
    waiting = []

    def flip(k, reads):
        if not waiting:
            waiting.extend(rng.uniforms(key, next(transfers), 0, lines))
        return waiting.pop(0) < p

    return flip


@pytest.mark.parametrize("device", ("quiet", "noisy"))
@pytest.mark.parametrize("regular, n_reads", ((False, 2), (True, 1)))
def test_chopped_transfer(device, regular, n_reads):
    options = {**STRONG, "chop_prob": 0.4, "regular": regular, "n_reads": n_reads}
    made = algorithm("chopped_tiki_taka", **options)
    both = Both(made, device, n_reads, 1)
    rule = (lambda k, r: r >= 3) if regular else random_flips(both.layer, 0.4, 2 * n_reads)
    chop = Chop(SHAPE[0], rule)

    def signal(k, v):
        out = [chop.sign[k] * one for one in v]
        chop.after_read(k)
        return out

    run_buffered(both, made, both.layer.fast.granularity, signal, chop.sign)
    np.testing.assert_array_equal(both.layer.chopper.signs, chop.sign)
    assert sum(chop.flips) > 4
    bits = counted(both.layer, "digital", "train")[DIGITAL.index("random_bits")]
    bits -= 8 * both.fast.ledgers["train"].random_numbers
    assert bits == (0 if regular else 32 * 2 * n_reads * both.steps)


@pytest.mark.parametrize("device", ("quiet", "noisy"))
@pytest.mark.parametrize("regular, tail", ((True, 0.5), (True, 5.0), (False, 1.0)))
def test_agad(device, regular, tail):
    options = {**STRONG, "chop_prob": 0.4, "regular": regular, "n_reads": 2, "tail": tail}
    made = algorithm("agad", **options)
    both = Both(made, device, 2, 1)
    rule = (lambda k, r: r >= 3) if regular else random_flips(both.layer, 0.4, 4)
    chop, slow = Chop(SHAPE[0], rule), Agad(SHAPE, 3, tail)
    theta = both.layer.fast.granularity
    run_buffered(both, made, theta, lambda k, v: slow.signal(chop, k, v), chop.sign, 40)
    np.testing.assert_allclose(both.layer.mu, slow.mu, rtol=0, atol=1e-6)
    np.testing.assert_allclose(both.layer.before, slow.before, rtol=0, atol=1e-6)
    assert sum(chop.flips) > 10


@pytest.mark.parametrize("device", ("quiet", "noisy"))
@pytest.mark.parametrize("p, gamma", ((0.0, 0.0), (0.0, 0.3), (0.4, 0.0)))
def test_dynamic_tracking(device, p, gamma):
    options = {**STRONG, "chop_prob": p, "gamma": gamma, "n_reads": 2, "eta": 0.3}
    made = algorithm("dynamic_tracking", **options)
    both = Both(made, device, 2, 1)
    rule = random_flips(both.layer, p, 4) if p else (lambda k, r: False)
    chop, slow = Chop(SHAPE[0], rule), Tracking(SHAPE, 0.3, p > 0)
    theta, layer = both.layer.fast.granularity, both.layer
    run_buffered(both, made, theta, lambda k, v: slow.signal(chop, k, v), chop.sign)
    np.testing.assert_allclose(layer.tracked, slow.Q, rtol=0, atol=1e-6)
    wanted = layer.slow.weights + gamma * (layer.fast.weights - slow.Q)
    np.testing.assert_allclose(layer.weights, wanted, rtol=0, atol=2e-6)
    assert np.abs(slow.Q).max() > 0.01


@pytest.mark.parametrize(
    "unit, every, lines", (("image", 8, 9), ("mini_batch", 2, 9), ("image", 1, 30))
)
def test_reads_and_digital_work_are_counted(unit, every, lines):
    """Per line read: a vector, a row, n_out conversions; none twice after the same mini-batch."""
    timing = {"n_reads": 3, "transfer_every": every, "transfer_unit": unit}
    layer = algorithm("tiki_taka_v2", reference="none", **timing).build(spec("noisy", SHAPE))
    for x, d in requests(4, 6):
        layer.forward(x)
        layer.update(x, d, 0.1)
    assert reads(layer, "reads", "train", "transfer") == lines
    assert reads(layer, "read_rows", "train", "transfer") == lines
    assert reads(layer, "adc", "train", "transfer") == lines * SHAPE[1]
    assert reads(layer, "reads", "train", "forward") == 24, "of C only"
    work = dict(zip(DIGITAL, counted(layer, "digital", "train").tolist()))
    each, trains = lines * SHAPE[1], layer.fast.ledger.digital[2][DIGITAL.index("random_bits")]
    assert work == {"mac": each, "accumulator_rmw": each, "compare": each, "random_bits": trains,
                    "max_search": 6 * 4 * sum(SHAPE)}  # fmt: skip
    assert trains > 0 and not layer.slow.ledger.digital[2][DIGITAL.index("random_bits")]


@pytest.mark.parametrize("batch", (4, 16))
def test_the_automatic_rate_does_not_depend_on_the_mini_batch(batch):
    """It counts in the largest request of a sample, which is the same for all samples here."""
    x, d = request(np.random.default_rng(1), 64, SHAPE)
    x, d = (v / np.abs(v).max(axis=1, keepdims=True) for v in (x, d))
    pulses = []
    for size in (1, batch):
        layer = algorithm("agad").build(spec("quiet", SHAPE))
        for at in range(0, 64, size):
            layer.update(x[at : at + size], d[at : at + size] / size, 0.1)
        pulses.append(layer.fast.ledger.pulses.sum())
    assert pulses[1] == pytest.approx(pulses[0], rel=0.2)


def test_work_of_a_visible_estimate_is_counted_as_that_of_float_weights():
    """Inputs of zero are skipped forward, backward takes all; an evaluation is free."""
    tracking = algorithm("dynamic_tracking", gamma=0.3).build(spec("noisy", SHAPE))
    plain = algorithm("float").build(spec("noisy", SHAPE))
    x, d = np.array([[0, 2, 0, 0, 0], [1, 0, 0, 3, 0]], np.float32), np.ones((2, 4), np.float32)
    for layer in (tracking, plain):
        layer.forward(x, counted=False)
        assert not counted(layer, "digital", "train").any()
        layer.forward(x)
        assert counted(layer, "digital", "train")[DIGITAL.index("mac")] == 3 * 4
        layer.backward(d)
        assert counted(layer, "digital", "train")[DIGITAL.index("mac")] == 3 * 4 + 2 * 5 * 4


def test_transfer_reads_have_noise():
    """Readings differ from A's weights by the device's read noise, and from read to read."""
    from feemu.devices import Device, SoftBounds, tabulate

    device = tabulate(Device(response=SoftBounds(0.06, 0.04), read_noise=0.05))
    layer = algorithm("agad", chop_prob=1.0, tail=9.0, n_reads=5).build(spec(device, SHAPE))
    x, d = np.zeros((1, 5), np.float32), np.zeros((1, 4), np.float32)
    seen = []
    for _ in range(2):
        layer.update(x, d, 0.1)
        seen.append(layer.mu.copy())
    assert not np.array_equal(*seen) and not np.array_equal(seen[0], layer.fast.weights)
    np.testing.assert_allclose(seen[0], layer.fast.weights, atol=6 * 0.05 * 2 * 0.75)


@pytest.mark.parametrize("name", ("tiki_taka_v1", "tiki_taka_v2", "chopped_tiki_taka"))
def test_calibration_of_the_fast_array_is_paid_for(name):
    """Pulses, one read per row and the reference cells; weight zero is A's symmetry point."""
    made = algorithm(name, n_pairs=30, sigma_copy=0.0)
    layer = made.build(spec("spread", (6, 4), 0.1))
    assert layer.fast.ledger.pulses[1].sum() == 2 * 30 * 24
    assert not layer.slow.ledger.pulses[1].any()
    cells = [book for book in layer.past if book.pulses[1].any()]
    assert len(cells) == 1 and made.devices_per_weight == 3
    assert np.abs(layer.fast.weights).max() < 2e-6
    free = made.replace(ideal=True).build(spec("spread", (6, 4), 0.1))
    assert not counted(free, "pulses", "calibration").any() and not free.fast.weights.any()
    np.testing.assert_array_equal(free.slow.weights, layer.slow.weights)


@pytest.mark.parametrize(
    "name, option, value, told",
    (
        ("tiki_taka_v1", "transfer_every", 0, "allowed is 1 <= transfer_every"),
        ("tiki_taka_v2", "fast_lr", -0.1, "allowed is 1e-09 <= fast_lr"),
        ("tiki_taka_v2", "transfer_lr", 0.0, "allowed is 1e-09 <= transfer_lr"),
        ("chopped_tiki_taka", "threshold", 1e-46, "allowed is 1e-06 <= threshold"),
        ("agad", "chop_prob", 0.0, "allowed is 1e-06 <= chop_prob <= 1"),
        ("agad", "n_reads", 1.5, "must be a whole number"),
        ("residual_learning", "gamma", 0.0, "allowed is 1e-06 <= gamma"),
        ("dynamic_tracking", "eta", 2.0, "allowed is 1e-09 <= eta <= 1"),
        ("multi_tile", "tiles", 9, "allowed is 1 <= tiles <= 8"),
        ("manhattan", "threshold", 1e-46, "allowed is 1e-30 <= threshold"),
        ("stochastic_rounding", "period", 0, "allowed is 1 <= period"),
        ("write_verify", "max_rounds", 0, "allowed is 1 <= max_rounds"),
        ("mixed_precision", "x_bins", 1, "one bin is no range"),
    ),
)
def test_bad_hyper_parameters_are_refused(name, option, value, told):
    with pytest.raises(ValueError) as seen:
        algorithm(name, **{option: value})
    text = str(seen.value)
    assert f".{option} = {value}" in text and told in text and "\n" not in text


def test_choppers_and_a_visible_fast_array_exclude_each_other():
    with pytest.raises(ValueError, match=r"DynamicTracking.gamma = 0.1: must be 0 with choppers"):
        algorithm("dynamic_tracking", gamma=0.1, chop_prob=0.1)
