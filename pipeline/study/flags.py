"""The flags of a study's command."""

import argparse
from pathlib import Path

from pipeline.local_cli import not_empty
from pipeline.study.config import known_studies
from pipeline.vertex.shared_flags import add_max_cost, add_rows, where_flags

COMMAND = "python -m pipeline.study"
VERTEX = "vertex"
# Flags that only Vertex AI heeds.
_VERTEX_ONLY = (
    "project",
    "region",
    "pipeline_root",
    "image",
    "gpu_image",
    "tpu_image",
    "endpoint",
    "rows",
    "max_cost",
    "wait",
    "retry",
)


def read_flags(arguments: list[str]) -> argparse.Namespace:
    """Returns the flags; ends the process with status 2 if they are wrong."""
    parser = _parser()
    flags = parser.parse_args(arguments)
    given = [name for name in _VERTEX_ONLY if getattr(flags, name) not in (None, False)]
    if flags.on != VERTEX and given:
        parser.error(f"--{given[0].replace('_', '-')} is for --on {VERTEX}")
    return flags


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
        prog=COMMAND,
        parents=[_vertex_flags()],
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
        "--data",
        type=not_empty,
        metavar="GLOB",
        help="raw click logs in the place of the study's",
    )
    parser.add_argument(
        "--parallel",
        type=_at_least_one,
        metavar="N",
        help="trainings at once (default: the study's, else by cores and free memory); on Vertex "
        "AI runs at once (default: the study's, else all)",
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
        help="list the cells and about how long each takes, or what would be submitted; run "
        "nothing",
    )
    return parser


def _vertex_flags() -> argparse.ArgumentParser:
    """Returns the flags that lead to Vertex AI, in a group of their own."""
    flags = argparse.ArgumentParser(add_help=False, parents=[where_flags()])
    flags.add_argument(
        "--on",
        choices=("here", VERTEX),
        default="here",
        help="this machine, or Vertex AI with a pipeline run a cell (default: here)",
    )
    flags.add_argument("--wait", action="store_true", help="stay until all runs have ended")
    flags.add_argument(
        "--retry", action="store_true", help="submit runs that have failed or were cancelled again"
    )
    add_max_cost(flags)
    add_rows(flags)
    # What the checks of run_vertex.py's flags look at besides.
    flags.set_defaults(command=f"--on {VERTEX}", target="vertex")
    return flags
