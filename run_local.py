"""Runs the pipeline on this machine: raw click logs in, compared variants and a pushed model out.

python run_local.py --data 'day_*.tsv' --variants full,hashing --root runs/mine
"""

import sys

from pipeline.local_cli import main

if __name__ == "__main__":
    sys.exit(main())
