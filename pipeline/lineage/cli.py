"""The command line of the lineage questions."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline.lineage import text, views
from pipeline.lineage.find import find_artifact
from pipeline.lineage.records import Snapshot
from pipeline.lineage.runs import runs_document
from pipeline.lineage.store import NoMetadataError, read_snapshot
from pipeline.lineage.trace import trace_document
from pipeline.lineage.trace_text import trace_text

NOT_FOUND = 1
NO_METADATA = 2


def main(arguments: list[str] | None = None) -> int:
    """Answers one question on standard output.

    Returns:
      0; `NOT_FOUND` if the id, path, type or run is unknown; `NO_METADATA` if there is no
      readable database. The message then goes to standard error.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.root is None:
        parser.error("--root is missing: the root folder of a run, as given to run_local.py")
    try:
        document, shown = _answer(read_snapshot(options.root), options)
        print(json.dumps(document, indent=1, sort_keys=True) if options.json else shown, flush=True)
    except NoMetadataError as error:
        print(f"lineage: {error}", file=sys.stderr)
        return NO_METADATA
    except InputError as error:
        print(f"lineage: {error}", file=sys.stderr)
        return NOT_FOUND
    except BrokenPipeError:  # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _answer(snapshot: Snapshot, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Returns the answer as a document and as text."""
    root = options.root
    if options.question == "runs":
        document = runs_document(snapshot)
        return document, text.runs_text(document, root)
    if options.question == "artifacts":
        document = views.artifacts_document(snapshot, options.type, options.run)
        return document, text.artifacts_text(document, root)
    if options.question == "show" and options.execution:
        document = views.show_execution_document(snapshot, options.id)
        return document, text.show_execution_text(document, root)
    if options.question == "show":
        document = views.show_artifact_document(snapshot, options.id)
        return document, text.show_artifact_text(document, root)
    document = trace_document(snapshot, find_artifact(snapshot, options.path_or_id, root))
    return document, trace_text(document, root)


def _parser() -> argparse.ArgumentParser:
    """Builds the parser; `--root` and `--json` may stand before or after the question."""
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--root", type=Path, metavar="DIR", help="root folder of the runs")
    common.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.lineage",
        description="Asks ML Metadata which data, code, configuration and seed made a model.",
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="root folder of the runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    questions = parser.add_subparsers(dest="question", required=True, metavar="QUESTION")
    questions.add_parser("runs", parents=[common], help="list the pipeline runs")
    artifacts = questions.add_parser("artifacts", parents=[common], help="list the artifacts")
    artifacts.add_argument("--type", help="only this artifact type, for example Model")
    artifacts.add_argument("--run", metavar="RUN", help="only outputs of this run (prefix is fine)")
    show = questions.add_parser("show", parents=[common], help="print one artifact or execution")
    show.add_argument("id", type=int, metavar="ID", help="artifact id (or execution id)")
    show.add_argument("--execution", action="store_true", help="ID is an execution's id")
    trace = questions.add_parser("trace", parents=[common], help="tell what made a model or file")
    trace.add_argument(
        "path_or_id",
        metavar="PATH_OR_ID",
        help="a pushed model's folder, an artifact's path, a path inside either, or an id",
    )
    return parser
