"""Pictures that label themselves; each takes data and axes, and returns the axes."""

from feemu.plots.accuracy import accuracy_over_energy, accuracy_over_epoch, final_accuracy
from feemu.plots.devices import device_curves, pulses_curve
from feemu.plots.draws import bands_over_draws
from feemu.plots.energies import energy_over_width, pulse_energy_over_width
from feemu.plots.figure import save_figure, study_figure
from feemu.plots.histograms import state_histogram, weight_histogram
from feemu.plots.targets import energy_to_target, epochs_to_target, time_to_target
from feemu.plots.tuning import tuning_progress

__all__ = [
    "accuracy_over_energy",
    "accuracy_over_epoch",
    "bands_over_draws",
    "device_curves",
    "energy_over_width",
    "energy_to_target",
    "epochs_to_target",
    "final_accuracy",
    "pulse_energy_over_width",
    "pulses_curve",
    "save_figure",
    "state_histogram",
    "study_figure",
    "time_to_target",
    "tuning_progress",
    "weight_histogram",
]
