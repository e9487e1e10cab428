"""Slow, obvious rewrite of the event kernel, written from the definitions alone.

Nothing in here imports the array, the random numbers or the algorithms of `feemu`; scalar loops
and Python integers throughout. The fast code is compared with it event by event.
"""

from .algorithms import (
    MixedPrecision,
    alternating,
    drift_coefficients,
    mixed_precision_step,
    quadratic_stationary,
    quadratic_stationary_exact,
    simulate_quadratic,
    soft_bounds_contraction,
    soft_bounds_two_cycle,
)
from .curves import (
    ExactCurves,
    TableCurves,
    beta,
    constant,
    exponential_conductance,
    linear_conductance,
    soft_bounds,
    table_conductance,
    tabulated,
    with_noise,
)
from .emulator import OracleArray, Outcome, coincidence_batch
from .ledger import STATE_BINS, OracleLedger
from .normal import normal, normals
from .philox import key, philox4x32, splitmix64, update_words, word, words
from .trains import Train, make_train
from .transfer import Agad, AutoRate, Chop, Lines, Tracking, buffer_line, held_off_zero

__all__ = [
    "STATE_BINS",
    "Agad",
    "AutoRate",
    "Chop",
    "ExactCurves",
    "Lines",
    "MixedPrecision",
    "OracleArray",
    "OracleLedger",
    "Outcome",
    "TableCurves",
    "Tracking",
    "Train",
    "alternating",
    "beta",
    "buffer_line",
    "coincidence_batch",
    "constant",
    "drift_coefficients",
    "exponential_conductance",
    "held_off_zero",
    "key",
    "linear_conductance",
    "make_train",
    "mixed_precision_step",
    "normal",
    "normals",
    "philox4x32",
    "quadratic_stationary",
    "quadratic_stationary_exact",
    "simulate_quadratic",
    "soft_bounds",
    "soft_bounds_contraction",
    "soft_bounds_two_cycle",
    "splitmix64",
    "table_conductance",
    "tabulated",
    "update_words",
    "with_noise",
    "word",
    "words",
]
