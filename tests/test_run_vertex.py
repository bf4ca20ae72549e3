"""run_vertex.py as a person starts it, with the real compiler."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob
from google.protobuf import json_format

from pipeline.vertex.cli import main

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


def test_help_needs_no_library():
    script = Path(__file__).parents[1] / "run_vertex.py"
    said = subprocess.run(
        [sys.executable, str(script), "--help"], capture_output=True, text=True, check=True
    ).stdout
    for command in ("compile", "run-locally", "submit", "status", "cancel", "cost"):
        assert command in said


@pytest.mark.slow
def test_compiled_file_is_a_pipeline_job(tmp_path):
    file = tmp_path / "spec.json"
    root = ["--root", str(tmp_path), "--output", str(file)]
    assert main(["compile", *WHAT, *WHERE, *root]) == 0
    job = json_format.Parse(file.read_text(), PipelineJob.pb(PipelineJob()))
    assert job.runtime_config.gcs_output_directory == "gs://clicks/runs"
    assert set(job.pipeline_spec["root"]["dag"]["tasks"]) == TASKS
