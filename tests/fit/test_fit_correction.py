"""The correction of a fit's information by simulated measurements."""

import numpy as np
import pytest

from feemu.fit.correction import _moments


@pytest.mark.parametrize("n, k", [(26, 21), (10, 21), (40, 9), (240, 12), (30, 1)])
def test_an_exact_filter_is_left_as_it_is_in_the_mean(n, k):
    """Of 400 sets of rows of covariance one: within 0.03 and five standard errors of the mean."""
    rng = np.random.default_rng(3)
    traces = [np.trace(_moments(rng.normal(size=(n, k)))[1]) / k for _ in range(400)]
    error = np.std(traces) / len(traces) ** 0.5
    assert np.mean(traces) == pytest.approx(1.0, abs=0.03 + 5 * error)
