"""Odd but valid measurements: a fit that says what it could not tell, or an error in one line."""

import numpy as np
import pytest
from simulate import dataset, measure

from feemu.devices import SoftBounds
from feemu.fit import fit
from feemu.fit.sequence import sequences

TRUE = SoftBounds(0.06, 0.05)


def changed(change, **more):
    """Return a small measurement whose conductances (width, device, cycle, ...) were changed."""
    ds = measure(TRUE, **{"seed": 1, "devices": 2, "cycles": 3, "pulses": 20, **more})
    values = ds["conductance"].values.copy()
    change(values)
    return ds.assign(conductance=ds["conductance"].copy(data=values))


def gone(*index):
    """Return a change that takes readings out."""

    def change(values):
        values[index] = np.nan

    return change


ALL = slice(None)
REFUSED = {
    "one level": (lambda v: v.fill(1e-6), "all equal"),
    "no reading": (lambda v: v.fill(np.nan), "0 readings"),
    "up only": (gone(ALL, ALL, ALL, 1), "no readings of polarity 'down'"),
    "down only": (gone(ALL, ALL, ALL, 0), "no readings of polarity 'up'"),
    "exchanged": (lambda v: v.__imul__(-1.0), "exchange the two"),
    "infinite": (lambda v: v.__setitem__((0, 0, 0, 0, 3), np.inf), "infinite"),
}
FITTED = {
    "a cycle without readings": (gone(ALL, ALL, 1), {}, ""),
    "a device without readings": (gone(ALL, 0), {}, "1 device(s) with fewer than four readings"),
    "one cycle of one device": (lambda v: None, {"devices": 1, "cycles": 1}, "one cycle"),
    "a reading far outside": (
        lambda v: v.__setitem__((0, 0, 1, 0, 5), 1e3), {}, "1 reading(s) far outside",
    ),
    "without noise": (
        lambda v: None, {"relative": 0.0, "read": 0.0, "spread": (0, 0, 0, 0)}, "at a bound",
    ),
    "tiny numbers": (lambda v: v.__imul__(1e-250), {}, ""),
}  # fmt: skip


def test_a_rare_excursion_is_no_mistake():
    """Thirty devices rest near one end; one of them crosses the range, in steps as others do."""
    rng = np.random.default_rng(5)
    values = 1e-6 * rng.uniform(0.0, 0.02, (1, 30, 2, 2, 21))
    values[0, 3, 1] += 1e-6 * np.stack([np.linspace(0, 1, 21), np.linspace(1, 0, 21)])
    ds = dataset(values, [1e-6])
    assert np.quantile(values, 0.95) < 0.05e-6
    s = sequences(ds)[0]
    assert s.outside == 0 and np.isfinite(s.y).all()
    values[0, 5, 0, 0, 7] = 1e-5
    s = sequences(dataset(values, [1e-6]))[0]
    assert s.outside == 1 and np.isnan(s.y).sum() == 1


def test_the_pulse_of_a_reading_that_is_left_out_counts():
    whole = sequences(changed(lambda v: None))[0]
    part = sequences(changed(lambda v: v.__setitem__((0, 0, 1, 0, slice(18, None)), 1e3)))[0]
    assert part.outside == 3 and np.isnan(part.y).sum() == np.isnan(whole.y).sum() + 3
    np.testing.assert_array_equal(part.pulse, whole.pulse)
    np.testing.assert_array_equal(part.place, whole.place)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name):
    change, said = REFUSED[name]
    with pytest.raises(ValueError, match=said) as error:
        fit(changed(change), "soft_bounds")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", FITTED)
def test_fitted_near_the_truth_with_what_is_not_told(name):
    """A quarter of the value is six standard deviations and more in each of these."""
    change, more, said = FITTED[name]
    part = fit(changed(change, **more), "soft_bounds", draws=200).part()
    for key, truth in (("A_up", 0.06), ("A_down", 0.05)):
        value = part.parameters[key]
        assert value.lower <= value.value <= value.upper
        if "one cycle" not in name:
            assert value.value == pytest.approx(truth, rel=0.25)
    text = "; ".join(part.notes) + "; ".join(v.note for v in part.parameters.values())
    assert said in text
