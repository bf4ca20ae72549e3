"""The requests that start a run or a schedule on Vertex AI. Nothing is sent here."""

import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from google.cloud.aiplatform_v1.types import (
    CreatePipelineJobRequest,
    CreateScheduleRequest,
    EncryptionSpec,
    PipelineJob,
    Schedule,
)
from google.protobuf import json_format

from components.errors import InputError
from pipeline.vertex.api.request_check import check_required
from pipeline.vertex.config import VertexConfig
from pipeline.vertex.site import Site

_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


def new_job_id(job: Mapping[str, Any], now: datetime.datetime) -> str:
    """Chooses the id of one submission: pipeline, second, hash of what is submitted.

    It is chosen once, before anything is sent, so a request whose answer was lost can be looked up
    and two equal submissions within a second are one.

    Args:
      job: what `compile_pipeline` returned.
      now: with a time zone.

    Returns:
      lower-case letters, digits and hyphens; at most 63, for it is a label of custom jobs too.
    """
    name = re.sub(r"[^a-z0-9]+", "-", str(job["displayName"]).lower()).strip("-")[:39]
    content = hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()
    return f"{name}-{now.astimezone(datetime.timezone.utc):%Y%m%d%H%M%S}-{content[:8]}"


def pipeline_request(
    job: Mapping[str, Any], config: VertexConfig, site: Site, job_id: str
) -> CreatePipelineJobRequest:
    """Makes the request that starts a run.

    Args:
      job: what `compile_pipeline` returned.
      config: account, network, key.
      site: project and region.
      job_id: of `new_job_id`.

    Raises:
      InputError: if a field is unknown to the API, missing or a label not allowed.
    """
    pipeline_job = PipelineJob()
    try:
        json_format.ParseDict(dict(job), PipelineJob.pb(pipeline_job))
    except json_format.ParseError as error:
        raise InputError(
            f"the compiled pipeline is no PipelineJob of Vertex AI: {error}"
        ) from error
    _check_labels(pipeline_job.labels)
    if config.service_account:
        pipeline_job.service_account = config.service_account
    if config.network:
        pipeline_job.network = config.network
    if config.kms_key_name:
        pipeline_job.encryption_spec = EncryptionSpec(kms_key_name=config.kms_key_name)
    request = CreatePipelineJobRequest(
        parent=site.location, pipeline_job=pipeline_job, pipeline_job_id=job_id
    )
    check_required(request)
    return request


def schedule_request(request: CreatePipelineJobRequest, cron: str) -> CreateScheduleRequest:
    """Makes the request that starts such a run again and again, one at a time.

    The schedule's display name is the id of the submission; each run gets an id of its own.
    """
    schedule = Schedule(
        display_name=request.pipeline_job_id,
        cron=cron,
        max_concurrent_run_count=1,
        create_pipeline_job_request=CreatePipelineJobRequest(
            parent=request.parent, pipeline_job=request.pipeline_job
        ),
    )
    made = CreateScheduleRequest(parent=request.parent, schedule=schedule)
    check_required(made)
    return made


def _check_labels(labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise InputError(
                "vertex.labels: expected lower-case letters, digits, _ and - (at most 63, keys "
                f"begin with a letter), received {key}={value!r}"
            )
