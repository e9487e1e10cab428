"""Words, keys and streams against the scalar definition and published known answers."""

import math

import numpy as np
import oracle
import pytest
from scipy import stats

from feemu import rng

ALPHA = 5e-9
# Random123, tests/kat_vectors, lines "philox4x32 10": counter, key, result.
KNOWN = """
00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8
ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd
243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1
"""
PLACES = ((0, 0), (5, 3), (2**32 - 1, 2**31), (2**32, 2**32 - 1), (2**63 + 11, 77))


@pytest.mark.parametrize("line", KNOWN.strip().splitlines())
def test_known_answers(line):
    values = [int(h, 16) for h in line.split()]
    block, unit, low, high = values[:4]
    k0, k1 = (np.uint32(v) for v in values[4:6])
    update = np.uint64(low | high << 32)
    units = np.array([7, unit, 8], np.uint32)
    for stride in (0, 1):
        out = np.zeros((4, 3), np.uint32)
        rng.fill_words(k0, k1, units, 3, update, (block - stride) % 2**32, stride, out)
        assert out[:, 1].tolist() == values[6:]


def test_key_is_the_splitmix_chain():
    for seed, array, stream in ((0, 0, 0), (7, 3, 11), (2**64 - 1, 16, 200), (123456789, 48, 5)):
        assert rng.key(seed, array, stream) == oracle.key(seed, array, stream)
    for name, number in rng.STREAMS.items():
        assert rng.key(9, 2, name) == oracle.key(9, 2, number)
    assert rng.splitmix64(1234567) == 0x599ED017FB08FC85
    assert all(isinstance(k, np.uint32) for k in rng.key(1, 2, "pulse"))


def test_streams_are_numbered_for_good():
    """The numbers are part of every stored result: a new stream goes to the end of the list."""
    names = [
        *("spread", "reference", "init", "split", "shuffle", "x-train", "d-train", "pulse"),
        *("write", "read-forward", "read-backward", "read-transfer", "read-evaluation"),
        *("rounding", "chopper", "calibration", "bootstrap", "draws"),
    ]
    assert list(rng.STREAMS)[: len(names)] == names
    assert list(rng.STREAMS.values()) == list(range(len(rng.STREAMS)))
    assert len(rng.STREAMS) <= rng.USER_STREAMS == 200


@pytest.mark.parametrize("update, unit", PLACES)
def test_words_are_the_scalar_definition(update, unit):
    k = rng.key(3, 1, "pulse")
    for n in (1, 4, 11):
        assert rng.words(k, update, unit, n).tolist() == oracle.words(k, update, unit, n)


def test_any_start_block_gives_the_same_words_and_normals():
    k, update, unit = rng.key(3, 1, "pulse"), np.uint64(2**33 + 5), np.uint32(9)
    words, normals = rng.words(k, update, unit, 64), rng.normals(k, update, unit, 64)
    part = np.empty(64, np.float32)
    for block, n_blocks in ((0, 16), (1, 1), (7, 5), (15, 1)):
        n = 4 * n_blocks
        here = slice(4 * block, 4 * block + n)
        out, units = np.empty((4, n_blocks), np.uint32), np.full(n_blocks, unit)
        rng.fill_words(*k, units, n_blocks, update, block, 1, out)
        np.testing.assert_array_equal(out.T.ravel(), words[here])
        rng.fill_normals(*k, unit, update, block, n_blocks, part)
        np.testing.assert_array_equal(part[:n], normals[here])
    units = np.array([4, 9, 0], np.uint32)
    out = np.empty((4, 3), np.uint32)
    for block in (0, 3, 15):
        rng.fill_words(*k, units, 3, update, block, 0, out)
        np.testing.assert_array_equal(out[:, 1], words[4 * block : 4 * block + 4])
    one = np.array([rng.normal_from_word(w) for w in words], np.float32)
    np.testing.assert_array_equal(one, normals)


def test_lengths_are_prefixes():
    k = rng.key(1, 0, "draws")
    long = rng.normals(k, 0, 0, 1001)
    for n in (1, 3, 4, 257, 1000):
        assert len(rng.normals(k, 0, 0, n)) == n
        np.testing.assert_array_equal(rng.normals(k, 0, 0, n), long[:n])
    assert rng.words(k, 0, 0, 0).size == rng.normals(k, 0, 0, 0).size == 0


def test_uniforms_are_open_and_flat():
    """Kolmogorov-Smirnov by the bound of Dvoretzky, Kiefer and Wolfowitz; false alarm 5e-9."""
    k, n = rng.key(5, 0, "draws"), 400_000
    u = np.sort(rng.uniforms(k, 0, 0, n))
    assert u.dtype == np.float64 and u[0] > 0.0 and u[-1] < 1.0
    steps = np.arange(n + 1) / n
    distance = max(np.max(steps[1:] - u), np.max(u - steps[:-1]))
    assert distance < math.sqrt(math.log(2 / ALPHA) / (2 * n))
    words = rng.words(k, 0, 0, 8)
    np.testing.assert_array_equal(rng.uniforms(k, 0, 0, 8) * 2.0**32 - 0.5, words)


def test_every_bit_of_a_word_is_a_coin():
    """Mean of each of 32 bits over 2^20 words; false alarm 5e-9 for all bits together."""
    n = 1 << 20
    words = rng.words(rng.key(6, 0, "draws"), 0, 0, n)
    ones = np.array([np.count_nonzero(words >> np.uint32(b) & np.uint32(1)) for b in range(32)])
    assert np.abs(ones - n / 2).max() < stats.norm.isf(ALPHA / 64) * math.sqrt(n) / 2


def test_neighbours_do_not_correlate():
    """Streams, arrays, seeds, units and updates side by side; false alarm 5e-9 in all."""
    n = 100_000
    base = {"seed": 4, "array": 2, "stream": "pulse", "update": 8, "unit": 5}
    others = ({"seed": 5}, {"array": 3}, {"stream": "write"}, {"update": 9}, {"unit": 6})

    def draw(seed, array, stream, update, unit):
        return rng.normals(rng.key(seed, array, stream), update, unit, n).astype(np.float64)

    here = draw(**base)
    limit = stats.norm.isf(ALPHA / 2 / (len(others) + 4)) / math.sqrt(n)
    for change in others:
        assert abs(np.mean(here * draw(**{**base, **change}))) < limit
    for lag in (1, 2, 3, 4):
        assert abs(np.mean(here[lag:] * here[:-lag])) < limit * math.sqrt(n / (n - lag))


def test_permutation_holds_every_number_once():
    k = rng.key(1, 0, "shuffle")
    for n in (0, 1, 2, 1000):
        np.testing.assert_array_equal(np.sort(rng.permutation(k, 3, n)), np.arange(n))
    assert not np.array_equal(rng.permutation(k, 0, 50), rng.permutation(k, 1, 50))
    np.testing.assert_array_equal(rng.permutation(k, 0, 50), rng.permutation(k, 0, 50))
    draws = rng.words(k, 2, 0, 20).astype(object)
    wanted = sorted(range(10), key=lambda i: draws[2 * i] * 2**32 + draws[2 * i + 1])
    assert rng.permutation(k, 2, 10).tolist() == wanted


def test_permutation_is_uniform():
    """Chi-square over the 24 orders of four, 9,600 draws; false alarm 5e-9."""
    k, counts = rng.key(2, 0, "shuffle"), {}
    for update in range(9600):
        order = rng.permutation(k, update, 4).tobytes()
        counts[order] = counts.get(order, 0) + 1
    seen = np.array(list(counts.values()))
    assert len(seen) == 24
    assert np.sum((seen - 400.0) ** 2) / 400.0 < stats.chi2.isf(ALPHA, 23)
