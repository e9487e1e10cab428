"""A sweep in processes of its own, to be killed: each process by its id, or its whole group."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from feemu.algorithms import PlainSGD

STUDY = """
task = "digits"
device = "hzo_superlattice"
hidden = [8]
epochs = 6
train_images = 600
batch = 4
lr = 0.2

[grid]
pulse_width = ["20ns", "20us"]
algorithm = ["plain_sgd", "mixed_precision"]
seed = [0, 1]
"""
CASES = 8
#: A process that was told to end is gone after this [s].
SOON = 15.0


class Deadly(PlainSGD):
    """An algorithm that ends the process that would run it, as a lack of memory does."""

    name = "deadly"

    def build(self, spec):
        """End this process."""
        os.kill(os.getpid(), signal.SIGKILL)


def write_study(folder):
    """Write the study and return its path."""
    path = Path(folder) / "study.toml"
    path.write_text(STUDY)
    return path


class Sweep:
    """``feemu sweep`` in a process group of its own; whatever is left of it ends with the block."""

    def __init__(self, study, out, workers=2):
        self.out, self.log = Path(out), Path(out).with_suffix(".log")
        command = [sys.executable, "-m", "feemu", "sweep", study, "--out", out]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*map(str, command), "--workers", str(workers)],
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *_):
        left = self.workers()
        if self.process.poll() is None:
            left.append(self.process.pid)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def workers(self):
        """Return the ids of its worker processes."""
        return [pid for pid in members(self.process.pid) if "spawn_main" in command_of(pid)]

    def shards(self):
        """Return its finished cases."""
        return [*(self.out / "shards").glob("*.run.npz")]

    def begun(self):
        """Return whether a case runs or has ended."""
        return any((self.out / "shards").glob("*.npz")) or any(
            (self.out / "shards").glob("*.running.json")
        )

    def end(self, limit=120.0):
        """Wait for its end and return the exit code."""
        return self.process.wait(limit)


def members(group):
    """Return the ids of the living processes of a group, its leader aside."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(its_group) == group and state != "Z" and int(path.parent.name) != group:
            found.append(int(path.parent.name))
    return found


def command_of(pid):
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_until(condition, limit=60.0):
    """Wait until something holds; an error after `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"waited {limit:g} s in vain"
        time.sleep(0.01)


def digest(path):
    """Return the SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
