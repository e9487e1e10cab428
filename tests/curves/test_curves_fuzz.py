"""Damaged files: data or the reader's own error, in bounded time and memory."""

import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_trains import rows, tidy

from feemu.curves import CurvesError, read_curves
from feemu.curves.lines import MAX_BYTES

RAMP = "# read_voltage = 0.1 V\nvoltage (V);current (nA)\n" + "".join(
    f"{2.5 if p == 'up' else -2.5};{g}\n".replace(".", ",") for _, _, p, _, g in rows()
)
WIDE = "pulse\tLTP_1 [uS]\tLTD_1 [uS]\n" + "".join(f"{k}\t{k}.5\t{9 - k}.5\n" for k in range(1, 9))
FILES = [tidy().encode(), RAMP.encode(), WIDE.encode("utf-16"), WIDE.encode()]
TOKENS = [b"nan", b"inf", b"1e999", b'"', b"\0", b"\xff", b";", b",", b"\t", b"\n", b"\r", b"#",
          b" ", b"up", b"-1", b"1e9", b"99999999999999999999", b"0x10", b"1_0", b"# feemu: {}\n",
          b"\xe2\x80\xa8", b"# pulse_width = x\n"]  # fmt: skip
place = st.integers(0, 2000)
damage = st.one_of(
    st.tuples(st.just("flip"), place, st.integers(0, 7)),
    st.tuples(st.just("cut"), place, st.integers(1, 60)),
    st.tuples(st.just("insert"), place, st.sampled_from(TOKENS)),
    st.tuples(st.just("repeat"), place, st.integers(1, 200)),
    st.tuples(st.just("swap columns"), st.sampled_from([b",", b";", b"\t"]), st.just(0)),
    st.tuples(st.just("reverse lines"), st.just(0), st.just(0)),
)


def damaged(raw, kind, at, what):
    if kind == "flip" and raw:
        at %= len(raw)
        return raw[:at] + bytes([raw[at] ^ (1 << what)]) + raw[at + 1 :]
    if kind == "cut":
        return raw[:at] + raw[at + what :]
    if kind == "insert":
        return raw[:at] + what + raw[at:]
    if kind == "repeat":
        return raw[:at] + raw[at : at + what] + raw[at:]
    lines = raw.split(b"\n")
    if kind == "reverse lines":
        return b"\n".join(lines[::-1])
    if kind == "swap columns":
        return b"\n".join(at.join(line.split(at)[::-1]) for line in lines)
    return raw


def read_or_refuse(file, **options):
    """Return the Dataset or the message; anything else fails the test."""
    try:
        ds = read_curves(file, **options)
    except CurvesError as error:
        assert str(error).isprintable() and len(str(error)) < 600
        return str(error)
    values = ds["conductance"].values
    assert np.isfinite(values).any() and not np.isinf(values).any()
    return ds


@settings(max_examples=150, deadline=None)
@given(raw=st.sampled_from(FILES), changes=st.lists(damage, min_size=1, max_size=5))
def test_damaged_files(tmp_path_factory, raw, changes):
    for change in changes:
        raw = damaged(raw, *change)
    file = tmp_path_factory.mktemp("fuzz") / "x.csv"
    file.write_bytes(raw)
    read_or_refuse(file)


@settings(max_examples=60, deadline=None)
@given(raw=st.binary(max_size=300))
def test_any_bytes(tmp_path_factory, raw):
    file = tmp_path_factory.mktemp("fuzz") / "x.csv"
    file.write_bytes(raw)
    read_or_refuse(file, unit="S", pulses_up=3, pulses_down=3)


def sparse(file, head, tail=b""):
    """Write 1 GB of which only both ends take space."""
    with open(file, "wb") as handle:
        handle.write(head)
        handle.seek(1_000_000_000)
        handle.write(tail or b"1")


HUGE = {
    "one line of 1 GB": lambda file: sparse(file, b"1"),
    "1 GB in the second line": lambda file: sparse(file, b"polarity,G_uS\nup,1\n"),
    "a line of 3 MB below good ones": lambda file: file.write_bytes(
        tidy().encode() + b"1" * 3_000_000 + b"\n"),
    "a million blanks": lambda file: file.write_bytes(b" " * 1_000_000 + b"1 2\n" * 3),
    "many delimiters": lambda file: file.write_bytes((b"," * 100_000 + b"\n") * 4),
    "five million line ends": lambda file: file.write_bytes(b"\n" * 5_000_000),
    "many quotes": lambda file: file.write_bytes(b'"a"\n' * 200_000),
    "digits": lambda file: file.write_bytes(b"polarity,G_uS\nup," + b"9" * 900_000 + b"\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", HUGE)
def test_huge_files_cost_little(tmp_path, name):
    file = tmp_path / "huge.csv"
    HUGE[name](file)
    tracemalloc.start()
    begin = time.process_time()
    try:
        with pytest.raises(CurvesError):
            read_curves(file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.process_time() - begin < 10
    assert peak < 1e9 and MAX_BYTES < 2e8
