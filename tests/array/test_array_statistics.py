"""What pulses do on average: expected counts, pulse numbers of the kernels, symmetry points."""

import math

import numpy as np
import pytest
from array_cases import ALPHA, tables, tables_of
from oracle import alternating, soft_bounds_two_cycle
from scipy import stats

from feemu.array import SynapseArray
from feemu.devices import Device, Noise, SoftBounds, Spread, preset

#: Pulses from 0.05 to 0.9 and back without noise, from the published kernels.
ROUND_TRIPS = {"20ns": (46, 45), "200ns": (42, 45), "20us": (39, 46)}
X = np.array([0.9, -0.4, 0.05, 0.0, -1.3], np.float32)
D = np.array([-0.7, 0.2, 0.0, 0.01, 1.3, -0.35], np.float32)


def bare(width):
    """Return the measured device of a width without noise and spread."""
    device = preset("hzo_superlattice").at(width)
    return device.replace(noise=Noise(), spread=Spread())


def counts_of(options, k, n, name="constant"):
    """Return (array, events) after n samples of the request with ``K = k`` at most."""
    array = SynapseArray((X.size, D.size), tables(name), seed=13)
    lr = k * array.granularity / float(np.abs(X).max() * np.abs(D).max())
    x, d = np.tile(X, (n, 1)), np.tile(D, (n, 1))
    array.pulse_coincidence(x, d, lr, **options)
    return array, lr


def p_values(events, trials, chance):
    """Return the smaller tail of each binomial count (1 where nothing can or must happen)."""
    law = stats.binom(trials, chance)
    return np.where(
        chance * (1 - chance) > 0, np.minimum(law.cdf(events), law.sf(events - 1.0)), 1.0
    )


@pytest.mark.parametrize("managed", (True, False))
@pytest.mark.parametrize(
    "bl_min, bl_max, k", ((1, 31, 0.4), (5, 5, 0.4), (31, 31, 0.4), (1, 31, 3.6), (1, 32, 19.6))
)
def test_expected_counts(bl_min, bl_max, k, managed):
    """Events per synapse are binomial with mean ``lr |x d| / dw``: exact test, 5e-9 in all.

    All sign combinations, lines without a value, any train length, with and without management.
    """
    n, options = 6000, {"bl_min": bl_min, "bl_max": bl_max, "managed": managed}
    array, lr = counts_of(options, k, n)
    assert array.ledger.clipped_updates[2] == 0
    length = min(max(math.ceil(k), bl_min), bl_max)
    mean = lr * np.abs(np.outer(X.astype(float), D)) / array.granularity
    assert mean.max() == pytest.approx(k)
    low = p_values(array.events.astype(float), n * length, mean / length)
    assert low.min() > ALPHA / 2 / low.size
    assert np.all(array.events[mean == 0] == 0)
    # The constant step makes the state a counter of direction (where it has not met an end).
    sign = -np.sign(np.outer(X, D))
    inside = array.events * 0.004 < 0.49
    moved = (array.state - 0.5) / 0.004
    np.testing.assert_allclose(moved[inside], (sign * array.events)[inside], atol=0.02)
    assert np.all(array.state[~inside] == (sign[~inside] > 0))
    pulses = [array.events[sign > 0].sum(), array.events[sign < 0].sum()]
    assert array.ledger.pulses[2].tolist() == pulses
    assert array.ledger.slots[2].tolist() == [2 * n * length] * 2


def test_expected_counts_do_not_depend_on_state_or_synapse():
    """The controller knows the nominal granularity only; binomial test, 5e-9 in all."""
    n = 6000
    array, lr = counts_of({}, 0.6, n, "soft_bounds")
    mean = lr * np.abs(np.outer(X.astype(float), D)) / array.granularity
    assert p_values(array.events.astype(float), n, mean).min() > ALPHA / 2 / mean.size


def test_management_shares_the_probability():
    """Unequal lines: managed, both fire alike; unmanaged, the larger clips and events are lost."""
    n, x, d = 4000, np.full((4000, 1), 4.0, np.float32), np.full((4000, 1), 0.1, np.float32)
    lost = {}
    for managed in (True, False):
        array = SynapseArray((1, 1), tables("constant"), seed=1)
        array.pulse_coincidence(x, d, array.granularity, managed=managed)
        book = array.ledger
        rows, columns = book.row_pulses[2, 0], book.column_pulses[2].max()
        lost[managed] = int(array.events[0, 0])
        chance = (math.sqrt(0.4), math.sqrt(0.4)) if managed else (1.0, 0.1)
        for fired, p in zip((rows, columns, array.events[0, 0]), (*chance, chance[0] * chance[1])):
            assert p_values(float(fired), n, p) > ALPHA / 12
        assert book.clipped_updates[2] == (0 if managed else n)
    assert lost[False] < lost[True] / 2


@pytest.mark.parametrize("k", (40.0, 200.0))
def test_clipped_requests_keep_the_smaller_errors(k):
    """K above the train: the largest d is certain, smaller ones keep their mean; 5e-9 in all."""
    n, length = 3000, 31
    array, lr = counts_of({}, k, n)
    assert array.ledger.clipped_updates[2] == n
    x, d = np.abs(X.astype(float)), np.abs(D.astype(float))
    p_d = np.minimum(1.0, d / d.max() * k / length)
    chance = np.minimum(np.outer(x / x.max(), p_d), 1.0)
    low = p_values(array.events.astype(float), n * length, chance)
    assert low.min() > ALPHA / 2 / low.size
    assert np.all(np.abs(array.events[chance == 1.0] - n * length) <= 1)
    free = np.outer(np.ones(X.size, bool), p_d < 1)
    mean = lr * np.outer(x, d) / array.granularity
    np.testing.assert_allclose((length * chance)[free], mean[free], rtol=1e-6)


@pytest.mark.parametrize("width", ROUND_TRIPS)
def test_round_trip_of_the_measured_kernels(width):
    array = SynapseArray((1, 3), tables_of(bare(width)))
    array.set_state(0.05)
    seen = []
    for sign, done in ((1, lambda p: p >= 0.9), (-1, lambda p: p <= 0.05)):
        n = 0
        while not done(array.state[0, 0]):
            array.pulse_counts(np.full((1, 3), sign))
            n += 1
        seen.append(n)
    assert tuple(seen) == ROUND_TRIPS[width] == bare(width).response.pulses()
    assert array.events.tolist() == [[sum(seen)] * 3]


@pytest.mark.parametrize("last", (1, -1))
@pytest.mark.parametrize("width", ROUND_TRIPS)
def test_alternating_pulses_end_at_the_symmetry_point(width, last):
    """From everywhere to one two-cycle, one step high, whose lower end is near the point.

    Bias of the lower end without noise: .0012 at 20 ns, -.0015 at 200 ns, .0035 at 20 us.
    """
    device = bare(width)
    array = SynapseArray((1, 19), tables_of(device))
    array.set_state(np.linspace(0.05, 0.95, 19)[None])
    ones = np.ones((1, 19), int)
    for _ in range(300):
        array.pulse_counts(-last * ones)
        array.pulse_counts(last * ones)
    star, step = device.symmetry_point, device.granularity
    assert np.ptp(array.state) < 1e-5
    bias = float(array.state.mean()) - star
    print(f"{width}: bias {bias:.5f} after the last pulse {last:+d}, step {step:.5f}")
    up, down = device.response.step_up, device.response.step_down
    assert bias + star == pytest.approx(alternating(up, down, 0.5, 300, last)[-1], abs=2e-5)
    assert abs(bias if last < 0 else bias - step) < 0.005
    assert array.ledger.row_pulses[2].tolist() == array.ledger.slots[2].tolist() == [300, 300]


@pytest.mark.parametrize("last", (1, -1))
def test_alternating_pulses_on_soft_bounds(last):
    """Noise does not move the mean of the two-cycle (the map is linear); 4,000 cells, 5e-9."""
    a_up, a_down = 0.05, 0.03
    device = Device(response=SoftBounds(a_up, a_down), noise=Noise(0.1, 0.002))
    array, ones = SynapseArray((40, 100), tables_of(device), seed=3), np.ones((40, 100), int)
    array.set_state(0.5)
    for _ in range(120):
        array.pulse_counts(-last * ones)
        array.pulse_counts(last * ones)
    p = array.state.astype(np.float64)
    end = soft_bounds_two_cycle(a_up, a_down, last)
    error = stats.norm.isf(ALPHA / 2) * p.std() / math.sqrt(p.size)
    assert error < 2e-3
    assert abs(p.mean() - end) < error + 2e-5  # 120 pairs leave 6e-5 of the distance
    assert abs(device.symmetry_point - a_up / (a_up + a_down)) < 1e-9
