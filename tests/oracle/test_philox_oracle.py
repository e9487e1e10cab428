"""The oracle's random words against published known answers, its normals against scipy."""

import numpy as np
import pytest
from scipy.stats import norm

from . import key, normal, normals, philox4x32, splitmix64, update_words, word, words

# Random123, tests/kat_vectors, lines "philox4x32 7" and "philox4x32 10": counter, key, result.
KNOWN = """
7  00000000 00000000 00000000 00000000 00000000 00000000 5f6fb709 0d893f64 4f121f81 4f730a48
7  ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 5207ddc2 45165e59 4d8ee751 8c52f662
7  243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 4dfccaba 190a87f0 c47362ba b6b5242a
10 00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8
10 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd
10 243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1
"""
# First outputs of the reference splitmix64 (S. Vigna) for two seeds.
SPLITMIX = {
    0: (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC),
    1234567: (0x599ED017FB08FC85, 0x2C73F08458540FA5, 0x883EBCE5A3F27C77, 0x3FBEF740E9177B3F),
}


@pytest.mark.parametrize("line", KNOWN.strip().splitlines())
def test_philox_known_answers(line):
    rounds, *hexadecimal = line.split()
    values = [int(h, 16) for h in hexadecimal]
    got = philox4x32(tuple(values[:4]), tuple(values[4:6]), int(rounds))
    assert got == tuple(values[6:])


@pytest.mark.parametrize("seed", SPLITMIX)
def test_splitmix_known_answers(seed):
    for n, expected in enumerate(SPLITMIX[seed]):
        state = (seed + n * 0x9E3779B97F4A7C15) % 2**64
        assert splitmix64(state) == expected


def test_key_is_the_chain():
    h = splitmix64(splitmix64(splitmix64(7) ^ 3) ^ 11)
    assert key(7, 3, 11) == (h % 2**32, h // 2**32)
    assert len({key(s, a, t) for s in range(3) for a in range(3) for t in range(3)}) == 27


def test_word_is_its_place_in_the_counter():
    k, update = (123, 456), (5 << 32) | 9
    block = philox4x32((2, 77, 9, 5), k)
    assert [word(k, update, 77, n) for n in range(8, 12)] == list(block)
    assert words(k, update, 77, 12)[8:] == list(block)


def test_update_words_have_their_units():
    keys = key(1, 0, 1), key(1, 0, 2), key(1, 0, 3)
    x, d, noise = update_words(*keys, update=2**32 + 4)
    assert x(3, 6) == word(keys[0], 2**32 + 4, 3, 6)
    assert d(5, 1) == word(keys[1], 2**32 + 4, 5, 1)
    assert noise(9) == word(keys[2], 2**32 + 4, 0, 9)
    with pytest.raises(ValueError, match="key_d"):
        update_words(keys[0])[1](0, 0)


def test_philox_refuses_wide_words():
    with pytest.raises(ValueError, match="2\\^32"):
        philox4x32((2**32, 0, 0, 0), (0, 0))


def test_normal_ends_and_middle():
    top = 1 << 31
    assert normal(0) == pytest.approx(norm.isf(2.0**-33), rel=1e-15)
    assert 6.2 < normal(0) < 6.4
    assert normal(top) == -normal(0)
    middle = 2.0**-32 * np.sqrt(np.pi / 2)
    assert normal(top - 1) == pytest.approx(middle, rel=1e-9)
    assert normal(2**32 - 1) == -normal(top - 1)


def test_normal_falls_with_the_word_and_inverts():
    w = np.linspace(0, 2**31 - 1, 5001).astype(np.uint64)
    z = normals(w)
    assert np.all(np.diff(z) < 0)
    t = (w.astype(float) + 0.5) / 2**31
    np.testing.assert_allclose(2.0 * norm.sf(z), t, rtol=1e-12)
    with pytest.raises(ValueError, match="32-bit"):
        normals([2**32])


def test_normal_moments_over_the_midpoints():
    m = (np.arange(4096, dtype=np.uint64) << np.uint64(19)) + np.uint64(1 << 18)
    z = normals(np.concatenate([m, m + np.uint64(1 << 31)]))
    assert abs(z.mean()) < 1e-12
    assert z.var() == pytest.approx(1.0, abs=2e-3)
