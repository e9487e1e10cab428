"""What a measurement cannot tell: bounds, tight correlations, and what would help."""

from __future__ import annotations

import numpy as np

from feemu.fit.estimate import Estimate
from feemu.fit.problem import FEWEST_STEPS, OWN

#: A pair is named above this correlation; a parameter is not identified above this sd over value.
TIGHT, WIDE = 0.95, 0.5
#: With a parameter at a bound already above this one.
TIED = 0.8
_HELP = {
    "G_min": "depress further, until levels stop falling",
    "G_max": "potentiate further, until levels stop rising",
    "relative": "more pulses where steps are large, or with a finer reading",
    "absolute": "more pulses where steps are small, near the ends of the range",
    "read_noise": "repeat readings without a pulse between them",
    "drift": "more cycles, with a pause between them",
    "drift_rate": "more cycles",
    "step_spread": "more devices",
    "asymmetry_spread": "more devices",
    "g_on_spread": "more devices",
    "g_off_spread": "more devices",
}


def notes(found: Estimate, table: dict, at_bound: list[str]) -> list[str]:
    """Return sentences on what the data do not tell, each with a measurement that would."""
    out = []
    shape = found.problem.shape
    if shape.fixed:
        out.append(f"model {shape.name}: {shape.fixed}")
    for name in at_bound:
        far = " and is not identified: a longer range gives the same steps"
        out.append(f"{name} lies at a bound of its range"
                   f"{far if name in open_ends([name]) else ''}{_help(name)}")  # fmt: skip
    out += [f"only a part of the range was seen: steps, exponents and noise are counted in it, and"
            f" tied to {end}" for end in open_ends(at_bound)]  # fmt: skip
    signed = ("G_min", "G_max", "drift_rate")
    scale = {n: np.log(np.abs(v) + 1e-300) for n, v in table.items() if n not in signed}
    for name, v in scale.items():
        width = (np.quantile(v, 0.975) - np.quantile(v, 0.025)) / 4
        if width > WIDE and name not in at_bound:
            out.append(f"{name} is not identified (known to a factor of {np.exp(2 * width):.3g})"
                       f"{_help(name)}")  # fmt: skip
    out += _of_cycles(found, table["drift_rate"])
    tied = ties(table, at_bound)
    out += [f"{a} is tied to {b}, which lies at a bound (correlation {c:+.2f}): alone it says"
            " nothing" for a, b, c in tied]  # fmt: skip
    said = {frozenset(pair[:2]) for pair in tied}
    out += [f"{a} and {b} cannot be told apart (correlation {c:+.2f}){_help(a, b)}"
            for a, b, c in pairs(table)
            if frozenset((a, b)) not in said]  # fmt: skip
    left = found.problem.sequence.shape[0] - found.problem.sequence.devices
    if found.problem.sequence.outside:
        out.append(f"{found.problem.sequence.outside} reading(s) far outside all others left out")
    if left:
        out.append(f"{left} device(s) with fewer than four readings are left out")
    if found.problem.sequence.devices == 1:
        out.append(f"one device: no spread between devices ({', '.join(OWN)}); measure more")
    elif found.problem.sequence.devices < 4:
        out.append(f"{found.problem.sequence.devices} devices: their spread is hardly known")
    if not found.point.converged:
        out.append("the fit did not converge: take nothing from it without a look at the picture")
    return out


def _of_cycles(found: Estimate, rate: np.ndarray) -> list[str]:
    """Return what the number of cycles leaves open of the drift, from draws of its rate."""
    cycles, steps = found.problem.sequence.shape[1], found.problem.cycle_steps
    if cycles == 1:
        return ["one cycle: drift cannot be seen, drift_rate is held at 0; measure more cycles"]
    if steps < FEWEST_STEPS:
        return [f"drift_rate is held at 0: {steps} step(s) between cycles do not tell it from"
                " random drift; measure more cycles"]  # fmt: skip
    width = np.quantile(rate, 0.975) - np.quantile(rate, 0.025)
    if width * (cycles - 1) > 1.0:
        return [f"drift_rate is not identified (its interval, times {cycles - 1} steps between"
                f" cycles, is wider than the range){_help('drift_rate')}"]  # fmt: skip
    return []


def open_ends(at_bound: list[str]) -> list[str]:
    """Return the ends of the range that are at a bound: a few times the measured range away."""
    return [name for name in ("G_min", "G_max") if name in at_bound]


def ties(table: dict, at_bound: list[str]) -> list[tuple[str, str, float]]:
    """Return each parameter that is tied to one at a bound, the tightest such, and how tightly."""
    at_bound = [n for n in at_bound if n not in open_ends(at_bound)]
    best: dict[str, tuple[str, str, float]] = {}
    for one, two, c in pairs(table, TIED):
        for a, b in ((one, two), (two, one)):
            if b in at_bound and a not in at_bound and abs(c) > abs(best.get(a, (a, b, 0.0))[2]):
                best[a] = (a, b, c)
    return list(best.values())


def pairs(table: dict, tight: float = TIGHT) -> list[tuple[str, str, float]]:
    """Return pairs of parameters whose draws are correlated beyond `tight`."""
    names = [n for n, v in table.items() if np.std(v) > 1e-9 * max(abs(np.mean(v)), 1e-300)]
    if len(names) < 2:
        return []
    c = np.corrcoef([table[n] for n in names])
    where = np.argwhere(np.triu(np.abs(c) > tight, 1))
    return [(names[i], names[j], float(c[i, j])) for i, j in where]


def _help(*names: str) -> str:
    known = dict.fromkeys(_HELP[n] for n in names if n in _HELP)
    if not known:
        known = {"longer branches, until both ends of the range are reached": None}
    return f": {'; '.join(known)}"
