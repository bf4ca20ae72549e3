"""The command line of a local run."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from components.errors import InputError
from pipeline.cause import cause_of
from pipeline.config import PipelineConfig
from pipeline.console import Console, log_to_file, native_errors_to_file
from pipeline.lineage.origin import read_origin
from pipeline.lineage.records import Origin
from pipeline.load_config import DEFAULT_SCHEMA, known_presets, load_config
from pipeline.paths import RunPaths
from pipeline.startup import gc_paused
from schemas.schema_file import known_schemas

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the pipeline as the flags say.

    Returns:
      the exit status: 0, 1 if the run failed, 2 if the flags are wrong, 130 if interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    flags = _parser().parse_args(arguments)
    # TFX's libraries need Keras 2. Both variables count when TensorFlow is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.captureWarnings(True)
    root = flags.root or Path("runs") / flags.preset
    log_path = RunPaths(root).log_path
    with Console() as console:
        console.start_step("  loading TensorFlow and TFX")
        try:
            config = load_config(flags.preset, flags.variants, flags.set, flags.schema)
            _check_data(flags.data, flags.schema)
            check_root(root)
        except InputError as error:
            return fail(console, str(error), USAGE)
        except KeyboardInterrupt:
            return fail(console, "interrupted", INTERRUPTED)
        try:
            log_to_file(log_path)
            with native_errors_to_file(log_path):
                origin = read_origin("run_local.py", arguments)
                _run(config, root, flags, console, origin)
        except KeyboardInterrupt:
            message = "interrupted; finished steps are kept, the next run goes on from there"
            return fail(console, message, INTERRUPTED)
        except Exception as error:
            logging.exception("the run failed")
            pushed = "; nothing was pushed" if hasattr(error, "step") else ""
            return fail(console, f"{cause_of(error)}\nfull log: {log_path}{pushed}", FAILED)
    return 0


def fail(console: Console, message: str, status: int) -> int:
    """Says on the standard error why the command ends; returns its exit status."""
    console.say("")
    print(f"error: {message}", file=sys.stderr)
    return status


def check_root(root: Path) -> None:
    """Checks the root folder before anything is written.

    Raises:
      InputError: if it cannot be a folder, or its path would be read as a file pattern.
    """
    path = str(root.absolute())
    if any(character in path for character in "*?[]{}"):
        raise InputError(f"--root: {path} has a character of file patterns: * ? [ ] {{ }}")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--root: {path} cannot be made: {error.strerror}") from error


def _check_data(data: str | None, schema: str) -> None:
    """Checks that there is a log of the schema.

    Raises:
      InputError: if there is none: generated logs are Criteo's.
    """
    if data is None and schema != DEFAULT_SCHEMA:
        raise InputError(f"--schema {schema} needs --data: generated logs are {DEFAULT_SCHEMA}'s")


def _run(
    config: PipelineConfig,
    root: Path,
    flags: argparse.Namespace,
    console: Console,
    origin: Origin,
) -> None:
    with gc_paused():
        from components.evaluator.report.table import render_table
        from pipeline.local_run import run

    log_to_file(RunPaths(root).log_path)  # again, now that the libraries have set theirs up
    console.end_step(f"{len(config.variants)} variants: {', '.join(config.variants)}")
    result = run(config, root, flags.data, console, flags.beam, flags.artifacts, origin)
    console.say(
        f"\n{render_table(result.comparison)}\n\n"
        f"report        {result.report}\n"
        f"pushed model  {result.pushed_model or 'none: no variant keeps all constraints'}"
    )


def not_empty(text: str) -> str:
    """Refuses a flag without a value."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, received nothing")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_local.py",
        description="Raw click logs in; compared DLRM variants and a pushed model out.",
    )
    parser.add_argument(
        "--preset",
        default="demo",
        metavar="NAME",
        help=f"named configuration: {', '.join(known_presets())} (default: demo)",
    )
    parser.add_argument(
        "--data",
        type=not_empty,
        metavar="GLOB",
        help="raw click logs, plain, .gz or .zst (default: generate the preset's synthetic log)",
    )
    parser.add_argument(
        "--schema",
        default=DEFAULT_SCHEMA,
        metavar="NAME|FILE",
        help=f"what the rows look like: {', '.join(known_schemas())} or a YAML file of your own "
        f"(default: {DEFAULT_SCHEMA})",
    )
    parser.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="folder for artifacts, metadata, report and pushed models (default: runs/PRESET)",
    )
    parser.add_argument(
        "--artifacts",
        type=not_empty,
        metavar="URI",
        help="folder for the artifacts alone, for example on gs:// (default: one under --root)",
    )
    parser.add_argument(
        "--variants",
        type=lambda text: [name.strip() for name in text.split(",")],
        metavar="A,B,C",
        help="variants to compare: the preset's, methods, stacks of methods (A+B), or 'all'",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.FIELD=VALUE",
        help="change one value, for example --set trainer.epochs=2; may be given many times",
    )
    parser.add_argument(
        "--beam",
        action="append",
        default=[],
        metavar="ARGUMENT",
        help="Beam's own arguments in place of the local defaults, for example "
        "--beam=--runner=FlinkRunner; may be given many times",
    )
    return parser
