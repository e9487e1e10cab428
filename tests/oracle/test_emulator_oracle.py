"""The oracle array against itself: identities, brute force, expectations, all sign combinations."""

import itertools

import numpy as np
import pytest

from . import (
    ExactCurves,
    OracleArray,
    TableCurves,
    beta,
    coincidence_batch,
    constant,
    exponential_conductance,
    key,
    make_train,
    normal,
    soft_bounds,
    table_conductance,
    tabulated,
    update_words,
    with_noise,
)

DW = 0.05
KEYS = key(11, 2, 101), key(11, 2, 102), key(11, 2, 103)
DUT3 = (0.24898, 1.86339, 2.91747), (0.10299, 2.05557, 1.77257)


def curves(relative=0.3, absolute=0.01):
    """Two kinds, two variants: soft bounds and beta."""
    up = soft_bounds(0.1, True), beta(*DUT3[0])
    down = soft_bounds(0.1, False), beta(*DUT3[1])
    return [[with_noise(s, relative, absolute) for s in steps] for steps in (up, down)]


def spread_array(precision="float64", exact=True, **options):
    rng = np.random.default_rng(5)
    shape = (4, 3)
    functions = curves()
    table = TableCurves(tabulated(functions, 1000), precision)
    given = {
        "c_up": rng.uniform(0.7, 1.3, shape),
        "c_down": rng.uniform(0.7, 1.3, shape),
        "offset": rng.uniform(-0.1, 0.1, shape),
        "span": rng.uniform(0.8, 1.2, shape),
        "variant": rng.integers(0, 2, shape),
        "reference": rng.uniform(0.4, 0.6, shape),
        "omega": 2.0,
        "precision": precision,
        "record": True,
    }
    p = rng.random(shape)
    return OracleArray(p, ExactCurves(functions) if exact else table, **{**given, **options})


def sample(seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=4) * np.array([1, 0, 1, 1])
    return x.astype(np.float32), rng.normal(size=3).astype(np.float32)


def plain_array(shape, size=1e-6):
    step = with_noise(constant(size))
    return OracleArray(
        np.full(shape, 0.5), ExactCurves([[step], [step]]), noise=False, precision="float64"
    )


@pytest.mark.parametrize("sx, sd", list(itertools.product((-1, 0, 1), repeat=2)))
def test_every_sign_combination(sx, sd):
    array = plain_array((1, 1), 0.125)
    out = array.coincidence(
        [sx * 2.0], [sd * 2.0], DW, 1, 31, True, DW, *update_words(*KEYS)
    )  # K = 4 and both probabilities are one: four events for sure
    sign = -sx * sd
    assert out.up[0, 0] == 4 * (sign > 0) and out.down[0, 0] == 4 * (sign < 0)
    assert array.p[0, 0] == 0.5 + 0.5 * sign
    slots = 4 * abs(sx * sd)
    assert array.ledger.slots == array.ledger.row_pulses == [slots, slots]
    assert array.ledger.column_pulses == [4 * (sign > 0), 4 * (sign < 0)]


@pytest.mark.parametrize("managed", (True, False))
@pytest.mark.parametrize("lr", (0.01, 0.1, 1.0, 10.0))
def test_coincidence_is_the_product_of_the_trains(lr, managed):
    array, (x, d) = spread_array(), sample()
    wx, wd, wn = update_words(*KEYS, update=4)
    out = array.coincidence(x, d, lr, 1, 31, managed, DW, wx, wd, wn)
    n = out.train.length
    assert n == min(max(int(np.ceil(lr * abs(x).max() * abs(d).max() / DW)), 1), 31)
    fire_x = np.array([[(wx(i, s) >> 8) for s in range(n)] for i in range(4)])
    fire_d = np.array([[(wd(j, s) >> 8) for s in range(n)] for j in range(3)])
    fire_x = fire_x < np.array(out.train.threshold_x)[:, None]
    fire_d = fire_d < np.array(out.train.threshold_d)[:, None]
    both = fire_x.astype(int) @ fire_d.T.astype(int)
    up = np.outer(x, d) < 0
    np.testing.assert_array_equal(out.up, both * up)
    np.testing.assert_array_equal(out.down, both * ~up)
    ledger = array.ledger
    assert ledger.row_pulses == [fire_x.sum()] * 2
    assert ledger.column_pulses == [fire_d.sum()] * 2  # both signs of x are present
    assert ledger.slots == [2 * n, 2 * n]
    limit = max(out.train.scale_x * abs(x).max(), out.train.scale_d * abs(d).max())
    assert ledger.clipped_updates == int(n < out.train.K if managed else limit > 1)
    assert ledger.violations(array.events) == []
    hits = [(i, s, j) for i in range(4) for s in range(n) for j in range(3)]
    hits = [(i, j) for i, s, j in hits if fire_x[i, s] and fire_d[j, s]]
    assert [(e.row, e.column) for e in array.log] == hits
    assert [e.index for e in array.log] == list(range(len(hits)))


@pytest.mark.parametrize(
    "x, slots, rows, columns",
    (
        ([1.0, 0.5], 1, (2, 2), (1, 2)),
        ([-1.0, 0.0], 1, (1, 1), (2, 1)),
        ([1.0, -0.5], 2, (2, 2), (3, 3)),
    ),
)
def test_lines_by_half_steps(x, slots, rows, columns):
    """One slot in which every line with a non-zero value fires: d has two positive, one negative.

    Rows take part in one half-step of either kind; a column with d > 0 is driven for depression
    where x has a positive line, for potentiation where it has a negative one.
    """
    array = plain_array((2, 3))
    d = [1.0, -0.5, 0.25]
    fires = [lambda line, slot: 0] * 2
    out = array.coincidence(x, d, 0.9 * DW, 1, 31, True, DW, *fires)
    ledger = array.ledger
    assert ledger.slots == [slots, slots]
    assert tuple(ledger.row_pulses) == rows and tuple(ledger.column_pulses) == columns
    sign = -np.sign(np.outer(x, d))
    np.testing.assert_array_equal(out.up - out.down, sign)


def test_clipped_is_any_probability_above_one():
    """Without management one line can clip although K is within the train."""
    for managed, clipped in ((True, 0), (False, 1)):
        array = plain_array((1, 1))
        fires = [lambda line, slot: 0] * 2
        array.coincidence([8.0], [0.1], DW, 1, 31, managed, DW, *fires)
        assert array.ledger.clipped_updates == clipped
    array = plain_array((1, 1))
    array.coincidence([8.0], [8.0], DW, 1, 31, True, DW, *fires)
    assert array.ledger.clipped_updates == 1


def test_zero_x_or_d_does_nothing():
    for x, d in (([0, 0], [1.0]), ([1.0, 2.0], [0])):
        array = plain_array((2, 1))
        out = array.coincidence(x, d, 1.0, 5, 31, True, DW, *update_words())
        assert out.events == 0 and out.train.length == 0
        assert array.ledger.slots == array.ledger.row_pulses == [0, 0]
        assert array.ledger.clipped_updates == 0


@pytest.mark.parametrize("bl_min, bl_max", ((1, 31), (31, 31), (1, 5)))
def test_train_expectation_is_the_request(bl_min, bl_max):
    x, d = sample()
    for lr in (1e-3, 0.03, 0.2):
        for managed in (True, False):
            t = make_train(x, d, lr, bl_min, bl_max, managed, DW)
            request = lr * np.abs(np.outer(x.astype(float), d.astype(float))) / DW
            unlimited = t.length * np.outer(t.scale_x * np.abs(x), t.scale_d * np.abs(d))
            if not t.clipped:
                np.testing.assert_allclose(unlimited, request, rtol=1e-6)
            if max(t.p_x + t.p_d) < 1:
                np.testing.assert_allclose(t.expected(), request, atol=2 * t.length * 2.0**-24)
            assert np.all(t.expected() <= request + 1e-12)


def test_managed_probabilities_are_balanced_and_rescaled():
    x, d = sample()
    t = make_train(x, d, 0.05, 1, 31, True, DW)
    assert max(t.p_x) == pytest.approx(max(t.p_d), rel=1e-12)
    x, d = np.abs(x).astype(float), np.abs(d).astype(float)
    t = make_train(x, d, 62.0 * DW / (x.max() * d.max()), 1, 31, True, DW)
    assert t.clipped and t.length == 31 and pytest.approx(62) == t.K
    np.testing.assert_allclose(t.p_x, x / x.max(), rtol=1e-12)
    np.testing.assert_allclose(t.p_d, np.minimum(1, 2 * d / d.max()), rtol=1e-12)


def test_fires_strictly_below_the_threshold():
    """One slot, both probabilities one half: words around the threshold 2^23."""
    for edge, fires in ((2**23 - 1, 1), (2**23, 0)):
        for low in (0, 255):
            for moved in (0, 1):
                array = plain_array((1, 1))
                word = [(edge << 8) + low, 0]
                trains = [lambda line, slot, w=word[(moved + n) % 2]: w for n in (0, 1)]
                out = array.coincidence([1.0], [-1.0], DW / 4, 1, 1, True, DW, *trains)
                assert out.train.threshold_x == out.train.threshold_d == [2**23]
                assert out.events == fires
                row, column = (1, fires) if moved else (fires, 1)
                assert array.ledger.row_pulses == [row, row]
                assert array.ledger.column_pulses == [column, 0]


def test_mean_counts_over_updates():
    """Mean events equal the request; false-alarm rate 5e-9 in all (four means, z 6.08 each)."""
    x, d, n_updates = [0.9, -0.4], [0.7, -0.2], 3000
    array = plain_array((2, 2), 1e-7)
    x_all, d_all = [x] * n_updates, [d] * n_updates
    out = coincidence_batch(array, x_all, d_all, 0.15, 1, 31, True, DW, KEYS, 2**32 - 1000)
    train = out[0].train
    total = sum(o.up + o.down for o in out)
    mean = 0.15 * np.abs(np.outer(x, d)) / DW
    chance = mean / train.length
    sd = np.sqrt(n_updates * train.length * chance * (1 - chance))
    assert train.length == 2
    assert np.all(np.abs(total - n_updates * mean) < 6.08 * sd)
    assert array.ledger.violations(array.events) == []


def test_p_one_always_fires_and_small_p_never():
    t = make_train([1.0, 1e-9], [1.0], 4 * DW, 1, 31, False, DW)
    assert t.length == 4 and t.fragile
    assert t.threshold_x == [2**24, 0] and t.threshold_d == [2**24]


@pytest.mark.parametrize("precision, tolerance", (("float64", 1e-14), ("float32", 3e-7)))
def test_counts_replay(precision, tolerance):
    rng = np.random.default_rng(8)
    n = rng.integers(-3, 4, (4, 3))
    array = spread_array(precision)
    p = array.p.astype(float)
    _, _, wn = update_words(*KEYS, update=9)
    array.counts(n, wn)
    assert [(e.row, e.column) for e in array.log] == [
        (i, j) for i in range(4) for j in range(3) for _ in range(abs(n[i, j]))
    ]
    functions, switched, conducted = curves(), [0.0, 0.0], [0.0, 0.0]
    for e in array.log:
        i, j, sign = e.row, e.column, (1, -1)[e.kind]
        assert sign == np.sign(n[i, j])
        c = (array.c_up if sign > 0 else array.c_down)[i, j]
        m, sd = functions[e.kind][array.variant[i, j]](p[i, j])
        new = np.clip(p[i, j] + sign * c * (m + sd * normal(wn(e.index))), 0, 1)
        switched[e.kind] += abs(new - p[i, j])
        conducted[e.kind] += array.offset[i, j] + array.span[i, j] * (new + p[i, j]) / 2
        p[i, j] = new
    np.testing.assert_allclose(array.p, p, atol=tolerance)
    np.testing.assert_allclose(array.ledger.switched, switched, atol=30 * tolerance)
    np.testing.assert_allclose(array.ledger.conductance, conducted, atol=30 * tolerance)
    np.testing.assert_array_equal(array.events, abs(n))


def test_counts_ledger_by_drawn_slots():
    n = np.array([[2, -3, 1], [0, 0, 0], [-1, 4, -2]])
    array = plain_array((3, 3))
    out = array.counts(n)
    rows, columns, slots = [0, 0], [0, 0], [0, 0]
    for k, sign in enumerate((1, -1)):
        for i in range(3):
            left = np.maximum(sign * n[i], 0)
            while left.any():
                slots[k] += 1
                rows[k] += 1
                columns[k] += int((left > 0).sum())
                left = np.maximum(left - 1, 0)
    ledger = array.ledger
    assert (ledger.row_pulses, ledger.column_pulses, ledger.slots) == (rows, columns, slots)
    assert ledger.pulses == [7, 6] == [out.up.sum(), out.down.sum()]
    assert ledger.half_selected(0, 3, 3) == 3 * 6 + 3 * 7 - 2 * 7
    assert ledger.violations(array.events) == []


def test_pulse_list_is_counts():
    n = np.array([[0, -3, 1], [0, 0, 0], [2, 0, 0]])
    a, b = plain_array((3, 3), 0.05), plain_array((3, 3), 0.05)
    a.counts(n)
    b.pulse_list([0, 2, 2, 3], [1, 2, 0], [-3, 1, 2])
    np.testing.assert_array_equal(a.p, b.p)
    assert vars(a.ledger) == vars(b.ledger)
    with pytest.raises(ValueError, match="ascend"):
        b.pulse_list([0, 2, 2, 2], [1, 1], [1, 1])


def test_state_histogram_and_clipping():
    array = OracleArray(
        [[0.0, 1.0, 0.5, 31 / 32]],
        ExactCurves([[with_noise(constant(0.25))]] * 2),
        noise=False,
    )
    array.counts(np.array([[-1, 1, 1, 1]]))
    np.testing.assert_array_equal(array.p, [[0, 1, 0.75, 1]])
    hist = np.array(array.ledger.state_hist)
    assert hist[1, 0] == 1 and hist[0, 31] == 2 and hist[0, 16] == 1 and hist.sum() == 4
    assert array.ledger.switched == [0.25 + 1 / 32, 0.0]
    assert array.ledger.conductance == [1 + (0.5 + 0.75) / 2 + (31 / 32 + 1) / 2, 0.0]


def test_histogram_prices_conductance_within_the_bin():
    array = plain_array((2, 2), 0.01)
    rng = np.random.default_rng(2)
    for _ in range(40):
        array.counts(rng.integers(-3, 4, (2, 2)))
    centres = (np.arange(32) + 0.5) / 32
    for k in (0, 1):
        priced = float(np.dot(array.ledger.state_hist[k], centres))
        allowed = array.ledger.pulses[k] * (1 / 64 + 0.01 / 2)
        assert abs(priced - array.ledger.conductance[k]) <= allowed


def test_table_agrees_with_exact_curves():
    x, d = sample()
    exact, table = spread_array(), spread_array("float32", exact=False)
    for update in range(5):
        streams = update_words(*KEYS, update=update)
        a = exact.coincidence(x, d, 0.4, 1, 31, True, DW, *streams)
        b = table.coincidence(x, d, 0.4, 1, 31, True, DW, *streams)
        np.testing.assert_array_equal(a.up - a.down, b.up - b.down)
    assert exact.events.sum() > 20
    np.testing.assert_allclose(table.p, exact.p, atol=2e-4)
    np.testing.assert_allclose(table.weights(), exact.weights(), atol=1e-3)


def test_weights_and_conductance_maps():
    g = exponential_conductance(8.0)
    n = 1000
    nodes = np.array([g(i / n) for i in range(n + 1)])
    table = np.stack([nodes, np.append(np.diff(nodes), 0.0)], axis=1)
    assert table_conductance(table)(0.12345) == pytest.approx(g(0.12345), abs=1e-6)
    assert (table_conductance(table)(0.0), table_conductance(table)(1.0)) == (0.0, 1.0)
    array = spread_array(conductance=g)
    p = array.p
    w = 4.0 * (array.offset + array.span * (8.0**p - 1) / 7 - array.reference)
    np.testing.assert_allclose(array.weights(), w, atol=1e-13)


def test_table_lookup_at_the_ends_and_nodes():
    steps = tabulated([[with_noise(soft_bounds(0.1, True), 0.5)]], 10)
    for precision in ("float32", "float64"):
        look = TableCurves(steps, precision)
        assert look(0, 0, 1.0) == (0.0, 0.0)
        assert look(0, 0, 0.0)[0] == pytest.approx(0.1, rel=1e-6)
        assert look(0, 0, 0.37) == pytest.approx((0.063, 0.0315), rel=1e-6)


def test_phases_are_kept_apart():
    array = plain_array((1, 1))
    array.phase = "init"
    array.counts(np.array([[3]]))
    array.phase = "train"
    array.counts(np.array([[-2]]))
    assert array.ledgers["init"].pulses == [3, 0]
    assert array.ledgers["train"].pulses == [0, 2]
    assert array.events[0, 0] == 5


def test_alternate_is_pulse_after_pulse():
    array = spread_array(noise=False, precision="float64")
    other = spread_array(noise=False, precision="float64")
    array.alternate(3, last=-1)
    for _ in range(3):
        other.counts(np.ones((4, 3), dtype=int))
        other.counts(-np.ones((4, 3), dtype=int))
    np.testing.assert_array_equal(array.p, other.p)
    assert array.ledger.pulses == [36, 36] and array.ledger.slots == [12, 12]
    assert array.ledger.column_pulses == other.ledger.column_pulses


def test_from_tables_takes_signs_and_kinds():
    class Tables:
        steps = tabulated([[with_noise(constant(s))] for s in (0.1, 0.2, 0.05)], 4)
        signs = np.array([1, -1, -1], dtype=np.int8)
        linear = True
        conductance = None

    array = OracleArray.from_tables([[0.5]], Tables, noise=False)
    array.counts(np.array([[-1]]), kinds=(0, 2))
    assert array.p[0, 0] == pytest.approx(0.45) and array.ledger.pulses == [0, 0, 1]


def test_refusals():
    array = spread_array()
    with pytest.raises(ValueError, match="word_noise"):
        array.counts(np.ones((4, 3), dtype=int))
    with pytest.raises(ValueError, match="whole numbers"):
        array.counts(np.ones((4, 3)))
    with pytest.raises(ValueError, match="lengths"):
        array.coincidence([1.0], [1.0], 1.0, 1, 31, True, DW, None, None)
    with pytest.raises(ValueError, match="lr >= 0"):
        make_train([1.0], [1.0], -1.0, 1, 31, True, DW)
