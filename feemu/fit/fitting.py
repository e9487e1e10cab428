"""From a measurement to a device: fit, model choice, intervals, figures, checks."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING

import numpy as np

from feemu.devices import Device
from feemu.fit import checks, emulated, limits
from feemu.fit.averages import Averages, averaged, draws_needed, few_cycles, resampled
from feemu.fit.bounds import bounded, off_bounds
from feemu.fit.derived import FIGURES, derived
from feemu.fit.drawn import DRAWS, described
from feemu.fit.estimate import Estimate, estimate, refined
from feemu.fit.filter import tables
from feemu.fit.posterior import NAMES, NOISE, Draws, draw, medians, physical, table
from feemu.fit.problem import RATE
from feemu.fit.profile import profiled
from feemu.fit.ranking import each, rank
from feemu.fit.result import Fit, Part, Value
from feemu.fit.sequence import Sequence, sequences
from feemu.fit.shapes import SHAPES
from feemu.fit.stream import Stream
from feemu.fit.traces import branch_starts, exponential_residual, rms, scatter_of
from feemu.fit.trajectories import Simulation

if TYPE_CHECKING:
    import xarray

#: A fit is far from the levels beyond this many times their scatter.
FAR = 1.25
_RESAMPLED = 60
_SIMULATED = 200
_OUTSIDE = 0.5
#: Levels that scatter by less than this part of what is emulated are told.
_CLOSER = 0.67
_AT_BOUND, _HELD = "at a bound", "held"
#: What does not change with the range that the state axis spans.
_OF_NO_RANGE = ("G_min", "G_max", "relative", "step_spread", "asymmetry_spread")


def fit(
    ds: xarray.Dataset,
    model: str | None = None,
    *,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    name: str = "fitted",
) -> Fit:
    """Fit a measurement and return its device with intervals.

    Parameters
    ----------
    ds : xarray.Dataset
        Measured pulse trains as `feemu.curves.read_curves` returns them.
    model : str, optional
        Response model, one of `feemu.fit.SHAPES`; None fits all and chooses.
    draws : int
        Draws from what the fit knows, 100 or more.
    level : float
        Probability of the intervals, in (0, 1).
    seed : int
        Seed of the draws.
    name : str
        Name of the device.

    Raises
    ------
    ValueError
        For a dataset that is no measurement, has too few readings, or for an unknown model.

    Notes
    -----
    The state after each pulse is hidden; a Gaussian filter gives the likelihood of all readings
    of a device in their order, with noise of a reading, of a step (in proportion to it, and
    constant), a drift of the level from cycle to cycle (at a rate, and at random), and four
    deviations of each device that are normal between devices. Readings beyond four standard
    deviations lose weight. Intervals come from draws of the normal approximation at the maximum,
    corrected for the filter's own approximations by simulated measurements, and with the spreads
    drawn from their restricted likelihood. It is no bootstrap, except where the likelihood's curves
    miss the mean levels: there the shape is fitted to these, and the intervals come from resampled
    cycles.
    """
    if draws < 100 or not 0.0 < level < 1.0:
        raise ValueError(f"fit: draws = {draws}, level = {level}: need draws >= 100, 0 < level < 1")
    parts = sequences(ds)
    names = tuple(SHAPES) if model is None else (model,)
    ranking, found = rank(parts, names, held_out=model is None)
    best, group = _accepted(ranking, found, parts)
    ranking.sort(key=lambda r: r.model != best)
    unit = str(ds["conductance"].attrs.get("units", ""))
    done = tuple(each(lambda pair: _part(*pair, unit, draws, level, seed), group))
    return Fit(best, done, tuple(ranking), level, unit, _about(ds, name))


def _accepted(ranking: list, found: dict, parts: list[Sequence]) -> tuple[str, list]:
    """Return the first model of the ranking whose curves follow the mean levels, and its fits.

    A fit that misses them is replaced by one to the mean levels; a model whose range then ends far
    outside the levels is passed over. If none is left the first one is taken.
    """
    first = None
    for row in ranking:
        group = each(lambda pair: _followed(*pair), zip(found[row.model], parts))
        first = first or (row.model, group)
        if all(not m or (_distance(e) <= FAR and not _open_range(e)) for e, m in group):
            return row.model, group
    return first


def _followed(found: Estimate, sequence: Sequence) -> tuple[Estimate, bool]:
    """Return the fit to all cycles, or to their mean levels, and whether it is the latter."""
    if found.problem.sequence is not sequence:  # ranked on its first cycles
        found = estimate(sequence, found.problem.shape, near=found)
    by_mean = misses(found)
    return (averaged(found) if by_mean else found), by_mean


def misses(found: Estimate) -> bool:
    """Return whether a fit misses the mean levels by more than `FAR`, and not by its own noise.

    Steps are random and levels keep their sum: the mean level of a true model's measurement may
    lie farther from the curve than levels scatter. So the misfit must be larger than in all but
    1 % of measurements that are simulated at the fit. One cycle of one device has no such scatter;
    there NeuroSim's misfit alone decides.
    """
    real = _distance(found)
    if real <= FAR:
        return False
    point, problem = found.point, found.problem
    if not math.isfinite(scatter_of(problem.sequence)):
        return True
    simulation, larger = Simulation(problem, point.x, point.u), 0
    for number in range(_SIMULATED):
        other = simulation.draw(200_000 + number)
        larger += _distance(dataclasses.replace(found, problem=other)) >= real
        if larger > 0.01 * _SIMULATED:
            return False
    return True


def _open_range(found: Estimate) -> bool:
    """Return whether an end of the range lies far outside the levels."""
    off, on = found.point.x[-6:-4]
    return off < -_OUTSIDE or on > 1.0 + _OUTSIDE


def _distance(found: Estimate) -> float:
    """Return the misfit of the mean levels over their scatter (else NeuroSim's misfit)."""
    rest = residuals(found, found.point.x, found.point.u)
    norm = rest["scatter"] if math.isfinite(rest["scatter"]) else rest["exponential"]
    return rest["mean_curve"] / max(norm, 1e-12)


def _about(ds: xarray.Dataset, name: str) -> dict:
    scheme = str(ds.attrs.get("scheme", "unknown"))
    out = {"name": name, "scheme": scheme if scheme in ("identical", "ramp") else "unknown"}
    out["source"] = source_words(ds.attrs.get("source", ""))
    out["reading"] = str(ds.attrs.get("notes", ""))
    for sign in ("up", "down"):
        values = np.array([math.nan])
        if "amplitude" in ds and "polarity" in ds["amplitude"].dims:
            values = np.asarray(ds["amplitude"].sel(polarity=sign).values, float)
        values = np.unique(values[np.isfinite(values)])
        out[f"amplitude_{sign}"] = float(values[0]) if values.size == 1 else math.nan
    return out


def source_words(text: str) -> str:
    """Return the source of a measurement as ``file (sha256 ...)`` for each file."""
    try:
        files = json.loads(text)
        return ", ".join(f"{f['file']} (SHA-256 {f['sha256']})" for f in files)
    except (ValueError, TypeError, KeyError):
        return text or "a measurement without a named source"


def _part(first: Estimate, by_mean: bool, unit: str, n: int, level: float, seed: int) -> Part:
    found, drawn, rows, values = intervals(first, by_mean, unit, n, level, seed)
    x, u, tau = drawn.centre
    figures = _derived(found, drawn, x, u, tau)
    named = {k: _value(v, level, FIGURES[k][0] or unit) for k, v in figures.items()}
    rest = residuals(found, x, u)
    seen, run = checks.predictive(found, x, u), _emulation(found, drawn, x, u)
    bound = [name for name, value in values.items() if value.note == _AT_BOUND]
    told = (*_by_mean_notes(found, by_mean), *limits.notes(found, rows, bound), *_of_the_way(run))
    columns = {k: v[:DRAWS] for k, v in (rows | figures).items()}
    return Part(found, drawn, x, u, tau, values, named, columns, told, rest, seen, run)


def _emulation(found: Estimate, drawn: Draws, x: np.ndarray, u: np.ndarray) -> dict:
    """Return the check by the emulator, see `feemu.fit.emulated`."""
    s = found.problem.sequence
    picked = np.linspace(0, len(drawn.x) - 1, emulated.DRAWS).astype(int)
    rows = [physical(found, drawn.x[i], drawn.tau[i]) for i in picked]
    devices = [Device(**described(found.problem.shape.name, row, False)) for row in rows]
    start = float(found.problem.run(x, u)[2][s.start[:-1]].mean())
    extra = np.array([[row[n] for n in ("read_noise", "drift", "drift_rate")] for row in rows])
    return emulated.emulation(s, devices, drawn.x[picked, -6:-4], extra, start)


def intervals(
    first: Estimate, by_mean: bool, unit: str, n: int, level: float, seed: int
) -> tuple[Estimate, Draws, dict[str, np.ndarray], dict[str, Value]]:
    """Return the corrected estimate, its draws, those of each parameter, and the intervals."""
    found = first if by_mean else refined(first)
    stream = Stream(seed)
    drawn = draw(found, n, stream)
    if by_mean:
        picked = resampled(found, _RESAMPLED, stream.random(_RESAMPLED * draws_needed(found)))
        shape = np.delete(np.arange(picked.shape[1] - 4), RATE + 4)
        drawn.x[:, shape] = np.resize(picked, (n, picked.shape[1]))[:, shape]
        drawn.centre = medians(drawn.x, drawn.u, drawn.tau)
    else:
        drawn = off_bounds(found, drawn, stream)
    rows = table(found, drawn)
    x, _, tau = drawn.centre
    best, bound = physical(found, x, tau), _at_bound(found, by_mean)
    held = [n for n, low, high in zip(_names(found), *found.problem.limits()) if low == high]
    ends = {k: np.quantile(v, [(1 - level) / 2, (1 + level) / 2]) for k, v in rows.items()}
    for j, pair in profiled(found, rows, level, by_mean).items():
        name = _names(found)[j]
        ends[name] = [_reported(found, x, tau, j, end)[name] for end in pair]
        if name in bound:
            best[name] = _reported(found, x, tau, j, _nearest_bound(found, j))[name]
    values = {}
    for key, value in best.items():
        if key in held:
            values[key] = Value(value, math.nan, math.nan, "1", _HELD)
            continue
        own = unit if key in ("G_min", "G_max") else "1"
        span = sorted((float(ends[key][0]), value, float(ends[key][1])))
        values[key] = Value(value, span[0], span[2], own, _AT_BOUND if key in bound else "")
    return found, drawn, rows, _with_ties(values, rows, bound)


def _names(found: Estimate) -> tuple[str, ...]:
    """Return the reported names of the global parameters."""
    return (*found.problem.shape.free, *NAMES)


def _nearest_bound(found: Estimate, j: int) -> float:
    """Return the bound near parameter `j`; noise at the lower one is none: minus infinity."""
    low, high = (v[j] for v in found.problem.limits())
    if found.point.x[j] > (low + high) / 2:
        return high
    return -math.inf if j >= found.point.x.size - len(NOISE) else low


def _reported(found: Estimate, x: np.ndarray, tau: np.ndarray, j: int, value: float) -> dict:
    """Return what a fit reports with parameter `j` at a value of the fit's own scale."""
    at = x.copy()
    at[j] = value
    return physical(found, at, tau)


def _with_ties(values: dict, rows: dict, bound: list[str]) -> dict[str, Value]:
    """Return values that name the one at a bound that each of them is tied to, if any."""
    tied = {name: other for name, other, _ in limits.ties(rows, bound)}
    for end in limits.open_ends(bound):
        tied |= dict.fromkeys((n for n in values if n not in (*bound, *_OF_NO_RANGE)), end)
    return {
        name: dataclasses.replace(v, note=f"tied to {tied[name]}, which is at a bound")
        if name in tied
        else v
        for name, v in values.items()
    }


def _value(column: np.ndarray, level: float, unit: str, note: str = "") -> Value:
    good = column[np.isfinite(column)]
    if good.size < column.size / 2:
        return Value(math.nan, math.nan, math.nan, unit, "none")
    q = np.quantile(good, [0.5, (1 - level) / 2, (1 + level) / 2])
    return Value(*map(float, q), unit, note)


def _by_mean_notes(found: Estimate, by_mean: bool) -> list[str]:
    if not by_mean:
        return []
    what = "blocks of residuals" if few_cycles(found) else "cycles"
    return [
        "the likelihood's curves miss the mean levels: shape fitted to levels averaged over cycles,"
        f" its intervals from {_RESAMPLED} resamplings of {what}"
    ]


def _of_the_way(run: dict) -> list[str]:
    """Return what it says if levels scatter far less between cycles than in the emulation."""
    measured, emulated, p = run.get("emulated_levels", (1.0, 1.0, 1.0))
    if p > 0.02 or measured > _CLOSER * emulated:
        return []
    return [
        f"levels scatter {measured / emulated:.2g} times as much between cycles as emulated ones: "
        "more reproducible than steps that depend on the state alone and on independent noise; "
        "pulses from several levels, without a branch before them, would tell what else they "
        "depend on"
    ]


def _at_bound(found: Estimate, by_mean: bool) -> list[str]:
    """Return the reported names of parameters at a bound; `by_mean`: only noise was free."""
    first_noise = found.point.x.size - len(NOISE)
    quiet = first_noise + np.flatnonzero(~found.point.free[first_noise:])
    return [_names(found)[j] for j in (*bounded(found, by_mean), *quiet)]


def _derived(found: Estimate, drawn: Draws, x: np.ndarray, u: np.ndarray, tau: np.ndarray) -> dict:
    """Return figures for the first draws of the parameters."""
    few = drawn.x[:DRAWS]
    problem = found.problem
    rows = [physical(found, a, tau) for a in few]
    values = {k: np.array([r[k] for r in rows]) for k in ("G_min", "G_max", "relative", "absolute")}
    curves = np.stack([tables(problem.shape.model(a))[0] for a in few])
    begin, pulses = protocol(problem.sequence, problem.run(x, u)[2])
    return derived(values, curves, begin, pulses)


def protocol(s: Sequence, state: np.ndarray) -> tuple[tuple, tuple]:
    """Return mean state in which a branch begins and its median number of pulses, up and down."""
    _, _, polarity, number = np.unravel_index(s.place, s.shape)
    reset = branch_starts(s)
    before = np.where(reset == 1, np.roll(state, 1), state)
    begin, pulses = [], []
    for k, default in enumerate((0.0, 1.0)):
        here = (reset > 0) & (polarity == k)
        begin.append(float(before[here].mean()) if here.any() else default)
        last = np.flatnonzero((polarity == k) & np.append(np.diff(number) < 1, True))
        pulses.append(max(1, int(np.median(number[last]))) if last.size else 1)
    return tuple(begin), tuple(pulses)


def residuals(found: Estimate, x: np.ndarray, u: np.ndarray) -> dict[str, float]:
    """Return root mean squares as fractions of the range of the levels, less drift at its rate.

    ``curve``: readings from the noise-free curve that begins each branch at its own level;
    ``mean_curve``: from the one that begins at the mean level of the device's cycles; ``scatter``:
    of levels between cycles, else devices; ``exponential``: from NeuroSim's single exponential,
    free for each device and polarity.
    """
    problem = found.problem
    steady = dataclasses.replace(problem.sequence, y=problem.steady(x))
    return {
        "mean_curve": rms(Averages(problem, x, u).residual(x)),
        "scatter": scatter_of(steady),
        "exponential": exponential_residual(steady),
    }
