"""What differs between a container and a process here."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.vertex.local.container import (
    IMAGE_ENVIRONMENT,
    container_environment,
    program_command,
    task_command,
)

PROJECT = Path(__file__).parents[4]


def test_placeholder_becomes_the_executor_input():
    message = {"inputs": {"parameters": {"text": {"stringValue": '"quoted"\n'}}}}
    command = task_command(["run", "--arg", "{{$}}", "--flag"], message)
    assert command[:2] == ["run", "--arg"]
    assert json.loads(command[2]) == message
    assert command[3:] == ["--flag"]


def test_python_is_this_interpreter():
    assert program_command(["python", "-m", "python"]) == [sys.executable, "-m", "python"]


def test_other_programs_stay():
    assert program_command(["/bin/sh", "-c", "true"]) == ["/bin/sh", "-c", "true"]


def test_dataflow_becomes_the_direct_runner():
    command = task_command(["run", "--runner=DataflowRunner", "--project=p"], {})
    assert command == ["run", "--runner=DataflowRunner", "--project=p", "--runner=DirectRunner"]


def test_other_runners_stay():
    assert task_command(["run", "--runner=DirectRunner"], {}) == ["run", "--runner=DirectRunner"]


def test_environment_is_this_ones_and_the_images(monkeypatch):
    monkeypatch.setenv("OF_THE_USER", "kept")
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "0")
    environment = container_environment()
    assert environment["OF_THE_USER"] == "kept"
    assert environment["TF_USE_LEGACY_KERAS"] == "1"


@pytest.mark.parametrize("name", ["TF_CONFIG", "CLUSTER_SPEC"])
def test_environment_names_no_cluster_of_others(monkeypatch, name):
    monkeypatch.setenv(name, "{}")
    assert name not in container_environment()


def test_plain_python_of_the_environment_has_the_packages_and_the_sources(tmp_path):
    found = subprocess.run(
        ["python", "-c", "import components, yaml; print(components.__file__)"],
        env=container_environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(found.stdout.strip()).parent == PROJECT / "components"


def _dockerfile_environment():
    """Name -> value of the `ENV` instructions of the stage that all images are made from."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (PROJECT / "Dockerfile").read_text())
    [stage] = re.findall(r"(?ms)^FROM \S+ AS base$(.*?)^FROM ", text)
    lines = re.findall(r"(?m)^ENV (.+)$", stage.replace("\\\n", " "))
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def test_image_environment_is_the_dockerfiles():
    of_image = _dockerfile_environment()
    assert of_image.pop("PATH").endswith(":$PATH")
    assert of_image == IMAGE_ENVIRONMENT


def test_path_keeps_the_users_programs():
    assert container_environment()["PATH"].endswith(os.environ["PATH"])
