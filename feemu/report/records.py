"""One row of the claims table, and the verdicts over all rows of a table."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

from feemu.statistics import MIN_SEEDS, VERDICTS, holm, verdict

#: What the paper says, in the words of this project.
STATEMENTS = {
    "a": "shorter pulses cost less energy per pulse",
    "b": "the epochs to a target rise as pulses get shorter",
    "c": "the total energy to a target falls as pulses get shorter",
    "d": "plain SGD ends below mixed precision",
    "e": "shifting the symmetry point restores the accuracy of plain SGD",
    "f": "short pulses cost no accuracy",
}
BY_CONSTRUCTION = VERDICTS[3]


@dataclass(frozen=True)
class Claim:
    """One quantitative reading of one statement, with its effect and verdict.

    Attributes
    ----------
    key, statement : str
        Letter and words of the paper's statement, see `STATEMENTS`.
    table : str
        ``all widths`` or ``measured widths``.
    widths, origins : tuple
        Pulse widths [s] that are compared (short, long) or averaged over, and their labels.
    algorithm, tuned_for, quantity, target : str
        Which runs, what their hyper-parameters were chosen for, what was compared, and the
        target it counts to (empty where there is none).
    kind : {"ratio", "difference"}
        Ratio of medians (short over long), or difference of means.
    effect, low, high : float
        Effect [1] and its 95 % interval over paired seeds; NaN where there is none, +inf where
        the denominator is zero or the short width never reaches the target.
    null, side : float, {"greater", "less"}
        The claim puts the effect on this side of `null`.
    p_value, p_holm : float
        Two-sided p value of the effect being `null`; the same after Holm over the table's rows.
    runs : int
        Pairs of seeds; 0 where no run takes part.
    verdict : str
        ``holds``, ``does not hold`` (the opposite is established), ``undecided``, with the reason
        where there is a particular one, or ``by construction``.
    critical_tau_w : float
        The tau_w [s] below which the short width is cheaper; NaN where it does not apply.
    note : str
        The values behind the effect.
    """

    key: str
    table: str
    widths: tuple[float, ...]
    origins: tuple[str, ...]
    algorithm: str
    tuned_for: str
    quantity: str
    kind: str
    effect: float
    low: float
    high: float
    null: float
    side: str
    p_value: float
    runs: int
    target: str = ""
    note: str = ""
    critical_tau_w: float = math.nan
    p_holm: float = math.nan
    verdict: str = ""

    @property
    def statement(self) -> str:
        """The paper's statement."""
        return STATEMENTS[self.key]

    @property
    def never(self) -> bool:
        """Whether the target was reached on neither side."""
        return math.isnan(self.effect)

    def to_dict(self) -> dict:
        """Return the row as plain values."""
        return {"statement": self.statement, **asdict(self)}


def judge(rows: list[Claim]) -> list[Claim]:
    """Return the rows of one table with their p values after Holm, and their verdicts."""
    adjusted = holm([row.p_value for row in rows])
    return [replace(row, p_holm=float(p), verdict=_said(row, p)) for row, p in zip(rows, adjusted)]


def _said(row: Claim, p: float) -> str:
    if row.verdict:
        return row.verdict
    undecided = VERDICTS[2]
    if row.runs == 0:
        return f"{undecided} (not run)"
    if row.never:
        return f"{undecided} (never reached)"
    if row.runs < MIN_SEEDS:
        return f"{undecided} (quick: {row.runs} seed{'s'[: row.runs > 1]})"
    return verdict(row.low, row.high, row.null, row.side, p_value=p)
