"""Pulse and verify: branches that end on a level."""

import numpy as np
import pytest
from slow_trains import DEVICES

from feemu.devices import Noise
from feemu.instrument import Protocol, measure

DEVICE = DEVICES["soft_bounds"].replace(noise=Noise(0.3, 0.002))
SIZE = {"devices": 3, "cycles": 4, "pulses_up": 80, "pulses_down": 60}


def trains(**options):
    return measure(DEVICE, Protocol(**{**SIZE, **options}), 5)["conductance"].values[0]


def test_each_branch_ends_with_the_first_reading_at_its_level():
    ups = (0.6, 0.7, 0.8, 0.65)
    g = trains(until_up=ups, until_down=(0.3,), noise=0.01, offset_walk=0.02)
    lengths = set()
    for device in g:
        for cycle, branches in enumerate(device):
            for sign, level, branch in ((1, ups[cycle], branches[0]), (-1, 0.3, branches[1])):
                n = int(np.isfinite(branch).sum()) - 1
                assert np.isfinite(branch[: n + 1]).all() and n >= 1
                reached = sign * (branch[1 : n + 1] - level) >= 0
                assert reached[-1] and not reached[:-1].any()
                lengths.add(n)
    assert len(lengths) > 5


def test_until_the_first_device_ends_it_is_the_same_train():
    """The count is the most; a level that is never reached changes nothing."""
    free = trains(noise=0.01, devices=8)
    held = trains(noise=0.01, devices=8, until_up=(0.8,))[:, 0, 0]
    lengths = np.isfinite(held).sum(axis=1)
    first = lengths.min()
    assert 5 < first < lengths.max()
    np.testing.assert_array_equal(held[:, :first], free[:, 0, 0, :first])
    never = trains(noise=0.01, devices=8, until_up=(2.0,), until_down=(-1.0,))
    np.testing.assert_array_equal(never, free)


def test_conditioning_ends_on_levels_too():
    """Within a step or two (0.02) of the lower level, noise included."""
    g = trains(until_up=(0.8,), until_down=(0.2,), conditioning=1)
    assert np.abs(g[:, 0, 0, 0] - 0.2).max() < 0.05
    assert np.abs(trains()[:, 0, 0, 0] - 0.2).max() > 0.05


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"until_up": (0.1, 0.2)}, "until_up = 0.1, 0.2: expected one finite level, or one for"),
        ({"until_down": (float("nan"),)}, "until_down = nan: expected one finite level"),
        ({"until_up": (0.5,), "kind": "alternating"}, "no branch to end"),
    ],
)
def test_levels_that_cannot_be(options, words):
    with pytest.raises(ValueError, match=words):
        Protocol(**{**SIZE, **options})
