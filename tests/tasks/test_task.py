"""Splits, hashes and checks of the task record; the embedded digits; own arrays and .npz files."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feemu.tasks import Task, load_task, task_from_arrays, task_names
from feemu.tasks.task import validation_split

RNG = np.random.default_rng(5)
X = RNG.integers(0, 256, (60, 4, 3), dtype=np.uint8)
Y = np.arange(60) % 3


def rows(x):
    return {row.tobytes() for row in x}


def test_digits():
    task = load_task("digits")
    assert repr(task).startswith("Task digits: 1198 training, 240 validation, 359 test examples")
    assert task.n_features == 64 and task.n_classes == 10
    for x, y in ((task.train_x, task.train_y), (task.test_x, task.test_y)):
        assert x.dtype == np.float32 and y.dtype == np.int64 and x.flags.c_contiguous
    everything = np.concatenate([task.train_x, task.validation_x, task.test_x])
    from sklearn.datasets import load_digits

    original = (load_digits().data / 16).astype(np.float32)
    assert sorted(map(bytes, everything)) == sorted(map(bytes, original))
    assert np.bincount(task.test_y).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_digits_are_the_same_everywhere():
    assert load_task("digits").data_sha256 == (
        "74f332f0d0f8f5ab6cb59d7c9cb3df663c9a28de431ff470a9adc69d5ecd3abd"
    )


def test_heavy_packages_are_not_imported_for_the_digits():
    code = (
        "import sys, feemu.tasks; feemu.tasks.load_task('digits');"
        "heavy = {'sklearn', 'scipy', 'urllib.request', 'xarray'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_digits_that_lie_elsewhere_come_from_sklearn(monkeypatch):
    known = load_task("digits").data_sha256
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert load_task("digits").data_sha256 == known


def test_digits_without_sklearn(monkeypatch, one_line):
    for name in ("sklearn", "sklearn.datasets"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError) as caught:
        load_task("digits")
    one_line(caught, "scikit-learn", "pip install")


@pytest.mark.parametrize("name", ["mnits", "", 3, None, "fashion-mnist"])
def test_unknown_names(name, one_line):
    with pytest.raises(ValueError) as caught:
        load_task(name)
    one_line(caught, repr(name), *task_names(), ".npz")
    if name == "mnits":
        one_line(caught, "did you mean 'mnist'")


def test_validation_split_is_fixed():
    train, validation = validation_split(60000, 1 / 12)
    assert len(train) == 55000 and len(validation) == 5000
    assert validation[:5].tolist() == [9, 18, 26, 39, 44]
    assert np.all(np.diff(train) > 0) and np.all(np.diff(validation) > 0)


@settings(max_examples=200, deadline=None)
@given(n=st.integers(1, 400), fraction=st.floats(-0.5, 1.5) | st.floats(allow_nan=True))
def test_validation_split_cuts_once(n, fraction):
    try:
        train, validation = validation_split(n, fraction)
    except ValueError as error:
        assert "\n" not in str(error)
        assert not 0 < fraction < 1 or round(n * fraction) in (0, n)
        return
    assert len(validation) == round(n * fraction)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), np.arange(n))


def test_a_larger_validation_part_contains_a_smaller_one():
    small, large = (set(validation_split(1000, f)[1]) for f in (0.1, 0.3))
    assert small < large


def test_splits_ignore_the_global_seed():
    np.random.seed(1)
    first = load_task("digits").data_sha256
    np.random.seed(2)
    assert load_task("digits").data_sha256 == first


@pytest.mark.parametrize("fraction", [0, 1, -0.1, np.nan, np.inf, 1e-9])
def test_bad_fraction(fraction, one_line):
    with pytest.raises(ValueError) as caught:
        load_task("digits", validation_fraction=fraction)
    one_line(caught, "validation_fraction", repr(fraction))


@pytest.mark.parametrize("fraction", ["0.1", True, None])
def test_fraction_of_another_type(fraction):
    with pytest.raises(TypeError):
        validation_split(10, fraction)


def test_parts_are_disjoint_and_complete():
    task = task_from_arrays("t", X, Y)
    parts = [rows(getattr(task, f"{p}_x")) for p in ("train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60
    assert np.bincount(task.test_y).tolist() == [4, 4, 4]
    assert parts[2] <= rows(X.reshape(60, -1) / np.float32(255))


def test_pixel_rules():
    ints = task_from_arrays("t", X, Y)
    wide = task_from_arrays("t", X.astype(np.int32), Y.astype(np.uint8))
    assert wide.data_sha256 == ints.data_sha256
    floats = task_from_arrays("t", X / 255, Y)
    np.testing.assert_array_equal(floats.train_x, ints.train_x)
    bits = task_from_arrays("t", X > 99, Y)
    assert set(np.unique(bits.train_x)) == {0.0, 1.0}


def test_own_test_set_is_kept_in_order():
    task = task_from_arrays("t", X, Y, X[:7], Y[:7])
    np.testing.assert_array_equal(task.test_x, X[:7].reshape(7, -1) / np.float32(255))
    assert len(task.train_x) == 50 and len(task.validation_x) == 10


def test_a_task_does_not_alias_the_input():
    x = (X / 255).astype(np.float32)
    task = task_from_arrays("t", x, Y, x, Y)
    assert not np.shares_memory(task.test_x, x) and task.test_x.flags.writeable


def test_the_hash_covers_content_split_and_labels():
    other = X.copy()
    other[5, 1, 1] ^= 1
    tasks = [
        task_from_arrays("t", X, Y),
        task_from_arrays("t", other, Y),
        task_from_arrays("t", X, (Y + 1) % 3),
        task_from_arrays("t", X, Y, validation_fraction=0.3),
        task_from_arrays("t", X, Y, X[:9], Y[:9]),
        task_from_arrays("t", X / 255, Y),
    ]
    assert len({task.data_sha256 for task in tasks}) == len(tasks)
    assert task_from_arrays("another name", X, Y).data_sha256 == tasks[0].data_sha256


NAN = X / 255
NAN[4, 1, 2] = np.nan


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"x": NAN}, ["nan", "row 4, feature 5"]),
        ({"x": X * 2.0}, ["[0, 1]"]),
        ({"x": X.astype(int) - 1}, ["-1", "0 to 255"]),
        ({"x": X.astype(int) + 200}, ["0 to 255", "floats"]),
        ({"x": X[:, 0, 0]}, ["(60,)"]),
        ({"x": X[:0]}, ["(0, 4, 3)"]),
        ({"x": X[:-1]}, ["(59, 12)", "(60,)"]),
        ({"y": Y[:, None]}, ["(60, 1)"]),
        ({"y": Y * 2}, ["0 to 4 with 3", "renumber"]),
        ({"y": Y + 1}, ["1 to 3"]),
        ({"y": Y - 1}, ["-1 to 1"]),
        ({"y": Y * 0}, ["C >= 2"]),
        ({"y": Y.astype(np.uint64) + 2**63}, ["label"]),
        ({"test_x": X}, ["together"]),
        ({"test_x": X[:, :2], "test_y": Y}, ["6 features", "must be 12"]),
        ({"test_x": X, "test_y": Y + 1}, ["label 3 at number 2", "0 to 2"]),
        ({"x": X[:3], "y": Y[:3]}, ["1 example", "2 or more"]),
    ],
)
def test_bad_arrays(changes, words, one_line):
    with pytest.raises(ValueError) as caught:
        task_from_arrays("t", **{"x": X, "y": Y, **changes})
    one_line(caught, *words)


@pytest.mark.parametrize("changes", [{"x": X.astype(str)}, {"y": Y.astype(float)}, {"x": X * 1j}])
def test_bad_types(changes, one_line):
    with pytest.raises(TypeError) as caught:
        task_from_arrays("t", **{"x": X, "y": Y, **changes})
    one_line(caught, "data type")


def test_record_checks_itself():
    good = {f: getattr(task_from_arrays("t", X, Y), f) for f in Task.__dataclass_fields__}
    for change, error in (
        ({"train_x": good["train_x"].astype(float)}, TypeError),
        ({"train_x": [[0.0]]}, TypeError),
        ({"test_x": good["test_x"][:, :3]}, ValueError),
        ({"validation_y": good["validation_y"][:0]}, ValueError),
        ({"n_classes": 2}, ValueError),
        ({"train_x": good["train_x"] + 1}, ValueError),
    ):
        with pytest.raises(error):
            Task(**{**good, **change})


def test_npz(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, x=X, y=Y, note="other arrays are left alone")
    task, same = load_task(str(path)), task_from_arrays("mine", X, Y)
    assert task.name == "mine" and task.data_sha256 == same.data_sha256
    assert str(tmp_path) not in task.source
    np.savez_compressed(path, x=X, y=Y, test_x=X[:4], test_y=Y[:4])
    assert len(load_task(path).test_x) == 4


def savez(path, **arrays):
    np.savez(path, **arrays)
    return path.read_bytes()


def test_bad_npz(tmp_path, one_line):
    path = tmp_path / "m.npz"
    with pytest.raises(ValueError) as caught:
        load_task(path)
    one_line(caught, path, "No such file")
    good = savez(path, x=X, y=Y)
    np.save(tmp_path / "single.npy", X)
    bodies = {
        b"": "damaged or foreign",
        b"hello, this is no zip file": "damaged or foreign",
        good[:-30]: "damaged or foreign",
        (tmp_path / "single.npy").read_bytes(): "a single array",
        savez(path, images=X, y=Y): "arrays images, y",
        savez(path, x=np.array([{}, 1], object), y=Y): "damaged or foreign",
        savez(path, x=X / 1.0, y=Y): "[0, 1]",
    }
    for body, words in bodies.items():
        path.write_bytes(body)
        with pytest.raises(ValueError) as caught:
            load_task(path)
        one_line(caught, path, words)


@pytest.fixture(scope="module")
def npz(tmp_path_factory):
    path = tmp_path_factory.mktemp("npz") / "m.npz"
    np.savez_compressed(path, x=X, y=Y)
    return path, path.read_bytes()


@settings(max_examples=300, deadline=None)
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3),
    cut=st.integers(0, 2000),
)
def test_flipped_and_cut_npz(npz, flips, cut):
    path, good = npz
    body = bytearray(good)
    for at, mask in flips:
        body[at % len(body)] ^= mask
    path.write_bytes(bytes(body[:cut] if cut < 1000 else body))
    try:
        load_task(path)
    except (ValueError, TypeError) as error:
        assert "\n" not in str(error)
