"""The executors of a step whose work is done by a Vertex AI custom job."""

import copy
import hashlib
import json
import os
import re
import signal
import sys
from typing import Any

from tfx.components.trainer.executor import GenericExecutor
from tfx.components.util import udf_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import json_utils

from pipeline.vertex.api.service import Service
from pipeline.vertex.jobs.custom_job_run import EXECUTION_LABEL, run_custom_job
from pipeline.vertex.labels import PIPELINE_JOB_LABEL

CUSTOM_CONFIG = "custom_config"
VERTEX_JOB = "vertex_job"


class CustomJobExecutor(BaseExecutor):
    """Runs another executor in a custom job and waits for it.

    `custom_config["vertex_job"]` has `project`, `region`, `endpoint`, `executor_class_path` and
    `job`, the body of the request. The job's containers get `--executor_class_path`, `--inputs`,
    `--outputs` and `--exec-properties`, what `tfx.scripts.run_executor` takes. The other executor
    must leave its outputs in their folders: properties that it sets stay in the job.
    """

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Starts the job, or finds the one that an earlier try has started, and waits.

        Raises:
          JobFailedError: if the job does not succeed.
          ServiceError: if Vertex AI refuses a request or does not answer.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        job = json_utils.loads(exec_properties[CUSTOM_CONFIG])[VERTEX_JOB]
        service = Service(job["region"], job["endpoint"])
        body = job_of(job, input_dict, output_dict, exec_properties)
        location = f"projects/{job['project']}/locations/{job['region']}"
        # A pipeline that is cancelled ends its containers so.
        before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        try:
            run_custom_job(service.jobs(), location, body)
        finally:
            signal.signal(signal.SIGTERM, before)


def job_of(
    job: dict[str, Any],
    input_dict: dict[str, list[Artifact]],
    output_dict: dict[str, list[Artifact]],
    exec_properties: dict[str, Any],
) -> dict[str, Any]:
    """Returns the body of the request for a job, with its arguments and labels.

    Args:
      job: `custom_config["vertex_job"]`.
      input_dict: of the step.
      output_dict: of the step.
      exec_properties: of the step; the other executor gets them without the `vertex_job`.
    """
    custom = json_utils.loads(exec_properties[CUSTOM_CONFIG])
    rest = {key: value for key, value in custom.items() if key != VERTEX_JOB}
    properties = {**exec_properties, CUSTOM_CONFIG: json_utils.dumps(rest)}
    if not rest:
        del properties[CUSTOM_CONFIG]
    args = [
        "--executor_class_path",
        job["executor_class_path"],
        "--inputs",
        artifact_utils.jsonify_artifact_dict(input_dict),
        "--outputs",
        artifact_utils.jsonify_artifact_dict(output_dict),
        "--exec-properties",
        json.dumps(properties, sort_keys=True),
    ]
    body: dict[str, Any] = copy.deepcopy(job["job"])
    for pool in body["jobSpec"]["workerPoolSpecs"]:
        pool["containerSpec"]["args"] = args
    body["labels"] |= _labels(output_dict)
    return body


def _labels(output_dict: dict[str, list[Artifact]]) -> dict[str, str]:
    """Labels that tell whose job it is; the outputs' folders are those of one execution alone."""
    uris = sorted(artifact.uri for artifacts in output_dict.values() for artifact in artifacts)
    key = hashlib.sha256(json.dumps(uris).encode()).hexdigest()[:32]
    # ROOT/PROJECT/PIPELINE JOB/TASK/OUTPUT
    pipeline_job = uris[0].rstrip("/").rsplit("/", 3)[1] if uris[0].count("/") > 2 else ""
    label = re.sub("[^a-z0-9_-]", "-", pipeline_job.lower())[:63]
    return {EXECUTION_LABEL: key, PIPELINE_JOB_LABEL: label}


class WorkerTrainerExecutor(GenericExecutor):
    """TFX's executor of a Trainer, for one of several machines that train together.

    TFX's own looks for the model at the end, on every machine. Only the first one writes it, and
    the others may be done before.
    """

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains; the machine that TF_CONFIG calls the chief leaves the model.

        Raises:
          RuntimeError: if there is no model at the end, on the chief.
        """
        task = json.loads(os.environ.get("TF_CONFIG") or "{}").get("task", {})
        if task.get("type") != "worker":
            super().Do(input_dict, output_dict, exec_properties)
            return
        run_fn = udf_utils.get_fn(exec_properties, "run_fn")
        run_fn(self._GetFnArgs(input_dict, output_dict, exec_properties))
