"""The pipeline as the real compiler makes it, submitted to servers on loopback."""

import json

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from pipeline.paths import PIPELINE_NAME
from pipeline.vertex.cli import main
from tests.pipeline.vertex.fake_kfp import FakeKfp
from tests.pipeline.vertex.fake_vertex import FakeVertex

pytestmark = pytest.mark.slow

WHAT = ["--preset", "tiny", "--variants", "full,hashing", "--data", "gs://clicks/log/day_*"]
WHERE = [
    "--project",
    "ads-12345",
    "--region",
    "us-central1",
    "--pipeline-root",
    "gs://clicks/runs",
    "--image",
    "gcr.io/ads/dlrm:1",
]
TASKS = {
    "ExampleGen",
    "SchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "Transform",
    "Trainer_full",
    "Trainer_hashing",
    "Evaluator",
    "Pusher",
}


def test_compiled_pipeline_is_submitted_as_googles_own_class_would(bucket, tmp_path, monkeypatch):
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform

    monkeypatch.setattr("pipeline.vertex.runs.submit.new_job_id", lambda *_: "dlrm-approx-1")
    account = "runner@ads-12345.iam.gserviceaccount.com"
    network = "projects/12345/global/networks/vpc"
    key = "projects/ads-12345/locations/us-central1/keyRings/r/cryptoKeys/k"
    vertex_fields = [
        f"vertex.service_account={account}",
        f"vertex.network={network}",
        f"vertex.kms_key_name={key}",
        "vertex.labels.team=ads",
    ]
    flags = [flag for field in vertex_fields for flag in ("--set", field)]
    root = ["--root", str(tmp_path)]
    with FakeVertex() as ours, FakeVertex() as theirs:
        flags += ["--endpoint", ours.endpoint]
        assert main(["submit", *WHAT, *WHERE, *flags, *root]) == 0
        assert main(["compile", *WHAT, *WHERE, *flags, *root]) == 0
        spec = json.loads((tmp_path / "pipeline.json").read_text())
        aiplatform.init(
            project="ads-12345",
            location="us-central1",
            credentials=AnonymousCredentials(),
            api_transport="rest",
            api_endpoint=theirs.endpoint,
        )
        # It would look for the bucket at Google's, and make one that is not there.
        monkeypatch.setattr(
            "google.cloud.aiplatform.utils.gcs_utils."
            "create_gcs_bucket_for_pipeline_artifacts_if_it_does_not_exist",
            lambda **_: None,
        )
        job = aiplatform.PipelineJob(
            display_name=PIPELINE_NAME,
            template_path=str(tmp_path / "pipeline.json"),
            job_id="dlrm-approx-1",
            labels=spec["labels"],
            encryption_spec_key_name=key,
        )
        job.submit(service_account=account, network=network)
        [sent] = ours.sent("POST", "/pipelineJobs")
        [expected] = theirs.sent("POST", "/pipelineJobs")
    assert sent.query["pipelineJobId"] == expected.query["pipelineJobId"]
    assert _fields(sent.body) == _fields(expected.body)


def _fields(body):
    job = json_format.ParseDict(body, PipelineJob.pb(PipelineJob()))
    return json_format.MessageToDict(job)


def test_compiled_pipeline_runs_on_kubeflow(bucket, tmp_path):
    root = ["--root", str(tmp_path), "--target", "kfp"]
    with FakeKfp() as server:
        assert main(["submit", *WHAT, *WHERE, *root, "--host", server.host]) == 0
        [run] = server.runs.values()
    spec = json_format.ParseDict(run["pipeline_spec"], pipeline_spec_pb2.PipelineSpec())
    assert set(spec.root.dag.tasks) == {task.replace("_", "-") for task in TASKS}
    assert spec.schema_version == "2.1.0"
    assert run["runtime_config"]["pipeline_root"] == "gs://clicks/runs"
