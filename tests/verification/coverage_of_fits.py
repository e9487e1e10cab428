"""Coverage of the fit's 95 % intervals on virtual measurements whose truth is known.

The full set, 400 measurements per model: ``python tests/verification/coverage_of_fits.py 0 400``;
with ``--from-truth`` the climb begins there, which tests the intervals and not the search, in a
quarter of the time. What is done stands in ``--out``, one line of JSON per measurement, and is not
done again; ``--report`` only prints what is there.
Each measurement has two polarities, 10 cycles and 5 devices (`virtual`). Counted apart are
parameters that the fit puts at a bound and those that it calls not identified; of the latter, how
many the Fisher information at the truth promises with a standard deviation below 20 % of the value.
"""

import argparse
import functools
from collections import defaultdict
from pathlib import Path

import numpy as np
from kept_rows import fill
from virtual import MODELS, virtual

from feemu.fit import SHAPES, fit
from feemu.fit.estimate import Estimate, finished, settle
from feemu.fit.fitting import intervals
from feemu.fit.limits import notes
from feemu.fit.posterior import NAMES, NOISE, SPREADS
from feemu.fit.problem import Problem
from feemu.fit.scoring import climb, joined
from feemu.fit.sequence import sequences

#: Standard deviation over value below which a parameter ought to be identified.
PROMISED = 0.2


def at_truth(ds, true: dict, name: str) -> tuple[Problem, np.ndarray, np.ndarray, np.ndarray]:
    """Return the problem of a measurement, and all parameters and spreads at their true values."""
    s, shape = sequences(ds)[0], SHAPES[name]
    ends = [(true[k] - s.low) / (s.high - s.low) for k in ("G_min", "G_max")]
    first = shape.internal({k: true[k] for k in shape.free})
    rate = true["drift_rate"]
    x = np.concatenate([first, [rate], ends, np.log([true[k] for k in NOISE])])
    return Problem(s, shape), x, ds["own"].values, np.array([true[k] for k in SPREADS])


def promised(ds, true: dict, name: str) -> dict[str, float]:
    """Return sd over value of the parameters that the information at the truth promises."""
    problem, x, u, tau = at_truth(ds, true, name)
    s, shape = problem.sequence, problem.shape
    _, _, h = joined(problem, x, u)
    h[x.size :, x.size :] += np.diag(np.tile(tau**-2.0, len(u)))
    sd = np.sqrt(np.diag(np.linalg.inv(h + 1e-9 * np.eye(len(h)))))
    out = dict(zip((*shape.free, *NAMES), sd.tolist()))
    del out["drift_rate"]  # a sd over a value that may be 0
    for key in out:
        if key not in shape.logs and key not in NOISE:
            scale = (s.high - s.low) if key.startswith("G_") else 1.0
            out[key] *= scale / abs(true[key])
    return out


def climbed(ds, true: dict, name: str) -> Estimate:
    """Return the maximum that is reached from the truth."""
    problem, x, u, tau = at_truth(ds, true, name)
    return finished(problem, *settle(problem, climb(problem, x, u, tau), tau))


def near_truth(ds, true: dict, name: str):
    """Return draws, intervals and notes of the maximum that is reached from the truth."""
    found, _, rows, values = intervals(climbed(ds, true, name), False, "S", 2000, 0.95, 0)
    bound = [k for k, v in values.items() if v.note == "at a bound"]
    return rows, values, notes(found, rows, bound)


def judge(name: str, number: int, start: bool = False, **more) -> list[dict]:
    """Return what one fit says of each parameter, beside the truth; `start`: begin at the truth."""
    ds, true = virtual(name, number, **more)
    if start:
        draws, values, said = near_truth(ds, true, name)
    else:
        part = fit(ds, name).part()
        draws, values, said = part.columns, part.parameters, part.notes
    told = promised(ds, true, name)
    out = []
    for key, value in values.items():
        weak = any(n.startswith(f"{key} is not identified") for n in said)
        weak = weak or value.note.startswith("tied to")
        weak = "not identified" if weak else "told"
        kind = value.note if value.note in ("at a bound", "held") else weak
        out.append({
            "model": name, "number": number, "parameter": key, "kind": kind,
            "truth": true[key], "value": value.value, "lower": value.lower, "upper": value.upper,
            "below": float(np.mean(draws[key] < true[key])), "promised": told.get(key),
            "covered": bool(value.lower <= true[key] <= value.upper),
        })  # fmt: skip
    return out


def report(rows: list[dict]) -> str:
    """Return coverage by parameter, by model and pooled, and what is counted apart."""
    told = [r for r in rows if r["kind"] == "told"]
    out = [f"{len({(r['model'], r['number']) for r in rows})} measurements"]
    for what in ("parameter", "model"):
        groups = defaultdict(list)
        for row in told:
            groups[row[what]].append(row)
        for key, group in groups.items():
            hits = [r["covered"] for r in group]
            below = np.clip([r["below"] for r in group], 0.0, 1.0)
            out.append(
                f"{key:18s} {np.mean(hits):.3f} +- {np.std(hits) / len(hits) ** 0.5:.3f} of "
                f"{len(hits):4d}; truth below {np.mean(below < 0.025):.3f}, "
                f"above {np.mean(below > 0.975):.3f}"
            )
    for kind in dict.fromkeys(r["kind"] for r in rows):
        hits = [r["covered"] for r in rows if r["kind"] == kind]
        out.append(f"{kind:18s} {np.mean(hits):.3f} of {len(hits)}")
    sure = [r for r in rows if r["promised"] is not None and r["promised"] < PROMISED]
    lost = [r for r in sure if r["kind"] == "not identified"]
    out.append(f"promised below {PROMISED:g}, called not identified: {len(lost)} of {len(sure)}")
    return "\n".join(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("last", type=int, nargs="?", default=400)
    parser.add_argument("--out", type=Path, default=Path("coverage.jsonl"))
    parser.add_argument("--from-truth", action="store_true", help="intervals only, no search")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    numbers = [] if options.report else range(options.first, options.last)
    places = [(name, i) for i in numbers for name in MODELS]
    work = functools.partial(judge, start=options.from_truth)
    print(report(fill(options.out, places, work)))
