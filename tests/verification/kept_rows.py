"""Rows of a long verification as JSON lines, so that it continues where it was cut off."""

import json
from pathlib import Path


def rows_of(file: Path) -> list[dict]:
    """Return the rows of a file; a line that was cut is left out."""
    rows = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            rows += json.loads(line)
        except ValueError:
            continue
    return rows


def fill(file: Path, places: list[tuple[str, int]], work) -> list[dict]:
    """Append ``work(model, number)``, a list of rows, for each place that is not there yet."""
    done = {(row["model"], row["number"]) for row in rows_of(file)}
    with file.open("a") as out:
        for place in places:
            if place not in done:
                out.write("\n" + json.dumps(work(*place)))
                out.flush()
    return rows_of(file)
