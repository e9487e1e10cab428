"""Coverage of 95 % intervals over virtual measurements: python coverage_of_fits.py FIRST LAST.

Each measurement is fitted with its true model. Intervals of width zero (a parameter at a bound)
are counted apart.
"""

import sys
from collections import defaultdict

import numpy as np
from virtual import MODELS, virtual

from feemu.fit.estimate import estimate, refined
from feemu.fit.posterior import draw, table
from feemu.fit.sequence import sequences
from feemu.fit.shapes import SHAPES
from feemu.fit.stream import Stream


def coverage(first: int, last: int) -> tuple[dict, int]:
    """Return hits by (model, parameter), and the number of intervals at a bound."""
    hits, bound = defaultdict(list), 0
    for name in MODELS:
        for i in range(first, last):
            ds, true = virtual(name, i)
            found = refined(estimate(sequences(ds)[0], SHAPES[name]))
            for key, column in table(found, draw(found, 2000, Stream(0))).items():
                low, high = np.quantile(column, [0.025, 0.975])
                if high > low:
                    hits[name, key].append(low <= true[key] <= high)
                else:
                    bound += 1
    return hits, bound


def main() -> None:
    """Print coverage by model, by parameter and pooled."""
    hits, bound = coverage(*map(int, sys.argv[1:3]))
    for place in (0, 1):
        groups = defaultdict(list)
        for key, values in hits.items():
            groups[key[place]] += values
        for key, values in groups.items():
            print(f"{key:18s} {np.mean(values):.3f} of {len(values)}")
    pooled = [v for values in hits.values() for v in values]
    print(f"pooled {np.mean(pooled):.3f} of {len(pooled)}; at a bound: {bound}")


if __name__ == "__main__":
    main()
