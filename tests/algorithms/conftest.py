"""Makes the devices and the slow array of the array's tests importable."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "array"))
