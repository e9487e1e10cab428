"""The command line: ``feemu COMMAND ...``, one small file per command."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence

from feemu.cli.parser import Parser, joined

#: Command -> (module, what it does); a module is imported only when its command is used.
COMMANDS = {
    "demo": ("demo", "run the pulse-width study in small, offline, in under a minute"),
    "train": ("train", "train a network on one device with one algorithm"),
    "sweep": ("sweep", "run the study of a TOML file, and continue it"),
    "status": ("status", "show where a sweep stands"),
    "merge": ("merge", "join the results of several sweeps"),
    "fit": ("fit", "fit a measured pulse train: device, noise, spread, with intervals"),
    "devices": ("devices", "list the devices that come with feemu"),
    "algorithms": ("algorithms", "list the training algorithms and their parameters"),
    "measure": ("measure", "measure pulse trains on a virtual device and write them as CSV"),
    "info": ("info", "show what a result, a state file or a device holds"),
    "eval": ("evaluate", "test a trained network that was saved with train --save-state"),
    "plot": ("plot", "draw a result"),
    "data": ("data", "fetch a data set"),
    "bench": ("bench", "measure the speed on this machine"),
}
OK, BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 0, 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, see `told`; 1: cases of a sweep failed."""
    arguments = joined(sys.argv[1:] if argv is None else list(argv))
    return told(lambda: _run(arguments))


def told(call: Callable[[], int | None]) -> int:
    """Run a command or a study and return its exit code; errors are told in one line on stderr.

    0 or what `call` returns: done; 2: bad input; 130: interrupted; 141: the reader of the output
    went away. With FEEMU_DEBUG=1 an error shows where it comes from.
    """
    _log_to_stderr()
    try:
        code = call()
        sys.stdout.flush()
        return code or OK
    except SystemExit as stop:  # argparse after --help, --version or a wrong option
        return stop.code if isinstance(stop.code, int) else BAD_INPUT
    except KeyboardInterrupt:
        _say("feemu: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    except MemoryError as error:
        _say(f"feemu: error: not enough memory ({error}); make the network or the batch smaller")
        return BAD_INPUT
    except (ValueError, TypeError, OSError) as error:
        if os.environ.get("FEEMU_DEBUG"):
            raise
        _say(f"feemu: error: {' '.join(str(error).split()) or type(error).__name__}")
        return BAD_INPUT


def _run(arguments: list[str]) -> int | None:
    parser = _parser()
    if not arguments:
        parser.print_help()
        return OK
    name = arguments[0]
    if name.startswith("-"):
        if parser.parse_args(arguments).version:
            from feemu import __version__

            print(f"feemu {__version__}")
        return OK
    if name not in COMMANDS:
        from feemu.params import unknown

        raise ValueError(unknown("command", name, COMMANDS))
    module = importlib.import_module(f"feemu.cli.{COMMANDS[name][0]}")
    own = Parser(f"feemu {name}", COMMANDS[name][1], module.EXAMPLES, module.__doc__)
    module.add_arguments(own)
    return module.run(own.parse_args(arguments[1:]))


def _parser() -> Parser:
    width = max(map(len, COMMANDS))
    listed = "\n".join(f"  {name.ljust(width)}  {what}" for name, (_, what) in COMMANDS.items())
    parser = Parser(
        "feemu",
        "pulse-level emulator of ferroelectric synapse arrays and their training",
        ["feemu demo", "feemu train --help"],
        usage="feemu COMMAND ...",
        note=f"commands:\n{listed}",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser


def _log_to_stderr() -> None:
    log = logging.getLogger("feemu")
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("feemu: warning: %(message)s"))
        log.addHandler(handler)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
