"""The comparison through its command line, on recorded runs with tiny models."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.metrics import roc_auc_score

from pipeline.compare.cli import FAILED, main
from pipeline.compare.result import RunComparison
from schemas.click_log import ClickLog
from schemas.criteo import CLICK_LOG
from tests.components.example_gen.click_log_lines import valid_lines
from tests.pipeline.compare.recorded import (
    NUM_ROWS,
    TIME_SPLIT,
    RunToRecord,
    eval_rows,
    expected_scores,
    labels,
    record_run,
)

CHECKOUT = Path(__file__).parents[3]
MONDAY = RunToRecord("monday", weight=0.25, row_seed=1, split=TIME_SPLIT)
TUESDAY = RunToRecord(
    "tuesday",
    variant="full",
    weight=-0.1,
    embedding_bytes=1_000,
    row_seed=2,
    split=TIME_SPLIT,
    trainer={"seed": 0, "epochs": 3},
    files={"/logs/day_1.tsv": 3_000, "/logs/day_2.tsv": 2_000},
    code={"Transform": "t2"},
)


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Monday's run, then Tuesday's in a folder of its own."""
    folder = tmp_path_factory.mktemp("roots")
    record_run(folder / "a", MONDAY)
    record_run(folder / "b", TUESDAY)
    return folder / "a", folder / "b"


def flags(*roots: Path) -> list[str]:
    return [text for root in roots for text in ("--root", str(root))]


def compared(capsys: pytest.CaptureFixture[str], file: Path, *arguments: str) -> RunComparison:
    status = main([*arguments, "--json", str(file)])
    assert status == 0, capsys.readouterr().err
    return RunComparison.model_validate(json.loads(file.read_text()))


@pytest.fixture(scope="module")
def result(roots, tmp_path_factory) -> RunComparison:
    file = tmp_path_factory.mktemp("json") / "comparison.json"
    assert main([*flags(*roots), "--json", str(file)]) == 0
    return RunComparison.model_validate(json.loads(file.read_text()))


def auc_roc(row_seed: int, weight: float) -> float:
    rows = eval_rows(row_seed)
    return roc_auc_score(labels(rows), expected_scores(rows, weight))


def test_both_sides_name_run_variant_and_model(roots, result: RunComparison) -> None:
    assert (result.a.run_id, result.a.variant) == ("monday", "hashing")
    assert (result.b.run_id, result.b.variant) == ("tuesday", "full")
    assert result.a.model_path == str(roots[0] / "artifacts/monday/model/Format-Serving")


def test_rows_are_the_newer_runs_and_the_metrics_are_theirs(result: RunComparison) -> None:
    assert result.rows.source == "the eval split of run B, the newer one"
    assert (result.rows.num_rows, result.rows.num_clicks) == (NUM_ROWS, labels(eval_rows(2)).sum())
    pair = result.metrics["auc_roc"]
    assert pair.a.value == pytest.approx(auc_roc(2, 0.25), abs=1e-4)
    assert pair.b.estimate.value == pytest.approx(auc_roc(2, -0.1), abs=1e-4)
    assert result.confidence == 0.9
    assert result.sentence.startswith("B ranks worse than A")


def test_the_older_runs_rows_are_taken_where_they_are_asked_for(roots, capsys, tmp_path) -> None:
    found = compared(capsys, tmp_path / "c.json", *flags(*roots), "--on", "A")
    assert found.rows.source == "the eval split of run A, the older one"
    assert found.metrics["auc_roc"].a.value == pytest.approx(auc_roc(1, 0.25), abs=1e-4)


def test_changes_are_those_of_config_code_and_data(result: RunComparison) -> None:
    fields = {change.field: (change.a, change.b) for change in result.config_changes}
    assert fields == {"chosen_variant": ("hashing", "full"), "trainer.epochs": (1, 3)}
    assert [change.field for change in result.code_changes] == ["Transform"]
    data = {change.field: (change.a, change.b) for change in result.data_changes}
    assert data["files./logs/day_2.tsv"] == (None, 2_000)
    assert data["vocabulary_size.C1"] == (20, 30)
    assert "files./logs/day_1.tsv" not in data


def test_a_run_that_read_files_of_the_rows_is_warned_of(roots, result, capsys, tmp_path) -> None:
    """B's rows are the last of two days, and A may have trained on a part of the first."""
    [warning] = result.warnings
    assert warning.startswith("run A read 1 of the 2 files that these rows come from")
    other = compared(capsys, tmp_path / "c.json", *flags(*roots), "--on", "A")
    [warning] = other.warnings
    assert warning.startswith("run B read the files that these rows come from")


def test_the_text_has_changes_first_then_metrics_then_the_answer(roots, capsys) -> None:
    assert main(flags(*roots)) == 0
    text = capsys.readouterr().out
    parts = [
        "run  started",
        "changed configuration",
        "trainer.epochs",
        "changed code",
        "changed data",
        "rows: the eval split of run B",
        "warning: run A read",
        "90 % interval",
        "AUC ROC",
        "embeddings as served",
        "B ranks worse than A",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert max(map(len, text[text.index("changed configuration") :].splitlines())) <= 110


def test_a_log_is_compared_on_whole(roots, capsys, tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_bytes(b"\n".join(valid_lines(200)))
    found = compared(
        capsys, tmp_path / "c.json", *flags(*roots), "--data", str(tmp_path / "log.tsv")
    )
    assert found.rows.source == f"the log {tmp_path / 'log.tsv'}"
    assert found.rows.num_rows == 200
    assert found.warnings == ()


def test_a_log_of_another_layout_is_read_by_its_schema(roots, capsys, tmp_path: Path) -> None:
    """Comma-separated, with a header that names the same columns in another order."""
    header = ",".join(
        reversed(("label", *CLICK_LOG.dense_features, *CLICK_LOG.categorical_features))
    )
    lines = [b",".join(reversed(line.split(b"\t"))) for line in valid_lines(50)]
    (tmp_path / "log.csv").write_bytes(b"\n".join([header.encode(), *lines]))
    schema = tmp_path / "schema.yaml"
    columns = "dense: {I1..I13: {}}\ncategorical: {C1..C26: {}}\n"
    schema.write_text(f"format: csv\nheader: true\nlabel: label\n{columns}")
    arguments = (*flags(*roots), "--data", str(tmp_path / "log.csv"), "--schema", str(schema))
    found = compared(capsys, tmp_path / "c.json", *arguments)
    assert (found.rows.num_rows, found.rows.num_clicks) == (50, 17)


def test_runs_under_one_root_are_told_apart_by_their_ids(capsys, tmp_path: Path) -> None:
    root = tmp_path / "root"
    record_run(root, MONDAY)
    record_run(root, TUESDAY)
    arguments = (*flags(root, root), "--run", "mon", "--run", "tuesday")
    found = compared(capsys, tmp_path / "c.json", *arguments)
    assert (found.a.run_id, found.b.run_id) == ("monday", "tuesday")
    assert main(flags(root, root)) == FAILED
    assert "chose the same model" in capsys.readouterr().err


def test_different_columns_are_refused_by_name(roots, capsys, tmp_path: Path) -> None:
    layout = ClickLog(label={"column": "label"}, categorical=({"name": "C1"}, {"name": "city"}))
    record_run(tmp_path / "c", RunToRecord("other", layout=layout))
    assert main(flags(roots[0], tmp_path / "c")) == FAILED
    error = capsys.readouterr().err
    assert "city only in run B" in error
    assert "C10, C11" in error
    assert "run A and run B have different raw columns" in error


def test_a_run_whose_files_are_gone_is_refused_by_name(roots, capsys, tmp_path: Path) -> None:
    record_run(tmp_path / "c", RunToRecord("gone", variant="full"))
    (tmp_path / "c/artifacts/gone/transform_graph/features.json").unlink()
    assert main(flags(roots[0], tmp_path / "c")) == FAILED
    assert "the transform graph of run gone is gone" in capsys.readouterr().err


def test_a_run_that_chose_nothing_is_refused(roots, capsys, tmp_path: Path) -> None:
    record_run(tmp_path / "c", RunToRecord("none", variant=None))
    assert main(flags(roots[0], tmp_path / "c")) == FAILED
    assert "run none chose no variant" in capsys.readouterr().err


def test_a_root_without_a_database_is_refused(roots, capsys, tmp_path: Path) -> None:
    assert main(flags(roots[0], tmp_path)) == FAILED
    assert "no ML Metadata database" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--root", "a"], "--root: expected two"),
        (["--root", "a", "--root", "b", "--run", "x"], "--run: expected two or none"),
        (["--root", "a", "--root", "b", "--data", "x", "--on", "A"], "give one of them"),
        (["--root", "a", "--root", "b", "--schema", "criteo"], "--data, which is missing"),
        (["--root", "a", "--root", "b", "--json", "no/c.json"], "its folder does not exist"),
    ],
)
def test_flags_that_do_not_fit_together_are_a_usage_error(arguments, message, capsys) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_process_prints_progress_once_and_the_comparison_alone_on_standard_output(roots) -> None:
    command = [sys.executable, "-m", "pipeline.compare", *flags(*roots)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("run  started")
    assert "predicted" not in done.stdout
    lines = [line for line in done.stderr.splitlines() if "statistics" in line]
    assert [line.split()[0] for line in lines] == ["comparing"]
