"""What the runs of a sweep came from, in one text."""

from __future__ import annotations

import json
from collections.abc import Sequence


class Story:
    """Collects the provenance of runs; what they share is told once."""

    def __init__(self) -> None:
        self._cases: dict[int, dict] = {}
        self._heads: dict[int, dict] = {}
        self._caveats: dict[int, list[str]] = {}
        self._devices: dict[str, dict] = {}
        self._known: dict[str, dict] = {}

    def add(self, number: int, text: str) -> None:
        """Take the provenance of a run."""
        body = json.loads(text)
        case = body.pop("case")
        self._devices.setdefault(case["device_sha256"], case.pop("device"))
        body.pop("case_sha256")
        self._caveats[number] = body.pop("caveats")
        # Most runs have the same head: one object for all of them.
        self._heads[number] = self._known.setdefault(json.dumps(body, sort_keys=True), body)
        self._cases[number] = case

    def text(self, order: Sequence[int], failed: Sequence[dict] = ()) -> str:
        """Return one provenance of all runs in the given order, and of the cases that failed.

        ``case`` has what all cases share, ``cases`` what each has of its own. Versions and
        other circumstances that differ between runs are lists of all that occur, and stand with
        each case under ``run``.
        """
        cases = [self._cases[i] for i in order]
        first = cases[0]
        shared = {k for k, v in first.items() if all(k in c and c[k] == v for c in cases)}
        head, differ = self._head(order)
        own = []
        for i, case in zip(order, cases):
            rest = {k: v for k, v in case.items() if k not in shared}
            if differ:
                rest["run"] = {k: self._heads[i].get(k) for k in differ}
            own.append(rest)
        common = {k: first[k] for k in shared}
        if len(self._devices) == 1:
            common["device"] = next(iter(self._devices.values()))
        caveats = dict.fromkeys(c for i in order for c in self._caveats[i])
        body = {
            **head, "case": common, "cases": own, "devices": self._devices,
            "caveats": list(caveats),
        }  # fmt: skip
        if failed:
            body["failed"] = list(failed)
        return json.dumps(body, sort_keys=True)

    def _head(self, order: Sequence[int]) -> tuple[dict, list[str]]:
        heads = [self._heads[i] for i in order]
        names = dict.fromkeys(k for head in self._known.values() for k in head)
        head, differ = {}, []
        for name in names:
            values = list(dict.fromkeys(json.dumps(h.get(name)) for h in heads))
            if len(values) > 1:
                differ.append(name)
                head[name] = [json.loads(v) for v in sorted(values)]
            else:
                head[name] = json.loads(values[0])
        return head, differ


def failures(provenance: str) -> list[dict]:
    """Return the cases that failed, as the provenance of a sweep tells them: place and error."""
    return json.loads(provenance).get("failed", [])
