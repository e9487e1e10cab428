"""The training that the command line tests share: a few seconds, most of them compiling."""

SMALL = [
    "train", "--device", "hzo_superlattice", "--pulse-width", "20ns",
    "--algorithm", "mixed_precision", "--hidden", "8", "--epochs", "1", "--train-images", "150",
]  # fmt: skip
