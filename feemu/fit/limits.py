"""What a measurement cannot tell: bounds, tight correlations, and what would help."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from feemu.fit.estimate import Estimate
from feemu.fit.posterior import NOISE
from feemu.fit.problem import OWN
from feemu.fit.scoring import Point, climb

#: A pair is named above this correlation; a parameter is not identified above this sd over value.
TIGHT, WIDE = 0.95, 0.5
#: A noise term is weak if its logarithm has a larger sd than this.
UNSURE = 0.15
#: The ends of a likelihood interval are found as close as this, in the logarithm.
_CLOSE = 0.02
_HELP = {
    "G_min": "depress further, until levels stop falling",
    "G_max": "potentiate further, until levels stop rising",
    "relative": "more pulses where steps are large, or with a finer reading",
    "absolute": "more pulses where steps are small, near the ends of the range",
    "read_noise": "repeat readings without a pulse between them",
    "drift": "more cycles, with a pause between them",
    "step_spread": "more devices",
    "asymmetry_spread": "more devices",
    "g_on_spread": "more devices",
    "g_off_spread": "more devices",
}


def profiled(
    found: Estimate, table: dict, level: float, only_noise: bool
) -> dict[str, tuple[float, float]]:
    """Return intervals (own scale) of the noise terms whose draws say too little.

    Those are terms that the fit puts at zero, and weak ones, whose likelihood is no normal density
    of the logarithm. An end is where the likelihood, at its maximum over all else, has dropped by
    half the quantile of chi squared (1.92 for 95 %; Wilks, Ann. Math. Stat. 9, 60 (1938),
    doi:10.1214/aoms/1177732360); the lower one is minus infinity where it never does.
    `only_noise`: shape and range stay where they are.
    """
    from scipy.stats import chi2

    drop = float(chi2.ppf(level, 1)) / 2
    problem, point = found.problem, found.point
    low, high = problem.limits()
    tau = np.where(found.tau > 0, found.tau, 1.0)
    out = {}
    for j, name in enumerate(NOISE, point.x.size - len(NOISE)):
        if point.free[j] and np.std(np.log(table[name])) < UNSURE:
            continue

        best = _held(found, tau, j, point.x[j], only_noise).target

        def over(value: float, j: int = j, best: float = best) -> float:
            """Return the root of the drop, nearly linear in the value, less the wanted one."""
            lost = best - _held(found, tau, j, value, only_noise).target
            return math.sqrt(max(lost, 0.0)) - math.sqrt(drop)

        guess = 3.0 * float(np.std(np.log(table[name])))
        ends = (low[j], min(point.x[j] + 10.0, high[j]))
        out[name] = tuple(_crossing(over, point.x[j], far, guess) for far in ends)
    return out


def _crossing(over: Callable, best: float, far: float, guess: float) -> float:
    """Return where `over` turns positive on the way from `best` to `far`, -inf if it never does."""
    from scipy.optimize import brentq

    if abs(far - best) < 1e-9:
        return -math.inf if far <= best else far
    near, beyond = best, best + math.copysign(min(guess, abs(far - best)), far - best)
    if over(beyond) <= 0:
        near, beyond = beyond, far
        if over(far) <= 0:
            return -math.inf if far < best else far
    if over(near) >= 0:
        return near
    return float(brentq(over, near, beyond, xtol=_CLOSE))


def _held(found: Estimate, tau: np.ndarray, j: int, value: float, only_noise: bool) -> Point:
    """Return the maximum over all else with global parameter `j` held at a value."""
    x, held = found.point.x.copy(), np.zeros(found.point.x.size, bool)
    held[: -len(NOISE)] = only_noise
    x[j], held[j] = value, True
    return climb(found.problem, x, found.point.u, tau, steps=5, tolerance=0.05, held=held)


def notes(found: Estimate, table: dict, at_bound: list[str]) -> list[str]:
    """Return sentences on what the data do not tell, each with a measurement that would."""
    out = []
    shape = found.problem.shape
    if shape.fixed:
        out.append(f"model {shape.name}: {shape.fixed}")
    for name in at_bound:
        out.append(f"{name} lies at a bound of its range{_help(name)}")
    scale = {n: np.log(np.abs(v) + 1e-300) for n, v in table.items() if not n.startswith("G_")}
    for name, v in scale.items():
        width = (np.quantile(v, 0.975) - np.quantile(v, 0.025)) / 4
        if width > WIDE and name not in at_bound:
            out.append(f"{name} is not identified (known to a factor of {np.exp(2 * width):.3g})"
                       f"{_help(name)}")  # fmt: skip
    out += [f"{a} and {b} cannot be told apart (correlation {c:+.2f}){_help(a, b)}"
            for a, b, c in pairs(table)]  # fmt: skip
    left = found.problem.sequence.shape[0] - found.problem.sequence.devices
    if found.problem.sequence.outside:
        out.append(f"{found.problem.sequence.outside} reading(s) far outside all others left out")
    if left:
        out.append(f"{left} device(s) with fewer than four readings are left out")
    if found.problem.sequence.devices == 1:
        out.append(f"one device: no spread between devices ({', '.join(OWN)}); measure more")
    elif found.problem.sequence.devices < 4:
        out.append(f"{found.problem.sequence.devices} devices: their spread is hardly known")
    if found.problem.sequence.shape[1] == 1:
        out.append("one cycle: drift cannot be seen; measure more cycles")
    if not found.point.converged:
        out.append("the fit did not converge: take nothing from it without a look at the picture")
    return out


def pairs(table: dict) -> list[tuple[str, str, float]]:
    """Return pairs of parameters whose draws are correlated beyond `TIGHT`."""
    names = [n for n, v in table.items() if np.std(v) > 1e-9 * max(abs(np.mean(v)), 1e-300)]
    if len(names) < 2:
        return []
    c = np.corrcoef([table[n] for n in names])
    where = np.argwhere(np.triu(np.abs(c) > TIGHT, 1))
    return [(names[i], names[j], float(c[i, j])) for i, j in where]


def _help(*names: str) -> str:
    known = dict.fromkeys(_HELP[n] for n in names if n in _HELP)
    if not known:
        known = {"longer branches, until both ends of the range are reached": None}
    return f": {'; '.join(known)}"
