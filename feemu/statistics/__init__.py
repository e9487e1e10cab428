"""What a set of runs shows: targets reached, intervals over paired seeds, verdicts on claims."""

from feemu.statistics.claims import VERDICTS, holm, non_inferiority, verdict
from feemu.statistics.intervals import (
    MIN_SEEDS,
    draw_bands,
    mean_interval,
    median_interval,
    paired_difference,
    ratio_of_medians,
)
from feemu.statistics.targets import crossing, energy_to, epochs_to, reached, time_to

__all__ = [
    "MIN_SEEDS",
    "VERDICTS",
    "crossing",
    "draw_bands",
    "energy_to",
    "epochs_to",
    "holm",
    "mean_interval",
    "median_interval",
    "non_inferiority",
    "paired_difference",
    "ratio_of_medians",
    "reached",
    "time_to",
    "verdict",
]
