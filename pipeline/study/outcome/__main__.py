"""Runs the command: `python -m pipeline.study.outcome --root DIR`."""

import sys

from pipeline.study.outcome.cli import main

if __name__ == "__main__":
    sys.exit(main())
