"""The command that draws a study's outcome anew from its tables, without training."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from components.errors import InputError

_STUDY = "study"
_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes figures, page and summary, and what trackers want; prints where the page is.

    Returns:
      0; 1 if the tables are missing or the tracker cannot be used. Wrong flags exit with 2.
    """
    flags = _flags(arguments)
    # Both count when TensorFlow is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        print(_write(flags.root / _STUDY, flags.tracking_uri), flush=True)
    except InputError as error:
        print(f"study: {error}", file=sys.stderr)
        return _FAILED
    return 0


def _write(folder: Path, uri: str | None) -> Path:
    paths = [folder / f"{name}.parquet" for name in ("curves", "finals")]
    for path in paths:
        if not path.exists():
            raise InputError(
                f"--root: {path} not found; `python -m pipeline.study` writes it at its end"
            )
    from components.parquet import read_table
    from pipeline.study.outcome.write import write_outcome
    from pipeline.study.tracking import track

    curves, finals = (read_table(str(path)) for path in paths)
    page = write_outcome(folder, curves, finals)
    track(folder, curves, finals, uri)
    return page


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.study.outcome",
        description="Draws the figures, the page and the summary of a study from its tables, and "
        "writes its logs for TensorBoard.",
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="of the study")
    parser.add_argument(
        "--tracking-uri", metavar="URI", help="an MLflow store that takes the study as well"
    )
    return parser.parse_args(arguments)
