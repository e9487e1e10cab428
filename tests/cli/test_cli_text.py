"""Numbers, tables and the progress line."""

import io
import math

import pytest

from feemu.cli import text
from feemu.cli.parser import joined


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0 J"), (1.25e-6, "1.25 uJ"), (999.7e-9, "1.00 uJ"), (1e-3, "1.00 mJ"),
        (12.34, "12.3 J"), (123.4e-12, "123 pJ"), (math.nan, "-"), (math.inf, "inf J"),
        (4e-20, "0.040 aJ"), (-2e-3, "-2.00 mJ"),
    ],
)  # fmt: skip
def test_si(value, shown):
    assert text.si(value, "J") == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min"), (-3, "0 s")],
)
def test_seconds(value, shown):
    assert text.seconds(value) == shown


def test_table_aligns_and_leaves_no_blanks_at_line_ends():
    seen = text.table(("a", "bb"), [("x", "1"), ("long", "22")], right=[1])
    assert seen == "a     bb\n----  --\nx      1\nlong  22"


def test_negative_values_are_tied_to_their_option():
    assert joined(["--pulse-width", "-20ns", "--lr", "-.5"]) == ["--pulse-width=-20ns", "--lr=-.5"]
    assert joined(["--seed=1", "-5", "--set", "a=-1"]) == ["--seed=1", "-5", "--set", "a=-1"]


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_line_is_silent_at_first_then_one_line_on_a_terminal(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(text.time, "monotonic", lambda: now[0])
    stream = _Terminal()
    line = text.Line(stream)
    line.show("too early")
    now[0] += 3
    line.show("first")
    now[0] += 1
    line.show("second")
    line.close()
    line.close()
    assert stream.getvalue() == "\rfirst\x1b[K\rsecond\x1b[K\n"


def test_line_is_plain_and_seldom_elsewhere(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(text.time, "monotonic", lambda: now[0])
    stream = io.StringIO()
    line = text.Line(stream)
    for _ in range(20):
        now[0] += 1
        line.show(f"{line.elapsed:g}")
    line.close()
    assert stream.getvalue().split() == ["2", "7", "12", "17"]
