"""The command line: what is printed where, and the exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.lineage.cli import main
from pipeline.lineage.origin import record_origin
from pipeline.lineage.records import Origin
from tests.pipeline.lineage.conftest import Recorded
from tests.pipeline.lineage.tfx_store import TfxStore

CHECKOUT = Path(__file__).parents[3]


def _json(recorded: Recorded, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main(["--root", str(recorded.root), *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def _text(recorded: Recorded, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["--root", str(recorded.root), *arguments]) == 0
    return capsys.readouterr().out


def test_runs_prints_one_aligned_line_a_run(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *lines = _text(recorded, capsys, "runs").splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["run-1", "complete"],
        ["run-2", "complete"],
        ["run-3", "failed"],
    ]
    column = header.index("pushed model")
    assert [line[column:] for line in lines] == [
        "serving_model/1700000001",
        "serving_model/1700000002",
        "-",
    ]
    assert "Trainer_full" in lines[2]


def _run_of_known_origin(root: Path) -> dict[str, int]:
    store = TfxStore(root)
    store.start_run("run-1")
    step = store.step("Transform", outputs={"transform_graph": ("TransformGraph", {})})
    origin = Origin("run_local.py --preset tiny", "1f0ed52", True)
    record_origin(root / "metadata.sqlite", "run-1", origin)
    return step


def test_runs_tell_the_command_and_the_commit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _run_of_known_origin(tmp_path)
    assert main(["--root", str(tmp_path), "runs"]) == 0
    text = capsys.readouterr().out
    assert text.endswith("run-1  1f0ed52, with local changes  run_local.py --preset tiny\n")
    assert main(["--root", str(tmp_path), "runs", "--json"]) == 0
    [run] = json.loads(capsys.readouterr().out)["runs"]
    assert (run["command"], run["commit"]) == ("run_local.py --preset tiny", "1f0ed52")
    assert run["has_local_changes"] is True


def test_trace_tells_the_command_and_the_commit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = _run_of_known_origin(tmp_path)
    assert main(["--root", str(tmp_path), "trace", str(step["transform_graph"])]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "command         run_local.py --preset tiny (run run-1)" in lines
    assert "commit          1f0ed52, with local changes" in lines


def test_artifacts_prints_short_paths_and_makers(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = _text(recorded, capsys, "artifacts", "--type", "PushedModel").splitlines()
    pusher = recorded.made["pusher"]
    row = lines[1].split()
    assert row[:3] == [str(pusher["pushed_model"]), "PushedModel", "Pusher.pushed_model"]
    assert row[-2:] == ["live", f"pipeline_root/Pusher/pushed_model/{pusher['execution']}"]
    assert len(lines) == 3


def test_artifacts_of_a_run_hold_its_cached_outputs(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    document = _json(recorded, capsys, "artifacts", "--run", "run-2", "--type", "Model")
    made = recorded.made
    ids = [made["full"]["model"], made["hashing"]["model"], made["evaluator/2"]["model"]]
    assert [artifact["id"] for artifact in document["artifacts"]] == ids


def test_artifacts_of_a_failed_run_are_none(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _text(recorded, capsys, "artifacts", "--run", "run-3") == "no artifact matches\n"


def test_show_names_producer_and_consumers(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recorded.made
    document = _json(recorded, capsys, "show", str(made["hashing"]["model"]))
    assert document["artifact"]["producer"] == {
        "execution": made["hashing"]["execution"],
        "node": "Trainer_hashing",
        "run": "run-1",
        "state": "complete",
        "key": "model",
    }
    assert [(use["node"], use["run"]) for use in document["consumers"]] == [
        ("Evaluator", "run-1"),
        ("Evaluator", "run-2"),
    ]


def test_show_prints_properties(recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    text = _text(recorded, capsys, "show", str(recorded.made["evaluator"]["model"]))
    assert ["variant", "hashing"] in [line.split() for line in text.splitlines()]


def test_show_execution_prints_settings_and_artifacts(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    made = recorded.made
    text = _text(recorded, capsys, "show", "--execution", str(made["full"]["execution"]))
    lines = [line.split() for line in text.splitlines()]
    assert ["state", "complete"] in lines
    assert "config.seed=2" in text
    uri = f"pipeline_root/Trainer_full/model/{made['full']['execution']}"
    assert ["model", str(made["full"]["model"]), "Model", uri] in lines


def test_trace_prints_summary_and_tree(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    text = _text(recorded, capsys, "trace", "serving_model/1700000002")
    summary = {line.split()[0]: line.split()[1:] for line in text.split("\n\n")[0].splitlines()}
    assert summary["variant"] == ["full", "(of", "full,", "hashing)"]
    assert summary["seed"] == ["2"]
    assert summary["data"] == ["day_*.tsv", "in", "/logs/"]
    assert summary["fingerprint"] == ["num_files:2,total_bytes:90"]
    assert summary["schema"][0] == "/schema,"
    assert summary["runs"] == ["run-1,", "run-2"]
    configuration = text.split("configuration\n")[1].split("\n\n")[0]
    assert "bottom_mlp=[64, 16], seed=2, variant=full" in configuration
    assert "Trainer_hashing" not in configuration
    tree = text.split("lineage\n")[1]
    made = recorded.made
    assert f"full: Model {made['full']['model']}  pipeline_root/Trainer_full/model/" in tree
    assert tree.count(f"made by Transform, execution {made['transform']['execution']}") == 1
    assert "from Transform above" in tree


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "999"], "no artifact has the id 999"),
        (["show", "999", "--execution"], "no execution has the id 999"),
        (["trace", "/elsewhere"], "no artifact has the id '/elsewhere'"),
        (["artifacts", "--type", "Modle"], "no artifact of type 'Modle'; there are ['Examples'"),
        (["artifacts", "--run", "run-"], "'run-' names 3 runs"),
        (["artifacts", "--run", "x"], "'x' names 0 runs; expected one of ['run-1'"),
    ],
)
def test_unknown_things_end_with_1(
    recorded: Recorded,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert main(["--root", str(recorded.root), *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_missing_database_ends_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "runs"]) == 2
    assert "no ML Metadata database" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_missing_root_option_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["runs"])
    assert stopped.value.code == 2
    assert "--root is missing" in capsys.readouterr().err


@pytest.mark.parametrize("position", [0, 2, 3])
def test_json_may_stand_anywhere(
    recorded: Recorded, capsys: pytest.CaptureFixture[str], position: int
) -> None:
    arguments = ["--root", str(recorded.root), "runs"]
    assert main([*arguments[:position], "--json", *arguments[position:]]) == 0
    assert len(json.loads(capsys.readouterr().out)["runs"]) == 3


def test_module_runs_without_tfx_and_tensorflow(recorded: Recorded) -> None:
    program = (
        "import sys, runpy\n"
        f"sys.argv = ['lineage', '--root', {str(recorded.root)!r}, 'runs']\n"
        "try: runpy.run_module('pipeline.lineage', run_name='__main__')\n"
        "except SystemExit as stopped: assert stopped.code == 0, stopped.code\n"
        "assert not {'tfx', 'tensorflow', 'apache_beam'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "run-1" in done.stdout


def test_module_into_a_closed_pipe_is_quiet(recorded: Recorded) -> None:
    command = f"{sys.executable} -m pipeline.lineage --root {recorded.root} --json artifacts"
    # The reader is gone before the first line is written.
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | true"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
