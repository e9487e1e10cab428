"""Philox4x32-10 and the key derivation on plain Python integers, one word at a time."""

from __future__ import annotations

from collections.abc import Callable

_MASK32 = (1 << 32) - 1
_MASK64 = (1 << 64) - 1


def philox4x32(counter: tuple, key: tuple, rounds: int = 10) -> tuple[int, int, int, int]:
    """Return the four 32-bit words of one Philox4x32 block.

    Parameters
    ----------
    counter : tuple of 4 ints
        Words c0..c3, each below 2^32.
    key : tuple of 2 ints
        Words k0, k1, each below 2^32.
    rounds : int
        Number of rounds; 10 is the published generator.

    Notes
    -----
    One round maps (c0, c1, c2, c3) to
    (high(M1 c2) ^ c1 ^ k0, low(M1 c2), high(M0 c0) ^ c3 ^ k1, low(M0 c0));
    between rounds k0 and k1 are increased by the Weyl constants.
    Salmon et al., SC 2011, doi:10.1145/2063384.2063405.
    """
    c0, c1, c2, c3 = (int(c) for c in counter)
    k0, k1 = (int(k) for k in key)
    for value in (c0, c1, c2, c3, k0, k1):
        if not 0 <= value <= _MASK32:
            raise ValueError(f"philox word {value}: must be in 0 .. 2^32 - 1; split 64-bit values")
    for number in range(rounds):
        if number > 0:
            k0 = (k0 + 0x9E3779B9) & _MASK32
            k1 = (k1 + 0xBB67AE85) & _MASK32
        first = 0xD2511F53 * c0
        second = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (second >> 32) ^ c1 ^ k0,
            second & _MASK32,
            (first >> 32) ^ c3 ^ k1,
            first & _MASK32,
        )
    return c0, c1, c2, c3


def splitmix64(z: int) -> int:
    """Return splitmix64 of a 64-bit state: one Weyl step, then the finaliser.

    Steele, Lea and Flood, OOPSLA 2014, doi:10.1145/2660193.2660195.
    """
    z = (z + 0x9E3779B97F4A7C15) & _MASK64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK64
    return z ^ (z >> 31)


def key(seed: int, array_id: int, stream_id: int) -> tuple[int, int]:
    """Return (k0, k1), the low and high 32 bits of the 64-bit key of one stream."""
    h = splitmix64(int(seed) & _MASK64)
    h = splitmix64(h ^ int(array_id))
    h = splitmix64(h ^ int(stream_id))
    return h & _MASK32, h >> 32


def word(key: tuple, update: int, unit: int, k: int) -> int:
    """Return word k of a unit in one update: word k % 4 of block k // 4.

    The counter is (block, unit, update low, update high).
    """
    counter = (k // 4, unit, update & _MASK32, update >> 32)
    return philox4x32(counter, key)[k % 4]


def words(key: tuple, update: int, unit: int, n: int) -> list[int]:
    """Return words 0 .. n-1 of a unit in one update."""
    return [word(key, update, unit, k) for k in range(n)]


def update_words(
    key_x: tuple | None = None,
    key_d: tuple | None = None,
    key_noise: tuple | None = None,
    update: int = 0,
) -> tuple[Callable, Callable, Callable]:
    """Return (words_x, words_d, word_noise), the three word functions of one update.

    ``words_x(row, slot)`` has unit row and word slot, ``words_d(column, slot)`` unit column and
    word slot, ``word_noise(event)`` unit 0 and word event. A key left out gives a function that
    raises when a word is asked for.
    """

    def need(k: tuple | None, name: str) -> tuple:
        if k is None:
            raise ValueError(f"{name} is None but its words were asked for: give (k0, k1)")
        return k

    return (
        lambda row, slot: word(need(key_x, "key_x"), update, row, slot),
        lambda column, slot: word(need(key_d, "key_d"), update, column, slot),
        lambda event: word(need(key_noise, "key_noise"), update, 0, event),
    )
