"""`python -m pipeline.study`."""

import sys

from pipeline.study.cli import main

if __name__ == "__main__":
    sys.exit(main())
