"""What the filter's approximations do to a fit, found by running it on trajectories of the model.

The filter is exact for small noise away from the ends only. Its score at the fitted parameters,
averaged over simulated measurements, is the bias of its estimating equation, and the scatter of
that score against its information tells how far the information is to be believed (Godambe,
Ann. Math. Stat. 31, 1208 (1960), doi:10.1214/aoms/1177705693).
"""

from __future__ import annotations

import dataclasses

import numpy as np

from feemu.fit.problem import Problem
from feemu.fit.trajectories import Simulation

#: Simulated measurements of one device that are aimed at, and the most readings to spend.
_WANTED, _READINGS = 240, 400_000
_FEWEST = 8


@dataclasses.dataclass
class Correction:
    """Mean and covariance of the whitened score of one device.

    Attributes
    ----------
    free : ndarray of int
        Global parameters that it covers.
    mean : ndarray, shape (free,)
        Bias in units of the information's square root.
    inverse : ndarray, shape (free, free)
        Inverse covariance; the identity where the filter is exact.
    """

    free: np.ndarray
    mean: np.ndarray
    inverse: np.ndarray


def correction(problem: Problem, x: np.ndarray, u: np.ndarray, free: np.ndarray) -> Correction:
    """Return the correction at a point from simulated measurements."""
    s = problem.sequence
    simulation = Simulation(problem, x, u)
    runs = min(-(-_WANTED // s.devices), max(_FEWEST, _READINGS // s.y.size))
    move = np.flatnonzero(free)
    rows = []
    for number in range(runs):
        _, g, info = simulation.draw(number).information(x, u, own=False)
        for d in range(s.devices):
            rows.append(whitener(info[d][np.ix_(move, move)])[0] @ g[d, move])
    w = np.array(rows)
    return Correction(move, *_moments(w))


def _moments(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and a shrunken inverse covariance of rows.

    Rows of covariance one have an inverse that is one in the mean, however few they are: by the law
    of Marchenko and Pastur (Math. USSR Sb. 1, 457 (1967), doi:10.1070/SM1967v001n04ABEH001994) the
    mean ``m(z)`` of ``1 / (value - z)`` over eigenvalues solves
    ``q z m^2 - (1 - q - z) m + 1 = 0``, with ``q`` columns for each degree of freedom.
    """
    n, k = w.shape
    mean = w.mean(axis=0)
    cov = np.cov(w.T) if k > 1 else np.array([[w.var()]])
    share = k / (n + k)
    cov = (1 - share) * cov + share * np.eye(k)
    q, z = k / max(n - 1, 1), -share / (1 - share)
    half = 1 - q - z
    expected = (half - np.sqrt(half**2 - 4 * q * z)) / (2 * q * z) / (1 - share)
    return mean, np.linalg.inv(cov) / expected


def whitener(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the inverse symmetric root of an information matrix, and the root."""
    scale = np.sqrt(np.maximum(np.diag(information), 1e-12))
    value, vector = np.linalg.eigh(information / scale[:, None] / scale)
    root = np.sqrt(np.maximum(value, 1e-9))
    # With the scales outside, the root is not symmetric; any root whitens.
    return (vector / root) @ vector.T / scale, scale[:, None] * ((vector * root) @ vector.T)


def corrected(
    found: Correction, gradient: np.ndarray, information: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and information of one device, over global and own, as they should be.

    The score over the device's own deviations is a linear function of that over the global
    parameters, which the information shows.
    """
    move = found.free
    theta = information[np.ix_(move, move)]
    inverse, root = whitener(theta)
    better = root @ found.inverse @ root.T
    score = root @ found.inverse @ (inverse @ gradient[move] - found.mean)
    joint = np.concatenate([move, np.arange(k, information.shape[0])])
    lift = information[np.ix_(joint, move)] @ inverse.T @ inverse
    new_g, new_h = np.zeros_like(gradient), np.zeros_like(information)
    new_g[joint] = lift @ score
    new_h[np.ix_(joint, joint)] = lift @ better @ lift.T
    return new_g, new_h
