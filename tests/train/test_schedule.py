"""When a run is evaluated, at which learning rate it steps, and in which order it sees images."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from small_cases import case, result, task

from feemu.training import _Run, evaluation_points, train


def test_points_of_a_long_run():
    """0, eight per decade from 500 images to one epoch, then every epoch and the end."""
    points = evaluation_points(55_000, 3.5, 1)
    assert points[0] == 0 and points[-1] == 192_500
    early = [p for p in points if 0 < p < 55_000]
    assert early[0] == 500
    for a, b in itertools.pairwise(early):
        assert math.log10(b / a) == pytest.approx(1 / 8, abs=2e-3)
    assert len(early) == math.ceil(8 * math.log10(55_000 / 500))
    assert [p for p in points if p >= 55_000] == [55_000, 110_000, 165_000, 192_500]


@pytest.mark.parametrize("n", (1, 7, 499, 500, 501, 1198, 55_000))
@pytest.mark.parametrize("epochs", (0.0, 0.25, 1.0, 2.0, 3.7))
@pytest.mark.parametrize("batch", (1, 4, 7, 600))
def test_points_of_any_run(n, epochs, batch):
    points, end = evaluation_points(n, epochs, batch), round(epochs * n)
    assert points[0] == 0 and points[-1] == end
    assert all(a < b for a, b in itertools.pairwise(points))
    for p in points:
        whole = p % n % batch == 0
        assert whole or p == end, "evaluations come between whole batches"
    assert {n * e for e in range(1, int(epochs) + 1) if n * e <= end} <= {*points}
    assert len([p for p in points if p < n]) <= 2 + 8 * math.log10(max(n / 500, 1)) + 1


def test_epochs_of_a_result():
    """The second run has 400 images an epoch, and ends in the middle of the fourth."""
    assert result("float")["images"].values.tolist() == evaluation_points(1198, 2.0, 4)
    np.testing.assert_array_equal(result("float")["epoch"], result("float")["images"] / 1198)
    ds = result("reference")
    assert ds["epoch"].values.tolist() == [0, 1, 2, 3, 3.5]
    assert ds["images"].values.tolist() == [0, 400, 800, 1200, 1400]
    # After whole epochs, and at the end of the budget.
    assert ds["test_accuracy"].notnull().values.tolist() == [False, True, True, True, True]
    assert result("float")["test_accuracy"].notnull().sum() == 2


def test_learning_rate_falls_exponentially_in_images():
    ds = result("mixed_precision")
    done = ds["images"] / (2 * 1198)
    np.testing.assert_allclose(ds["learning_rate"], 0.2 * 0.1**done, rtol=1e-12)
    assert ds["learning_rate"][-1] == pytest.approx(0.02)
    assert (result("float")["learning_rate"] == 0.2).all()


@pytest.mark.parametrize(
    "epochs, period, end, rates",
    (
        (3.0, 1.0, 0.25, (0.2, 0.1, 0.05)),
        (2.0, 1.0, 0.5, (0.2, 0.1)),
        (4.0, 1.75, 0.01, (0.2, 0.02, 0.002)),
        (1.0, 2.0, 0.1, (0.2,)),
    ),
)
def test_learning_rate_falls_in_steps(epochs, period, end, rates):
    """Every period by the same ratio, the last part may be shorter; the first two by Gokmen and
    Vlasov, Wu et al. 2025, the third has the shape of Wu et al. 2024.
    """
    made = case("float", train_images=50, epochs=epochs, batch=1, lr_end=end, lr_period=period)
    seen = [lr for _, lr in steps_of(made)]
    wanted = [rates[int(i / 50 / period)] for i in range(len(seen))]
    np.testing.assert_allclose(seen, wanted, rtol=1e-12)


def steps_of(made):
    """Return (picked images, learning rate) of every step that a run takes."""
    run, seen = _Run(made, task()), []
    numbered = np.arange(len(task().train_y))
    run.task = dataclasses.replace(task(), train_y=numbered, n_classes=len(numbered))
    run.net.train_step = lambda x, y, lr: seen.append((y.tolist(), lr)) or 0.0
    for point in evaluation_points(run.n, made.epochs, made.batch):
        run.advance(point)
    return seen


def test_order_of_the_images():
    """Every epoch sees each image once, in an order of its own; the last batch may be small."""
    steps = steps_of(case("float", train_images=50, epochs=3.0, batch=7, lr_end=0.01))
    epochs = [steps[i : i + 8] for i in range(0, 24, 8)]
    assert len(steps) == 24
    orders = [list(itertools.chain(*(picked for picked, _ in one))) for one in epochs]
    for one, order in zip(epochs, orders):
        assert sorted(order) == list(range(50))
        assert [len(picked) for picked, _ in one] == [7] * 7 + [1]
    assert len({tuple(order) for order in orders}) == 3
    rates = [lr for _, lr in steps]
    images = [50 * e + 7 * b for e in range(3) for b in range(8)]
    np.testing.assert_allclose(rates, [0.2 * 0.01 ** (i / 150) for i in images])


def test_order_depends_on_the_seed_alone():
    def order(**changes):
        made = case("float", train_images=50, epochs=1.0, **changes)
        return list(itertools.chain(*(picked for picked, _ in steps_of(made))))

    assert order() == order(batch=9) == order(lr=0.5) == order(device_seed=5)
    assert order() == order(algorithm=case("mixed_precision").algorithm)
    assert order() != order(seed=4)


def test_no_epochs_show_the_initial_network():
    ds = train(case("mixed_precision", epochs=0.0), task())
    assert ds["epoch"].values.tolist() == [0.0] and ds["test_accuracy"].notnull().all()
    one = result("mixed_precision").isel(epoch=0)
    for name in ("pulses", "validation_loss", "synapse_state_histogram"):
        np.testing.assert_array_equal(ds[name][0], one[name])


def test_more_images_than_there_are():
    with pytest.raises(ValueError, match=r"train_images = 5000: the task has 1198 training images"):
        train(case("float", train_images=5000), task())
