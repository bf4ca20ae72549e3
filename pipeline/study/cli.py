"""The command line of a study."""

import argparse
import fcntl
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from components.errors import InputError
from pipeline.cause import cause_of
from pipeline.console import Console, log_to_file, native_errors_to_file
from pipeline.lineage.origin import read_origin
from pipeline.lineage.records import Origin
from pipeline.local_cli import FAILED, INTERRUPTED, USAGE, check_root, fail, not_empty
from pipeline.paths import RunPaths
from pipeline.startup import gc_paused
from pipeline.study.config import known_studies, load_study
from pipeline.study.plan import Plan, make_plan

_COMMAND = "python -m pipeline.study"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a study as the flags say.

    Returns:
      the exit status: 0; 1 if a training or all of the study failed; 2 if the flags or the
      configuration are wrong; 130 if interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    flags = _parser().parse_args(arguments)
    # TFX's libraries need Keras 2. Both variables count when TensorFlow is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.captureWarnings(True)
    root: Path = flags.root or Path("runs") / f"study_{Path(flags.config).stem}"
    paths = RunPaths(root.resolve())
    with Console() as console:
        console.start_step("  loading TensorFlow and TFX")
        try:
            plan = make_plan(load_study(flags.config), flags.config, paths, flags.parallel)
            if flags.dry_run:
                from pipeline.study.text import plan_text

                console.end_step()
                console.say(plan_text(plan))
                return 0
            check_root(root)
        except InputError as error:
            return fail(console, str(error), USAGE)
        except KeyboardInterrupt:
            return fail(console, "interrupted", INTERRUPTED)
        origin = read_origin("-m", ["pipeline.study", *arguments])
        return _run(plan, paths, console, origin, flags.tracking_uri)


def _run(
    plan: Plan, paths: RunPaths, console: Console, origin: Origin, tracking_uri: str | None
) -> int:
    try:
        log_to_file(paths.log_path)
        with _only_study(paths), native_errors_to_file(paths.log_path):
            return _run_and_write(plan, paths, console, origin, tracking_uri)
    except KeyboardInterrupt:
        message = "interrupted; finished trainings are kept, the same command goes on from there"
        return fail(console, message, INTERRUPTED)
    except Exception as error:
        logging.exception("the study failed")
        return fail(console, f"{cause_of(error)}\nfull log: {paths.log_path}", FAILED)


def _run_and_write(
    plan: Plan, paths: RunPaths, console: Console, origin: Origin, tracking_uri: str | None
) -> int:
    with gc_paused():
        from pipeline.study.local_study import run_local_study
        from pipeline.study.outcome import write_outcome
        from pipeline.study.tables import curves_table, finals_table, write_tables
        from pipeline.study.text import result_text
        from pipeline.study.tracking import track

    log_to_file(paths.log_path)  # again, now that the libraries have set theirs up
    console.end_step(f"{len(plan.trainings)} trainings, {plan.parallel} at once")
    result = run_local_study(plan, paths, console, origin)
    curves, finals = curves_table(result), finals_table(result)
    write_tables(paths.study_dir, {"curves": curves, "finals": finals})
    console.start_step("  figures and page")
    page = write_outcome(paths.study_dir, curves, finals)
    track(paths.study_dir, curves, finals, tracking_uri)
    console.end_step()
    console.say(f"\n{result_text(result, paths.study_dir, page)}")
    has_failed = result.count("failed") or any(group.error for group in result.groups)
    return FAILED if has_failed else 0


@contextmanager
def _only_study(paths: RunPaths) -> Iterator[None]:
    """Refuses a second study under the same root meanwhile.

    Raises:
      InputError: if there is one.
    """
    paths.study_dir.mkdir(parents=True, exist_ok=True)
    with (paths.study_dir / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"--root: a study is running in {paths.root}") from error
        yield


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, received {text!r}")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_COMMAND,
        description="Trains a grid of datasets, architectures, variants and methods; writes curves "
        "and tables over all of it. Started again, it goes on where it was.",
    )
    parser.add_argument(
        "--config",
        type=not_empty,
        required=True,
        metavar="NAME|FILE",
        help=f"the study: {', '.join(known_studies())} or a YAML file of your own",
    )
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="folder for artifacts, metadata and tables (default: runs/study_NAME)",
    )
    parser.add_argument(
        "--parallel",
        type=_at_least_one,
        metavar="N",
        help="trainings at once (default: the study's, else by cores and free memory)",
    )
    parser.add_argument(
        "--tracking-uri",
        type=not_empty,
        metavar="URI",
        help="log the trainings to this MLflow store as well, such as sqlite:///runs/mlflow.db",
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="list the cells and about how long each takes; run nothing",
    )
    return parser
