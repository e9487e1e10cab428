"""Bad input: one line that says what was given, what is allowed and how to mend it."""

import numpy as np
import pytest
from array_cases import tables

from feemu.array import Reading, SynapseArray

NAN, INF = float("nan"), float("inf")
X, D = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)


def bad(values, at=0, value=NAN):
    """Return a copy with one value changed."""
    copy = np.array(values, np.float32)
    copy.flat[at] = value
    return copy


def make(**options):
    return SynapseArray(options.pop("shape", (3, 4)), tables("kinds"), **options)


def pulse(x=X, d=D, lr=0.1, **options):
    return lambda array: array.pulse_coincidence(x, d, lr, **options)


def counting(phase):
    def enter(array):
        with array.counting(phase):
            pass

    return enter


def loading(**changes):
    return lambda array: array.load_state_dict({**array.state_dict(), **changes})


MAKING = {
    "no rows": ({"shape": (0, 4)}, "(0, 4)", "at least 1"),
    "negative": ({"shape": (3, -1)}, "(3, -1)", "at least 1"),
    "one number": ({"shape": (3,)}, "(3,)", "(rows, columns)"),
    "three numbers": ({"shape": (3, 4, 5)}, "(3, 4, 5)", "(rows, columns)"),
    "too many": ({"shape": (2**17, 2**16)}, "(131072, 65536)", "split it"),
    "omega zero": ({"omega": 0.0}, "omega = 0.0", "positive"),
    "omega negative": ({"omega": -1.0}, "omega = -1.0", "positive"),
    "omega NaN": ({"omega": NAN}, "omega = nan", "finite"),
    "omega infinite": ({"omega": INF}, "omega = inf", "finite"),
    "no threads": ({"threads": 0}, "threads = 0", "at least 1"),
    "reference NaN": ({"reference": NAN}, "reference = nan", "finite"),
}
USING = {
    "state shape": (lambda a: a.set_state(np.zeros((4, 3))), "(4, 3)", "(3, 4)"),
    "state vector": (lambda a: a.set_state(np.zeros(4)), "(4,)", "one number"),
    "state range": (lambda a: a.set_state(1.5), "1.5", "0..1"),
    "state below": (lambda a: a.set_state(bad(np.zeros((3, 4)), 5, -0.1)), "-0.1", "0..1"),
    "state NaN": (lambda a: a.set_state(bad(np.zeros((3, 4)))), "NaN", "finite"),
    "reference shape": (lambda a: a.set_reference(np.zeros((4, 3))), "(4, 3)", "(3, 4)"),
    "reference NaN": (lambda a: a.set_reference(NAN), "NaN", "finite"),
    "device": (lambda a: a.set_device(tables("beta")), "(2, 1)", "make a new array"),
    "unknown phase": (counting("trian"), "trian", "train"),
    "unknown read": (lambda a: a.forward(X, "forwards"), "forwards", "forward"),
    "unknown error read": (lambda a: a.backward(D, "back"), "back", "backward"),
    "unknown cell read": (lambda a: a.read_cells("verfy"), "verfy", "verify"),
    "input width": (lambda a: a.forward(np.ones((2, 4), np.float32)), "(2, 4)", "(batch, 3)"),
    "input vector": (lambda a: a.forward(np.ones(3, np.float32)), "(3,)", "(batch, 3)"),
    "error width": (lambda a: a.backward(X), "(2, 3)", "(batch, 4)"),
    "x width": (pulse(x=D), "x: shape (2, 4)", "(batch, 3)"),
    "d width": (pulse(d=X), "d: shape (2, 3)", "(batch, 4)"),
    "x vector": (pulse(x=X[0]), "x: shape (3,)", "(batch, 3)"),
    "batches": (pulse(d=D[:1]), "2 and 1 samples", "as many"),
    "x NaN": (pulse(x=bad(X, 5)), "x: contains NaN", "finite"),
    "d infinite": (pulse(d=bad(D, 0, -INF)), "d: contains NaN", "finite"),
    "lr negative": (pulse(lr=-0.1), "lr = -0.1", "at least 0"),
    "lr NaN": (pulse(lr=NAN), "lr = nan", "finite"),
    "train too short": (pulse(bl_min=0), "bl_min = 0", "1 <= bl_min"),
    "train too long": (pulse(bl_max=33), "bl_max = 33", "32"),
    "train order": (pulse(bl_min=9, bl_max=8), "bl_min = 9", "bl_min <= bl_max"),
    "kinds turned": (pulse(kinds=(1, 0)), "(1, 0)", "a potentiation and a depression"),
    "kinds twice": (pulse(kinds=(0, 0)), "(0, 0)", "signs [1, -1, 1, -1]"),
    "kinds beyond": (pulse(kinds=(0, 5)), "(0, 5)", "signs"),
    "one kind": (pulse(kinds=(0,)), "(0,)", "signs"),
    "kinds of counts": (lambda a: a.pulse_counts(np.ones((3, 4), int), (3, 2)), "(3, 2)", "signs"),
    "counts shape": (lambda a: a.pulse_counts(np.ones((4, 3), int)), "(4, 3)", "(3, 4)"),
    "counts type": (lambda a: a.pulse_counts(np.ones((3, 4))), "float64", "whole numbers"),
    "saved shape": (loading(cells=np.zeros((4, 3, 6), np.float32)), "(4, 3)", "(3, 4)"),
    "saved kinds": (loading(ledger_pulses=np.zeros((3, 2), int)), "pulse kinds", "make an array"),
    "saved variants": (loading(variants=np.zeros((3, 4), np.uint8)), "variants", "make an array"),
}


def check_message(caught, parts):
    message = str(caught.value)
    assert "\n" not in message and len(message) < 250
    for part in parts:
        assert part in message


@pytest.mark.parametrize("case", MAKING)
def test_refused_when_made(case):
    options, *parts = MAKING[case]
    with pytest.raises(ValueError) as caught:
        make(**options)
    check_message(caught, parts)


@pytest.mark.parametrize("case", USING)
def test_refused_in_use_and_nothing_changed(case):
    action, *parts = USING[case]
    array = make()
    before = array.state_dict()
    with pytest.raises(ValueError) as caught:
        action(array)
    check_message(caught, parts)
    after = array.state_dict()
    for key, value in before.items():
        np.testing.assert_array_equal(value, after[key], err_msg=key)
    assert array.phase == "train"
    assert array.pulse_coincidence(X, D, 3 * array.granularity) > 0


@pytest.mark.parametrize("field", ("dac_bits", "adc_bits"))
@pytest.mark.parametrize("bits", (-1, 1, 25, 2.5))
def test_converters_with_impossible_bits(field, bits):
    with pytest.raises(ValueError) as caught:
        Reading(**{field: bits})
    check_message(caught, (f"Reading.{field}",))


def test_phase_is_left_when_the_block_fails():
    array = make()
    with pytest.raises(KeyError), array.counting("init"):
        assert array.phase == "init"
        raise KeyError("stop")
    assert array.phase == "train"


@pytest.mark.parametrize("change", (np.float64, np.asfortranarray, lambda v: v[:, ::-1]))
def test_other_types_and_layouts_are_taken(change):
    """Double precision, column order and views give what contiguous float32 gives."""
    draw = np.random.default_rng(2)
    x, d = (draw.normal(size=(5, n)).astype(np.float32) for n in (3, 4))
    one, two = make(), make()
    x2, d2 = (np.ascontiguousarray(change(v), np.float32) for v in (x, d))
    one.pulse_coincidence(change(x), change(d), 1)
    two.pulse_coincidence(x2, d2, 1.0)
    np.testing.assert_array_equal(one.weights, two.weights)
    np.testing.assert_array_equal(one.forward(change(x)), two.forward(x2))
    np.testing.assert_array_equal(one.backward(change(d)), two.backward(d2))
