"""What a measurement cannot tell: bounds, tight correlations, and what would help."""

from __future__ import annotations

import numpy as np

from feemu.fit.estimate import Estimate
from feemu.fit.posterior import NOISE
from feemu.fit.problem import OWN
from feemu.fit.scoring import climb

#: A pair is named above this correlation; a parameter is not identified above this sd over value.
TIGHT, WIDE = 0.95, 0.5
#: Drop of the log likelihood at the end of a one-sided 95 % interval: 1.645^2 / 2.
_DROP = 1.353
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


def one_sided(found: Estimate) -> dict[str, tuple[float, float]]:
    """Return one-sided 95 % intervals (own scale) of noise terms that the fit puts at zero.

    The upper end is where the likelihood, at its maximum over all else, has dropped by 1.353.
    """
    problem, point = found.problem, found.point
    low, _ = problem.limits()
    tau = np.where(found.tau > 0, found.tau, 1.0)
    out = {}
    for j in np.flatnonzero(~point.free):
        if j < point.x.size - 4 or point.x[j] > low[j] + 1e-9:
            continue
        held = np.zeros(point.x.size, bool)
        held[j] = True
        a, b = point.x[j], min(point.x[j] + 10.0, -0.7)
        for _ in range(9):
            x = point.x.copy()
            x[j] = (a + b) / 2
            here = climb(problem, x, point.u, tau, steps=4, tolerance=0.1, held=held)
            if here.target < point.target - _DROP:
                b = x[j]
            else:
                a = x[j]
        out[NOISE[j - point.x.size + 4]] = (-np.inf, b)
    return out


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
