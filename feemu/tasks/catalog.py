"""The image sets that feemu can fetch: files, sizes, checksums, mirrors and licences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One published file: its name, size [bytes] and SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class ImageSet:
    """One published image set in IDX files.

    Attributes
    ----------
    name, title, source, licence : str
        Task name, name in print, whose data it is, and under which terms.
    folder : str
        Subfolder that holds the files inside a data folder.
    files : tuple of RemoteFile
        Training images, training labels, test images, test labels, in this order.
    mirrors : tuple of str
        Addresses of folders with these files, tried in this order.
    content_sha256 : str
        `feemu.tasks.task.content_digest` of the decoded arrays, however they are compressed.
    """

    name: str
    title: str
    source: str
    licence: str
    folder: str
    files: tuple[RemoteFile, ...]
    mirrors: tuple[str, ...]
    content_sha256: str


_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)


def _files(*sums: tuple[int, str]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(name, *entry) for name, entry in zip(_NAMES, sums, strict=True))


MNIST = ImageSet(
    name="mnist",
    title="MNIST",
    source="Y. LeCun, C. Cortes, from NIST data",
    licence="CC BY-SA 3.0 according to Keras' documentation",
    folder="mnist",
    files=_files(
        (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ),
    content_sha256="fe4f6dc3e5bcf5ef58789d643ad6e041c0f31035898e970bc8d7cde33715a8dc",
)

# The address without TLS comes last; the checksum guards all of them alike.
FASHION_MNIST = ImageSet(
    name="fashion_mnist",
    title="Fashion-MNIST",
    source="Zalando SE, arXiv:1708.07747",
    licence="MIT",
    folder="fashion-mnist",
    files=_files(
        (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
    ),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    content_sha256="e22f08f1bea5e7173fde3098e6b66aa41cc212fe9dcccacf708cfa5384a95968",
)

IMAGE_SETS: dict[str, ImageSet] = {s.name: s for s in (MNIST, FASHION_MNIST)}
