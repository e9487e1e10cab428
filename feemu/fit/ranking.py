"""Which response model: Akaike's criterion, the simpler one where it hardly decides."""

from __future__ import annotations

import logging
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

    Raises
    ------
    ValueError
        For an unknown model, or if no model can be fitted.
    """
    for name in models:
        if name not in SHAPES:
            raise ValueError(unknown("model", name, SHAPES))
    found = _all(parts, models if len(models) > 1 else (*models, _HELPER))
    if not set(found) & set(models):
        raise ValueError(f"fit: none of the models {', '.join(models)} could be fitted")
    found = {name: group for name, group in _crossed(found).items() if name in models}
    rows = [_row(name, group, held_out) for name, group in found.items()]
    best = chosen(rows)
    return sorted(rows, key=lambda r: (r.model != best, r.aic)), found


def _all(parts: list[Sequence], models: tuple[str, ...]) -> dict[str, list[Estimate]]:
    found = {}
    for name in dict.fromkeys(models):
        try:
            found[name] = [estimate(s, SHAPES[name]) for s in parts]
        except (np.linalg.LinAlgError, FloatingPointError, ValueError) as error:
            _log.warning("model %s could not be fitted: %s", name, error)
    return found


def _crossed(found: dict[str, list[Estimate]]) -> dict[str, list[Estimate]]:
    """Return all fits, each tried again from range and devices of the best other model."""
    out: dict[str, list[Estimate]] = {}
    for name, group in found.items():
        out[name] = []
        for i, own in enumerate(group):
            others = [g[i] for other, g in found.items() if other != name]
            try:
                best = max(others, key=lambda e: e.log_likelihood)
                out[name].append(crossed(own, best))
            except (ValueError, np.linalg.LinAlgError):
                out[name].append(own)
    return out


def chosen(rows: list[Rank]) -> str:
    """Return the model with the fewest parameters among those within `MARGIN` of the best AIC."""
    least = min(r.aic for r in rows)
    near = [r for r in rows if r.aic <= least + MARGIN]
    return min(near, key=lambda r: (r.parameters, r.aic)).model


def _row(name: str, group: list[Estimate], held_out: bool) -> Rank:
    sums = [sum(getattr(e, f) for e in group) for f in ("log_likelihood", "aic", "bic")]
    outside = sum(_held_out(e) for e in group) if held_out else float("nan")
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
