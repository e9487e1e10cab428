"""Coverage of the fit's 95 % intervals, and its choice of model, on virtual measurements.

Quick set of 40: ``python tests/verification/coverage_of_fits.py 0 10``; full set of 400:
``... 0 100``. ``--choice`` ranks all models instead. Each measurement has two polarities, 10
cycles and 5 devices (`virtual`). Counted apart: parameters that the fit puts at a bound, and those
that it calls not identified; of the latter, how many the information at the truth promises with a
standard deviation below 20 % of the value.
"""

import argparse
from collections import defaultdict

import numpy as np
from virtual import MODELS, virtual

from feemu.fit import SHAPES, fit
from feemu.fit.estimate import estimate
from feemu.fit.problem import Problem
from feemu.fit.ranking import rank
from feemu.fit.scoring import joined
from feemu.fit.sequence import sequences

NOISE = ("relative", "absolute", "read_noise", "drift")
SPREAD = ("step_spread", "asymmetry_spread", "g_on_spread", "g_off_spread")
#: Expected difference of AIC from which two models count as distinguishable.
DISTINCT = 10.0
#: Of a true model: simpler models that contain or equal it at some parameters.
SMALLER = {"power": ("soft_bounds", "linear", "constant"), "exponential": ("soft_bounds",)}


def promised(ds, true: dict, name: str) -> dict[str, float]:
    """Return sd over value of the parameters that the information at the truth promises."""
    s, shape = sequences(ds)[0], SHAPES[name]
    ends = [(true[k] - s.low) / (s.high - s.low) for k in ("G_min", "G_max")]
    first = shape.internal({k: true[k] for k in shape.free})
    x = np.concatenate([first, ends, np.log([true[k] for k in NOISE])])
    u = ds["own"].values
    _, _, h = joined(Problem(s, shape), x, u)
    prior = np.tile(np.array([true[k] for k in SPREAD]) ** -2.0, len(u))
    h[x.size :, x.size :] += np.diag(prior)
    sd = np.sqrt(np.diag(np.linalg.inv(h + 1e-9 * np.eye(len(h)))))
    out = dict(zip((*shape.free, "G_min", "G_max", *NOISE), sd))
    for key in out:
        if key not in shape.logs and key not in NOISE:
            scale = (s.high - s.low) if key.startswith("G_") else 1.0
            out[key] *= scale / abs(true[key])
    return out


def judge(name: str, number: int) -> list[tuple[str, str, bool]]:
    """Return (parameter, how it is counted, covered) for one measurement."""
    ds, true = virtual(name, number)
    found = fit(ds, name)
    part = found.part()
    told = promised(ds, true, name)
    out = []
    for key, value in part.parameters.items():
        hit = value.lower <= true[key] <= value.upper
        weak = any(n.startswith(f"{key} is not identified") for n in part.notes)
        kind = "interval"
        if value.note == "at a bound":
            kind = "at a bound"
        elif weak:
            kind = "weak, promised" if told.get(key, 1.0) < 0.2 else "weak"
        out.append((key, kind, hit))
        if not hit:
            print(f"  {name} {number} {key} ({kind}): {true[key]:.4g} not in "
                  f"{value.lower:.4g}..{value.upper:.4g}", flush=True)  # fmt: skip
    return out


def coverage(first: int, last: int) -> None:
    """Print coverage by model, by parameter and pooled, and what is counted apart."""
    rows = [(n, *row) for n in MODELS for i in range(first, last) for row in judge(n, i)]
    for place in (0, 1):
        groups = defaultdict(list)
        for row in rows:
            if row[2] == "interval" or row[1] in SPREAD:
                groups[row[place]].append(row[3])
        for key, hits in groups.items():
            print(f"{key:18s} {np.mean(hits):.3f} of {len(hits)}")
    for kind in dict.fromkeys(row[2] for row in rows):
        hits = [row[3] for row in rows if row[2] == kind]
        print(f"{kind:18s} {np.mean(hits):.3f} of {len(hits)}")
    print(f"{'all':18s} {np.mean([row[3] for row in rows]):.3f} of {len(rows)}")


def choice(first: int, last: int) -> None:
    """Print how often the right model is chosen where models are distinguishable."""
    right, wrong, same = 0, 0, 0
    for name in MODELS:
        for i in range(first, last):
            rows, _ = rank(sequences(virtual(name, i)[0]), tuple(SHAPES), held_out=False)
            best = rows[0].model
            if best == name or best in SMALLER.get(name, ()):
                right += 1
                continue
            # An independent measurement of the same device decides what could be told apart.
            s = sequences(virtual(name, i, again=1)[0])[0]
            gap = estimate(s, SHAPES[best]).aic - estimate(s, SHAPES[name]).aic
            wrong, same = (wrong + 1, same) if gap >= DISTINCT else (wrong, same + 1)
            print(f"  {name} {i}: chosen {best}; expected gap of AIC {gap:.1f}", flush=True)
    print(f"right {right}, wrong {wrong}, not distinguishable {same}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--choice", action="store_true")
    options = parser.parse_args()
    (choice if options.choice else coverage)(options.first, options.last)
