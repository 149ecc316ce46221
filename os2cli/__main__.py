"""``python -m os2cli``."""

import sys

from os2cli.cli import main

if __name__ == "__main__":
    sys.exit(main())
