"""MNIST and Fashion-MNIST from folders: where they are found, and the published files."""

import gzip
import shutil

import numpy as np
import pytest
from idx_files import idx_bytes, write_set

from feemu.tasks import cache_folder, load_task


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize(
    "name, sub", [("mnist", "mnist"), ("mnist", ""), ("fashion_mnist", "fashion-mnist")]
)
def test_data_folder(clean_environment, tmp_path, compress, name, sub):
    x, _y, test_x, test_y = write_set(tmp_path / "d" / sub, compress=compress)
    task = load_task(name, tmp_path / "d")
    assert task.name == name and task.n_classes == 10 and task.n_features == 784
    assert (len(task.train_x), len(task.validation_x), len(task.test_x)) == (55, 5, 20)
    np.testing.assert_array_equal(task.test_x, test_x.reshape(20, 784) / np.float32(255))
    np.testing.assert_array_equal(task.test_y, test_y)
    seen = np.sort(np.concatenate([task.train_x, task.validation_x]).sum(axis=1))
    expected = np.sort((x.reshape(60, 784) / np.float32(255)).sum(axis=1))
    np.testing.assert_allclose(seen, expected, rtol=1e-6)
    assert "other content" in task.source and str(tmp_path) not in task.source


def test_compression_does_not_change_the_hash(clean_environment, tmp_path):
    write_set(tmp_path / "a"), write_set(tmp_path / "b", compress=False)
    a, b = (load_task("mnist", tmp_path / d) for d in "ab")
    assert a.data_sha256 == b.data_sha256
    assert load_task("mnist", tmp_path / "a", 0.5).data_sha256 != a.data_sha256


def test_order_of_places(clean_environment, tmp_path, monkeypatch):
    places = {"cache": clean_environment, "env": tmp_path / "env", "data": tmp_path / "data"}
    for seed, folder in enumerate(places.values()):
        write_set(folder / "mnist", seed=seed)
    hashes = {k: load_task("mnist", folder).data_sha256 for k, folder in places.items()}
    assert len(set(hashes.values())) == 3
    assert load_task("mnist").data_sha256 == hashes["cache"]
    monkeypatch.setenv("FEEMU_DATA", str(tmp_path / "empty"))
    assert load_task("mnist").data_sha256 == hashes["cache"]
    monkeypatch.setenv("FEEMU_DATA", str(places["env"]))
    assert load_task("mnist").data_sha256 == hashes["env"]
    assert load_task("mnist", places["data"]).data_sha256 == hashes["data"]


def test_subfolder_before_the_folder_itself(clean_environment, tmp_path):
    write_set(tmp_path / "d", seed=1), write_set(tmp_path / "d" / "fashion-mnist", seed=2)
    assert (
        load_task("fashion_mnist", tmp_path / "d").data_sha256
        == load_task("fashion_mnist", tmp_path / "d" / "fashion-mnist").data_sha256
    )


def test_cache_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert str(cache_folder()) == "/x/feemu"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/h")
    assert str(cache_folder()) == "/h/.cache/feemu"


def test_absent_files_say_how_to_get_them(clean_environment, tmp_path, monkeypatch, one_line):
    monkeypatch.setenv("FEEMU_DATA", str(tmp_path / "env"))
    with pytest.raises(ValueError) as caught:
        load_task("mnist")
    mend = ["feemu data fetch mnist", "--data", "FEEMU_DATA"]
    one_line(caught, tmp_path / "env", clean_environment, *mend)
    with pytest.raises(ValueError) as caught:
        load_task("fashion_mnist", tmp_path)
    one_line(caught, tmp_path, "feemu data fetch fashion_mnist", "fashion-mnist/")
    assert str(clean_environment) not in str(caught.value)
    with pytest.raises(TypeError):
        load_task("mnist", 3)


def test_a_data_folder_with_gaps_is_not_passed_over(clean_environment, tmp_path, one_line):
    write_set(clean_environment / "mnist"), write_set(tmp_path / "d")
    (tmp_path / "d" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError) as caught:
        load_task("mnist", tmp_path / "d")
    one_line(caught, tmp_path / "d", "t10k-labels-idx1-ubyte.gz", "feemu data fetch mnist")


def test_swapped_files_and_other_sizes(clean_environment, tmp_path, one_line):
    write_set(tmp_path / "small", size=8)
    with pytest.raises(ValueError) as caught:
        load_task("mnist", tmp_path / "small")
    one_line(caught, "8 x 8", "28 x 28", ".npz")
    write_set(tmp_path / "swapped")
    labels = tmp_path / "swapped" / "train-labels-idx1-ubyte.gz"
    shutil.copy(tmp_path / "swapped" / "t10k-labels-idx1-ubyte.gz", labels)
    with pytest.raises(ValueError) as caught:
        load_task("mnist", tmp_path / "swapped")
    one_line(caught, labels, "20 labels", "60 images")
    labels.write_bytes(gzip.compress(idx_bytes(np.full(60, 10))))
    with pytest.raises(ValueError) as caught:
        load_task("mnist", tmp_path / "swapped")
    one_line(caught, labels, "label 10")


PUBLISHED = {
    "mnist": (
        0.1307,
        0.3081,
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
    ),
    "fashion_mnist": (0.2860, 0.3530, [6000] * 10, [1000] * 10),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files(real_data, name):
    mean, deviation, train_counts, test_counts = PUBLISHED[name]
    task = load_task(name, real_data)
    assert task.train_x.shape == (55000, 784) and task.validation_x.shape == (5000, 784)
    assert task.test_x.shape == (10000, 784)
    assert "; published files" in task.source
    y = np.concatenate([task.train_y, task.validation_y])
    assert np.bincount(y).tolist() == train_counts
    assert np.bincount(task.test_y).tolist() == test_counts
    parts = (task.train_x, task.validation_x)
    first = sum(x.sum(dtype=np.float64) for x in parts) / (60000 * 784)
    second = sum(np.einsum("ij,ij", x, x, dtype=np.float64) for x in parts) / (60000 * 784)
    assert round(first, 4) == mean and round((second - first**2) ** 0.5, 4) == deviation


def test_the_other_set_is_refused(real_data, one_line):
    with pytest.raises(ValueError) as caught:
        load_task("fashion_mnist", real_data / "mnist")
    one_line(caught, "found the files of MNIST", "fashion-mnist/")
