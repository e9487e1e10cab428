"""Which hyper-parameters a search chose, and which of them lie at an end of what was tried."""

from __future__ import annotations

import numpy as np

from feemu.case import Case
from feemu.params import format_width
from feemu.plots import _style as style
from feemu.tuning import Tuned

_NOTE = "Chosen on the validation split; < and >: the least and the most that was tried."
#: Of a list of two both values are ends, which says nothing.
_FEW = 3


def chosen_text(tuned: Tuned) -> str:
    """Return a table of what was chosen; pulse widths with the same choice share a row.

    Parameters
    ----------
    tuned : Tuned
        Result of `feemu.tune`.

    Returns
    -------
    str
        Learning rate, weight scale and searched parameters of each algorithm, the ends marked: a
        better value may lie beyond. Lists of fewer than three values are not marked.
    """
    rows: dict[tuple[str, str], list[str]] = {}
    for case in tuned.chosen:
        place = style.algorithm_words(case.algorithm.label), _choice(case, tuned)
        rows.setdefault(place, []).append(format_width(case.device.pulse_width))
    heads = [("algorithm", "pulse width", "chosen")]
    table = heads + [(name, " ".join(widths), text) for (name, text), widths in rows.items()]
    first, second = (max(len(row[i]) for row in table) for i in (0, 1))
    lines = [f"{name:{first}s}  {widths:{second}s}  {text}" for name, widths, text in table]
    return "\n".join([_NOTE, "", *lines]) + "\n"


def _choice(case: Case, tuned: Tuned) -> str:
    """Return what one cell got."""
    place = {"pulse_width": case.device.pulse_width, "algorithm": case.algorithm.label}
    one = tuned.first.sel(place)
    rates = one["learning_rate"].max([d for d in one["learning_rate"].dims if d != "try"])
    scales = one["weight_scale"].isel(layer=0).max("seed")
    at = int(np.abs(rates - case.lr).argmin("try"))
    said = [f"lr {case.lr:g}{_end(case.lr, rates.values)}"]
    if case.algorithm.devices_per_weight:
        end = _end(float(scales[at]), scales.values)
        said.append(f"weight scale {case.weight_scale:g}{end}")
    for name, values in case.algorithm.search.items():
        value = getattr(case.algorithm, name)
        said.append(f"{name} {value:g}{_end(value, np.array(values, float))}")
    return ", ".join(said)


def _end(value: float, tried: np.ndarray) -> str:
    """Return the mark of a value at an end of those tried."""
    known = np.unique(tried[np.isfinite(tried)])
    if known.size < _FEW:
        return ""
    if np.isclose(value, known[0]):
        return " <"
    return " >" if np.isclose(value, known[-1]) else ""
