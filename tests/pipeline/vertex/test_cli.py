"""The commands' flags, and the commands that need no service."""

import json
import re
import sys
from types import SimpleNamespace

import pytest

from components.evaluator.report.table import render_table
from pipeline.vertex.cli import main
from tests.pipeline.vertex.cli_flags import SITE, WHAT, WHERE, one_line
from tests.pipeline.vertex.small_job import small_job


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["--project", "ADS"], "--project: expected the id"),
        (["--region", "us-central1-a"], "--region: expected a region, received the zone"),
        (["--pipeline-root", "/runs"], "--pipeline-root: expected a folder on Cloud Storage"),
        (["--data", "/logs/*"], "--data: expected a pattern on Cloud Storage"),
        (["--image", "dlrm"], "--image: expected HOST/PATH:TAG"),
        (["--tpu-image", "dlrm"], "--tpu-image: expected HOST/PATH:TAG"),
        (["--cron", "daily"], "--cron: expected minute"),
        (["--cron", "0 3 * * *", "--wait"], "expected --cron or --wait, received both"),
        (["--max-cost", "0"], "--max-cost: expected US dollars above 0, received 0.0"),
        (["--rows", "0"], "--rows: expected at least 1, received 0"),
        (["--preset", "nope"], "unknown preset 'nope'"),
        (["--set", "vertex.nope=1"], "vertex.nope: unknown field"),
        (["--target", "kfp"], "submit --target kfp needs --host"),
        (["--endpoint", "http://vertex.example"], "endpoint: expected https"),
    ],
)
def test_wrong_flags_give_one_line_and_send_nothing(
    submit, vertex, tmp_path, changes, said, capsys
):
    status = submit(*changes)
    error = one_line(capsys)
    assert said in error
    assert error.startswith("error: ")
    assert vertex.requests == []
    assert status == 2
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("command", ["compile", "submit"])
def test_missing_flags_are_named(command, capsys):
    assert main([command, "--preset", "tiny"]) == 2
    assert f"{command} needs --project, --region, --pipeline-root, --image" in one_line(capsys)


@pytest.mark.parametrize("command", ["status", "cancel"])
def test_status_and_cancel_need_project_and_region(command, capsys):
    assert main([command, "run-1"]) == 2
    assert f"{command} needs --project, --region" in one_line(capsys)


def test_cost_shows_the_sum(tmp_path, capsys):
    flags = ["--preset", "tiny", "--region", "us-central1", "--rows", "1000000"]
    assert main(["cost", *flags, "--root", str(tmp_path)]) == 0
    assert re.search(r"sum +[\d.]+ - [\d.]+", capsys.readouterr().out)


def test_cost_weighs_files_of_this_machine(tmp_path, capsys):
    (tmp_path / "day_0").write_bytes(b"x" * 243_000)
    flags = ["--preset", "tiny", "--region", "us-central1", "--data", str(tmp_path / "day_*")]
    assert main(["cost", *flags, "--root", str(tmp_path / "here")]) == 0
    assert "for 1,000 rows" in capsys.readouterr().out


def test_cost_takes_measured_hours(tmp_path, capsys):
    flags = ["--preset", "tiny", "--region", "us-central1", "--rows", "1000"]
    root = ["--root", str(tmp_path)]
    assert main(["cost", *flags, *root, "--hours", "Trainer=x"]) == 2
    assert "--hours: expected STEP=HOURS, received 'Trainer=x'" in one_line(capsys)
    assert main(["cost", *flags, *root, "--hours", "Trainer=7"]) == 0
    assert re.search(r"Trainer_full .* 7\.\d\d - 7\.\d\d", capsys.readouterr().out)


@pytest.mark.parametrize("flags", [["--cron", "0 3 * * *"], ["--max-cost", "1"]])
def test_what_only_vertex_ai_can_do_is_refused_for_kubeflow(flags, capsys):
    kfp = ["--target", "kfp", "--host", "http://127.0.0.1:1"]
    assert main(["submit", *WHAT, *WHERE, *kfp, *flags]) == 2
    assert f"{flags[0]} is for Vertex AI" in one_line(capsys)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--data", "gs://clicks/log/*"], "--data: expected files of this machine"),
        (["--root", "a[1]"], "character of file patterns"),
        (["--jobs", "0"], "--jobs: expected at least 1, received 0"),
        (["--schema", "avazu"], "--schema avazu needs --data"),
    ],
)
def test_run_locally_refuses_flags_of_the_wrong_kind(flags, said, capsys):
    assert main(["run-locally", "--preset", "tiny", *flags]) == 2
    assert said in one_line(capsys)


def test_run_locally_shows_the_comparison(tmp_path, comparison, capsys, monkeypatch):
    given = []

    def run_locally(config, data, root, console, num_tasks):
        given.append((list(config.variants), data, root, num_tasks))
        return SimpleNamespace(comparison=comparison, report="index.html", pushed_model="serving/1")

    module = SimpleNamespace(run_locally=run_locally)
    monkeypatch.setitem(sys.modules, "pipeline.vertex.local.run", module)
    flags = ["--preset", "tiny", "--variants", "hashing,full", "--data", "day_*", "--jobs", "3"]
    assert main(["run-locally", *flags, "--root", str(tmp_path)]) == 0
    assert given == [(["hashing", "full"], "day_*", tmp_path, 3)]
    said = capsys.readouterr().out
    assert render_table(comparison) in said
    assert "report        index.html\npushed model  serving/1" in said


def test_interrupted_local_run_tells_that_it_goes_on(tmp_path, capsys, monkeypatch):
    def run_locally(*arguments):
        raise KeyboardInterrupt

    module = SimpleNamespace(run_locally=run_locally)
    monkeypatch.setitem(sys.modules, "pipeline.vertex.local.run", module)
    flags = ["--preset", "tiny", "--data", "day_*", "--root", str(tmp_path)]
    assert main(["run-locally", *flags]) == 130
    assert "finished tasks are kept, the next run goes on from there" in one_line(capsys)


@pytest.fixture
def compiled(monkeypatch):
    """What the compiler is asked for; it takes no time."""
    asked = []

    def compile_pipeline(config, site, data, target):
        asked.append((site, data, target))
        return small_job()

    module = SimpleNamespace(
        compile_pipeline=compile_pipeline,
        write_spec=lambda job, path: path.write_text(json.dumps(job)),
    )
    monkeypatch.setitem(sys.modules, "pipeline.vertex.graph.compile", module)
    return asked


def test_compile_writes_the_named_file(compiled, tmp_path, capsys):
    file = tmp_path / "new/spec.json"
    root = ["--root", str(tmp_path)]
    assert main(["compile", *SITE, *WHAT, *WHERE, *root, "--output", str(file)]) == 0
    assert json.loads(file.read_text()) == small_job()
    assert capsys.readouterr().out.endswith(f"3 tasks\n{file}\n")
    [(site, data, target)] = compiled
    assert (site.project, site.region, data, target) == (
        "ads-12345",
        "us-central1",
        "gs://clicks/log/day_*",
        "vertex",
    )


def test_compile_for_kubeflow_needs_no_project(compiled, tmp_path):
    kfp = ["--target", "kfp", "--root", str(tmp_path)]
    assert main(["compile", *WHAT, *WHERE, *kfp]) == 0
    assert (tmp_path / "pipeline.json").exists()
    assert compiled[0][2] == "kfp"


def test_dataflow_needs_a_project_whatever_the_target(compiled, tmp_path, capsys):
    kfp = ["--target", "kfp", "--root", str(tmp_path), "--set", "vertex.dataflow={}"]
    assert main(["compile", *WHAT, *WHERE, *kfp]) == 2
    assert "Dataflow needs --project, --region" in one_line(capsys)
    assert compiled == []


def test_interrupt_while_checking_gives_one_line(capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.vertex.run_commands.load_config", interrupted)
    assert main(["run-locally"]) == 130
    assert one_line(capsys) == "error: interrupted\n"
