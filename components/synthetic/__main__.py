"""Writes a synthetic click log and prints its summary.

python -m components.synthetic --rows 100000 --seed 0 --out data.tsv
"""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from components.errors import InputError
from components.synthetic.click_log import SyntheticConfig, write_click_log


def main(arguments: list[str] | None = None) -> int:
    """Writes the log that the flags ask for and prints its summary."""
    parser = argparse.ArgumentParser(
        prog="python -m components.synthetic",
        description="Write a synthetic click log in the raw Criteo format, and its best scores.",
    )
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--rows", type=int, help="number of rows")
    size.add_argument("--megabytes", type=float, help="size in 10**6 bytes, cut after a whole row")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same bytes (default 0)")
    parser.add_argument("--click-rate", type=float, default=0.25, help="default 0.25")
    parser.add_argument("--logit-scale", type=float, default=1.0, help="more is easier (default 1)")
    parser.add_argument("--category-skew", type=float, default=1.0, help="default 1: as measured")
    parser.add_argument("--out", type=Path, required=True, help="the log; .gz is compressed")
    values = vars(parser.parse_args(arguments))
    path = values.pop("out")
    try:
        summary = write_click_log(SyntheticConfig(**values), path)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'size'}: {e['msg']}, received {e['input']!r}"
            for e in error.errors()
        )
        parser.error(problems)
    except (InputError, OSError) as error:
        parser.error(str(error))
    print(summary.model_dump_json(indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
