"""The tables of a study as text of fixed width."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from feemu.energy import EnergyModel
from feemu.report import grid
from feemu.report.records import Claim
from feemu.report.recovered import recovered
from feemu.statistics import MIN_SEEDS, energy_to, epochs_to

if TYPE_CHECKING:
    import xarray as xr

WIDTH = 132
_HEAD = (
    "algorithm",
    "tuned for",
    "quantity",
    "effect",
    "95 % interval",
    "p (Holm)",
    "pairs",
    "verdict",
)
_SIZES = (15, 12, 47, 9, 16, 8, 5, 0)


def claims_text(rows: Sequence[Claim]) -> str:
    """Return the claims as text: per statement its rows, each with the values behind it.

    Rows whose target was reached at neither width are gathered in one line.
    """
    blocks = []
    for table, own in itertools.groupby(rows, key=lambda row: row.table):
        own = list(own)
        ends = next(row for row in own if row.kind == "ratio")
        words = [grid.width_text(w, o) for w, o in zip(ends.widths, ends.origins)]
        blocks.append(_ruled(f"CLAIMS, {table.upper()}: {words[0]} against {words[1]}"))
        blocks.append(_columns(_HEAD))
        for _, group in itertools.groupby(own, key=lambda row: row.key):
            blocks.append(_statement(list(group)))
    return "\n".join(blocks) + "\n"


def study_text(
    accuracy: xr.Dataset, energy: xr.Dataset, rows: Sequence[Claim], target: float
) -> str:
    """Return all tables of a study: accuracies, epochs, energies, part of the gap, claims.

    Parameters
    ----------
    accuracy, energy : xarray.Dataset
        Runs tuned for accuracy, and runs tuned for little programming energy, the latter priced.
    rows : sequence of Claim
        Result of `feemu.report.claims`.
    target : float
        Validation accuracy that epochs and energies are counted to.
    """
    level = f"{100 * target:g} %"
    final = grid.at_end(accuracy[grid.FINAL])
    joules = {
        "programming energy": energy_to(energy, target, column="energy_device"),
        "total energy": energy_to(energy, target),
    }
    parts = [_header(accuracy, energy)]
    parts.append(_cells("test accuracy at the end [%], runs tuned for accuracy", final, _percent))
    epochs = epochs_to(accuracy, target)
    words = "validation, runs tuned for accuracy, median (runs that reached it)"
    parts.append(_cells(f"epochs to {level} {words}", epochs, _median(lambda v: f"{v:.3g}")))
    for name, values in joules.items():
        words = "validation, runs tuned for little programming energy"
        shown = _cells(f"{name} to {level} {words}", values, _median(lambda v: grid.si(v, "J")))
        parts.append(shown)
    if any(str(n).startswith("shift_") for n in accuracy["algorithm"].values):
        parts.append(recovered_text(recovered(accuracy)))
    return "\n".join([*parts, claims_text(rows)])


def recovered_text(ds: xr.Dataset) -> str:
    """Return the part of the gap that each shift closes, per pulse width, as text."""
    head = ["gap closed [%]", *_width_words(ds), "mean"]
    lines = []
    for name in ds["algorithm"].values:
        one = ds.sel(algorithm=name)
        triples = [
            one[["recovered", "low", "high"]].isel(pulse_width=i) for i in range(len(head) - 2)
        ]
        texts = [_part(*(float(t[n]) for n in ("recovered", "low", "high"))) for t in triples]
        mean = _part(*(float(one[f"mean_{n}"]) for n in ("recovered", "low", "high")))
        lines.append([str(name), *texts, mean])
    gap = [f"{100 * float(g):.1f} pt" for g in ds["gap"].values]
    lines.append(["gap", *gap, f"{100 * float(ds['gap'].mean()):.1f} pt"])
    title = (
        "recovered = (shift - plain SGD) / (mixed precision - plain SGD), test accuracy at the end"
    )
    return _ruled(title) + "\n" + _aligned(head, lines)


def _statement(rows: list[Claim]) -> str:
    first = rows[0]
    lines = [f"({first.key}) {first.statement}   [claim: {_claimed(rows)}]"]
    for row in rows:
        if not row.never:
            lines.append("    " + _columns(_fields(row)))
            lines += textwrap.wrap(
                row.note, WIDTH - 8, initial_indent=8 * " ", subsequent_indent=8 * " "
            )
    gone = {
        "undecided, reached at neither width": [r for r in rows if r.never and r.runs],
        "not run": [r for r in rows if r.never and not r.runs],
    }
    for words, missed in gone.items():
        text = f"{words}: {_gathered(missed)}"
        indents = {"initial_indent": 4 * " ", "subsequent_indent": 8 * " "}
        lines += textwrap.wrap(text, WIDTH - 4, **indents) if missed else []
    return "\n".join(lines) + "\n"


def _gathered(rows: list[Claim]) -> str:
    """Return who never reached which targets, in as few words as hold it."""
    targets: dict[tuple[str, str], dict[str, None]] = {}
    for row in rows:
        told = targets.setdefault((row.tuned_for, row.algorithm), {})
        told[row.target or row.quantity] = None
    same: dict[tuple[str, str], list[str]] = {}
    for (tuned, name), words in targets.items():
        same.setdefault((tuned, ", ".join(words)), []).append(name)
    return "; ".join(
        f"{words}: {', '.join(names)} (tuned for {tuned})" for (tuned, words), names in same.items()
    )


def _claimed(rows: list[Claim]) -> str:
    sign = {"greater": ">", "less": "<"}
    marks = dict.fromkeys(
        f"{sign[r.side]} {r.null:g}" if r.kind == "ratio" else f"{sign[r.side]} {100 * r.null:g} pt"
        for r in rows
    )
    what = "ratio short over long" if rows[0].kind == "ratio" else "difference"
    return f"{what} {' or '.join(marks)}"


def _fields(row: Claim) -> tuple[str, ...]:
    ratio = row.kind == "ratio"

    def show(value: float) -> str:
        if not np.isfinite(value):
            return "inf" if value > 0 else "-inf"
        return f"{value:.3g}" if ratio else f"{100 * value:+.2f}"

    effect = f"x {show(row.effect)}" if ratio else f"{show(row.effect)} pt"
    interval = "-" if np.isnan(row.low) else f"{show(row.low)} to {show(row.high)}"
    p = "-" if np.isnan(row.p_holm) else (f"{row.p_holm:.2g}" if row.p_holm >= 1e-4 else "< 1e-4")
    runs = str(row.runs) if row.runs else "-"
    who = (row.algorithm or "-", row.tuned_for or "-", row.quantity)
    return (*who, effect, interval, p, runs, row.verdict)


def _columns(fields: Iterable[str]) -> str:
    cut = [text.ljust(size) for text, size in zip(fields, _SIZES)]
    return " ".join(cut).rstrip()


def _header(accuracy: xr.Dataset, energy: xr.Dataset) -> str:
    seeds = grid.seeds_words(accuracy.sizes["seed"], MIN_SEEDS)
    task = str(accuracy["task"].item()) if "task" in accuracy.coords else "task not given"
    device = str(accuracy["device"].item()) if "device" in accuracy.coords else "device not given"
    lines = [f"Pulse-width study: {device} on {task}, {seeds}."]
    odd = [grid.width_text(w, o) for w, o in _pairs(accuracy) if o != "measured"]
    if odd:
        lines.append(f"Kernels at {', '.join(odd)} were not measured.")
    if accuracy.sizes["seed"] < MIN_SEEDS:
        lines.append(f"Under {MIN_SEEDS} seeds there is no interval and no claim is decided.")
    assumed = _assumed(energy)
    if assumed:
        text = f"Energies rest on assumed {', '.join(assumed)}."
        lines += textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines) + "\n"


def _assumed(energy: xr.Dataset) -> list[str]:
    """Return the assumed parameters that the total energy rests on, with values and units."""
    pairs = energy["energy_total"].attrs.get("assumed", "").split(", ")
    fields = EnergyModel.__dataclass_fields__
    units = {name: f.metadata["param"]["unit"] for name, f in fields.items()}
    split = [pair.split(" = ") for pair in pairs if " = " in pair]
    return [f"{n} {v} {units.get(n, '1')}".removesuffix(" 1") for n, v in split]


def _cells(title: str, values: xr.DataArray, show: Callable[[np.ndarray], str]) -> str:
    """Return one line per algorithm and one column per width."""
    values = values.transpose("algorithm", "pulse_width", "seed")
    lines = [
        [str(name), *(show(row[~np.isnan(row)]) for row in block)]
        for name, block in zip(values["algorithm"].values, values.values)
    ]
    return _ruled(title) + "\n" + _aligned(["", *_width_words(values)], lines)


def _percent(runs: np.ndarray) -> str:
    if runs.size == 0:
        return "-"
    spread = f" +- {100 * runs.std(ddof=1):.2f}" if runs.size > 1 else ""
    return f"{100 * runs.mean():.2f}{spread}"


def _median(show: Callable[[float], str]) -> Callable[[np.ndarray], str]:
    def body(runs: np.ndarray) -> str:
        if runs.size == 0:
            return "-"
        middle = float(np.median(runs))
        text = show(middle) if np.isfinite(middle) else "never"
        return f"{text} ({np.isfinite(runs).sum()}/{runs.size})"

    return body


def _part(point: float, low: float, high: float) -> str:
    if np.isnan(point):
        return "no gap"
    text = f"{100 * point:.0f}"
    return text if np.isnan(low) else f"{text} [{100 * low:.0f}, {100 * high:.0f}]"


def _pairs(ds: xr.Dataset | xr.DataArray) -> list[tuple[float, str]]:
    return list(zip(map(float, ds["pulse_width"].values), _origins(ds)))


def _origins(ds: xr.Dataset | xr.DataArray) -> list[str]:
    named = ds["width_label"].to_dataset(name="any") if "width_label" in ds.coords else None
    return ["measured"] * ds.sizes["pulse_width"] if named is None else grid.origins(named)


def _width_words(ds: xr.Dataset | xr.DataArray) -> list[str]:
    return [grid.width_text(w, o) for w, o in _pairs(ds)]


def _aligned(head: list[str], lines: list[list[str]]) -> str:
    sizes = [max(len(row[i]) for row in (head, *lines)) for i in range(len(head))]
    texts = [
        "  ".join([row[0].ljust(sizes[0]), *(t.rjust(s) for t, s in zip(row[1:], sizes[1:]))])
        for row in (head, *lines)
    ]
    return "\n".join(texts) + "\n"


def _ruled(title: str) -> str:
    return f"{title}\n{'-' * min(len(title), WIDTH)}"
