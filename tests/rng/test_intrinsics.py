"""Single instructions of kernels: compiled and interpreted alike; fused ones round once."""

from fractions import Fraction

import numpy as np

import feemu._numba as compiler
from feemu._numba import bits_of, float_of, fma, jit, prefetch, trailing_zeros


@jit
def fused(a, b, c, out):
    """Write ``a b + c`` of each triple."""
    for i in range(a.size):
        out[i] = fma(a[i], b[i], c[i])


def test_kernels_round_once():
    """Against whole fractions, on values whose product cancels most of the addend."""
    draw = np.random.default_rng(4)
    a, b = (draw.normal(size=3000).astype(np.float32) for _ in range(2))
    c = (-a * b).astype(np.float32)
    c[::3] = draw.normal(size=1000).astype(np.float32)
    out = np.empty_like(a)
    fused(a, b, c, out)
    for x, y, z, got in zip(*(v.tolist() for v in (a, b, c, out))):
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        near = (np.nextafter(np.float32(got), np.float32(side)) for side in (-np.inf, np.inf))
        assert all(abs(exact - Fraction(got)) <= abs(exact - Fraction(float(n))) for n in near)
    assert np.count_nonzero(out != a * b + c) > 1000, "here two roundings give other numbers"


def test_interpreted_kernels_give_the_same():
    draw = np.random.default_rng(5)
    a, b, c = draw.normal(size=(3, 20_000)).astype(np.float32)
    out = np.empty_like(a)
    fused(a, b, c, out)
    np.testing.assert_array_equal([compiler.interpreted_fma(*three) for three in zip(a, b, c)], out)


@jit
def fetched(values, places):
    """Prefetch places of an array."""
    for at in places:
        prefetch(values, at)


def test_prefetch_changes_nothing_and_may_leave_the_array():
    values = np.arange(5.0)
    fetched(values, np.array([0, 4, 10**9, 10**15], np.uint64))
    compiler.interpreted_prefetch(values, 1)
    np.testing.assert_array_equal(values, np.arange(5.0))


@jit
def taken_apart(values, words, bits, back, zeros):
    """Write bits of floats, floats of these, and zeros below the lowest one of words."""
    for i in range(values.size):
        bits[i] = bits_of(values[i])
        back[i] = float_of(bits[i])
        zeros[i] = trailing_zeros(words[i])


def test_bits_and_zeros_are_numpys_and_the_interpreters():
    draw = np.random.default_rng(6)
    words = draw.integers(1, 2**32, 2000, np.uint64).astype(np.uint32)
    words[:32] = np.uint32(1) << np.arange(32, dtype=np.uint32)
    values = words.view(np.float32)
    bits, back = np.empty(2000, np.int32), np.empty(2000, np.float32)
    zeros = np.empty(2000, np.uint32)
    taken_apart(values, words, bits, back, zeros)
    np.testing.assert_array_equal(bits, words.view(np.int32))
    np.testing.assert_array_equal(back.view(np.uint32), words)
    np.testing.assert_array_equal(zeros, [f"{w:b}"[::-1].index("1") for w in words.tolist()])
    for i in range(0, 2000, 100):
        assert compiler.interpreted_bits_of(values[i]) == bits[i]
        assert compiler.interpreted_float_of(bits[i]).view(np.uint32) == words[i]
        assert compiler.interpreted_trailing_zeros(words[i]) == zeros[i]
