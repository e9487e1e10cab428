"""The picture of a fit: levels and curve, residuals, steps with band, noise, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from feemu.fit.filter import INTERVALS, tables
from feemu.fit.trajectories import Simulation
from feemu.params import format_width

if TYPE_CHECKING:
    import xarray

    from feemu.fit import Fit, Part
    from feemu.fit.problem import Problem

_COLOURS = {"up": "#0072B2", "down": "#D55E00"}
_MOST = 40
_BINS = 12
#: Farthest that an interval is drawn, over the value.
_WIDEST = 10.0
#: Parameters of either sign: their interval stands in words.
_SIGNED = ("drift_rate",)


def fit_figure(found: Fit) -> Figure:
    """Return one row of panels for each pulse width of a fit."""
    rows = len(found.parts)
    figure = Figure(figsize=(20.0, 3.9 * rows + 0.7), dpi=110, layout="constrained")
    panels = figure.subplots(rows, 5, squeeze=False)
    from feemu.fit.dataset import part_dataset

    for line, part in zip(panels, found.parts):
        ds = part_dataset(found, part)
        _levels(line[0], ds, found.unit, part)
        _residuals(line[1], ds)
        _steps(line[2], ds, part)
        _noise(line[3], part)
        _parameters(line[4], part)
    same = min(part.checks["overall"][2] for part in found.parts)
    new = [part.emulation["overall"][2] for part in found.parts if part.emulation]
    said = f", in the emulator p = {min(new):.2g}" if new else ""
    figure.suptitle(
        f"{found.about['name']}: {found.model}; {100 * found.level:g} % bands; "
        f"emulated against measured: in the fit's model p = {same:.2g}{said}",
        fontsize=11,
    )
    return figure


def _levels(ax: Axes, ds: xarray.Dataset, unit: str, part: Part) -> None:
    low, size = float(ds.level_low), float(ds.level_high - ds.level_low)
    s = part.estimate.problem.sequence
    offset = 0
    for sign, colour in _COLOURS.items():
        y = low + size * ds["level"].sel(polarity=sign).values
        f = low + size * ds["fitted"].sel(polarity=sign).values
        x = np.arange(y.shape[-1])
        seen = y.reshape(-1, y.shape[-1])
        step = max(1, len(seen) // _MOST)
        ax.plot(x + offset, seen[::step].T, ".", ms=1.5, color=colour, alpha=0.25, rasterized=True)
        ax.plot([], [], ".", color=colour, label=f"{sign}: measured")
        for d in range(f.shape[0]):
            curve = f[d][np.isfinite(f[d]).sum(axis=1).argmax()]
            ax.plot(
                x + offset, curve, color="black", lw=1.0, label="fit" if not offset + d else None
            )
        offset += int(np.isfinite(seen).any(axis=0).nonzero()[0].max()) + 1
    ax.set(xlabel="pulse (up, then down)", ylabel=f"level [{unit or '1'}]")
    many = f"{s.shape[0]} device(s), {s.shape[1]} cycle(s)"
    ax.set_title(f"{format_width(part.pulse_width)}, {many}", fontsize=9)
    ax.legend(fontsize=7)


def _residuals(ax: Axes, ds: xarray.Dataset) -> None:
    """Draw mean and spread of the residuals over the pulse number."""
    for sign, colour in _COLOURS.items():
        r = 100.0 * ds["residual"].sel(polarity=sign).values
        r = r.reshape(-1, r.shape[-1])
        known = np.isfinite(r).sum(axis=0) > 0
        x = np.flatnonzero(known)
        mean = np.nanmean(r[:, known], axis=0)
        sd = np.nanstd(r[:, known], axis=0)
        ax.fill_between(x, mean - sd, mean + sd, color=colour, alpha=0.2, lw=0)
        ax.plot(x, mean, color=colour, lw=1, label=sign)
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set(xlabel="pulse", ylabel="measured - fit [% of range]")
    ax.set_title("residuals: mean and sd over cycles and devices", fontsize=9)
    ax.legend(fontsize=7)


def _steps(ax: Axes, ds: xarray.Dataset, part: Part) -> None:
    for sign, colour in _COLOURS.items():
        one = ds.sel(polarity=sign)
        ax.fill_between(ds.state, one.step_lower, one.step_upper, color=colour, alpha=0.25, lw=0)
        ax.plot(ds.state, one.step, color=colour, lw=1.2, label=f"{sign}: fit")
        p, mean, _ = binned(part, part.estimate.problem, sign)
        ax.plot(p, mean, "o", ms=3, color=colour, mfc="none", label=f"{sign}: mean of differences")
    ax.set(xlabel="state [1]", ylabel="step [1]", ylim=(0, None))
    ax.set_title("step over state", fontsize=9)
    ax.legend(fontsize=7)


def _noise(ax: Axes, part: Part) -> None:
    """Draw the sd of differences of readings, measured and emulated on the same protocol."""
    problem = part.estimate.problem
    other = Simulation(problem, part.x, part.u).draw(200_000)
    for sign, colour in _COLOURS.items():
        for one, mark, said in ((problem, "o", "measured"), (other, "x", "emulated")):
            p, _, sd = binned(part, one, sign)
            ax.plot(p, 100 * sd, mark, ms=4, color=colour, mfc="none", label=f"{sign}: {said}")
    ax.set(xlabel="state [1]", ylabel="sd of reading differences [% of range]", ylim=(0, None))
    ax.set_title("noise of one step and two readings", fontsize=9)
    ax.legend(fontsize=7)


def _parameters(ax: Axes, part: Part) -> None:
    """Draw the interval of each parameter over its value; cut at a factor of ten."""
    names = list(part.parameters)
    for row, name in enumerate(names):
        v = part.parameters[name]
        if not v.value or name in _SIGNED:
            held = np.isnan(v.lower)
            said = v.note if held else f"{v.lower:.3g} to {v.upper:.3g}"
            ax.text(1.0, row, said, fontsize=7, ha="center", va="center")
            continue
        ends = [np.clip(end / v.value, 1 / _WIDEST, _WIDEST) for end in (v.lower, v.upper)]
        bound = bool(v.note)
        ax.plot(sorted(ends), [row, row], lw=2, color="#888888" if bound else "black")
        ax.plot([1.0], [row], "o", ms=4, color="#888888" if bound else "black", mfc="none")
    labels = [f"{n}  {part.parameters[n].value:.3g}" for n in names]
    ax.axvline(1.0, color="black", lw=0.4)
    ax.set_yticks(range(len(names)), labels, fontsize=7)
    ax.set(xscale="log", xlabel="interval over value", ylim=(len(names) - 0.5, -0.5))
    ax.set_xlim(1 / _WIDEST / 1.1, _WIDEST * 1.1)
    ax.set_xticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
    ax.set_title("parameters (grey: at a bound)", fontsize=9)


def binned(part: Part, problem: Problem, sign: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return state, mean step and sd of differences [1] in bins of the state.

    The state is that of the filter, which knows the drift; steps are differences of readings.
    """
    s = problem.sequence
    y, d = s.y, 1 if sign == "up" else -1
    state = problem.run(part.x, part.u)[2]
    t = np.flatnonzero((s.pulse[1:] == d) & ((s.mark[1:] & 1) == 0)) + 1
    t = t[np.isfinite(y[t]) & np.isfinite(y[t - 1])]
    p, span = (state[t] + state[t - 1]) / 2, part.x[-5] - part.x[-6]
    step = d * (y[t] - y[t - 1]) / span
    which = np.array_split(np.argsort(p), min(_BINS, max(1, t.size // 8)))
    # Within a bin the step varies as the curve does: only the rest is noise.
    row = tables(problem.shape.model(part.x))[0][0 if d > 0 else 1]
    curve = np.interp(p, np.linspace(0.0, 1.0, INTERVALS + 1), row)
    rest = step - curve
    return tuple(
        np.array([f(i) for i in which])
        for f in (lambda i: p[i].mean(), lambda i: step[i].mean(), lambda i: rest[i].std())
    )
