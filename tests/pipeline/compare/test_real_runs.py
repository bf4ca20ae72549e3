"""Two runs of the pipeline under one root, the second mostly cached, then their comparison."""

import json
from pathlib import Path

import pytest

from components.evaluator.comparison import Comparison
from pipeline.compare.cli import main as compare
from pipeline.compare.result import RunComparison
from pipeline.lineage.store import read_snapshot
from pipeline.local_cli import main as run_local

pytestmark = pytest.mark.slow

FLAGS = ("--preset", "tiny", "--variants", "full,hashing", "--set", "evaluator.max_auc_loss=1")
SMALLER = ("--set", "variants.hashing.embedding.options.compression_ratio=20")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    assert run_local([*FLAGS, "--root", str(folder)]) == 0
    assert run_local([*FLAGS, "--root", str(folder), *SMALLER]) == 0
    return folder


@pytest.fixture(scope="module")
def result(root: Path, tmp_path_factory: pytest.TempPathFactory) -> RunComparison:
    file = tmp_path_factory.mktemp("json") / "comparison.json"
    first, second = (run.id for run in read_snapshot(root).runs)
    roots = ("--root", str(root), "--root", str(root))
    assert compare([*roots, "--run", first, "--run", second, "--json", str(file)]) == 0
    return RunComparison.model_validate(json.loads(file.read_text()))


def test_only_what_was_changed_is_listed(result: RunComparison) -> None:
    assert [change.field for change in result.config_changes] == [
        "trainer.embedding.options.compression_ratio"
    ]
    assert result.config_changes[0].b == 20
    assert result.data_changes == ()
    assert result.code_changes == ()
    assert result.warnings == ()


def test_numbers_of_the_newer_model_are_those_of_its_own_comparison(root, result) -> None:
    own = Comparison.from_json((root / "report" / "comparison.json").read_text())
    expected = own.variant("hashing")
    assert own.chosen == result.b.variant == "hashing"
    assert result.rows.num_rows == own.data.num_eval_rows
    assert result.rows.num_clicks == own.data.num_eval_clicks
    for name, metric in expected.metrics.items():
        found = result.metrics[name].b.estimate
        assert found.value == pytest.approx(metric.estimate.value, abs=1e-6)
        assert found.standard_error == pytest.approx(metric.estimate.standard_error, rel=1e-6)
    for name, pair in result.costs.items():
        assert pair.b == expected.costs[name]


def test_the_smaller_model_takes_fewer_bytes(result: RunComparison) -> None:
    pair = result.costs["embedding_bytes"]
    assert pair.b < pair.a
    assert "x smaller" in result.sentence
