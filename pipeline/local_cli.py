"""The command line of a local run."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from components.errors import InputError
from pipeline.config import DEFAULT_SCHEMA, PipelineConfig, known_presets, load_config
from pipeline.console import Console, log_to_file, native_errors_to_file
from pipeline.lineage.origin import read_origin
from pipeline.lineage.records import Origin
from pipeline.paths import RunPaths
from pipeline.startup import gc_paused
from schemas.schema_file import known_schemas

# The last line of a traceback.
_SENT_EXCEPTION = re.compile(r"^(?:\w+\.)*(\w+: .+)$", re.MULTILINE)
_FAILED = 1
_USAGE = 2
_INTERRUPTED = 130


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
            _check_root(root)
        except InputError as error:
            return _fail(console, str(error), _USAGE)
        except KeyboardInterrupt:
            return _fail(console, "interrupted", _INTERRUPTED)
        try:
            log_to_file(log_path)
            with native_errors_to_file(log_path):
                origin = read_origin("run_local.py", arguments)
                _run(config, root, flags, console, origin)
        except KeyboardInterrupt:
            message = "interrupted; finished steps are kept, the next run goes on from there"
            return _fail(console, message, _INTERRUPTED)
        except Exception as error:
            logging.exception("the run failed")
            pushed = "; nothing was pushed" if hasattr(error, "step") else ""
            return _fail(console, f"{_cause(error)}\nfull log: {log_path}{pushed}", _FAILED)
    return 0


def _fail(console: Console, message: str, status: int) -> int:
    console.say("")
    print(f"error: {message}", file=sys.stderr)
    return status


def _check_root(root: Path) -> None:
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


def _cause(error: BaseException) -> str:
    """One message of an exception chain: the first error made for users, else the innermost."""
    chain = [error]
    while (cause := _before(chain[-1])) and cause not in chain:
        chain.append(cause)
    step = f"step {error.step}: " if hasattr(error, "step") else ""
    for link in chain:
        if isinstance(link, InputError):
            return f"{step}{link}"
    last = chain[-1]
    # A worker of Beam sends its exception as the text of a traceback.
    sent = _SENT_EXCEPTION.findall(str(last)) if "Traceback" in str(last) else ()
    return f"{step}{sent[-1] if sent else f'{type(last).__name__}: {last}'}"


def _before(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _not_empty(text: str) -> str:
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
        type=_not_empty,
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
        type=_not_empty,
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
