"""Multi-tile residual learning, step by step against slow arrays and a schedule of its own."""

import math

import numpy as np
import pytest
from array_cases import mirror, train_keys
from layer_cases import reads, request, spec
from oracle import coincidence_batch
from oracle.transfer import Lines

from feemu.algorithms import algorithm

SHAPE = (5, 4)
OWN = {"tiles": 3, "gamma": 0.3, "transfer_lr": 2.0, "transfer_growth": 1.5, "transfer_every": 1,
       "transfer_ratio": 2, "n_reads": 2, "window": 6, "gain": 0.5,
       "reference": "none"}  # fmt: skip


def requests(number, batch=2):
    draw = np.random.default_rng(2)
    return [request(draw, batch, SHAPE) for _ in range(number)]


class Slow:
    """Slow copies of the tiles, programmed by coincidence."""

    def __init__(self, layer):
        self.arrays, self.tiles = layer.arrays, [mirror(array) for array in layer.arrays]
        self.start = [array.events.astype(int) for array in layer.arrays]
        self.samples = [0] * len(layer.arrays)

    def coincide(self, n, x, d, rate):
        array = self.arrays[n]
        at = rate, 1, 31, True, array.granularity, train_keys(array, array.array_id)
        coincidence_batch(self.tiles[n], x, d, *at, self.samples[n])
        self.samples[n] += len(x)

    def hand_up(self, n, to, lines, rate):
        one_hot = np.eye(SHAPE[0])[lines]
        v = np.array([self.arrays[n].weights[k] for k in lines])
        self.coincide(to, one_hot, -v, rate)

    def check(self):
        for array, tile, start in zip(self.arrays, self.tiles, self.start):
            np.testing.assert_array_equal(array.events - start, tile.events)
            np.testing.assert_allclose(array.state, tile.p, rtol=0, atol=1e-6)


@pytest.mark.parametrize("device", ("quiet", "noisy"))
def test_the_finest_tile_learns_and_hands_up(device):
    layer = algorithm("multi_tile", **OWN).build(spec(device, SHAPE, 0.2))
    slow, lr = Slow(layer), 0.7 * layer.arrays[0].granularity
    warm, turns = Lines(5, 2, 2), {2: Lines(5, 2, 1), 1: Lines(5, 2, 2)}
    stage, before, sums, stages = 0, math.inf, [0, 0.0], []
    # The error falls to a third at first, so that warming up tile 0 takes a window more.
    for size, (x, d) in zip([3.0] * 3 + [1.0] * 30, requests(33)):
        d = np.float32(size) * np.sign(d)
        seen = [array.weights.copy() for array in layer.arrays]
        layer.update(x, d, lr)
        slow.coincide(2, x, d, lr)
        sums = [sums[0] + 2, sums[1] + 2 * float(np.abs(d).sum())]
        if stage < 3 and sums[0] == 6:
            mean, sums = sums[1] / 6, [0, 0.0]
            if mean > 0.5 * before:
                stage, mean = stage + 1, math.inf
            before = mean
        stages.append(stage)
        if stage < 2 and (lines := warm.take(1)):
            slow.hand_up(2, stage, lines, 2.0 * 1.5**2)
        if stage == 3:
            for n in (2, 1):
                if lines := turns[n].take(1):
                    slow.hand_up(n, n - 1, lines, 2.0 * 1.5**n)
        slow.check()
        if stage == 2:
            for n in (0, 1):
                np.testing.assert_array_equal(layer.arrays[n].weights, seen[n])
        assert layer.place[0] == stage
    # Windows of three updates: 3.0, then 1.0 (a fall), then 1.0 (none: on to tile 1), and so on.
    assert stages == [0] * 8 + [1] * 6 + [2] * 6 + [3] * 13
    assert all(tile.events.sum() > 5 for tile in slow.tiles)
    wanted = sum(np.float32(0.3**n) * array.weights for n, array in enumerate(layer.arrays))
    np.testing.assert_allclose(layer.weights, wanted, atol=1e-6)


def test_reads_are_counted_and_reference_cells_paid_for():
    """Two lines every second mini-batch of the warm start, four conversions each."""
    made = algorithm("multi_tile", **OWN | {"window": 1000, "reference": "calibrated"})
    layer = made.build(spec("quiet", SHAPE))
    for x, d in requests(6):
        layer.update(x, d, 0.01)
    assert reads(layer, "reads", "train", "transfer") == 6
    assert reads(layer, "adc", "train", "transfer") == 24
    assert made.devices_per_weight == 5
    pulses = [array.ledger.pulses[1].sum() for array in layer.arrays]
    assert pulses[0] == 0 and pulses[1] == pulses[2] == 2 * made.n_pairs * 20


def test_a_single_tile_is_plain_sgd():
    """Nothing to hand up, however often training levels off."""
    made = algorithm("multi_tile", tiles=1, window=2, reference="none")
    layer, plain = (a.build(spec("noisy", SHAPE)) for a in (made, algorithm("plain_sgd")))
    for x, d in requests(8):
        layer.update(x, d, 0.1)
        plain.update(x, d, 0.1)
    np.testing.assert_array_equal(layer.weights, plain.weights)
    assert made.devices_per_weight == 1 and not reads(layer, "reads", "train", "transfer")
