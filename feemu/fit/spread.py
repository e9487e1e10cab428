"""Device-to-device spread: restricted likelihood of the standard deviations, and draws.

Near the maximum the likelihood of all parameters is a normal density with known information, so
that the deviations of the devices can be integrated out exactly. What is left is a density of the
four standard deviations, from which they are drawn; everything else is normal given them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from feemu.fit.problem import OWN
from feemu.fit.scoring import Point
from feemu.fit.stream import Stream

#: Range of the standard deviations.
SMALLEST, LARGEST = 1e-4, 2.0
_GRID = np.exp(np.linspace(np.log(SMALLEST), np.log(LARGEST), 60))


@dataclass
class Deviations:
    """The devices' deviations with the global parameters integrated out.

    Attributes
    ----------
    matrix : ndarray, shape (4 devices, 4 devices)
        Information of all deviations.
    vector : ndarray, shape (4 devices,)
        Information times the unpenalised maximum.
    error : ndarray, shape (devices, 4)
        Variance of each deviation if the others are known to their spread.
    """

    matrix: np.ndarray
    vector: np.ndarray
    error: np.ndarray

    @property
    def devices(self) -> int:
        """Number of devices."""
        return self.vector.size // 4


def deviations(point: Point, tau: np.ndarray, ridge: bool = False) -> Deviations:
    """Return the information on the deviations at a point found with spreads `tau`.

    `ridge`: the levels are held as an end moves, for finding spreads that do not collapse. Draws
    are normal in the parameters as they are, and so need the information as it is.
    """
    k = point.x.size
    move = np.flatnonzero(point.free)
    gradient, h = _along_ridge(point) if ridge else (point.gradient, point.information)
    theta = h[np.ix_(move, move)] + 1e-9 * np.eye(move.size)
    cross = h[k:, move]
    here = point.u.ravel()
    solved = np.linalg.solve(theta, cross.T)
    matrix = h[k:, k:] - cross @ solved
    vector = h[k:, k:] @ here + gradient[k:]
    vector -= cross @ np.linalg.solve(theta, cross.T @ here + gradient[move])
    error = np.empty_like(point.u)
    for d in range(point.u.shape[0]):
        part = slice(k + 4 * d, k + 4 * d + 4)
        full = np.linalg.inv(h[part, part] + np.diag(tau**-2))
        error[d] = 1.0 / np.maximum(1.0 / np.diag(full) - tau**-2, 1e-12)
    return Deviations((matrix + matrix.T) / 2, vector, error)


def _along_ridge(point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient and information with the levels of the devices held as an end moves.

    A far end is hardly seen. With it the range grows, and the same difference of levels between
    devices is a smaller deviation: in proportion to one over the distance of the far end from the
    levels at the near one, never zero. A straight line would reach zero, and no spread at all.
    """
    k, (off, on) = point.x.size, point.x[-6:-4]
    turn = np.eye(point.gradient.size)
    turn[k + OWN.index("g_off") :: len(OWN), k - 5] = -point.u[:, OWN.index("g_off")] / on
    turn[k + OWN.index("g_on") :: len(OWN), k - 6] = point.u[:, OWN.index("g_on")] / (1.0 - off)
    return turn.T @ point.gradient, turn.T @ point.information @ turn


def log_density(found: Deviations, tau: np.ndarray) -> np.ndarray:
    """Return the log restricted likelihood of spreads, plus the prior, at `tau` (m, 4).

    Notes
    -----
    The prior of a spread is Jeffreys', ``sqrt(sum 2 tau^2 / (tau^2 + v_d)^2)`` with the devices'
    error variances ``v_d``: 1/tau where the spread is well seen, so that intervals are those of
    chi squared, and finite where it is not. As a density over ln tau.
    """
    tau = np.atleast_2d(tau)
    weight = np.tile(tau**-2, found.devices)
    m = tau.shape[0]
    a = np.broadcast_to(found.matrix, (m, *found.matrix.shape)).copy()
    index = np.arange(found.vector.size)
    a[:, index, index] += weight
    low = np.linalg.cholesky(a)
    half = np.linalg.solve(low, np.broadcast_to(found.vector, (m, index.size))[..., None])[..., 0]
    out = 0.5 * np.sum(half**2, axis=1) + 0.5 * np.sum(np.log(weight), axis=1)
    out -= np.sum(np.log(low[:, index, index]), axis=1)
    jeffreys = np.sum(2 * tau[:, None] ** 2 / (tau[:, None] ** 2 + found.error[None]) ** 2, axis=1)
    return out + np.sum(0.5 * np.log(jeffreys) + np.log(tau), axis=1)


def likeliest(found: Deviations, tau: np.ndarray, rounds: int = 4) -> np.ndarray:
    """Return the median of each spread given the others, from `tau` on."""
    tau = np.clip(tau, SMALLEST, LARGEST)
    for _ in range(rounds):
        for j in range(len(OWN)):
            tau = tau.copy()
            tau[j] = _median(*_conditional(found, tau, j))
    return tau


def _conditional(found: Deviations, tau: np.ndarray, j: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points of ln tau_j and the cumulative probability there, given the other spreads."""
    trial = np.repeat(tau[None], _GRID.size, axis=0)
    trial[:, j] = _GRID
    log = log_density(found, trial)
    share = np.cumsum(np.exp(log - log.max()))
    return np.log(_GRID), share / share[-1]


def _median(x: np.ndarray, share: np.ndarray) -> float:
    return float(np.exp(np.interp(0.5, share, x)))


def draw_spreads(found: Deviations, tau: np.ndarray, n: int, generator: Stream) -> np.ndarray:
    """Return `n` draws of the four spreads, shape (n, 4), by importance resampling.

    Each spread is proposed from its widened density given the others at `tau`.
    """
    many = 2 * n
    log_x = np.log(_GRID)
    trial = np.empty((many, len(OWN)))
    proposed = np.zeros(many)
    for j in range(len(OWN)):
        _, share = _conditional(found, tau, j)
        mass = np.maximum(np.diff(share, prepend=0.0), 1e-300) ** 0.7
        mass /= mass.sum()
        share = np.cumsum(mass)
        # Half a grid step to either side, so that a draw is continuous.
        picked = np.minimum(np.searchsorted(share, generator.random(many)), _GRID.size - 1)
        shift = (generator.random(many) - 0.5) * (log_x[1] - log_x[0])
        trial[:, j] = np.exp(np.clip(log_x[picked] + shift, log_x[0], log_x[-1]))
        proposed += np.log(mass[picked])
    log = log_density(found, trial) - proposed
    weight = np.exp(log - log.max())
    total = np.cumsum(weight)
    picked = np.searchsorted(total, generator.random(n) * total[-1])
    return trial[np.minimum(picked, many - 1)]
