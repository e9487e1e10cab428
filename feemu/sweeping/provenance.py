"""What the runs of a sweep came from, in one text."""

from __future__ import annotations

import json


def merge_provenance(texts: list[str]) -> str:
    """Return one provenance: what all runs share, and what each case has of its own."""
    bodies = [json.loads(text) for text in texts]
    cases = [body["case"] for body in bodies]
    shared = {k: v for k, v in cases[0].items() if all(c[k] == v for c in cases)}
    own = [{k: v for k, v in case.items() if k not in shared} for case in cases]
    devices = {c["device_sha256"]: c["device"] for c in cases}
    for case in own:
        case.pop("device", None)
    caveats = dict.fromkeys(c for body in bodies for c in body["caveats"])
    head = {k: v for k, v in bodies[0].items() if k not in ("case", "case_sha256", "caveats")}
    merged = {"case": shared, "cases": own, "devices": devices, "caveats": list(caveats)}
    return json.dumps({**head, **merged}, sort_keys=True)
