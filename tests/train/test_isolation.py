"""What must not influence a run: the test set, and data other than those it names."""

import dataclasses
import json

import numpy as np
import pytest
from small_cases import case, device, differing, result, task

from feemu.training import train


def other_test(images):
    """Return the digits with another test set: reversed images of wrong labels."""
    x, y = task().test_x[::-1, ::-1], (task().test_y + 1) % 10
    return dataclasses.replace(
        task(), test_x=np.ascontiguousarray(x[:images]), test_y=y[:images].copy()
    )


@pytest.mark.parametrize("name", ("mixed_precision", "reference"))
def test_the_test_set_changes_only_the_test_accuracy(name):
    ds = train(case(name), other_test(359))
    assert differing(ds, result(name)) == {"test_accuracy"}
    assert ds.attrs == result(name).attrs


def test_the_size_of_the_test_set_does_not_reach_the_read_noise():
    """With read noise an evaluation draws numbers; those of the test set leave no trace."""
    made = case("mixed_precision", device=device("noisy"), train_images=100, epochs=3.0)
    whole, short = train(made, task()), train(made, other_test(13))
    assert differing(whole, short) == {"test_accuracy"}


def test_the_validation_set_is_only_looked_at():
    x, y = task().validation_x[::-1].copy(), task().validation_y.copy()
    other = dataclasses.replace(task(), validation_x=x, validation_y=y)
    seen = differing(train(case("plain_sgd"), other), result("plain_sgd"))
    assert seen == {"validation_accuracy", "validation_loss"}


def test_a_case_knows_its_data():
    """The hash goes into the result; a case that names other data is refused in one line."""
    known = json.loads(result("float").attrs["provenance"])
    assert known["case"]["data_sha256"] == task().data_sha256
    named = case("float", data_sha256=task().data_sha256)
    assert known["case_sha256"] == named.digest()
    assert train(named.replace(epochs=0.0), task()).attrs["provenance"]
    other = dataclasses.replace(task(), data_sha256="f" * 64)
    with pytest.raises(ValueError, match=r"task 'digits' has ffffffffffff...; the data changed"):
        train(named, other)


def test_nothing_of_clock_or_host_is_in_a_result():
    import getpass
    import os
    import platform
    import time

    text = str(result("float").attrs) + str(result("float").coords)
    for word in (platform.node(), os.getcwd(), time.strftime("%Y-%m-%d")):
        assert len(word) < 3 or word not in text
    assert f"/{getpass.getuser()}/" not in text
