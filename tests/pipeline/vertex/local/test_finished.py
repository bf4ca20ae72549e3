"""What makes a task done, and what makes it due again."""

import dataclasses
import json

import pytest

from pipeline.vertex.local.finished import (
    Finished,
    clear,
    fingerprint,
    pushed_model,
    read_finished,
    write_finished,
)
from pipeline.vertex.local.tasks import Task

TASK = Task(
    name="Train",
    dependencies=("Read",),
    parameters_field="parameters",
    parameters={},
    inputs={},
    output_types={"model": {}},
    command=("train", "{{$}}"),
    pre_cache_check=None,
)
INPUTS = {"parameters": {"server": {"stringValue": "http://127.0.0.1:1234"}}, "artifacts": {}}
FACTS = {
    "task": TASK,
    "inputs": INPUTS,
    "upstream": {"Read": "0a"},
    "code_version": "1b",
    "endpoint": "http://127.0.0.1:1234",
}


def _pushed(folder):
    return {"uri": str(folder), "metadata": {"pushed_destination": str(folder)}}


def test_fingerprint_of_equal_facts_is_equal():
    reordered = dict(reversed(INPUTS.items()))
    assert fingerprint(**{**FACTS, "inputs": reordered}) == fingerprint(**FACTS)


@pytest.mark.parametrize(
    "changed",
    [
        {"task": dataclasses.replace(TASK, command=("train", "{{$}}", "--fast"))},
        {"task": dataclasses.replace(TASK, pre_cache_check=("check",))},
        {"inputs": {**INPUTS, "artifacts": {"rows": {}}}},
        {"upstream": {"Read": "0b"}},
        {"code_version": "1c"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_fingerprint_depends_on(changed):
    assert fingerprint(**{**FACTS, **changed}) != fingerprint(**FACTS)


def test_fingerprint_does_not_depend_on_the_port_of_the_job_server():
    text = json.dumps(FACTS["inputs"]).replace("1234", "5678")
    moved = {**FACTS, "inputs": json.loads(text), "endpoint": "http://127.0.0.1:5678"}
    assert fingerprint(**moved) == fingerprint(**FACTS)


def test_finished_task_is_found_again(tmp_path):
    finished = Finished("0a", {"model": {"uri": str(tmp_path), "metadata": {"span": 1.0}}})
    write_finished(tmp_path, finished)
    assert read_finished(tmp_path, "0a") == finished


def test_task_without_a_record_is_not_done(tmp_path):
    assert read_finished(tmp_path, "0a") is None


def test_task_of_another_fingerprint_is_not_done(tmp_path):
    write_finished(tmp_path, Finished("0a", {}))
    assert read_finished(tmp_path, "0b") is None


def test_task_whose_output_is_gone_is_not_done(tmp_path):
    write_finished(tmp_path, Finished("0a", {"model": {"uri": str(tmp_path / "model")}}))
    assert read_finished(tmp_path, "0a") is None


def test_newest_pushed_version_stands(tmp_path):
    for version in ("9", "10"):
        (tmp_path / version).mkdir()
    finished = Finished("0a", {"pushed_model": _pushed(tmp_path / "10")})
    write_finished(tmp_path, finished)
    assert read_finished(tmp_path, "0a") == finished


def test_older_pushed_version_is_pushed_again(tmp_path):
    for version in ("9", "10"):
        (tmp_path / version).mkdir()
    write_finished(tmp_path, Finished("0a", {"pushed_model": _pushed(tmp_path / "9")}))
    assert read_finished(tmp_path, "0a") is None


def test_clear_leaves_empty_outputs_and_everything_else(tmp_path):
    write_finished(tmp_path, Finished("0a", {}))
    (tmp_path / "model").mkdir()
    (tmp_path / "model/half").write_text("")
    (tmp_path / "unfinished").mkdir()
    clear(tmp_path, TASK)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "unfinished"]
    assert not list((tmp_path / "model").iterdir())


def test_nothing_pushed_is_none():
    assert pushed_model({"uri": "/x", "metadata": {"pushed": 0.0}}) is None
