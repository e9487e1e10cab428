"""Mixed precision, step by step against the slow accumulator and the slow array."""

import numpy as np
import pytest
from array_cases import compare, mirror, noise_words
from layer_cases import counted, request, spec
from oracle import mixed_precision_step

from feemu.algorithms import MixedPrecision
from feemu.array import DIGITAL, PHASES

TRAIN = PHASES.index("train")


def fitting(draw, layer, batch, lr, margin):
    """Return a request, and what the slow accumulator makes of it, no ratio near a whole number.

    There single precision and another order of the sums may tip the count.
    """
    while True:
        x, d = request(draw, batch, layer.chi.shape)
        step = mixed_precision_step(layer.chi, x, d, lr, float(layer.eps))
        if step.margin > margin:
            return x, d, step


@pytest.mark.parametrize("device", ("quiet", "noisy", "curved"))
@pytest.mark.parametrize(
    "threshold, pulses, batch, shapes",
    (
        (1.0, 1.0, 1, ((12, 9), (1, 1))),
        (0.5, 2.0, 6, ((12, 9), (1, 1))),
        (2.0, 0.3, 6, ((3, 17), (1, 1))),
        (1.0, 200.0, 2, ((3, 2),)),
    ),
    ids=("batch 1", "half", "double", "large counts"),
)
def test_against_the_slow_accumulator(device, threshold, pulses, batch, shapes):
    """Counts, accumulator, pulses with their signs, states and ledger after each of four steps.

    `pulses` is the request in thresholds; 200 of them program hundreds of pulses at once.
    """
    draw = np.random.default_rng([batch, int(10 * threshold), int(pulses)])
    for index, shape in enumerate(shapes):
        layer = MixedPrecision(threshold=threshold).build(spec(device, shape, 0.2, index))
        array = layer.arrays[0]
        assert layer.eps == pytest.approx(threshold * array.granularity, rel=1e-6)
        slow, before = mirror(array), array.ledger.pulses.copy()
        init = array.state_dict()
        lr = pulses * float(layer.eps)
        size = batch * max(pulses, 1.0)
        for number in range(4):
            x, d, step = fitting(draw, layer, batch, lr, margin=2e-6 * size)
            slow.counts(step.counts, noise_words(array, "train", number))
            layer.update(x, d, lr)
            np.testing.assert_allclose(layer.chi, step.chi, rtol=0, atol=1e-6 * size * layer.eps)
            np.testing.assert_array_equal(array.events - init["events"], slow.events)
            np.testing.assert_allclose(array.state, slow.p, rtol=0, atol=1e-6)
        book, wanted = array.ledger, slow.ledger.as_arrays()
        for name in ("pulses", "row_pulses", "column_pulses", "slots", "state_hist"):
            np.testing.assert_array_equal(getattr(book, name)[TRAIN], wanted[name], err_msg=name)
        np.testing.assert_array_equal(np.delete(book.pulses, TRAIN, 0), np.delete(before, TRAIN, 0))


def test_from_the_start_with_the_whole_ledger():
    """Without initial weights every counter, the conductance included, is the slow array's."""
    layer = MixedPrecision().build(spec("noisy"))
    draw, slow = np.random.default_rng(8), mirror(layer.arrays[0])
    lr = 2 * float(layer.eps)
    slow.phase = "init"
    slow.counts(np.zeros((12, 9), int), noise_words(layer.arrays[0], "init", 0))
    slow.phase = "train"
    for number in range(6):
        x, d, step = fitting(draw, layer, 3, lr, margin=1e-5)
        slow.counts(step.counts, noise_words(layer.arrays[0], "train", number))
        layer.update(x, d, lr)
    compare(layer.arrays[0], slow)


@pytest.mark.parametrize("sign_x, sign_d", ((1, 1), (1, -1), (-1, 1), (-1, -1)))
def test_pulses_go_against_the_gradient(sign_x, sign_d):
    """2.6 thresholds: two pulses against the sign of x d, 0.6 of a threshold stays."""
    layer = MixedPrecision().build(spec("fine", (1, 1)))
    x, d = (np.full((1, 1), s, np.float32) for s in (sign_x, sign_d))
    dw, sign = layer.arrays[0].granularity, sign_x * sign_d
    layer.update(x, d, lr=2.6 * dw)
    assert layer.weights[0, 0] == pytest.approx(-sign * 2 * dw, rel=1e-4)
    assert layer.chi[0, 0] == pytest.approx(sign * 0.6 * dw, rel=1e-4)
    ups, downs = counted(layer, "pulses", "train").tolist()
    assert (ups, downs) == ((0, 2) if sign > 0 else (2, 0))


def test_small_gradients_add_up():
    """Where one request is far below a threshold, hundreds of them move the weight as asked."""
    layer = MixedPrecision(threshold=2.0).build(spec("fine", (4, 3)))
    draw = np.random.default_rng(1)
    asked = np.zeros((4, 3))
    for _ in range(400):
        x, d = (values + np.float32(0.5) for values in request(draw, 2, (4, 3)))
        lr = 0.05 * float(layer.eps)
        layer.update(x, d, lr)
        asked -= lr * x.T.astype(float) @ d
    # Every pulse is dw, every count stands for one threshold of two dw.
    moved = 2 * layer.weights.astype(float)
    np.testing.assert_allclose(moved - layer.chi, asked, rtol=0, atol=1e-3 * np.abs(asked).max())
    assert np.abs(asked).max() > 5 * layer.eps


def test_rows_without_input_are_left_alone():
    layer = MixedPrecision().build(spec("noisy", (6, 4)))
    x, d = np.ones((3, 6), np.float32), np.ones((3, 4), np.float32)
    x[:, 2] = 0.0
    before = layer.weights[2].copy()
    layer.update(x, d, lr=float(layer.eps))
    np.testing.assert_array_equal(layer.weights[2], before)
    assert not layer.chi[2].any() and layer.arrays[0].events[2].sum() == 0
    assert (np.delete(layer.arrays[0].events, 2, 0) == 3).all()


def test_digital_work_is_counted():
    """A multiply-add and an accumulator access per sample, a comparison per driven row."""
    layer = MixedPrecision().build(spec("quiet", (6, 4)))
    x = np.array([[1, 0, 0, 2, 0, 0], [0, 0, 3, 4, 0, 0]], np.float32)
    layer.update(x, np.ones((2, 4), np.float32), 1e-3)
    work = dict(zip(DIGITAL, counted(layer, "digital", "train").tolist()))
    assert work == {"mac": 16, "accumulator_rmw": 16, "compare": 12, "random_bits": 0,
                    "max_search": 0}  # fmt: skip
    assert not counted(layer, "digital", "init").any()
    assert layer.ledgers[0].digital_bits[:3].tolist() == [32, 32, 32]


@pytest.mark.parametrize("lr", (1e6, 1e12, np.nan))
def test_more_pulses_than_memory_holds_are_refused(lr):
    """One line that names what to change, not a crash; nothing was programmed."""
    layer = MixedPrecision().build(spec("quiet", (40, 30), omega=1e-2))
    x, d = np.ones((1, 40), np.float32), np.ones((1, 30), np.float32)
    with pytest.raises(ValueError, match=r"mixed_precision: .* lower lr, or raise .*") as seen:
        layer.update(x, d, lr)
    assert "\n" not in str(seen.value)
    assert not layer.arrays[0].events.any()
