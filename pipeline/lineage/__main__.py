"""Entry point of `python -m pipeline.lineage`."""

import sys

from pipeline.lineage.cli import main

if __name__ == "__main__":
    sys.exit(main())
