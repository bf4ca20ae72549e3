"""The command line of runs on Vertex AI."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from components.errors import InputError
from pipeline.console import Console, log_to_file, native_errors_to_file
from pipeline.paths import RunPaths
from pipeline.startup import gc_paused
from pipeline.vertex.shared_flags import add_max_cost, add_rows, where_flags

_FAILED = 1
_USAGE = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the flags say.

    Returns:
      the exit status: 0, 1 if the command or the run failed, 2 if the flags are wrong, 130 if
      interrupted.
    """
    flags = _parser().parse_args(arguments)
    # TFX's libraries need Keras 2. Both variables count when TensorFlow is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.captureWarnings(True)
    with Console() as console:
        message, status = _run(flags, console)
        if status:
            console.say("")
            print(f"error: {message}", file=sys.stderr)
    return status


def _run(flags: argparse.Namespace, console: Console) -> tuple[str, int]:
    """Carries a command out; returns what went wrong and the exit status."""
    log_path = RunPaths(flags.root).log_path
    console.start_step("  loading")
    try:
        with gc_paused():
            from pipeline.vertex.commands import prepare
        try:
            command = prepare(flags)
        except InputError as error:
            return str(error), _USAGE
        console.end_step()
        try:
            log_to_file(log_path)
        except OSError as error:
            return f"--root: {flags.root}: {error.strerror}", _USAGE
        with native_errors_to_file(log_path):
            command(console)
    except KeyboardInterrupt as error:
        return str(error) or "interrupted", _INTERRUPTED
    except InputError as error:
        logging.exception("the command failed")
        return str(error), _FAILED
    except Exception as error:
        logging.exception("the command failed")
        # A step's error says which step and where its log is.
        said = str(error) if hasattr(error, "step") else f"{type(error).__name__}: {error}"
        return f"{said}\nfull log: {log_path}", _FAILED
    return "", 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_vertex.py",
        description="The pipeline on Vertex AI: compiled, tried here, submitted, watched, priced.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    what, where, server, here = _what(), where_flags(), _server(), _here()

    each = commands.add_parser(
        "compile", parents=[what, where, server, here], help="write the pipeline's specification"
    )
    each.add_argument(
        "--output", type=Path, metavar="FILE", help="(default: pipeline.json under --root)"
    )

    each = commands.add_parser(
        "run-locally",
        parents=[what, here],
        help="execute every task of the compiled pipeline on this machine",
    )
    each.add_argument("--jobs", type=int, metavar="N", help="tasks side by side")

    each = commands.add_parser(
        "submit", parents=[what, where, server, here], help="start a run, or a schedule of runs"
    )
    _add_submit_flags(each)

    each = commands.add_parser(
        "status", parents=[where, server, here], help="show a run, or list the newest ones"
    )
    each.add_argument("run", nargs="?", metavar="JOB", help="id, full name or page of a run")

    each = commands.add_parser(
        "cancel", parents=[where, server, here], help="end a run and its custom jobs"
    )
    each.add_argument("run", metavar="JOB", help="id, full name or page of a run; schedules/ID")

    each = commands.add_parser("cost", parents=[what, where, here], help="estimate a run")
    add_rows(each)
    each.add_argument(
        "--hours",
        action="append",
        default=[],
        metavar="STEP=HOURS",
        help="how long a step works, as seen in an earlier run; may be given many times",
    )
    return parser


def _add_submit_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="stay, show the steps, then the table")
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what would be created and send nothing"
    )
    parser.add_argument("--no-cache", action="store_true", help="skip no step that was done before")
    parser.add_argument(
        "--cron", metavar="'M H D M W'", help="make a schedule instead, such as '0 3 * * *'"
    )
    parser.add_argument(
        "--experiment", default="dlrm-approx", metavar="NAME", help="of the runs, for --target kfp"
    )
    add_max_cost(parser)
    add_rows(parser)


def _what() -> argparse.ArgumentParser:
    """The flags that say what is run."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "--preset", default="demo", metavar="NAME", help="named configuration (default: demo)"
    )
    flags.add_argument("--data", metavar="GLOB", help="raw click logs: gs://BUCKET/day_*")
    flags.add_argument(
        "--schema",
        default="criteo",
        metavar="NAME|FILE",
        help="what the rows look like (default: criteo)",
    )
    flags.add_argument(
        "--variants",
        type=lambda text: [name.strip() for name in text.split(",")],
        metavar="A,B,C",
        help="variants to compare: the preset's, methods, stacks of methods (A+B), or 'all'",
    )
    flags.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.FIELD=VALUE",
        help="change one value, for example --set vertex.trainer.machine_type=n1-highmem-8",
    )
    return flags


def _server() -> argparse.ArgumentParser:
    """The flags that choose another server than Vertex AI."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "--target",
        choices=("vertex", "kfp"),
        default="vertex",
        help="Vertex AI, or a Kubeflow Pipelines server (default: vertex)",
    )
    flags.add_argument("--host", metavar="URL", help="address of the Kubeflow Pipelines server")
    flags.add_argument("--namespace", metavar="NAME", help="of a server with several users")
    return flags


def _here() -> argparse.ArgumentParser:
    """The flags that concern this machine."""
    flags = argparse.ArgumentParser(add_help=False)
    flags.add_argument(
        "--root",
        type=Path,
        default=Path("runs/vertex"),
        metavar="DIR",
        help="folder for the log and for local runs (default: runs/vertex)",
    )
    return flags
