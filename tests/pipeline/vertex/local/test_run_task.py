"""Tasks whose containers run small programs: what they are told, and what is read of them."""

import dataclasses
import json
import os
import sys

import pytest

from components.errors import InputError
from pipeline.vertex.local.failure import TaskError
from pipeline.vertex.local.finished import Finished
from pipeline.vertex.local.processes import Processes
from pipeline.vertex.local.run_task import Place, run_task
from pipeline.vertex.local.tasks import Task

TYPE = {"schemaTitle": "tfx.Examples"}
# Writes what it was told into its output, and counts how often it has run.
EXECUTOR = """
import json, pathlib, sys
message = json.loads(sys.argv[1])
[rows] = message["outputs"]["artifacts"]["rows"]["artifacts"]
folder = pathlib.Path(rows["uri"])
assert not list(folder.iterdir())
(folder / "told.json").write_text(sys.argv[1])
with open(folder.parent / "runs", "a") as runs:
    runs.write("x")
path = pathlib.Path(message["outputs"]["outputFile"])
told_by_check = json.loads(path.read_text()) if path.exists() else None
(folder / "check.json").write_text(json.dumps(told_by_check))
artifact = {"name": "", "uri": rows["uri"], "metadata": {"split_names": "[]"}}
path.write_text(json.dumps({"artifacts": {"rows": {"artifacts": [artifact]}}}))
print("I1122 02:30:38.1 140 progress.py:17] 12 rows")
"""
# Tells the content of a file as the newest span.
CHECK = """
import json, pathlib, sys
path = pathlib.Path(json.loads(sys.argv[1])["outputs"]["outputFile"])
assert not path.exists()
span = pathlib.Path(sys.argv[2]).read_text()
artifact = {"name": "", "metadata": {"span": span}}
path.write_text(json.dumps({
    "parameters": {"span": {"intValue": span}},
    "artifacts": {"rows": {"artifacts": [artifact]}},
}))
"""


@pytest.fixture
def place(tmp_path):
    processes = Processes(dict(os.environ))
    yield Place(processes, tmp_path / "tasks", tmp_path / "logs", "1a", "http://127.0.0.1:1")
    processes.stop()


def _task(code=EXECUTOR, **fields):
    values = {
        "name": "Read",
        "dependencies": (),
        "parameters_field": "parameters",
        "parameters": {"rows": {"intValue": "12"}},
        "inputs": {},
        "output_types": {"rows": TYPE},
        "command": (sys.executable, "-c", code, "{{$}}"),
        "pre_cache_check": None,
    }
    return Task(**{**values, **fields})


def _checked(span_file):
    return _task(pre_cache_check=(sys.executable, "-c", CHECK, "{{$}}", str(span_file)))


def _told(place):
    [path] = place.tasks.glob("*/rows/told.json")
    return json.loads(path.read_text())


def _num_runs(place):
    return sum(len(path.read_text()) for path in place.tasks.glob("*/runs"))


def test_task_runs_its_command_and_leaves_typed_outputs(place):
    finished, is_cached = run_task(_task(), {}, place)
    assert not is_cached
    assert _told(place)["inputs"] == {"parameters": {"rows": {"intValue": "12"}}, "artifacts": {}}
    rows = finished.artifacts["rows"]
    assert rows["type"] == TYPE
    assert rows["metadata"] == {"split_names": "[]"}
    assert (place.logs / "Read.log").read_text().endswith("12 rows\n")


def test_what_a_task_was_told_is_kept(place):
    run_task(_task(), {}, place)
    [path] = place.tasks.glob("*/executor_input.json")
    assert json.loads(path.read_text()) == _told(place)


def test_task_reads_what_the_one_before_wrote(place):
    examples = {"name": "n", "uri": "/runs/Read/examples", "type": TYPE}
    before = {"Read": Finished("0a", {"examples": examples})}
    train = _task(name="Train", dependencies=("Read",), inputs={"data": ("Read", "examples")})
    run_task(train, before, place)
    assert _told(place)["inputs"]["artifacts"] == {"data": {"artifacts": [examples]}}


def test_second_run_takes_up_what_is_done(place):
    first, _ = run_task(_task(), {}, place)
    second, is_cached = run_task(_task(), {}, place)
    assert is_cached
    assert second == first
    assert _num_runs(place) == 1


@pytest.mark.parametrize(
    ("task", "before", "changed"),
    [
        (_task(parameters={"rows": {"intValue": "13"}}), {}, {}),
        (_task(code=EXECUTOR + "\n# edited"), {}, {}),
        (_task(dependencies=("Other",)), {"Other": Finished("0b", {})}, {}),
        (_task(), {}, {"code_version": "1b"}),
    ],
    ids=["parameter", "command", "task before", "code"],
)
def test_other_inputs_are_another_run(place, task, before, changed):
    run_task(_task(), {}, place)
    _, is_cached = run_task(task, before, dataclasses.replace(place, **changed))
    assert not is_cached


def test_check_comes_first_and_the_command_reads_what_it_found(place, tmp_path):
    (tmp_path / "span").write_text("7")
    finished, is_cached = run_task(_checked(tmp_path / "span"), {}, place)
    assert not is_cached
    told = _told(place)
    assert told["inputs"]["parameters"] == {"rows": {"intValue": "12"}, "span": {"intValue": "7"}}
    [rows] = told["outputs"]["artifacts"]["rows"]["artifacts"]
    assert rows["metadata"] == {"span": "7"}
    [check] = place.tasks.glob("*/rows/check.json")
    assert json.loads(check.read_text())["parameters"] == {"span": {"intValue": "7"}}
    assert finished.artifacts["rows"]["metadata"] == {"split_names": "[]"}


def test_task_is_done_while_its_check_finds_the_same(place, tmp_path):
    (tmp_path / "span").write_text("7")
    run_task(_checked(tmp_path / "span"), {}, place)
    _, is_cached = run_task(_checked(tmp_path / "span"), {}, place)
    assert is_cached


def test_task_is_due_when_its_check_finds_something_else(place, tmp_path):
    (tmp_path / "span").write_text("7")
    first, _ = run_task(_checked(tmp_path / "span"), {}, place)
    (tmp_path / "span").write_text("8")
    second, is_cached = run_task(_checked(tmp_path / "span"), {}, place)
    assert not is_cached
    assert second.fingerprint != first.fingerprint
    assert _told(place)["inputs"]["parameters"]["span"] == {"intValue": "8"}


def test_failed_task_names_its_error_and_is_not_done(place):
    failing = _task(code="raise ValueError('no rows')")
    for _ in range(2):
        with pytest.raises(TaskError, match="step Read: ValueError: no rows"):
            run_task(failing, {}, place)


def test_half_outputs_of_a_failed_try_are_gone_at_the_next(place):
    half = "\nimport sys\nif not (folder.parent / 'again').exists():\n"
    half += "    (folder.parent / 'again').touch(); path.unlink(); sys.exit(1)\n"
    with pytest.raises(TaskError):
        run_task(_task(code=EXECUTOR + half), {}, place)
    _, is_cached = run_task(_task(code=EXECUTOR + half), {}, place)  # asserts an empty folder
    assert not is_cached
    assert _num_runs(place) == 2


def test_failed_check_fails_the_task(place, tmp_path):
    with pytest.raises(TaskError, match="step Read: FileNotFoundError"):
        run_task(_checked(tmp_path / "missing"), {}, place)


def test_command_that_leaves_no_output_fails_the_task(place):
    with pytest.raises(InputError, match="task Read ended without an error"):
        run_task(_task(code="pass"), {}, place)
