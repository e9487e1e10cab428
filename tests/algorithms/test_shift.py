"""Symmetry point shift: where each variant puts weight zero, and what it pays for that."""

import math

import numpy as np
import pytest
from layer_cases import DEVICES, VARIANTS, Z, counted, reads, request, spec, tables
from scipy.optimize import brentq

from feemu.algorithms import PlainSGD, SymmetryPointShift
from feemu.algorithms.calibration import alternate
from feemu.array import PHASES
from feemu.devices import Constant, Device, SoftBounds, Spread, tabulate

SHAPE = (30, 40)
N = SHAPE[0] * SHAPE[1]


def shift(variant, **options):
    return SymmetryPointShift(variant=variant, **options)


def own_points(array, device):
    """Return the state of every synapse where its own two steps are equal, by root finding."""
    up, down = device.response.step_up, device.response.step_down
    c_up, c_down = (c.astype(float) for c in array.step_scales)
    points = np.empty(array.shape)
    for place in np.ndindex(array.shape):

        def gap(p, place=place):
            at = np.array([p])
            return float(c_up[place] * up(at)[0] - c_down[place] * down(at)[0])

        points[place] = brentq(gap, 1e-6, 1 - 1e-6, xtol=1e-9)
    return points


def conductance_at(array, p):
    """Return the conductance that each synapse has at a state."""
    before = array.state
    array.set_state(np.asarray(p, np.float32))
    g = array.conductance
    array.set_state(before)
    return g


def drift(array):
    """Return the change of each visible weight by one pulse up and one down, from here."""
    before = array.weights.copy()
    for sign in (1, -1):
        array.pulse_counts(np.full(array.shape, sign))
    return array.weights - before


# -- where weight zero is ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ("quiet", "spread", "curved", "noisy"))
def test_ideal_reference_is_each_synapse_s_own_symmetry_point(name):
    """Weight zero within 1e-4 of the range of the root of ``c_up f = c_down h``; at no cost."""
    layer = shift("reference", ideal=True).build(spec(name, (9, 11)))
    array = layer.arrays[0]
    points = own_points(array, DEVICES[name])
    np.testing.assert_allclose(array.state, points, rtol=0, atol=1e-4)
    wanted = conductance_at(array, points)
    np.testing.assert_allclose(array.reference, wanted, rtol=0, atol=2e-4)
    assert np.abs(array.weights).max() < 1e-6
    assert not any(counted(layer, n, "calibration").any() for n in ("pulses", "reads", "adc"))
    if name == "quiet":
        assert np.abs(drift(array)).max() < 0.06 * array.granularity


def test_ideal_reference_of_a_device_without_a_single_symmetry_point():
    """Equal constant steps balance everywhere: 0.5. Unequal ones nowhere: the end of the drift."""
    equal = shift("reference", ideal=True).build(spec("fine"))
    np.testing.assert_array_equal(equal.arrays[0].state, np.float32(0.5))
    assert not equal.weights.any()
    for up, end in ((0.02, 1.0), (0.005, 0.0)):
        own = tabulate(Device(response=Constant(up, 0.01)))
        layer = shift("reference", ideal=True).build(spec(own))
        np.testing.assert_array_equal(layer.arrays[0].state, np.float32(end))


def test_ideal_global_reference_is_the_mean_over_the_array():
    layer = shift("global", ideal=True).build(spec("spread", SHAPE))
    array = layer.arrays[0]
    wanted = conductance_at(array, own_points(array, DEVICES["spread"])).mean()
    assert np.ptp(array.reference) == 0
    assert array.reference[0, 0] == pytest.approx(wanted, abs=1e-4)
    assert not counted(layer, "pulses", "calibration").any()


def test_ideal_trim_puts_the_nominal_symmetry_point_at_weight_zero():
    array = shift("trim", ideal=True).build(spec("quiet")).arrays[0]
    assert (array.weights == 0).all()
    up, down = (array.tables.steps[k, 0, 500, 0] for k in (0, 1))
    assert up == pytest.approx(down, rel=1e-6)
    assert np.abs(drift(array)).max() < 0.06 * array.granularity
    assert np.abs(drift(PlainSGD().build(spec("quiet")).arrays[0])).min() > 0.3 * array.granularity


def test_calibrated_synapses_sit_at_their_symmetry_points():
    """After 100 pairs without noise: bias of the two-cycle up to 0.3 of a step, no remainder."""
    layer = shift("reference", sigma_copy=0.0).build(spec("spread", SHAPE))
    array = layer.arrays[0]
    points = own_points(array, DEVICES["spread"])
    step = tables("spread").granularity_p
    error = (array.state - points) / (step * np.sqrt(np.prod(array.step_scales, axis=0)))
    assert np.abs(error).max() < 0.6 and abs(error.mean()) < 0.6
    assert np.abs(array.weights).max() < 1e-6


@pytest.mark.parametrize("sigma", (0.004, 0.03))
def test_residual_error_is_that_of_the_copy(sigma):
    """Spread of ``g - g_ref``: chi-square of 1,200 synapses, z 5.85; its mean is zero."""
    layer = shift("reference", sigma_copy=sigma).build(spec("spread", SHAPE))
    array = layer.arrays[0]
    error = (array.conductance - array.reference).astype(float)
    assert abs(error.mean()) < Z * sigma / math.sqrt(N)
    assert abs(error.var() / sigma**2 - 1) < Z * math.sqrt(2 / N)
    np.testing.assert_allclose(array.weights, 2 * array.omega * error, atol=1e-6)


def test_default_copy_error_is_that_of_a_cell_written_in_whole_steps():
    """``s* / sqrt(12)``, within z 5.85 of the chi-square."""
    layer = shift("reference").build(spec("spread", SHAPE))
    error = layer.weights.astype(float) / 2
    wanted = tables("spread").granularity / math.sqrt(12)
    assert abs(error.var() / wanted**2 - 1) < Z * math.sqrt(2 / N)


def test_cycle_noise_leaves_its_own_error():
    """With noise the walk ends around the symmetry point, unbiased within half a step."""
    layer = shift("reference", sigma_copy=0.0).build(spec("noisy", (12, 20)))
    array = layer.arrays[0]
    error = array.state - own_points(array, DEVICES["noisy"])
    assert abs(error.mean()) < 0.5 * tables("noisy").granularity_p
    assert 0 < error.std() < 2 * tables("noisy").granularity_p
    assert np.abs(array.weights).max() < 1e-6


def test_global_reference_is_the_mean_of_the_calibrated_synapses():
    """128 of 1,200 synapses, picked at random, walked to their symmetry points and read."""
    given = spec("spread", SHAPE)
    array = shift("global", sigma_copy=0.0).build(given).arrays[0]
    assert np.ptp(array.reference) == 0
    fresh = PlainSGD().build(given).arrays[0]
    cells = fresh.sample_cells(128)
    with fresh.counting("calibration"):
        alternate(fresh, 100, cells)
    wanted = fresh.conductance[cells].mean(dtype=float)
    assert array.reference[0, 0] == pytest.approx(wanted, abs=1e-6)
    points = conductance_at(fresh, own_points(fresh, DEVICES["spread"]))
    assert abs(wanted - points.mean()) < 0.02 + Z * points.std() / math.sqrt(128)


@pytest.mark.parametrize("n_pairs", (1, 100))
@pytest.mark.parametrize("name", ("quiet", "hzo_superlattice_20us"))
def test_trimmed_ratio_is_near_the_exact_one(name, n_pairs):
    """``sqrt(h / f)`` at weight zero, rounded to `trim_step`, whatever other variants pulse."""
    plain = tables(name)
    up, down = (plain.steps[k, 0, 500, 0] for k in (0, 1))
    for trim_step in (0.01, 0.1, 1e-6):
        made = shift("trim", n_pairs=n_pairs, trim_step=trim_step)
        array = made.build(spec(name, SHAPE)).arrays[0]
        gains = array.tables.steps[:, 0, 300, 0] / plain.steps[:, 0, 300, 0]
        assert gains[0] == pytest.approx(1 / gains[1], rel=1e-5)
        assert gains[0] == pytest.approx(math.sqrt(down / up), abs=0.51 * trim_step + 1e-3)
        assert gains[0] / trim_step == pytest.approx(round(gains[0] / trim_step), abs=0.2)
        assert array.granularity == pytest.approx(2 * math.sqrt(up * down), rel=1e-3)


# -- what it costs -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_pairs", (3, 100))
def test_cost_of_the_reference(n_pairs):
    """Every synapse n_pairs pulses each way and one read; every reference cell written, read."""
    layer = shift("reference", n_pairs=n_pairs).build(spec("noisy", SHAPE))
    own, copy = layer.arrays[0].ledger, layer.past[0]
    at = PHASES.index("calibration")
    assert own.pulses[at].tolist() == [n_pairs * N, n_pairs * N]
    assert copy.pulses[at].sum() > 0 and copy.pulses[[0, 2]].sum() == 0
    np.testing.assert_array_equal(
        counted(layer, "pulses", "calibration"), own.pulses[at] + copy.pulses[at]
    )
    assert reads(layer, "adc", "calibration", "calibration") == N
    assert reads(layer, "adc", "calibration", "verify") == N
    assert reads(layer, "reads", "calibration", "calibration") == SHAPE[0]
    assert len(layer.past) == 1 and len(layer.arrays) == 1


def test_reference_cells_are_written_with_as_many_steps_as_the_distance_takes():
    """Without noise and spread: every cell |g_ref - 0.5| over the granularity, rounded."""
    layer = shift("reference", n_pairs=200).build(spec("quiet"))
    g, dw = layer.arrays[0].conductance, tables("quiet").granularity
    wanted = np.rint((g - 0.5) / dw).astype(int)
    assert np.ptp(wanted) == 0 and wanted[0, 0] > 0
    at = PHASES.index("calibration")
    assert layer.past[0].pulses[at].tolist() == [wanted.sum(), 0]


@pytest.mark.parametrize("n_cal", (1, 128, 10**6))
def test_cost_of_the_global_reference(n_cal):
    """The sample pulsed n_pairs times each way and read; one reference cell written and read."""
    layer = shift("global", n_cal=n_cal, n_pairs=7).build(spec("noisy", SHAPE))
    cells, at = min(n_cal, N), PHASES.index("calibration")
    assert layer.arrays[0].ledger.pulses[at].tolist() == [7 * cells, 7 * cells]
    assert reads(layer, "adc", "calibration", "calibration") == cells
    assert reads(layer, "adc", "calibration", "verify") == 1 == len(layer.past)


@pytest.mark.parametrize("n_cal", (1, 51, 10**6))
def test_cost_of_trimming(n_cal):
    """One pulse for each cell of the sample, every other one down, and two reads."""
    layer = shift("trim", n_cal=n_cal).build(spec("noisy", SHAPE))
    cells, at = min(n_cal, N), PHASES.index("calibration")
    assert layer.arrays[0].ledger.pulses[at].tolist() == [(cells + 1) // 2, cells // 2]
    assert reads(layer, "adc", "calibration", "calibration") == 2 * cells
    assert not layer.past


@pytest.mark.parametrize("made", VARIANTS, ids=lambda a: a.label)
def test_what_costs_nothing(made):
    """Ideal variants, the pair and `none` have an empty calibration; training has not begun."""
    layer = made.build(spec("noisy", initial=0.1))
    free = made.ideal or made.variant in ("push_pull", "none")
    names = ("pulses", "slots", "row_pulses", "reads", "adc", "digital", "switched")
    assert free is not any(counted(layer, n, "calibration").any() for n in names)
    assert not any(counted(layer, n, "train").any() for n in names)
    assert counted(layer, "pulses", "init").any()


# -- nothing else differs ----------------------------------------------------------------------


def test_none_is_plain_sgd_bit_for_bit():
    draw = np.random.default_rng(4)
    for ideal in (False, True):
        given = spec("noisy", initial=0.2, device_seed=9)
        one, other = shift("none", ideal=ideal).build(given), PlainSGD().build(given)
        for batch in (1, 8, 3):
            x, d = request(draw, batch, (12, 9))
            for layer in (one, other):
                layer.update(x, d, 0.1)
        states = one.state_dict(), other.state_dict()
        assert states[0].keys() == states[1].keys()
        for name in states[0]:
            assert states[0][name].tobytes() == states[1][name].tobytes(), name


@pytest.mark.parametrize("made", VARIANTS, ids=lambda a: a.label)
def test_spread_of_the_devices_is_the_same(made):
    given = spec("noisy", initial=0.2)
    for got, wanted in zip(
        made.build(given).arrays[0].step_scales, PlainSGD().build(given).arrays[0].step_scales
    ):
        np.testing.assert_array_equal(got, wanted)


def test_the_sample_depends_on_the_chip_and_the_walk_on_the_run():
    def built(**seeds):
        return shift("global", sigma_copy=0.0).build(spec("noisy", SHAPE, **seeds)).arrays[0]

    first, run, chip = (built(seed=s, device_seed=d) for s, d in ((1, 2), (5, 2), (1, 3)))
    np.testing.assert_array_equal(first.sample_cells(128), run.sample_cells(128))
    assert not np.array_equal(first.sample_cells(128), chip.sample_cells(128))
    assert first.reference[0, 0] != run.reference[0, 0]
    assert first.reference[0, 0] == pytest.approx(run.reference[0, 0], abs=0.02)


def test_stuck_cells_do_not_break_a_calibration():
    own = tabulate(Device(response=SoftBounds(0.06, 0.04), spread=Spread(stuck_fraction=0.3)))
    for made in VARIANTS:
        layer = made.build(spec(own, SHAPE, 0.1))
        assert np.isfinite(layer.weights).all(), made.label
        assert np.isfinite(layer.arrays[0].granularity)


def test_labels_tell_variants_apart():
    labels = [made.label for made in VARIANTS]
    assert len(set(labels)) == len(labels)
    assert shift("push_pull").label == "shift_push_pull"
    assert shift("trim", ideal=True).label == "shift_trim_ideal"


@pytest.mark.parametrize(
    "options, told",
    (
        ({"n_pairs": 0}, "n_pairs = 0: allowed is 1 <= n_pairs"),
        ({"sigma_copy": -0.1}, "sigma_copy = -0.1: allowed is 0 <= sigma_copy <= 1"),
        ({"trim_step": float("nan")}, "trim_step = nan: allowed"),
    ),
)
def test_parameters_are_checked(options, told):
    with pytest.raises(ValueError, match=told):
        SymmetryPointShift(**options)
    with pytest.raises(TypeError, match=r"SymmetryPointShift.ideal = 'yes': must be True or False"):
        SymmetryPointShift(ideal="yes")
