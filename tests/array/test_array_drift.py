"""Plain descent on a quadratic drifts to the symmetry point as the formula says."""

import math

import numpy as np
import pytest
from array_cases import ALPHA, tables_of
from oracle import quadratic_stationary, quadratic_stationary_exact
from scipy import stats

from feemu.array import SynapseArray
from feemu.devices import Beta, Device, Noise, SoftBounds

#: Curvature, and noise of the gradient.
H, SIGMA = 1.0, 0.5
SOFT = Device(response=SoftBounds(0.008, 0.008), noise=Noise(relative=0.3))
# The 20 ns kernel with a tenth of its step: the formula holds in the limit of small steps.
BETA = Device(response=Beta(A_up=0.024898, A_down=0.010299), noise=Noise(relative=0.3))


def settle(device, w_opt, reference, n=4000, steps=3000, keep=3):
    """Return (array, weights) of n independent synapses, each after its own noisy descent.

    Every column is one weight with gradient ``H (w - w_opt) + SIGMA z``. The row always fires
    (its probability is one), so that columns pulse independently of each other; the request is
    ``-lr`` times the gradient. Weights at the last `keep` times, far apart, are averaged.
    """
    array = SynapseArray((1, n), tables_of(device), reference=reference, seed=21)
    array.set_state(reference + w_opt / 2)
    dw = array.granularity
    lr = dw / (6.5 * SIGMA)
    row = math.sqrt(dw / lr)
    draw, seen = np.random.default_rng(7), []
    x = np.full((1, 1), row * 1.000001, np.float32)
    for step in range(steps):
        gradient = H * (array.weights - w_opt) + SIGMA * draw.standard_normal((1, n))
        d = (gradient / row).astype(np.float32)
        array.pulse_coincidence(x, d, lr, bl_min=1, bl_max=1, managed=False)
        if step % 500 == 499:
            seen.append(array.weights.astype(np.float64).copy())
    assert array.ledger.row_pulses[2, 0] == steps
    return array, np.mean(seen[-keep:], axis=0).ravel()


def curves(array, device):
    """Return the nominal steps up and down as functions of the weight, in weight units."""

    def state(w):
        return np.array([w / 2 + float(array.reference[0, 0])])

    up, down = device.response.step_up, device.response.step_down
    return lambda w: 2 * float(up(state(w))[0]), lambda w: 2 * float(down(state(w))[0])


def check(w, wanted, finite):
    """Mean of all synapses within 5e-9 false alarm, and an allowance for the finite step."""
    error = stats.norm.isf(ALPHA / 2) * w.std() / math.sqrt(w.size)
    print(f"mean {w.mean():.5f}, wanted {wanted:.5f}, statistical {error:.5f}")
    assert error < 0.003
    assert abs(w.mean() - wanted) < error + finite


@pytest.mark.parametrize(
    "device, w_opt, reference, shift",
    ((SOFT, 0.4, 0.5, 0.08), (SOFT, -0.3, 0.4, 0.08), (BETA, -0.3, 0.5, 0.05)),
)
def test_descent_settles_where_the_formula_says(device, w_opt, reference, shift):
    """Against the root of ``E[g] F + E|g| G``; for soft bounds also the linear formula."""
    array, w = settle(device, w_opt, reference)
    up, down = curves(array, device)
    root = quadratic_stationary_exact(H, w_opt, SIGMA, up, down, (-0.8, 0.8))
    assert abs(root - w_opt) > shift
    check(w, root, finite=2e-3)
    star = 2 * (device.symmetry_point - reference)
    slope = (down(star + 1e-4) - up(star + 1e-4)) / (down(star) + up(star)) / 1e-4
    linear = quadratic_stationary(H, w_opt, star, SIGMA, slope)
    assert min(w_opt, star) < root < max(w_opt, star)
    assert abs(linear - root) < 0.02


@pytest.mark.parametrize("device", (SOFT, BETA))
def test_no_bias_with_the_symmetry_point_at_the_optimum(device):
    reference = float(device.symmetry_point) - 0.1
    _, w = settle(device, 0.2, reference, steps=2000)
    check(w, 0.2, finite=1e-3)
