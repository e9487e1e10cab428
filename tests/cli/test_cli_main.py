"""The frame of the command line: help, versions, wrong names, exit codes, pipes, Ctrl-C."""

import os
import signal
import subprocess
import sys
import time

import pytest

from feemu.cli import COMMANDS

FEEMU = [sys.executable, "-m", "feemu"]


def spawn(*arguments, **options):
    return subprocess.run(
        [*FEEMU, *arguments], capture_output=True, text=True, timeout=60, **options
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(feemu, command):
    seen = feemu(command, "--help")
    assert seen.code == 0
    assert f"usage: feemu {command}" in seen.out
    assert f"examples:\n  feemu {command}" in seen.out
    assert max(map(len, seen.out.splitlines())) <= 110


def test_bare_command_lists_all_commands(feemu):
    for arguments in ([], ["--help"]):
        seen = feemu(*arguments)
        assert seen.code == 0 and all(f"\n  {name} " in seen.out for name in COMMANDS)


def test_version(feemu):
    import feemu as package

    assert feemu("--version").out == f"feemu {package.__version__}\n"


def test_unknown_command_names_the_nearest(refused):
    refused("trian", "--device", "ideal", words=("'trian'", "did you mean 'train'"))


def test_unknown_option_names_the_nearest(refused):
    asked = ("train", "--device", "ideal", "--algorithm", "float", "--epoch", "3")
    refused(*asked, words=("--epoch", "did you mean --epochs", "feemu train --help"))
    refused("--verison", words=("did you mean --version",))


def test_blanks_within_values_are_explained(refused):
    asked = ("train", "--device", "ideal", "--algorithm", "float", "--hidden", "256", "128")
    refused(*asked, words=("'128'", "without blanks", "256,128"))


def test_missing_options_are_named(refused):
    refused("train", words=("--device, --algorithm", "feemu train --help"))


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--hidden", "12x", ("--hidden", "12x", "256,128")),
        ("--lr", "fast", ("--lr", "'fast'", "number")),
        ("--batch", "1.5", ("--batch", "whole number")),
        ("--seeds", "0", ("--seeds", "at least 1")),
        ("--workers", "-2", ("--workers", "at least 1")),
    ],
)
def test_values_of_a_wrong_kind(refused, option, value, words):
    refused("train", "--device", "ideal", "--algorithm", "float", option, value, words=words)


def test_subprocess_error_is_one_line_and_exit_code_2():
    seen = spawn("info", "hzo_superlatice")
    assert seen.returncode == 2 and seen.stdout == ""
    assert seen.stderr.count("\n") == 1 and "did you mean 'hzo_superlattice'" in seen.stderr


def test_reader_that_goes_away_is_no_error():
    import feemu.cli

    run = "import sys; from feemu.cli import main; sys.exit(main(['algorithms']))"
    out, into = os.pipe()
    os.close(out)
    child = subprocess.Popen([sys.executable, "-c", run], stdout=into, stderr=subprocess.PIPE)
    os.close(into)
    _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (feemu.cli.BROKEN_PIPE, b"")


def _heed_interrupts():
    """Undo what a shell does to the jobs that it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_interrupt_ends_with_130_and_leaves_what_continues(tmp_path):
    asked = ["train", "--device", "ideal", "--algorithm", "float", "--epochs", "5000"]
    child = subprocess.Popen(
        [*FEEMU, *asked, "--out", str(tmp_path / "run.nc")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_heed_interrupts,
    )  # fmt: skip
    parts = tmp_path / "run.nc.parts"
    end = time.monotonic() + 50
    while time.monotonic() < end and not list(parts.glob("*.checkpoint.npz")):
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert child.returncode == 130
    assert "feemu: interrupted" in err and "continues from" in err and "Traceback" not in err
    assert list(parts.glob("*.checkpoint.npz")) and not (tmp_path / "run.nc").exists()


def test_unexpected_memory_need_is_told(monkeypatch, feemu):
    import feemu.cli.devices as command

    def run(options):
        raise MemoryError("Unable to allocate 7 TiB")

    monkeypatch.setattr(command, "run", run)
    seen = feemu("devices")
    assert seen.code == 2 and "not enough memory (Unable to allocate 7 TiB)" in seen.err
