"""What all tests share: the folder of the slow references, and the option that renews goldens."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))


def pytest_addoption(parser):
    """Add ``--update-golden``."""
    told = "write the files in tests/golden anew from what the code gives now"
    parser.addoption("--update-golden", action="store_true", help=told)
