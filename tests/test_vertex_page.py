"""docs/vertex.md and the code that it tells of."""

import re
import shlex
from pathlib import Path

import pytest
import requests
import yaml
from google.api_core import exceptions as api
from google.auth import exceptions as auth

from pipeline.load_config import load_config
from pipeline.vertex.api.service_error import explain
from pipeline.vertex.cli import _parser
from pipeline.vertex.config import VertexConfig
from pipeline.vertex.graph.machines import check_machine

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/vertex.md").read_text()
# Literals that Python joins are joined here as well.
SOURCES = re.sub(
    r'"\n\s*f?"',
    "",
    "\n".join(path.read_text() for path in (ROOT / "pipeline/vertex").glob("**/*.py")),
)
PHRASES = re.findall(r"^\| `([^`]+)`.*\|.*\|.*\|$", PAGE.partition("## Troubleshooting")[2], re.M)
ERRORS = {
    "400": api.InvalidArgument("bad field"),
    "401": api.Unauthorized("who are you"),
    "403": api.Forbidden("no"),
    "403 permission": api.Forbidden("Permission aiplatform.pipelineJobs.create denied"),
    "403 disabled": api.Forbidden("Vertex AI API has not been used in project 1 before"),
    "404": api.NotFound("no such run"),
    "404 bucket": api.NotFound("The specified bucket does not exist."),
    "409": api.AlreadyExists("there is one"),
    "429": api.TooManyRequests("custom_model_training_tpu_v3"),
    "500": api.InternalServerError("oops"),
    "503": api.ServiceUnavailable("oops"),
    "no sign-in": auth.DefaultCredentialsError("none"),
    "bad sign-in": auth.RefreshError("revoked"),
    "sign-in does not answer": auth.TransportError("no route"),
    "timeout": requests.exceptions.ReadTimeout("60 s"),
    "no connection": requests.exceptions.ConnectionError("refused"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_of_a_service_is_in_the_troubleshooting_table(name):
    what = "list gs://bucket/day_*" if name == "404 bucket" else "read the pipeline job a-1"
    message = str(explain(what, ERRORS[name]))
    assert [phrase for phrase in PHRASES if phrase in message], message


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_message_of_the_table_is_one_of_the_code(phrase):
    assert phrase in SOURCES


def commands() -> list[list[str]]:
    """The page's calls of run_vertex.py, as lists of arguments."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(re.sub(r"\$\{?\w+", "some-name", line), comments=True)
            if words[:2] == [".venv/bin/python", "run_vertex.py"]:
                found.append(words[2:])
            elif words[:1] == ["run"]:
                found.append(words[1:])
            elif words[:1] == ["--set"]:
                found.append(["submit", *words])
    return found


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command[:3]))
def test_every_command_of_the_page_is_understood(command):
    flags = _parser().parse_args(command)
    load_config("demo", assignments=getattr(flags, "set", ()))


def test_the_page_shows_every_command():
    assert {command[0] for command in commands()} == set(_parser()._actions[-1].choices)


def test_every_field_of_the_page_is_one_of_the_configuration():
    named = set(re.findall(r"vertex\.([a-z_]+)", PAGE)) - {"md", "py"}
    assert named <= set(VertexConfig.model_fields)


# But for the workers of Dataflow.
@pytest.mark.parametrize(
    "machine", sorted(set(re.findall(r"\{machine_type:(?![^}`]*max_num)[^}`]*\}", PAGE)))
)
def test_every_machine_of_the_page_can_be_had(machine):
    fields = yaml.safe_load(machine)
    check_machine(
        fields["machine_type"],
        fields.get("accelerator_type"),
        fields.get("accelerator_count", 0),
        fields.get("tpu_topology"),
    )


def test_every_section_that_the_page_links_to_is_there():
    headings = re.findall(r"^#+ (.*)$", PAGE, re.M)
    anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", PAGE)) <= anchors


def test_every_role_that_is_granted_has_its_reason():
    granted = set(re.findall(r"roles/([a-zA-Z.]+)", PAGE.partition("## 5.")[0]))
    explained = set(re.findall(r"^\| (?:you|runner|builder) \| `([\w.]+)`", PAGE, re.M))
    assert granted == explained
