"""Device-to-device spread. Statistical assertions: z = 5.85, false alarm 5e-9 each."""

import numpy as np
import pytest

from feemu.devices import Noise, Spread

SHAPE = (200, 200)
N = SHAPE[0] * SHAPE[1]
Z = 5.85


def sources(seed=11, shape=SHAPE):
    def normals(i):
        return np.random.default_rng((seed, 0, i)).standard_normal(shape).astype(np.float32)

    def uniforms(i):
        return np.random.default_rng((seed, 1, i)).random(shape).astype(np.float32)

    return normals, uniforms


def check_normal(sample, mean, sd):
    assert abs(sample.mean() - mean) < Z * sd / np.sqrt(N)
    assert abs(sample.var() / sd**2 - 1.0) < Z * np.sqrt(2.0 / N)


def test_no_spread_is_the_nominal_device_and_draws_nothing():
    def forbidden(i):
        raise AssertionError(f"drew array {i}")

    draw = Spread().draw((3, 4), forbidden, forbidden, p0=0.25)
    for values, expected in zip(draw, (1, 1, 0, 1, 0, 0.25)):
        assert values.shape == (3, 4)
        assert np.all(values == expected)
    assert [a.dtype for a in draw] == [np.float32] * 4 + [np.uint8, np.float32]


def test_steps_spread_in_common_and_differentially():
    draw = Spread(step_spread=0.3, asymmetry_spread=0.1).draw(SHAPE, *sources())
    up, down = np.log(draw.c_up.astype(float)), np.log(draw.c_down.astype(float))
    check_normal((up + down) / 2, 0.0, 0.3)
    check_normal(up - down, 0.0, 0.1)
    common, skew = (up + down) / 2, up - down
    assert abs(np.corrcoef(common.ravel(), skew.ravel())[0, 1]) < Z / np.sqrt(N)


def test_ends_of_the_range_spread_independently():
    draw = Spread(g_on_spread=0.05, g_off_spread=0.08).draw(SHAPE, *sources())
    check_normal(draw.offset, 0.0, 0.08)
    check_normal(draw.offset.astype(float) + draw.span, 1.0, 0.05)


def test_span_has_a_floor():
    draw = Spread(g_on_spread=1.0).draw(SHAPE, *sources())
    assert draw.span.min() == np.float32(0.05)


def test_stuck_cells_have_no_steps_and_any_state():
    draw = Spread(stuck_fraction=0.2, step_spread=0.1).draw(SHAPE, *sources())
    stuck = draw.c_up == 0
    assert np.array_equal(stuck, draw.c_down == 0)
    assert abs(stuck.mean() - 0.2) < Z * np.sqrt(0.2 * 0.8 / N)
    states = draw.p_fab[stuck]
    assert abs(states.mean() - 0.5) < Z * np.sqrt(1 / 12 / stuck.sum())
    assert np.all(draw.p_fab[~stuck] == 0.5)


def test_variants_are_equally_likely():
    draw = Spread().draw(SHAPE, *sources(), n_variants=256)
    counts = np.bincount(draw.variant.ravel(), minlength=256)
    assert counts.size == 256
    # Chi-square with 255 degrees of freedom; normal approximation at z = 5.85.
    chi2 = np.sum((counts - N / 256) ** 2) / (N / 256)
    assert abs(chi2 - 255) < Z * np.sqrt(2 * 255) + 12


def test_fabrication_state():
    draw = Spread(fab_spread=0.05).draw(SHAPE, *sources(), p0=0.4)
    check_normal(draw.p_fab, 0.4, 0.05)
    wide = Spread(fab_spread=1.0).draw(SHAPE, *sources())
    assert wide.p_fab.min() == 0.0 and wide.p_fab.max() == 1.0


def test_one_spread_leaves_the_draws_of_the_others_alone():
    few = Spread(g_on_spread=0.05).draw(SHAPE, *sources())
    many = Spread(step_spread=0.3, fab_spread=0.1, g_on_spread=0.05).draw(SHAPE, *sources())
    assert np.array_equal(few.span, many.span)


def test_noise_combines_as_root_of_squares():
    m = np.array([0.0, 0.03, 0.1])
    assert Noise().sd(m) == pytest.approx([0, 0, 0])
    assert Noise(relative=0.1).sd(m) == pytest.approx(0.1 * m)
    assert Noise(absolute=0.02).sd(m) == pytest.approx([0.02] * 3)
    assert Noise(0.1, 0.004).sd(m)[1] == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Spread(step_spread=-0.1), "Spread.step_spread = -0.1"),
        (lambda: Spread(stuck_fraction=1.5), "allowed is 0 <= stuck_fraction <= 1"),
        (lambda: Noise(relative=float("nan")), "Noise.relative = nan"),
        (lambda: Spread().replace(step_spred=0.1), "did you mean 'step_spread'"),
    ],
)
def test_bad_values(make, message):
    with pytest.raises(ValueError, match=message.replace(".", r"\.")) as info:
        make()
    assert "\n" not in str(info.value)
