"""Entry point of `python -m pipeline.preflight`."""

import sys

from pipeline.preflight.cli import main

if __name__ == "__main__":
    sys.exit(main())
