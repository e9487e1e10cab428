"""Fused multiply-add: one rounding, compiled and interpreted alike; prefetch: nothing at all."""

from fractions import Fraction

import numpy as np

from feemu._numba import fma, interpreted_fma, interpreted_prefetch, jit, prefetch


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
    np.testing.assert_array_equal([interpreted_fma(*three) for three in zip(a, b, c)], out)


@jit
def fetched(values, places):
    """Prefetch places of an array."""
    for at in places:
        prefetch(values, at)


def test_prefetch_changes_nothing_and_may_leave_the_array():
    values = np.arange(5.0)
    fetched(values, np.array([0, 4, 10**9, 10**15], np.uint64))
    interpreted_prefetch(values, 1)
    np.testing.assert_array_equal(values, np.arange(5.0))
