"""Counter-based random numbers: every word is a pure function of (seed, array, stream, counter).

The generator is Philox4x32-10 (Salmon et al., SC 2011, doi:10.1145/2063384.2063405). The key is
64 bits of a splitmix64 chain over (seed, array id, stream id); the counter is
(block, unit, update low, update high). Word ``k`` of a unit is word ``k % 4`` of block ``k // 4``.
There is no generator state: nothing to save but the update counters, and any split of the work
over threads takes the same numbers.
"""

from __future__ import annotations

import numpy as np

from feemu._numba import bits_of, float_of, fma, inline, jit

#: Purpose of each stream. Ids from 200 on are free for users.
STREAMS = {
    name: i
    for i, name in enumerate(
        (
            "spread",
            "reference",
            "init",
            "split",
            "shuffle",
            "x-train",
            "d-train",
            "pulse",
            "write",
            "read-forward",
            "read-backward",
            "read-transfer",
            "read-evaluation",
            "rounding",
            "chopper",
            "calibration",
            "bootstrap",
            "draws",
            "instrument",
            "drift",
        )
    )
}
USER_STREAMS = 200

_MASK64 = (1 << 64) - 1
_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint32(0x9E3779B9), np.uint32(0xBB67AE85)
_S32 = np.uint64(32)


def splitmix64(z: int) -> int:
    """Return one step of splitmix64 (Steele et al., doi:10.1145/2660193.2660195)."""
    z = (z + 0x9E3779B97F4A7C15) & _MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK64
    return z ^ (z >> 31)


def key(seed: int, array_id: int, stream: str | int) -> tuple[np.uint32, np.uint32]:
    """Return the Philox key of one stream of one array.

    Parameters
    ----------
    seed : int
        Seed of the run (or of the device draw), any integer >= 0.
    array_id : int
        Number of the array within the network.
    stream : str or int
        Name in `STREAMS`, or an id from `USER_STREAMS` on.
    """
    stream_id = STREAMS[stream] if isinstance(stream, str) else int(stream)
    h = splitmix64(int(seed) & _MASK64)
    h = splitmix64(h ^ int(array_id))
    h = splitmix64(h ^ stream_id)
    return np.uint32(h & 0xFFFFFFFF), np.uint32(h >> 32)


@inline
def philox(a, b, c, d, k0, k1):
    """Return the four words of Philox4x32-10 for counter (a, b, c, d) and key (k0, k1), uint32."""
    for _ in range(10):
        p0 = _M0 * np.uint64(a)
        p1 = _M1 * np.uint64(c)
        a = np.uint32(p1 >> _S32) ^ b ^ k0
        b = np.uint32(p1)
        c = np.uint32(p0 >> _S32) ^ d ^ k1
        d = np.uint32(p0)
        k0 = np.uint32(k0 + _W0)
        k1 = np.uint32(k1 + _W1)
    return a, b, c, d


@jit
def fill_words(k0, k1, units, n, update, block, stride, out):
    """Write the words of block ``block + stride i`` of ``units[i]`` into ``out[:, i]``, i < n."""
    low = np.uint32(update & np.uint64(0xFFFFFFFF))
    high = np.uint32(update >> _S32)
    for i in range(n):
        at = np.uint32(block + stride * i)
        w = philox(at, units[i], low, high, np.uint32(k0), np.uint32(k1))
        out[0, i], out[1, i], out[2, i], out[3, i] = w


@jit
def normal_from_word(word):
    """Return the standard normal (float32) of one 32-bit word by inverse CDF, without branches.

    Notes
    -----
    Sign = top bit; with m the low 31 bits, ``t = (m + 1/2) 2^-31`` is the two-sided tail
    probability and ``w = -log(t (2 - t))`` the variable of Giles (GPU Computing Gems, 2011,
    doi:10.1016/B978-0-12-385963-1.00010-1). ``z / (1 - t)`` is a polynomial in w - 2.5 below
    w = 5 and in sqrt(w) - 3.5 above; both and the logarithm are Chebyshev fits of feemu's own
    (relative error 5e-7 before rounding), valid for every one of the 2^32 words.
    """
    odd = np.uint32(np.uint32(word << np.uint32(1)) | np.uint32(1))
    t = np.float32(odd) * np.float32(2.3283064365386963e-10)
    x = np.float32(1.0) - t
    bits = bits_of(t * (np.float32(2.0) - t))
    # Split into 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)).
    shifted = np.int32(bits - np.int32(0x3F3504F3))
    e = np.float32(shifted >> np.int32(23))
    f = float_of(np.int32((shifted & np.int32(0x007FFFFF)) + np.int32(0x3F3504F3)))
    f = f - np.float32(1.0)
    q = np.float32(-0.1043441966176033)
    q = fma(q, f, np.float32(0.16080349683761597))
    q = fma(q, f, np.float32(-0.17102107405662537))
    q = fma(q, f, np.float32(0.19918212294578552))
    q = fma(q, f, np.float32(-0.24983447790145874))
    q = fma(q, f, np.float32(0.3333435356616974))
    q = fma(q, f, np.float32(-0.5000008344650269))
    w = -fma(e, np.float32(0.6931471824645996), fma(f * f, q, f))
    a = w - np.float32(2.5)
    low = np.float32(4.6426282551692566e-07)
    low = fma(low, a, np.float32(-4.4888174670632e-06))
    low = fma(low, a, np.float32(-5.978737135592382e-06))
    low = fma(low, a, np.float32(0.0003072049585171044))
    low = fma(low, a, np.float32(-0.001773759606294334))
    low = fma(low, a, np.float32(-0.005905766971409321))
    low = fma(low, a, np.float32(0.34880325198173523))
    low = fma(low, a, np.float32(2.1233131885528564))
    b = np.float32(np.sqrt(w)) - np.float32(3.493033988749895)
    high = np.float32(-0.00024661602219566703)
    high = fma(high, b, np.float32(0.000803717935923487))
    high = fma(high, b, np.float32(-0.0011143428273499012))
    high = fma(high, b, np.float32(0.0014639245346188545))
    high = fma(high, b, np.float32(-0.002898971550166607))
    high = fma(high, b, np.float32(0.004722710233181715))
    high = fma(high, b, np.float32(1.424561858177185))
    high = fma(high, b, np.float32(4.707164287567139))
    z = x * (low if w < np.float32(5.0) else high)
    return -z if word >> np.uint32(31) else z


@jit
def fill_normals(k0, k1, unit, update, block, n_blocks, out):
    """Write ``4 * n_blocks`` normals (float32) of one unit, from the given block on, into `out`."""
    low = np.uint32(update & np.uint64(0xFFFFFFFF))
    high = np.uint32(update >> _S32)
    for i in range(n_blocks):
        a, b, c, d = philox(
            np.uint32(block + i), np.uint32(unit), low, high, np.uint32(k0), np.uint32(k1)
        )
        out[4 * i] = normal_from_word(np.uint32(a))
        out[4 * i + 1] = normal_from_word(np.uint32(b))
        out[4 * i + 2] = normal_from_word(np.uint32(c))
        out[4 * i + 3] = normal_from_word(np.uint32(d))


def words(k: tuple, update: int, unit: int, n: int) -> np.ndarray:
    """Return the first `n` words (uint32) of one unit of an update under key `k`."""
    blocks = -(-n // 4)
    out = np.empty((4, blocks), np.uint32)
    fill_words(*k, np.full(blocks, unit, np.uint32), blocks, np.uint64(update), 0, 1, out)
    return out.T.ravel()[:n]


def normals(k: tuple, update: int, unit: int, n: int) -> np.ndarray:
    """Return the first `n` standard normals (float32) of one unit of an update under key `k`."""
    out = np.empty(4 * -(-n // 4), np.float32)
    fill_normals(k[0], k[1], np.uint32(unit), np.uint64(update), 0, out.size // 4, out)
    return out[:n]


def uniforms(k: tuple, update: int, unit: int, n: int) -> np.ndarray:
    """Return the first `n` uniforms in (0, 1) (float64, 32 bits each) of one unit."""
    return (words(k, update, unit, n).astype(np.float64) + 0.5) * 2.0**-32


def permutation(k: tuple, update: int, n: int) -> np.ndarray:
    """Return a random permutation of ``range(n)``: the order of `n` 64-bit draws (int64)."""
    draws = words(k, update, 0, 2 * n).astype(np.uint64)
    return np.argsort((draws[0::2] << np.uint64(32)) | draws[1::2], kind="stable")
