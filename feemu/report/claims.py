"""The statements of the paper, tested on a study: one record per quantitative reading of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from feemu.energy import EnergyModel
from feemu.report import grid, rows_accuracy, rows_energy
from feemu.report.records import Claim, judge
from feemu.report.setting import Study
from feemu.report.tau_w import split

if TYPE_CHECKING:
    import xarray as xr

    from feemu.devices import Family

TARGETS = (0.9, 0.95, "float-0.01")
TABLES = ("all widths", "measured widths")


def claims(
    accuracy: xr.Dataset,
    energy: xr.Dataset,
    family: Family,
    model: EnergyModel | None = None,
    targets: Iterable[float | str] = TARGETS,
) -> list[Claim]:
    """Return every statement of the paper with effect, interval, p value and verdict.

    Parameters
    ----------
    accuracy, energy : xarray.Dataset
        Sweeps over pulse width, algorithm and seed: runs tuned for accuracy, and runs tuned for
        little programming energy to the first target. Statements about accuracy use the former,
        those about energy the latter, and epochs to a target are given for both.
    family : Family
        The device, for the energy of a single pulse.
    model : EnergyModel, optional
        Prices.
    targets : iterable of float or str
        Validation accuracies to reach; ``'float-0.01'`` is one point below the float baseline.

    Returns
    -------
    list of Claim
        The rows over all widths, then (where two or more, but not all, were measured) the same
        rows over the measured widths alone. p values are adjusted within each of the two tables.
        Accuracies are test accuracies at the end of the budget; differences are paired by seed.
        Ratios are of medians over seeds, a run that never reaches its target counting as +inf.
        Under five seeds there is no interval and nothing is decided.

    Raises
    ------
    TypeError, ValueError
        If a dataset is no such sweep, the two differ in widths, or there is a single width.
    """
    model = EnergyModel() if model is None else model
    for name, ds in (("accuracy", accuracy), ("energy", energy)):
        grid.check(ds, name)
    accuracy, energy = accuracy.sortby("pulse_width"), energy.sortby("pulse_width")
    if accuracy["pulse_width"].values.tolist() != energy["pulse_width"].values.tolist():
        raise ValueError("accuracy and energy: the sweeps must have the same pulse widths")
    if accuracy.sizes["pulse_width"] < 2:
        raise ValueError("the sweeps have a single pulse width: the claims compare at least two")
    levels, energy = grid.levels(targets, accuracy), split(energy, model)
    known = grid.measured(accuracy)
    out = []
    for table, widths in zip(TABLES, (accuracy["pulse_width"].values.tolist(), known)):
        if table == TABLES[1] and not 2 <= len(known) < accuracy.sizes["pulse_width"]:
            continue
        parts = [ds.sel(pulse_width=widths) for ds in (accuracy, energy)]
        study = Study(table, *parts, family, model, levels)
        out += judge([*rows_energy.rows(study), *rows_accuracy.rows(study)])
    return sorted(out, key=lambda row: (TABLES.index(row.table), row.key))
