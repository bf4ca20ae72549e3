"""The command line of a study."""

import argparse
import fcntl
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from components.errors import InputError
from pipeline.cause import cause_of
from pipeline.console import Console, log_to_file, native_errors_to_file
from pipeline.lineage.origin import read_origin
from pipeline.lineage.records import Origin
from pipeline.local_cli import FAILED, INTERRUPTED, USAGE, check_root, fail
from pipeline.paths import RunPaths
from pipeline.startup import gc_paused
from pipeline.study.config import load_study
from pipeline.study.flags import VERTEX, read_flags

if TYPE_CHECKING:  # it loads TensorFlow, before which variables have to be set
    from pipeline.study.result import StudyResult


class Engine(Protocol):
    """Where a study runs."""

    def show_plan(self) -> None:
        """Says what would be run."""

    def run(self, origin: Origin) -> "StudyResult | None":
        """Runs it; returns None if it goes on elsewhere."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a study as the flags say.

    Returns:
      the exit status: 0; 1 if a training or all of the study failed; 2 if the flags or the
      configuration are wrong; 130 if interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    flags = read_flags(list(arguments))
    # TFX's libraries need Keras 2. Both variables count when TensorFlow is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.captureWarnings(True)
    root: Path = flags.root or Path("runs") / f"study_{Path(flags.config).stem}"
    paths = RunPaths(root.resolve())
    with Console() as console:
        console.start_step("  loading TensorFlow and TFX")
        try:
            engine = _engine(flags, paths, console)
            if flags.dry_run:
                console.end_step()
                engine.show_plan()
                return 0
            check_root(root)
        except InputError as error:
            return fail(console, str(error), USAGE)
        except KeyboardInterrupt:
            return fail(console, "interrupted", INTERRUPTED)
        origin = read_origin("-m", ["pipeline.study", *arguments])
        return _run(engine, paths, console, origin, flags.tracking_uri)


def _engine(flags: argparse.Namespace, paths: RunPaths, console: Console) -> Engine:
    study = load_study(flags.config)
    if flags.data is not None:
        study = study.model_copy(update={"data": flags.data})
    with gc_paused():
        if flags.on == VERTEX:
            from pipeline.study.vertex.engine import VertexEngine

            return VertexEngine(study, flags, paths, console)
        from pipeline.study.local_engine import LocalEngine

        return LocalEngine(study, flags.config, flags.parallel, paths, console)


def _run(
    engine: Engine, paths: RunPaths, console: Console, origin: Origin, tracking_uri: str | None
) -> int:
    try:
        log_to_file(paths.log_path)
        with _only_study(paths), native_errors_to_file(paths.log_path):
            return _run_and_write(engine, paths, console, origin, tracking_uri)
    except KeyboardInterrupt as error:
        message = "interrupted; finished trainings are kept, the same command goes on from there"
        return fail(console, str(error) or message, INTERRUPTED)
    except Exception as error:
        logging.exception("the study failed")
        return fail(console, f"{cause_of(error)}\nfull log: {paths.log_path}", FAILED)


def _run_and_write(
    engine: Engine, paths: RunPaths, console: Console, origin: Origin, tracking_uri: str | None
) -> int:
    result = engine.run(origin)
    if result is None:
        return 0
    with gc_paused():
        from pipeline.study.outcome import write_outcome
        from pipeline.study.tables import curves_table, finals_table, write_tables
        from pipeline.study.text import result_text
        from pipeline.study.tracking import track

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
