"""The IDX reader: data or one ValueError, whatever the bytes."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from idx_files import idx_bytes

from feemu.tasks import read_idx, read_images, read_labels, read_pair

IMAGES = np.random.default_rng(3).integers(0, 256, (5, 4, 3), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 9], np.uint8)
RAW = idx_bytes(IMAGES)
PACKED = gzip.compress(RAW, mtime=0)


def put(folder, name, body):
    path = folder / name
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    "name, body", [("a-idx3-ubyte", RAW), ("a-idx3-ubyte.gz", PACKED)], ids=["plain", "packed"]
)
def test_images_come_back(tmp_path, name, body):
    read = read_images(put(tmp_path, name, body))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, IMAGES)
    np.testing.assert_array_equal(read_idx(tmp_path / name), IMAGES)


def test_labels_come_back(tmp_path):
    read = read_labels(put(tmp_path, "l", idx_bytes(LABELS)))
    assert read.dtype == np.int64
    np.testing.assert_array_equal(read, LABELS)


@pytest.mark.parametrize(
    "name, body, words",
    [
        ("i", b"", ["0 bytes, truncated", "header"]),
        ("i", RAW[:9], ["truncated header"]),
        ("i", RAW[:-1], ["truncated", "60 values (5 x 4 x 3)"]),
        ("i", RAW + b"\0", ["1 trailing bytes"]),
        ("i", idx_bytes(LABELS), ["magic 2049", "magic 2051"]),
        ("i", b"<!DOCTYPE html>", ["magic 1008813135", "fetch"]),
        ("i", b"\0\0\x0d\x03" + RAW[4:], ["magic 3331"]),
        ("i", idx_bytes(np.zeros((0, 28, 28), np.uint8)), ["0 x 28 x 28", "no empty dimension"]),
        ("i", RAW[:4] + b"\xff" * 12 + RAW[16:], ["truncated", "4294967295"]),
        ("i", PACKED, ["a gzip file", "rename it to i.gz"]),
        ("i.gz", b"", ["none", "gzip"]),
        ("i.gz", RAW, ["00 00 08 03", "take .gz off"]),
        ("i.gz", PACKED[:-1], ["truncated"]),
        ("i.gz", PACKED[:-9], ["truncated"]),
        ("i.gz", PACKED[:12], ["truncated"]),
        ("i.gz", PACKED + b"\0", ["1 trailing bytes"]),
        ("i.gz", PACKED + PACKED, ["trailing bytes"]),
        ("i.gz", PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], ["damaged gzip data"]),
        ("i.gz", gzip.compress(RAW + b"\0"), ["trailing values"]),
        ("i.gz", gzip.compress(RAW[:-1]), ["59 values, truncated"]),
        ("i.gz", gzip.compress(RAW[:4] + b"\xff" * 12), ["truncated", "4294967295"]),
    ],
    ids=map(str, range(21)),
)
def test_damaged_files_are_named(tmp_path, one_line, name, body, words):
    path = put(tmp_path, name, body)
    with pytest.raises(ValueError) as caught:
        read_images(path)
    one_line(caught, path, "found", "expected", *words)


def test_a_packed_bomb_is_not_unpacked(tmp_path, one_line):
    path = put(tmp_path, "i.gz", gzip.compress(RAW + bytes(50_000_000)))
    with pytest.raises(ValueError) as caught:
        read_images(path)
    one_line(caught, "trailing values")


def test_unreadable_paths(tmp_path, one_line):
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(ValueError) as caught:
            read_idx(path)
        one_line(caught, path, "found", "directory")


def test_label_out_of_range(tmp_path, one_line):
    path = put(tmp_path, "l", idx_bytes(np.array([0, 9, 10, 11])))
    with pytest.raises(ValueError) as caught:
        read_labels(path)
    one_line(caught, path, "label 10 at number 2", "labels 0 to 9")
    assert read_labels(path, n_classes=12)[3] == 11


def test_counts_must_agree(tmp_path, one_line):
    images, labels = put(tmp_path, "i", RAW), put(tmp_path, "l", idx_bytes(LABELS[:4]))
    with pytest.raises(ValueError) as caught:
        read_pair(images, labels)
    one_line(caught, labels, "4 labels", "5 images of i")
    put(tmp_path, "l", idx_bytes(LABELS))
    x, y = read_pair(images, labels)
    assert len(x) == len(y) == 5


def data_or_value_error(path, body, read):
    path.write_bytes(body)
    try:
        result = read(path)
    except ValueError as error:
        assert "\n" not in str(error)
        return None
    assert isinstance(result, np.ndarray) and result.size > 0
    return result


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("idx")


@settings(max_examples=300, deadline=None)
@given(
    packed=st.booleans(),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3),
    cut=st.integers(0, len(RAW) + len(PACKED)),
    tail=st.binary(max_size=4),
)
def test_flipped_cut_and_lengthened_files(scratch, packed, flips, cut, tail):
    body = bytearray(PACKED if packed else RAW)
    for at, mask in flips:
        body[at % len(body)] ^= mask
    body = bytes(body[:cut]) + tail
    path = scratch / ("i.gz" if packed else "i")
    result = data_or_value_error(path, body, read_idx)
    if result is not None and packed:
        # Behind the gzip checksum nothing but the original can come out.
        np.testing.assert_array_equal(result, IMAGES)


@settings(max_examples=200, deadline=None)
@given(head=st.sampled_from([b"", b"\0\0\x08", RAW[:4], PACKED[:10]]), body=st.binary(max_size=64))
def test_any_bytes(scratch, head, body):
    for name in ("j", "j.gz"):
        for read in (read_images, read_labels):
            data_or_value_error(scratch / name, head + body, read)


@settings(max_examples=100, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=3),
    seed=st.integers(0, 2**31),
    packed=st.booleans(),
)
def test_round_trip(scratch, shape, seed, packed):
    array = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    body = idx_bytes(array)
    path = scratch / ("r.gz" if packed else "r")
    path.write_bytes(gzip.compress(body, 1) if packed else body)
    np.testing.assert_array_equal(read_idx(path), array)
