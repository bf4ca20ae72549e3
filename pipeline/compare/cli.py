"""The command line of the comparison of two runs."""

import argparse
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import InputError
from components.progress import PROGRESS_LOGGER
from pipeline.console import Console
from pipeline.startup import gc_paused
from schemas.schema_file import known_schemas

if TYPE_CHECKING:
    from pipeline.compare.compare import Log
    from pipeline.compare.result import RunComparison

FAILED = 1
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the comparison on standard output, progress and errors on standard error.

    Returns:
      0; `FAILED` if the runs cannot be compared; 130 if interrupted. Wrong flags exit with 2.
    """
    flags = _flags(arguments)
    # Both count when TensorFlow is first imported; the exported models need none of Keras.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.captureWarnings(True)
    try:
        with Console(sys.stderr) as console, _progress_only_there():
            result = _compare(flags, console)
        if flags.json:
            from components.files import write_text

            write_text(flags.json, result.model_dump_json(indent=1) + "\n")
        from pipeline.compare.text import comparison_text

        print(comparison_text(result), flush=True)
    except InputError as error:
        print(f"compare: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("compare: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _compare(flags: argparse.Namespace, console: Console) -> "RunComparison":
    console.start_step("  loading TensorFlow")
    with gc_paused():
        from pipeline.compare.compare import compare
    console.end_step("")
    console.start_step("  comparing")
    runs = flags.run or [None, None]
    result = compare(tuple(flags.root), tuple(runs), flags.on, _log(flags))
    console.end_step("")
    return result


@contextmanager
def _progress_only_there() -> Iterator[None]:
    """Keeps progress from the handlers that libraries put on the root logger."""
    logger = logging.getLogger(PROGRESS_LOGGER)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = before


def _log(flags: argparse.Namespace) -> "Log | None":
    """Returns the log that was named.

    Raises:
      InputError: if the schema file is missing or wrong.
    """
    if flags.data is None:
        return None
    from pipeline.compare.compare import Log
    from schemas.click_log import ClickLog
    from schemas.schema_file import read_schema_file

    if flags.schema is None:
        return Log(flags.data)
    try:
        return Log(flags.data, ClickLog.model_validate(read_schema_file(flags.schema).click_log))
    except ValueError as error:
        raise InputError(f"--schema {flags.schema}: {error}") from error


def _flags(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _parser()
    flags = parser.parse_args(arguments)
    if len(flags.root) != 2:
        parser.error(f"--root: expected two, for run A and for run B; received {len(flags.root)}")
    if flags.run is not None and len(flags.run) != 2:
        parser.error(f"--run: expected two or none; received {len(flags.run)}")
    if flags.data is not None and flags.on is not None:
        parser.error("--on says whose eval split, --data says other rows: give one of them")
    if flags.schema is not None and flags.data is None:
        parser.error("--schema is the layout of --data, which is missing")
    if flags.json is not None and "://" not in flags.json and not Path(flags.json).parent.is_dir():
        parser.error(f"--json {flags.json}: its folder does not exist")
    return flags


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.compare",
        description="Compares the models that two runs chose on the same rows.",
    )
    parser.add_argument(
        "--root",
        action="append",
        required=True,
        type=Path,
        metavar="DIR",
        help="root folder of a run; give it twice: run A, then run B (they may be the same)",
    )
    parser.add_argument(
        "--run",
        action="append",
        metavar="RUN",
        help="id of a run or its first characters, for each root (default: the newest run)",
    )
    parser.add_argument(
        "--on", choices=("A", "B"), help="whose eval split to compare on (default: the newer run's)"
    )
    parser.add_argument(
        "--data", metavar="GLOB", help="raw click logs to compare on, in place of an eval split"
    )
    parser.add_argument(
        "--schema",
        metavar="NAME|FILE",
        help=f"what the rows of --data look like: {', '.join(known_schemas())} or a YAML file "
        "(default: as those of the newer run)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the comparison as JSON, too")
    return parser
