"""Virtual measurements whose truth is known: four models at random, realistic parameters."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "fit"))

from simulate import measure

from feemu.devices import Beta, Exponential, Power, SoftBounds

MODELS = ("beta", "soft_bounds", "power", "exponential")


def truth(name, number):
    """Return the true model, noise and spread of one virtual measurement."""
    rng = np.random.default_rng([MODELS.index(name), number, 20])

    def between(lo, hi):
        return float(np.exp(rng.uniform(np.log(lo), np.log(hi))))

    step = between(0.02, 0.08), between(0.02, 0.08)
    if name == "soft_bounds":
        model = SoftBounds(*step)
    elif name == "power":
        model = Power(*step, rng.uniform(0.6, 2.2), rng.uniform(0.6, 2.2))
    elif name == "exponential":
        g = between(1.5, 8.0), between(1.5, 8.0)
        cut = [float(np.exp(-v / 2)) for v in g]
        model = Exponential(*(s * 0.8 for s in step), *cut, *g, 0.5, 0.0)
    else:
        a, b, c, d = rng.uniform(1.4, 2.6, 4)
        peak = [s / _peak(*e) for s, e in zip(step, ((a, b), (c, d)))]
        model = Beta(peak[0], a, b, peak[1], c, d)
    known = {
        "relative": between(0.02, 0.2),
        "absolute": between(0.001, 0.006),
        "read": between(0.001, 0.01),
        "drift": between(0.002, 0.015),
        "spread": (
            between(0.04, 0.2),
            between(0.02, 0.1),
            between(0.01, 0.06),
            between(0.01, 0.06),
        ),
        "pulses": int(rng.integers(40, 101)),
        "rate": _rate(name, number),
    }
    return model, known


def _rate(name, number):
    """Return the rate of the drift, 0 for even numbers; from random numbers of its own."""
    rng = np.random.default_rng([MODELS.index(name), number, 19])
    return float(rng.uniform(-0.004, 0.004)) if number % 2 else 0.0


def _peak(a, b):
    p = (a - 1) / (a + b - 2)
    return p ** (a - 1) * (1 - p) ** (b - 1)


def virtual(name, number, again=0, **more):
    """Return one virtual measurement and its true values under the names of a fit's report.

    ``again`` counts independent measurements of the same truth.
    """
    model, known = truth(name, number)
    ds = measure(model, seed=[MODELS.index(name), number, 21 + again], **{**known, **more})
    low, high = 2e-6, 2e-5
    values = {f: getattr(model, f) for f in model.__dataclass_fields__}
    values |= {"G_min": low, "G_max": high, "relative": known["relative"]}
    values |= {"absolute": known["absolute"], "read_noise": known["read"], "drift": known["drift"]}
    values["drift_rate"] = known["rate"]
    names = ("step_spread", "asymmetry_spread", "g_on_spread", "g_off_spread")
    values |= dict(zip(names, known["spread"]))
    return ds, values
