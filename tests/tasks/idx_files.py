"""Small IDX files for the data set tests, written independently of the reader."""

import gzip

import numpy as np


def idx_bytes(array):
    """Return an array of bytes as an IDX file, written independently of the reader."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_set(folder, n_train=60, n_test=20, seed=1, compress=True, size=28):
    """Write the four files of a small image set; return the arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    arrays = []
    for part, n in (("train", n_train), ("t10k", n_test)):
        x = rng.integers(0, 256, (n, size, size), dtype=np.uint8)
        y = np.arange(n, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", x), ("labels-idx1", y)):
            body, name = idx_bytes(array), f"{part}-{kind}-ubyte"
            if compress:
                body, name = gzip.compress(body), name + ".gz"
            (folder / name).write_bytes(body)
            arrays.append(array)
    return arrays
