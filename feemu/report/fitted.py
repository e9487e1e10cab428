"""The report of a fit: a page of text."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from feemu.fit import emulated
from feemu.fit.checks import STATISTICS
from feemu.fit.derived import FIGURES
from feemu.fit.ranking import LARGE
from feemu.fit.widths import left_out
from feemu.params import format_width

if TYPE_CHECKING:
    from feemu.fit import Fit, Part


def fit_text(found: Fit) -> str:
    """Return the report of a fit as text."""
    parts = [_head(found), _ranking(found)]
    for part in found.parts:
        parts += [_parameters(found, part), _quality(found, part), _notes(part)]
    if len(found.parts) > 1:
        parts.append(_widths(found))
    return "\n\n".join(parts) + "\n"


def _widths(found: Fit) -> str:
    rows = [("pulse width left out", "", "error of step up [%]", "down [%]")]
    for row in left_out(found):
        width = format_width(row.pulse_width)
        rows.append((width, row.label, f"{100 * row.up:.1f}", f"{100 * row.down:.1f}"))
    if len(rows) == 1:
        return "family: widths are predicted from others only for three or more beta kernels"
    return f"family: each width predicted from the others\n{_aligned(rows)}"


def _head(found: Fit) -> str:
    s = found.parts[0].estimate.problem.sequence
    shape = f"{s.shape[0]} device(s), {s.shape[1]} cycle(s), up to {s.shape[3] - 1} pulses a branch"
    said = [
        f"fit of {found.about['name']}: model {found.model}",
        f"measurement  {found.about['source']}",
        f"contents     {shape}, {len(found.parts)} pulse width(s), {_scheme(found)}",
        f"intervals    {100 * found.level:g} %",
    ]
    said += [f"inferred     {note}" for note in found.about["reading"].split("; ") if note]
    return "\n".join(said)


def _scheme(found: Fit) -> str:
    scheme = found.about["scheme"]
    return "pulse scheme unknown" if scheme == "unknown" else f"scheme: {scheme}"


def _ranking(found: Fit) -> str:
    """Return the models in order with Akaike's criterion against the chosen one."""
    best = found.ranking[0].aic
    rows = [("model", "numbers", "dAIC", "dBIC", "held-out logL", "")]
    for r in found.ranking:
        rows.append((
            r.model, str(r.parameters), f"{r.aic - best:+.1f}",
            f"{r.bic - found.ranking[0].bic:+.1f}",
            "-" if math.isnan(r.held_out) else f"{r.held_out:.1f}",
            "" if r.converged else "not converged",
        ))  # fmt: skip
    head = (
        "models, the chosen one first (held-out: every third cycle given the others;\n"
        f"of a pulse width with more than {LARGE:,} readings only the first cycles;\n"
        "the table is fitted only where the others leave structure)"
    )
    return f"{head}\n{_aligned(rows)}"


def _parameters(found: Fit, part: Part) -> str:
    rows = [("parameter", "value", "lower", "upper", "unit", "")]
    for name, v in part.parameters.items():
        rows.append((name, _n(v.value), _n(v.lower), _n(v.upper), v.unit, v.note))
    rows.append(("", "", "", "", "", ""))
    for name, v in part.derived.items():
        meaning = FIGURES[name][1]
        rows.append((name, _n(v.value), _n(v.lower), _n(v.upper), v.unit, v.note or meaning))
    head = f"pulse width {format_width(part.pulse_width)}"
    tail = (
        "noise terms and drift are fractions of the step (relative) or the range; drift per cycle\n"
        "is random (drift) and steady (drift_rate); G_min and G_max are those of the first cycle"
    )
    return f"{head}\n{_aligned(rows)}\n{tail}"


def _quality(found: Fit, part: Part) -> str:
    r = part.residuals
    rows = [("residual, less drift at its rate", "% of the range of the levels"),
            ("fitted curve", f"{100 * r['mean_curve']:.3g}"),
            ("NeuroSim's single exponential", f"{100 * r['exponential']:.3g}")]  # fmt: skip
    if math.isfinite(r["scatter"]):
        rows.append(("scatter of levels between cycles (devices)", f"{100 * r['scatter']:.3g}"))
        rows.append(("fitted curve over scatter", f"{r['mean_curve'] / r['scatter']:.2f}"))
    same = _check("these devices, in the fit's own model", part.checks, STATISTICS)
    if not part.emulation:
        new = "not emulated: the branches do not follow one another on the device"
    else:
        new = _check("new devices, in the emulator", part.emulation, emulated.STATISTICS)
    return f"{_aligned(rows)}\n\n{same}\n\n{new}"


def _check(what: str, table: dict, meanings: dict) -> str:
    """Return statistics of the data beside those of a run of the same protocol."""
    rows = [(f"the same protocol on {what}", "measured", "emulated", "p")]
    for name, (real, median, p) in table.items():
        if name != "overall":
            rows.append((meanings[name], _n(real), _n(median), f"{p:.2g}"))
    p = table["overall"][2]
    verdict = "looks like the data" if p >= 0.05 else "differs from the data"
    return f"{_aligned(rows)}\noverall p = {p:.2g}: the emulation {verdict}"


def _notes(part: Part) -> str:
    lines = [textwrap.fill(n, 98, initial_indent="- ", subsequent_indent="  ") for n in part.notes]
    return "what the data do not tell\n" + "\n".join(lines or ["- nothing found"])


def _n(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _aligned(rows: list[tuple]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines)
