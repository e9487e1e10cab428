"""Words of measurement files: column names, units, polarities, and numbers with a unit."""

from __future__ import annotations

import math
import re

#: Role of a column -> how labs call it, without case, blanks and punctuation.
ROLES = {
    "device": "device dev deviceid devicename dut cell cellid junction sample",
    "cycle": "cycle cycles cyc cycleno cyclenumber loop ramp rmp run repeat repetition train",
    "pulse": "pulse pulses pulseno pulsenr pulsenumber pulseindex pulseid npulse n nr index",
    "polarity": "polarity direction branch dir updown operation pulsetype",
    "voltage": "voltage v vpulse pulsevoltage vwrite writevoltage vprog amplitude pulseamplitude"
    " vp vapplied voltagepulse",
    "pulse_width": "pulsewidth width tpulse pw pulseduration duration tp twrite tw pulselength",
    "conductance": "conductance g gread readconductance cond weight w normalizedconductance"
    " normalisedconductance",
    "current": "current i iread readcurrent id",
    "resistance": "resistance r rread readresistance",
    "read_voltage": "readvoltage vread vr vrd voltageread",
}
VALUES = ("conductance", "current", "resistance")
#: Kind of quantity of each role that has a unit.
KIND = {
    "conductance": "conductance",
    "current": "current",
    "resistance": "resistance",
    "voltage": "voltage",
    "read_voltage": "voltage",
    "pulse_width": "time",
}
_UP = "up ltp pot potentiation potentiate set p + +1 1 1.0 increase inc program pos positive"
_DOWN = "down dn ltd dep depression depress reset d - -1 -1.0 0 0.0 decrease dec erase neg negative"
_POLARITY = dict.fromkeys(_UP.split(), True) | dict.fromkeys(_DOWN.split(), False)
#: Polarity words that may stand within a column's or file's name.
_INSIDE = {word: is_up for word, is_up in _POLARITY.items() if len(word) > 1 and word.isalpha()}
_PREFIX = {"T": 12, "G": 9, "M": 6, "k": 3, "": 0, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_BASE = {"conductance": "S", "current": "A", "resistance": "ohm", "voltage": "V", "time": "s"}
_ROLE_OF = {word: role for role, words in ROLES.items() for word in words.split()}
_RELATIVE = ("1", "a.u.", "au", "arb", "arb.u.", "arb. units", "arb. unit", "normalised",
             "normalized", "norm", "rel", "rel.")  # fmt: skip
MISSING = ("", "na", "n/a", "#n/a", "nan", "none", "null", "-", "--", "---", "?", "ovld", "ovrng",
           "overflow", "#value!", "#div/0!")  # fmt: skip
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?"
_WITH_UNIT = re.compile(rf"({_NUMBER})\s*([^\d\s.,+-].*)?", re.ASCII)
_BRACKETS = re.compile(r"(.*?)[\[({]([^\])}]*)[\])}]\s*")
_WIDTH_IN_NAME = re.compile(r"(?<![0-9A-Za-z.])(\d+(?:\.\d+)?) ?(ps|ns|us|µs|ms|s)(?![0-9A-Za-z])")


def unit_power(unit: str, kind: str) -> int | None:
    """Return the power of ten from a unit to the SI unit of a kind, None if it is none.

    ``'uS', 'conductance' -> -6``. Prefixes count with their case; micro is u or either of the
    Greek letters; Ohm, ohm, Ω and a bare prefix such as k or M are resistances.
    """
    text = unit.strip().replace("µ", "u").replace("μ", "u").replace(" ", "")
    if kind == "conductance" and text.lower() in _RELATIVE:
        return 0
    if kind == "time" and text.lower() in ("sec", "seconds"):
        text = "s"
    base = _BASE[kind]
    if kind == "resistance":
        text = re.sub(r"(?i:ohms?)|Ω|Ω", "ohm", text)
        text = text if text.endswith("ohm") or text not in "kMG" else f"{text}ohm"
    for ending in (base, base.lower()):
        prefix = text.removesuffix(ending)
        if prefix != text and prefix in _PREFIX:
            return _PREFIX[prefix]
    return None


def relative_unit(unit: str) -> bool:
    """Return whether a unit means arbitrary or normalised."""
    return unit.strip().lower() in _RELATIVE


def scaled(number: str, power: int) -> float:
    """Return the number of a text times a power of ten, rounded once."""
    body, _, exponent = number.lower().replace("d", "e").partition("e")
    return float(f"{body}e{int(exponent or 0) + power}")


def split_unit(name: str) -> tuple[str, str]:
    """Return (name, unit) of a header such as ``'G [uS]'``, ``'I_read / nA'`` or ``'width_ns'``."""
    found = _BRACKETS.fullmatch(name)
    if found:
        return found[1].strip(), found[2].strip()
    for mark in ("/", "_", " "):
        head, found, tail = name.strip().rpartition(mark)
        role = role_of(head)
        if found and role in KIND and unit_power(tail, KIND[role]) is not None:
            return head.strip(), tail.strip()
    return name.strip(), ""


def role_of(name: str) -> str:
    """Return the role of a column's bare name, empty if it is not known."""
    return _ROLE_OF.get(re.sub(r"[^a-z0-9]", "", name.lower()), "")


def polarity_of(word: str) -> bool | None:
    """Return True for up, False for down, None for another word."""
    return _POLARITY.get(word.strip().lower())


def polarity_inside(name: str) -> bool | None:
    """Return the polarity that a name such as ``'LTP_3'`` or ``'reset'`` holds, if only one."""
    words = re.findall(r"[a-z]+", name.lower())
    found = {_INSIDE[w] for w in words if w in _INSIDE}
    return found.pop() if len(found) == 1 else None


def width_inside(name: str) -> str:
    """Return the pulse width that a file's name holds, such as ``'200ns'``, empty if not one."""
    found = {f"{number}{unit}" for number, unit in _WIDTH_IN_NAME.findall(name.replace("_", "-"))}
    return found.pop() if len(found) == 1 else ""


def read_number(text: str) -> tuple[float, str] | None:
    """Return (number, unit) of a cell; NaN for a missing one, None if it is no number."""
    text = text.strip()
    if text.lower() in MISSING:
        return math.nan, ""
    found = _WITH_UNIT.fullmatch(text)
    if found is None or len(text) > 80:
        return None
    return scaled(found[1], 0), (found[2] or "").strip()
