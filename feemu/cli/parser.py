"""Arguments: one-line errors with the nearest options, help texts with examples."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

_NUMBER = re.compile(r"-(\.?\d|inf|nan)", re.IGNORECASE)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are ValueErrors in one line.

    Parameters
    ----------
    name, what : str
        The command and what it does.
    examples : sequence of str
        Shown at the end of its help.
    details : str, optional
        Docstring of the command's module; what follows its first line is shown as well.
    usage, note : str, optional
        Usage line in place of argparse's; text before the examples.
    """

    def __init__(
        self,
        name: str,
        what: str,
        examples: Sequence[str],
        details: str | None = None,
        usage: str | None = None,
        note: str = "",
    ) -> None:
        shown = "\n".join(f"  {example}" for example in examples)
        more = (details or "").partition("\n")[2].strip()
        super().__init__(
            prog=name,
            usage=usage,
            description="\n\n".join(filter(None, [f"{name}: {what}.", more])),
            epilog="\n\n".join(filter(None, [note, f"examples:\n{shown}"])),
            formatter_class=_Formatter,
            allow_abbrev=False,
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple:
        """Parse, and refuse an option that is not known with the nearest that are."""
        values, rest = super().parse_known_args(args, namespace)
        if rest:
            options = [o for o in self._option_string_actions if o.startswith("--")]
            name = rest[0].partition("=")[0]
            near = difflib.get_close_matches(name, options, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else ""
            if not name.startswith("-"):
                hint = "values are written without blanks, e.g. 20ns or 256,128"
            self.error(f"unexpected argument {rest[0]!r}: {hint}")
        return values, rest

    def error(self, message: str) -> NoReturn:
        """Raise the error; the command line prints it."""
        raise ValueError(f"{message.rstrip(': ')}; see '{self.prog} --help'")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28)


def joined(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with a negative value tied to its option.

    argparse takes '-20ns' for an option and would only say that a value is missing.
    """
    out: list[str] = []
    for argument in arguments:
        last = out[-1] if out else ""
        if _NUMBER.match(argument) and last.startswith("--") and "=" not in last:
            out[-1] = f"{last}={argument}"
        else:
            out.append(argument)
    return out


def sizes(text: str) -> tuple[int, ...]:
    """Return layer sizes from text such as '256', '256,128' or 'none'."""
    if text.strip().lower() in ("none", "0"):
        return ()
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected sizes such as 256 or 256,128, or none"
        ) from None


def number(text: str) -> float:
    """Return a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number") from None


def whole(text: str) -> int:
    """Return a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number") from None


def at_least_one(text: str) -> int:
    """Return a whole number of 1 or more."""
    value = whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: must be at least 1")
    return value
