"""CPU time per image of a training on MNIST, 784-256-128-10, and its pulses per image.

Mean loss, rate 0.05, dw_min 0.001, trains of at most 31 slots with update management, images
2,000 to 4,000 of the first epoch. U as in `test_pulses`.
"""

from __future__ import annotations

import numpy as np
import pytest

import feemu as fe
from feemu import bench
from feemu.training import build_network

FIRST, LAST, PAIRS = 2000, 4000, 15
LR = 0.05
LIMITS = {("plain_sgd", 1): 18_000, ("plain_sgd", 8): 10_000, ("plain_sgd", 64): 6_500,
          ("mixed_precision", 1): 25_000}  # fmt: skip


def network(tables, task, batch, algorithm):
    made = fe.Case(
        device=tables, algorithm=algorithm, task="mnist", hidden=(256, 128), batch=batch, lr=LR,
        weight_scale=0.6,
    )  # fmt: skip
    return build_network(made, task)


def train(net, task, batch, start, stop):
    """Train on images start..stop-1; the last mini-batch may be smaller."""
    for i in range(start, stop, batch):
        part = slice(i, min(i + batch, stop))
        net.train_step(task.train_x[part], task.train_y[part], LR)
    return stop - start


def per_image(benchmark, tables, task, batch, algorithm):
    """Return medians of CPU time [s] and of U per image."""
    net = network(tables, task, batch, algorithm)
    train(net, task, batch, 0, FIRST - 128)
    edges = iter(np.linspace(FIRST - 128, LAST, PAIRS + 2).astype(int).tolist())
    at = [next(edges)]

    def work():
        start, at[0] = at[0], next(edges)
        return train(net, task, batch, start, at[0])

    return benchmark.pedantic(bench.timed, args=(work, PAIRS), rounds=1)


@pytest.mark.parametrize("name, batch", LIMITS)
def test_images(benchmark, figure, tables, mnist, name, batch):
    seconds, in_u = per_image(benchmark, tables, mnist, batch, fe.algorithm(name))
    what = f"{name}, 784-256-128-10, batch {batch}"
    figure(what, 1e3 * seconds, "ms/image")
    figure(what, in_u, "U/image", most=LIMITS[name, batch])


@pytest.mark.parametrize("batch, limit", [(1, 45_000), (8, 20_000)])
def test_tiki_taka(benchmark, figure, tables, mnist, batch, limit):
    made = fe.algorithm("tiki_taka_v2", ideal=True)
    _, in_u = per_image(benchmark, tables, mnist, batch, made)
    figure(f"tiki_taka_v2, 784-256-128-10, batch {batch}", in_u, "U/image", most=limit)


def expected_pulses(x, d, dw):
    """Return the pulses that trains of one sample are expected to make: ``BL sum p_i sum q_j``."""
    x, d = np.abs(x.astype(float)), np.abs(d.astype(float))
    k = LR * x.max() * d.max() / dw
    if k == 0:
        return 0.0
    length = min(max(np.ceil(k), 1), 31)
    top = d.max() * min(1.0, length / k)
    gain = np.sqrt(LR / (dw * length))
    rows, columns = gain * np.sqrt(top / x.max()) * x, gain * np.sqrt(x.max() / top) * d
    return length * np.minimum(rows, 1).sum() * np.minimum(columns, 1).sum()


@pytest.mark.parametrize("batch", (1, 8, 64))
def test_pulses_are_those_of_the_formula(benchmark, figure, tables, mnist, batch):
    net, wanted = network(tables, mnist, batch, fe.algorithm("plain_sgd")), [0.0]
    train(net, mnist, batch, 0, FIRST)

    def noting(layer):
        update = layer.update

        def noted(x, d, lr):
            wanted[0] += sum(expected_pulses(a, b, layer.granularity) for a, b in zip(x, d))
            update(x, d, lr)

        layer.update = noted

    def done():
        return sum(int(layer.arrays[0].ledger.pulses.sum()) for layer in net.layers)

    before = done()
    for layer in net.layers:
        noting(layer)
    benchmark.pedantic(train, args=(net, mnist, batch, FIRST, LAST), rounds=1)
    made, images = done() - before, LAST - FIRST
    figure(f"pulses, batch {batch}", made / images, "per image")
    off = abs(made / wanted[0] - 1)
    figure(f"pulses, batch {batch}, off the formula", 100 * off, "%", most=3)
