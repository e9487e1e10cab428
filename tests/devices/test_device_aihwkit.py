"""The exact map of aihwkit's soft-bounds device, cell by cell against its own formulas."""

import numpy as np
import pytest

from feemu.devices import WeightSpread, preset, tabulate

SHAPE = (50, 40)
BOUND, STEP = 0.6, 0.001


def normals(i):
    return np.random.default_rng((3, i)).standard_normal(SHAPE)


def uniforms(i):
    raise AssertionError(f"drew uniform array {i}")


def cells(bound_dtod):
    """Return scales and bounds in weight units, drawn and made consistent as aihwkit does."""
    gain, skew = 1.0 + 0.3 * normals(0), 0.01 * normals(1)
    up, down = np.abs(STEP * (gain + skew)), np.abs(STEP * (gain - skew))
    top, bottom = BOUND * (1 + bound_dtod * normals(2)), -BOUND * (1 + bound_dtod * normals(3))
    crossed = bottom > top
    top, bottom = np.where(crossed, bottom, top), np.where(crossed, top, bottom)
    return up, down, np.abs(top), -np.abs(bottom)


@pytest.mark.parametrize("bound_dtod", [0.0, 0.3, 1.0])
def test_every_cell_moves_as_in_weight_units(bound_dtod):
    up, down, top, bottom = cells(bound_dtod)
    spread = WeightSpread(w_bound_dtod=bound_dtod)
    draw, response = spread.draw(SHAPE, normals, uniforms), spread.response()
    rng = np.random.default_rng(7)
    w, p = np.zeros(SHAPE), draw.p_fab.astype(float)
    for _ in range(300):
        raises = rng.random(SHAPE) < 0.6
        factor = 1.0 + 0.3 * rng.standard_normal(SHAPE)
        w_step = np.where(raises, up * (1 - w / top), -down * (1 - w / bottom))
        w = np.clip(w + w_step * factor, bottom, top)
        step = np.where(
            raises, draw.c_up * response.step_up(p), -draw.c_down * response.step_down(p)
        )
        p = np.clip(p + step * factor, 0.0, 1.0)
    visible = 2 * BOUND * (draw.offset + draw.span * p - 0.5)
    assert visible == pytest.approx(w, abs=2e-6)


def test_scales_equal_the_ratio_of_step_and_bound():
    up, down, top, bottom = cells(0.3)
    spread = WeightSpread()
    draw = spread.draw(SHAPE, normals, uniforms)
    nominal = spread.response().A_up
    assert draw.c_up * nominal == pytest.approx(up / top, rel=1e-5)
    assert draw.c_down * nominal == pytest.approx(down / -bottom, rel=1e-5)
    assert draw.offset == pytest.approx((bottom + BOUND) / (2 * BOUND), abs=1e-6)
    assert draw.span == pytest.approx((top - bottom) / (2 * BOUND), rel=1e-6)


def test_up_and_down_are_correlated_and_symmetry_points_are_narrow():
    shape = (200, 200)
    draw = WeightSpread().draw(
        shape, lambda i: np.random.default_rng((5, i)).standard_normal(shape), uniforms
    )
    top = draw.offset + draw.span - 0.5
    bottom = draw.offset - 0.5
    up, down = draw.c_up * top, draw.c_down * -bottom
    # Expected (0.09 - 0.0001)/(0.09 + 0.0001) = .9978; Fisher z at 5.85 sd, false alarm 5e-9;
    # the few gains below zero that are made positive stay inside that.
    expected = np.arctanh(0.0899 / 0.0901)
    found = np.arctanh(np.corrcoef(up.ravel(), down.ravel())[0, 1])
    assert abs(found - expected) < 5.85 / np.sqrt(up.size - 3) + 0.02
    point = 2 * (draw.offset + draw.span * draw.c_up / (draw.c_up + draw.c_down)) - 1
    assert 1.4826 * np.median(np.abs(point)) == pytest.approx(0.0105, abs=0.0015)


def test_preset_counts_in_steps_of_dw_min():
    device = preset("softbounds_aihwkit")
    tables = tabulate(device)
    assert 2 * BOUND * tables.granularity == pytest.approx(STEP, rel=1e-12)
    assert tables.symmetry_point == pytest.approx(0.5, rel=1e-12)
    assert device.noise.relative == 0.3
    assert device.spread == WeightSpread()


def test_another_step_needs_another_response():
    device = preset("softbounds_aihwkit")
    finer = WeightSpread(dw_min=0.0005)
    with pytest.raises(ValueError, match=r"needs its own response, spread.response\(\)"):
        device.replace(spread=finer)
    assert device.replace(spread=finer, response=finer.response()).spread == finer
