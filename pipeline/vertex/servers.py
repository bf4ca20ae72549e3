"""The server that the flags name: Vertex AI or Kubeflow Pipelines."""

from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.console import Console
from pipeline.vertex.flags import check_given, check_project, check_region
from pipeline.vertex.runs.vertex_runs import VertexRuns

if TYPE_CHECKING:  # it takes a second to import, which Vertex AI does not need
    from pipeline.vertex.runs.kfp_server import KfpRuns

# What a command does once its flags are checked.
Command = Callable[[Console], None]


def server_runs(flags: Namespace) -> "VertexRuns | KfpRuns":
    """Returns the runs of the server that the flags name; connects to nothing yet.

    Raises:
      InputError: if a flag is missing or wrong.
    """
    if flags.target == "kfp":
        return kfp_runs(flags)
    check_given({"--project": flags.project, "--region": flags.region}, flags.command)
    return VertexRuns(check_project(flags.project), check_region(flags.region), flags.endpoint)


def kfp_runs(flags: Namespace) -> "KfpRuns":
    """Returns the runs of the Kubeflow Pipelines server that `--host` names.

    Raises:
      InputError: if it is missing or wrong.
    """
    from pipeline.vertex.runs.kfp_server import KfpRuns

    check_given({"--host": flags.host}, f"{flags.command} --target kfp")
    return KfpRuns(flags.host, flags.namespace)
