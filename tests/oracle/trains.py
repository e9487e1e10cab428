"""Train length and firing probabilities of one sample of stochastic pulsed descent."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np


class Train(NamedTuple):
    """Pulse trains of one sample; see `make_train`.

    Attributes
    ----------
    length : int
        Slots BL; 0 where nothing happens.
    K : float
        lr max|x| max|d| / granularity, the expected pulses of the largest request.
    scale_x, scale_d : float
        Factors B on |x| and A on |d|.
    p_x, p_d : list of float
        Firing probabilities, limited to 1.
    threshold_x, threshold_d : list of int
        floor(p 2^24).
    clipped : bool
        Managed: K > BL. Unmanaged: a probability above 1 before the limit.
    fragile : bool
        K is so near a whole number that another order of operations may change BL or clipped.
    """

    length: int
    K: float
    scale_x: float
    scale_d: float
    p_x: list
    p_d: list
    threshold_x: list
    threshold_d: list
    clipped: bool
    fragile: bool

    def expected(self) -> np.ndarray:
        """Return the exact expected events per synapse, shape (n_in, n_out), of these trains."""
        x = np.array(self.threshold_x, dtype=np.float64) / 2.0**24
        d = np.array(self.threshold_d, dtype=np.float64) / 2.0**24
        return self.length * np.outer(x, d)


def make_train(
    x: np.ndarray,
    d: np.ndarray,
    lr: float,
    bl_min: int,
    bl_max: int,
    managed: bool,
    granularity: float,
) -> Train:
    """Return the pulse trains of one sample, all in float64.

    Parameters
    ----------
    x : array_like, shape (n_in,)
        Activations.
    d : array_like, shape (n_out,)
        Errors; the request is -lr d x^T.
    lr : float
        Learning rate, >= 0, in visible-weight units.
    bl_min, bl_max : int
        Shortest and longest train.
    managed : bool
        True: both lines get the same largest probability (update management).
    granularity : float
        Nominal weight change of one pulse, > 0, in visible-weight units.

    Notes
    -----
    BL = min(max(ceil(K), bl_min), bl_max); amp = sqrt(lr / (granularity BL));
    managed: B = amp sqrt(d' / xmax), A = amp sqrt(xmax / d') with d' = dmax min(1, BL / K).
    Then BL B|x| A|d| = lr |x d| / granularity where nothing clips
    (doi:10.3389/fnins.2016.00333; there without the two scales).
    """
    if lr < 0 or granularity <= 0 or not 1 <= bl_min <= bl_max:
        raise ValueError(
            f"lr {lr}, granularity {granularity}, train {bl_min}..{bl_max}: "
            "need lr >= 0, granularity > 0, 1 <= bl_min <= bl_max"
        )
    x = [abs(float(v)) for v in x]
    d = [abs(float(v)) for v in d]
    x_max, d_max = max(x, default=0.0), max(d, default=0.0)
    K = lr * x_max * d_max / granularity
    if K == 0.0:
        nothing = [0] * len(x), [0] * len(d)
        return Train(0, 0.0, 0.0, 0.0, *nothing, *nothing, False, False)
    length = min(max(math.ceil(K), bl_min), bl_max)
    amp = math.sqrt(lr / (granularity * length))
    scale_x = scale_d = amp
    if managed:
        d_top = d_max * min(1.0, length / K)
        scale_x = amp * math.sqrt(d_top / x_max)
        scale_d = amp * math.sqrt(x_max / d_top)
    clipped = length < K
    if not managed:
        clipped = scale_x * x_max > 1.0 or scale_d * d_max > 1.0
    p_x = [min(1.0, scale_x * v) for v in x]
    p_d = [min(1.0, scale_d * v) for v in d]
    return Train(
        length,
        K,
        scale_x,
        scale_d,
        p_x,
        p_d,
        [math.floor(p * 2.0**24) for p in p_x],
        [math.floor(p * 2.0**24) for p in p_d],
        clipped,
        abs(K - round(K)) <= 1e-9 * K and bl_min <= round(K) <= bl_max,
    )
