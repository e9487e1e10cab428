"""Which response model: Akaike's criterion, the simpler one where it hardly decides."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from feemu.fit.estimate import Estimate, crossed, estimate
from feemu.fit.sequence import Sequence
from feemu.fit.shapes import SHAPES
from feemu.params import unknown

#: A simpler model is kept unless another is better by more than this in Akaike's criterion.
MARGIN = 4.0
#: Of this many cycles one is held out in turn of the ranking's second column.
_EVERY = 3
#: Fitted beside a single model, to have another start.
_HELPER = "linear"
#: Fitted only if the others leave structure: below this p-value, in this many bins of the state.
_FALLBACK, _STRUCTURED, _BINS = "table", 1e-3, 10
#: Readings of one pulse width that models are ranked on.
LARGE = 6_000
_log = logging.getLogger("feemu")


@dataclass(frozen=True)
class Rank:
    """One model in the ranking, over all pulse widths.

    Attributes
    ----------
    model : str
        Name.
    parameters : int
        Fitted numbers.
    log_likelihood, aic, bic : float
        Sums over pulse widths.
    held_out : float
        Log likelihood of the held-out cycles given the others, at parameters fitted to the others;
        NaN with fewer than 3 cycles.
    converged : bool
        Whether all fits ended at a maximum.
    """

    model: str
    parameters: int
    log_likelihood: float
    aic: float
    bic: float
    held_out: float
    converged: bool


def rank(parts: list[Sequence], models: tuple[str, ...], held_out: bool = True) -> tuple:
    """Return the ranking, the best model first, and all fits as ``{model: [Estimate, ...]}``.

    Of a large measurement only the first cycles are taken, see `LARGE`. Of several models the
    table is fitted only where the best other one leaves structure in its prediction errors.

    Raises
    ------
    ValueError
        For an unknown model, or if no model can be fitted.
    """
    for name in models:
        if name not in SHAPES:
            raise ValueError(unknown("model", name, SHAPES))
    few = [s.first_cycles(LARGE) for s in parts]
    wanted = models if len(models) > 1 else (*models, _HELPER)
    found = _all(few, tuple(n for n in wanted if n != _FALLBACK or n == models[0]))
    found = _crossed(found, models)
    if _FALLBACK in wanted and _FALLBACK not in found and _unexplained(found):
        found |= _all(few, (_FALLBACK,))
    found = {name: group for name, group in found.items() if name in models}
    if not found:
        raise ValueError(f"fit: none of the models {', '.join(models)} could be fitted")
    rows = [_row(name, group, held_out) for name, group in found.items()]
    best = chosen(rows)
    return sorted(rows, key=lambda r: (r.model != best, r.aic)), found


def _unexplained(found: dict[str, list[Estimate]]) -> bool:
    """Return whether the best of the fits leaves structure at any pulse width."""
    if not found:
        return True
    best = min(found.values(), key=lambda group: sum(e.aic for e in group))
    return any(structure(e) < _STRUCTURED for e in best)


def structure(found: Estimate) -> float:
    """Return the p-value of prediction errors that have mean zero at all states and polarities."""
    from scipy.stats import chi2

    problem, s = found.problem, found.problem.sequence
    nu, var, state, _ = problem.run(found.point.x, found.point.u)
    used = (var > 0) & (s.pulse != 0)
    z = np.clip(nu[used] / np.sqrt(var[used]), -problem.limit, problem.limit)
    place = np.clip((np.roll(state, 1)[used] * _BINS).astype(int), 0, _BINS - 1)
    place += _BINS * (s.pulse[used] > 0)
    count = np.bincount(place, minlength=2 * _BINS)
    total = np.bincount(place, z, 2 * _BINS)
    many = count > 9
    return float(chi2.sf(np.sum(total[many] ** 2 / count[many]), max(many.sum(), 1)))


def _all(parts: list[Sequence], models: tuple[str, ...]) -> dict[str, list[Estimate]]:
    found = {}
    for name in dict.fromkeys(models):
        try:
            found[name] = each(lambda s, name=name: estimate(s, SHAPES[name]), parts)
        except (np.linalg.LinAlgError, FloatingPointError, ValueError) as error:
            _log.warning("model %s could not be fitted: %s", name, error)
    return found


def _crossed(
    found: dict[str, list[Estimate]], models: tuple[str, ...]
) -> dict[str, list[Estimate]]:
    """Return the fits of some models, tried again from range and devices of the best other one."""

    def again(i: int, own: Estimate, name: str) -> Estimate:
        others = [g[i] for other, g in found.items() if other != name]
        try:
            return crossed(own, max(others, key=lambda e: e.log_likelihood))
        except (ValueError, np.linalg.LinAlgError):
            return own

    return {
        name: each(lambda i, g=group, n=name: again(i, g[i], n), range(len(group)))
        for name, group in found.items()
        if name in models
    }


def each(function: Callable, items: Iterable) -> list:
    """Return the results of a function, computed by threads: kernels release the lock."""
    items = list(items)
    if len(items) == 1:
        return [function(items[0])]
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1)) as pool:
        return list(pool.map(function, items))


def chosen(rows: list[Rank]) -> str:
    """Return the model with the fewest parameters among those within `MARGIN` of the best AIC."""
    least = min(r.aic for r in rows)
    near = [r for r in rows if r.aic <= least + MARGIN]
    return min(near, key=lambda r: (r.parameters, r.aic)).model


def _row(name: str, group: list[Estimate], held_out: bool) -> Rank:
    sums = [sum(getattr(e, f) for e in group) for f in ("log_likelihood", "aic", "bic")]
    outside = sum(each(_held_out, group)) if held_out else float("nan")
    converged = all(e.point.converged for e in group)
    return Rank(name, sum(e.parameters for e in group), *sums, outside, converged)


def _held_out(found: Estimate) -> float:
    """Return the log likelihood of every third cycle given the others."""
    s = found.problem.sequence
    cycle = s.cycle()
    hidden = cycle % _EVERY == 1
    if np.unique(cycle[np.isfinite(s.y)]).size < _EVERY:
        return float("nan")
    try:
        kept = estimate(s.without(hidden), found.problem.shape, near=found)
    except np.linalg.LinAlgError:
        return float("nan")
    point = kept.point
    seen = kept.problem.log_likelihood(point.x, point.u).sum()
    return float(found.problem.log_likelihood(point.x, point.u).sum() - seen)
