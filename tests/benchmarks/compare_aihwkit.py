"""CPU time per image beside aihwkit: the same network, device parameters, batch, one thread.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/compare_aihwkit.py --data DIR

DIR holds mnist/. Images 2,000 and on of a training of 784-256-128-10 with sigmoid, biases in the
array, ideal reads, mean loss, rate 0.05; soft bounds with aihwkit's default parameters, trains of
at most 31 slots with update management. Both train in turn on the same images.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import statistics
import sys
import time
from pathlib import Path

import feemu as fe
from feemu.training import build_network

#: Algorithm, batch, and how many times fewer CPU seconds feemu is to take.
ROWS = (("plain_sgd", 1, 6), ("plain_sgd", 8, 6), ("plain_sgd", 64, 3), ("mixed_precision", 1, 8))
SIZES, LR, FIRST = (784, 256, 128, 10), 0.05, 2000
MISSING = (
    "compare_aihwkit: aihwkit is not installed; run: python -m pip install aihwkit==1.2.0 "
    "(without a wheel for your Python it compiles some 20 minutes, with cmake, pybind11, "
    "scikit-build, mypy, torch and libopenblas-dev)"
)


def peer_step(algorithm: str, task: fe.tasks.Task):
    """Return a function that trains aihwkit's network on the images of a slice."""
    import torch
    from aihwkit.nn import AnalogLinear, AnalogSequential
    from aihwkit.optim import AnalogSGD
    from aihwkit.simulator.configs import (
        DigitalRankUpdateRPUConfig,
        MixedPrecisionCompound,
        SingleRPUConfig,
        SoftBoundsDevice,
    )

    torch.set_num_threads(1)
    torch.manual_seed(1)
    if algorithm == "plain_sgd":
        config = SingleRPUConfig(device=SoftBoundsDevice())
    else:
        config = DigitalRankUpdateRPUConfig(
            device=MixedPrecisionCompound(device=SoftBoundsDevice())
        )
    config.forward.is_perfect = config.backward.is_perfect = True
    config.mapping.digital_bias = False
    layers = []
    for n_in, n_out in itertools.pairwise(SIZES):
        layers += [AnalogLinear(n_in, n_out, bias=True, rpu_config=config), torch.nn.Sigmoid()]
    net = AnalogSequential(*layers[:-1])
    optimizer, loss = AnalogSGD(net.parameters(), lr=LR), torch.nn.CrossEntropyLoss()
    optimizer.regroup_param_groups(net)
    x, y = torch.from_numpy(task.train_x), torch.from_numpy(task.train_y.astype("int64"))

    def step(part: slice) -> None:
        optimizer.zero_grad()
        loss(net(x[part]), y[part]).backward()
        optimizer.step()

    return step


def own_step(algorithm: str, batch: int, task: fe.tasks.Task):
    """Return a function that trains feemu's network on the images of a slice."""
    device = fe.tabulate(fe.preset("softbounds_aihwkit"))
    case = fe.Case(
        device=device, algorithm=fe.algorithm(algorithm), task="mnist", hidden=SIZES[1:3],
        batch=batch, lr=LR, weight_scale=0.6,
    )  # fmt: skip
    net = build_network(case, task)
    return lambda part: net.train_step(task.train_x[part], task.train_y[part], LR)


def spend(step, batch: int, start: int, stop: int) -> float:
    """Return the CPU time [s] per image of images start..stop-1."""
    began = time.process_time()
    for i in range(start, stop, batch):
        step(slice(i, i + batch))
    return (time.process_time() - began) / (stop - start)


def main() -> None:
    """Print one line per algorithm and batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with mnist/")
    parser.add_argument("--images", type=int, default=128, help="per repetition [128]")
    parser.add_argument("--pairs", type=int, default=9, help="repetitions [9]")
    options = parser.parse_args()
    if importlib.util.find_spec("aihwkit") is None:
        sys.exit(MISSING)
    import aihwkit

    task = fe.load_task("mnist", options.data)
    print(f"aihwkit {aihwkit.__version__}, feemu {fe.__version__}; CPU time per image, medians")
    for algorithm, batch, wanted in ROWS:
        peer, own = peer_step(algorithm, task), own_step(algorithm, batch, task)
        for step in (peer, own):
            spend(step, batch, 0, FIRST // batch * batch)
        times = []
        for n in range(options.pairs):
            start = FIRST // batch * batch + n * options.images
            stop = start + options.images
            times.append((spend(peer, batch, start, stop), spend(own, batch, start, stop)))
        theirs, ours = (statistics.median(column) for column in zip(*times))
        ratio = statistics.median(one / other for one, other in times)
        print(
            f"{algorithm:<16} batch {batch:>2}   aihwkit {1e3 * theirs:6.3f} ms   feemu "
            f"{1e3 * ours:6.3f} ms   ratio {ratio:5.2f}   wanted {wanted}   "
            f"{'met' if ratio >= wanted else 'MISSED'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
