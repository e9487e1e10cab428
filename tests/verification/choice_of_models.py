"""Is the right response model chosen where the measurement can tell the models apart?

``python tests/verification/choice_of_models.py 0 100``: as `coverage_of_fits`, 100 measurements of
each of four models. Whether the models can be told apart is not left to the choice itself: the
expected difference of Akaike's criterion between each other model's best fit and the true model's
comes from independent measurements of the same truth. A case counts if that is at least 10 for
all models that neither contain the true one nor are contained in it. Right is the true model, or a
smaller one that is contained in it; a larger one is wrong.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from kept_rows import fill
from virtual import MODELS, virtual

from feemu.fit import SHAPES
from feemu.fit.ranking import chosen, rank
from feemu.fit.sequence import sequences

#: Expected difference of AIC from which two models count as distinguishable.
DISTINCT = 10.0
#: Of a true model: smaller models that it contains, and larger ones that contain it.
SMALLER = {"power": ("soft_bounds",), "exponential": ("soft_bounds",)}
LARGER = {"soft_bounds": ("power", "linear", "exponential", "beta"), "power": ("beta",)}
#: Independent measurements that the expected difference is averaged over.
REPEATS = 1


def gaps(name: str, number: int, again: int, **more) -> tuple[str, dict[str, float]]:
    """Return the chosen model and AIC of all models minus that of the true one."""
    s = sequences(virtual(name, number, again=again, **more)[0])
    rows, _ = rank(s, tuple(SHAPES), held_out=False)
    aic = {r.model: r.aic for r in rows}
    return chosen(rows), {model: value - aic[name] for model, value in aic.items()}


def case(name: str, number: int, repeats: int = REPEATS, **more) -> list[dict]:
    """Return the choice for one measurement, and the expected gaps."""
    best, _ = gaps(name, number, 0, **more)
    others = [gaps(name, number, 1 + i, **more)[1] for i in range(repeats)]
    shared = [m for m in others[0] if all(m in o for o in others)]
    mean = {m: float(np.mean([o[m] for o in others])) for m in shared}
    return [{"model": name, "number": number, "chosen": best, "gaps": mean}]


def judged(row: dict) -> tuple[bool, bool]:
    """Return whether a case counts, and whether its choice is right."""
    name, smaller = row["model"], SMALLER.get(row["model"], ())
    nested = (name, *smaller, *LARGER.get(name, ()))
    nearest = min(gap for m, gap in row["gaps"].items() if m not in nested)
    return nearest >= DISTINCT, row["chosen"] in (name, *smaller)


def report(rows: list[dict]) -> str:
    """Return how often the choice is right, by true model and in all."""
    out = []
    for name in (*MODELS, "all"):
        mine = [r for r in rows if name in (r["model"], "all")]
        told = [r for r in mine if judged(r)[0]]
        right = sum(judged(r)[1] for r in told)
        wrong = Counter(r["chosen"] for r in told if not judged(r)[1])
        out.append(
            f"{name:12s} right {right} of {len(told)} distinguishable"
            f" ({right / max(len(told), 1):.3f}), {len(mine) - len(told)} not; chosen instead: "
            f"{dict(wrong) or 'none'}"
        )
    return "\n".join(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("last", type=int, nargs="?", default=100)
    parser.add_argument("--out", type=Path, default=Path("choice.jsonl"))
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    numbers = [] if options.report else range(options.first, options.last)
    print(report(fill(options.out, [(name, i) for i in numbers for name in MODELS], case)))
