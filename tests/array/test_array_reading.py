"""Reading: products, converters, noise and what is counted."""

import numpy as np
import pytest
from array_cases import ALPHA, tables
from scipy import stats

from feemu.array import READS, Reading, SynapseArray


def make(shape, name="exponential", **options):
    array = SynapseArray(shape, tables(name), **{"omega": 1.5, "seed": 2, **options})
    array.set_state(np.random.default_rng(shape).uniform(0, 1, shape))
    return array


def vectors(batch, n, seed=0):
    """Return inputs of both signs with zeros, the first vector all zero."""
    draw = np.random.default_rng([seed, batch, n])
    x = draw.normal(size=(batch, n)) * (draw.random((batch, n)) < 0.8)
    x[0] = 0.0
    return x.astype(np.float32)


@pytest.mark.parametrize("n_out", (1, 7, 8, 9, 23, 64))
@pytest.mark.parametrize("n_in", (1, 5, 200))
def test_products_in_double_precision(n_in, n_out):
    """Rounding error of a float32 sum of n terms: at most n 2^-24 of the sum of magnitudes."""
    array = make((n_in, n_out))
    w = array.weights.astype(np.float64)
    for read, matrix in ((array.forward, w), (array.backward, w.T)):
        v = vectors(4, len(matrix))
        y, wanted = read(v), v.astype(np.float64) @ matrix
        assert y.dtype == np.float32 and y.shape == (4, matrix.shape[1])
        bound = (len(matrix) + 1) * 2.0**-24 * (np.abs(v) @ np.abs(matrix))
        assert np.all(np.abs(y - wanted) <= bound)
        for b in range(4):
            np.testing.assert_array_equal(read(v[b : b + 1])[0], y[b])


def test_reading_leaves_the_array_alone():
    array = make((6, 5))
    before = array.weights.copy(), array.state
    array.forward(vectors(3, 6))
    array.backward(vectors(3, 5))
    np.testing.assert_array_equal(array.weights, before[0])
    np.testing.assert_array_equal(array.state, before[1])
    assert not array.events.any()


@pytest.mark.parametrize("bits", (2, 5, 8))
def test_dac_levels(bits):
    """Inputs become whole multiples of the largest over 2^(bits - 1) - 1, rounded to nearest."""
    array, levels = make((300, 6), reading=Reading(dac_bits=bits)), 2 ** (bits - 1) - 1
    x = vectors(3, 300)
    unit = np.abs(x).max(axis=1, keepdims=True).astype(np.float64) / levels
    unit[0] = 1.0
    seen = array.reading.convert_inputs(x)
    codes = seen / unit
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-4)
    assert np.all(np.abs(seen - x) <= unit * 0.50001)
    assert np.abs(np.rint(codes)).max() == levels
    assert not seen[0].any()
    ramp = array.reading.convert_inputs(np.linspace(-0.7, 0.7, 1001, dtype=np.float32)[None])
    assert len(np.unique(np.abs(ramp))) == levels + 1 and ramp.max() == -ramp.min()
    w = array.weights.astype(np.float64)
    np.testing.assert_allclose(array.forward(x), np.rint(codes) * unit @ w, atol=1e-3)


@pytest.mark.parametrize("bits, reach", ((3, 0.5), (8, 4.0), (9, 12.0)))
def test_adc_levels_and_clipping(bits, reach):
    """Outputs are whole multiples of reach x omega x largest input over 2^(bits - 1) - 1."""
    array = make((40, 60), reading=Reading(adc_bits=bits, adc_range=reach))
    plain, levels = make((40, 60)), 2 ** (bits - 1) - 1
    for read, ideal, n in (
        (array.forward, plain.forward, 40),
        (array.backward, plain.backward, 60),
    ):
        x = vectors(5, n)
        y, exact = read(x), ideal(x)
        top = np.abs(x).max(axis=1, keepdims=True).astype(np.float64)
        unit = np.where(top > 0, top, 1) * reach * 1.5 / levels
        codes = y / unit
        np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)
        clipped = np.abs(exact) > (levels + 0.5) * unit
        assert clipped.any() == (reach < 5) and np.all(np.abs(np.rint(codes)) <= levels)
        np.testing.assert_allclose(codes[clipped], (np.sign(exact) * levels)[clipped], atol=1e-3)
        assert np.all(np.abs(y - exact)[~clipped] <= (unit * np.ones_like(y))[~clipped] * 0.501)


def test_converters_together_with_noise_keep_their_levels():
    array = make((30, 10), "noisy_reads", reading=Reading(6, 8))
    x = vectors(5, 30)
    y = array.forward(x)
    top = np.abs(x).max(axis=1, keepdims=True).astype(np.float64)
    codes = y / (np.where(top > 0, top, 1) * 12 * 1.5 / 127)
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)


@pytest.mark.parametrize("forward", (True, False))
def test_noise_law(forward):
    """Each output: mean, variance and correlation over 20,000 reads; false alarm 5e-9 in all.

    The variance is that of independent relative noise on every cell and its reference.
    """
    array, n = make((9, 7), "noisy_reads", reference=0.4), 20_000
    array.set_reference(np.random.default_rng(5).uniform(0.3, 0.6, (9, 7)))
    g, ref = (2 * 1.5 * v.astype(np.float64) for v in (array.conductance, array.reference))
    square, w = g * g + ref * ref, array.weights.astype(np.float64)
    if not forward:
        square, w = square.T, w.T
    x = vectors(2, len(w))[1:]
    y = (array.forward if forward else array.backward)(np.repeat(x, n, axis=0))
    sd = 0.02 * np.sqrt(x.astype(np.float64) ** 2 @ square)
    z = (y - x.astype(np.float64) @ w) / sd
    rate = ALPHA / (3 * w.shape[1])
    assert np.abs(z.mean(axis=0)).max() < stats.norm.isf(rate / 2) / np.sqrt(n)
    total = (z * z).sum(axis=0)
    assert np.all((total > stats.chi2.ppf(rate / 2, n)) & (total < stats.chi2.isf(rate / 2, n)))
    cross = [np.mean(z[:, 0] * z[:, 1]), np.mean(z[1:, 0] * z[:-1, 0])]
    assert np.abs(cross).max() < stats.norm.isf(rate / 2) / np.sqrt(n - 1)


def test_kinds_of_reads_have_noise_of_their_own():
    """Same counters, other streams; the same kind at the same counter repeats."""
    x = np.ones((1, 9), np.float32)
    seen = [make((9, 7), "noisy_reads").forward(x, kind) for kind in (*READS, None)]
    again = make((9, 7), "noisy_reads")
    np.testing.assert_array_equal(again.forward(x), seen[0])
    assert not np.array_equal(again.forward(x), seen[0])
    assert len({tuple(y[0]) for y in seen}) == len(READS) + 1
    once = make((9, 7), "noisy_reads")
    both = make((9, 7), "noisy_reads").forward(np.repeat(x, 2, axis=0))
    np.testing.assert_array_equal(np.concatenate([once.forward(x), once.forward(x)]), both)


@pytest.mark.parametrize("kind", READS)
def test_counts_of_a_read(kind):
    array, x = make((6, 5), reading=Reading(dac_bits=4)), vectors(4, 6)
    d = vectors(3, 5)
    d[2, 3:] = (0.01, 7.0)  # the small one is rounded to zero and drives no line
    with array.counting("calibration"):
        array.forward(x, kind)
        array.backward(d, kind)
    book, at = array.ledger, (1, READS.index(kind))
    seen = [array.reading.convert_inputs(v).astype(np.float64) for v in (x, d)]
    lines = sum(np.count_nonzero(v) for v in seen)
    assert np.count_nonzero(seen[1][2]) < np.count_nonzero(d[2])
    assert book.reads[at] == 7 and book.adc[at] == 4 * 5 + 3 * 6
    assert book.dac[at] == book.read_rows[at] == lines
    relative = sum(np.sum((v[b] / np.abs(v[b]).max()) ** 2) for v in seen for b in range(1, len(v)))
    assert book.read_x2[at] == pytest.approx(relative, rel=1e-6)
    for name in ("reads", "adc", "dac", "read_rows", "read_x2"):
        assert np.count_nonzero(getattr(book, name)) == 1
    assert not book.pulses.any() and array.phase == "train"


def test_evaluation_is_free():
    """No counter moves but its own, and training reads stay what they would have been."""
    quiet, busy = (make((9, 7), "noisy_reads") for _ in "ab")
    x, d = vectors(3, 9), vectors(3, 7)
    first = quiet.forward(x), quiet.backward(d)
    for v, read in ((x, busy.forward), (d, busy.backward)):
        read(v, None)
        assert not any(v.any() for v in busy.ledger.arrays().values())
    np.testing.assert_array_equal(busy.forward(x), first[0])
    np.testing.assert_array_equal(busy.backward(d), first[1])
    for name, value in quiet.ledger.arrays().items():
        np.testing.assert_array_equal(value, getattr(busy.ledger, name), err_msg=name)


def test_single_cells():
    """One read per row, every cell converted; noise relative to the conductance."""
    array = make((20, 30), "noisy_reads")
    g = array.conductance.astype(np.float64)
    z = np.stack([(array.read_cells("verify") / g - 1) / 0.02 for _ in range(20)])
    total, n = np.sum(z * z), z.size  # false alarm 5e-9 for variance and mean together
    assert stats.chi2.ppf(ALPHA / 4, n) < total < stats.chi2.isf(ALPHA / 4, n)
    assert abs(z.mean()) < stats.norm.isf(ALPHA / 4) / np.sqrt(n)
    rows, columns = array.sample_cells(50)
    assert len(set(zip(rows.tolist(), columns.tolist()))) == 50
    picked = array.read_cells("calibration", (rows, columns))
    np.testing.assert_allclose(picked, g[rows, columns], rtol=0.14)
    book = array.ledger
    assert book.reads[2].tolist() == [0, 0, 0, 400, len(set(rows.tolist()))]
    assert book.adc[2].tolist() == [0, 0, 0, 20 * 600, 50]
