"""``python -m feemu`` is the command ``feemu``."""

import sys

from feemu.cli import main

if __name__ == "__main__":
    sys.exit(main())
