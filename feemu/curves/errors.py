"""The reader's own error, and the one form in which it speaks."""

from __future__ import annotations

_LONGEST = 60


class CurvesError(ValueError):
    """A measurement file that cannot be read as pulse trains; the message is one line."""


def refuse(
    where: str, what: str, got: object = None, expected: str = "", line: int = 0
) -> CurvesError:
    """Return the error ``where:line: what, got ..., expected ...``.

    Parameters
    ----------
    where : str
        The file.
    what, expected : str
        What was looked at, and what is allowed or how to mend it.
    got : object, optional
        What stands there; long texts are cut.
    line : int
        Line of the file, from 1; 0 where no line is to blame.
    """
    place = f"{where}:{line}" if line else where
    parts = [what]
    if got is not None:
        parts.append(f"got {shown(got)}")
    if expected:
        parts.append(f"expected {expected}")
    text = " ".join(f"{place}: {', '.join(parts)}".split())
    return CurvesError("".join(c if c.isprintable() else "?" for c in text))


def shown(value: object) -> str:
    """Return a value as short printable text."""
    text = ascii(value) if isinstance(value, bytes) else repr(value)
    if isinstance(value, (int, float)):
        text = f"{value:.6g}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]}...{text[-1]}"
