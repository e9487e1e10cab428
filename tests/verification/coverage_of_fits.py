"""Coverage of the fit's 95 % intervals on virtual measurements whose truth is known.

The full set, 400 measurements per model: ``python tests/verification/coverage_of_fits.py 0 400``;
100 of all four models take some ten minutes of one processor. What is done stands in ``--out``, one
line of JSON per measurement, and is not done again; ``--report`` only prints what is there.
Each measurement has two polarities, 10 cycles and 5 devices (`virtual`). Counted apart are
parameters that the fit puts at a bound and those that it calls not identified; of the latter, how
many the Fisher information at the truth promises with a standard deviation below 20 % of the value.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from virtual import MODELS, virtual

from feemu.fit import SHAPES, fit
from feemu.fit.posterior import table
from feemu.fit.problem import Problem
from feemu.fit.scoring import joined
from feemu.fit.sequence import sequences

NOISE = ("relative", "absolute", "read_noise", "drift")
SPREAD = ("step_spread", "asymmetry_spread", "g_on_spread", "g_off_spread")
#: Standard deviation over value below which a parameter ought to be identified.
PROMISED = 0.2


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
    out = dict(zip((*shape.free, "G_min", "G_max", *NOISE), sd.tolist()))
    for key in out:
        if key not in shape.logs and key not in NOISE:
            scale = (s.high - s.low) if key.startswith("G_") else 1.0
            out[key] *= scale / abs(true[key])
    return out


def judge(name: str, number: int, **more) -> list[dict]:
    """Return what one fit says of each parameter, beside the truth."""
    ds, true = virtual(name, number, **more)
    part = fit(ds, name).part()
    told = promised(ds, true, name)
    draws = table(part.estimate, part.draws)
    out = []
    for key, value in part.parameters.items():
        weak = any(n.startswith(f"{key} is not identified") for n in part.notes)
        kind = "at a bound" if value.note == "at a bound" else "not identified" if weak else "told"
        out.append({
            "model": name, "number": number, "parameter": key, "kind": kind,
            "truth": true[key], "value": value.value, "lower": value.lower, "upper": value.upper,
            "below": float(np.mean(draws[key] < true[key])), "promised": told.get(key),
            "covered": bool(value.lower <= true[key] <= value.upper),
        })  # fmt: skip
    return out


def lines(file: Path) -> list[dict]:
    """Return the rows of a file of JSON lines; a last line that was cut is left out."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            rows += json.loads(line)
        except ValueError:
            continue
    return rows


def run(file: Path, first: int, last: int) -> None:
    """Do what is not yet in the file."""
    done = {(row["model"], row["number"]) for row in lines(file)}
    with file.open("a") as out:
        for number in range(first, last):
            for name in MODELS:
                if (name, number) not in done:
                    out.write("\n" + json.dumps(judge(name, number)))
                    out.flush()


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
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    if not options.report:
        run(options.out, options.first, options.last)
    print(report(lines(options.out)))
