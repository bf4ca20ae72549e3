"""What a local run leaves for people to look at."""

from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.evaluator.comparison import Comparison, Lineage
from pipeline.lineage.origin import record_origin
from pipeline.lineage.records import Origin
from pipeline.lineage.store import read_snapshot
from pipeline.local_run import _publish
from pipeline.paths import RunPaths
from tests.components.evaluator.report.sample import sample_comparison
from tests.pipeline.lineage.tfx_store import TfxStore

FIRST = Origin("run_local.py --preset tiny", "1f0ed52", True)
SECOND = Origin("run_local.py --preset demo", "2e1fc63", False)


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    """A folder with two runs; the second one found the comparison of the first in the cache."""
    store, paths = TfxStore(tmp_path), RunPaths(tmp_path)
    comparison = sample_comparison(2, chosen="full")
    made = comparison.model_copy(update={"lineage": Lineage(run_id="run-1")})
    folder = tmp_path / "comparison"
    folder.mkdir()
    (folder / "comparison.json").write_text(made.to_json())
    pushed = {"pushed": 1, "pushed_destination": str(tmp_path / "serving_model/7")}
    store.start_run("run-1")
    outputs = {"comparison": ("schemas.Comparison", {"uri": str(folder)})}
    evaluator = store.step("Evaluator", outputs=outputs)
    pusher = store.step("Pusher", outputs={"pushed_model": ("PushedModel", pushed)})
    store.start_run("run-2")
    cached = mlmd.Execution.CACHED
    store.step("Evaluator", outputs={"comparison": evaluator["comparison"]}, state=cached)
    store.step("Pusher", outputs={"pushed_model": pusher["pushed_model"]}, state=cached)
    return paths


def test_report_of_a_run_shows_its_command_and_commit(paths: RunPaths) -> None:
    record_origin(paths.metadata_path, "run-1", FIRST)
    result = _publish(read_snapshot(paths.root), "run-1", paths)
    written = Comparison.from_json((paths.report_dir / "comparison.json").read_text())
    assert written == result.comparison
    assert written.lineage == Lineage(
        run_id="run-1", command=FIRST.command, commit="1f0ed52", has_local_changes=True
    )
    page = (paths.report_dir / "index.html").read_text()
    assert ".venv/bin/python run_local.py --preset tiny</pre>" in page
    assert (paths.report_dir / "comparison.md").read_text().startswith("## Ship full")


def test_report_from_the_cache_shows_the_command_that_made_it(paths: RunPaths) -> None:
    record_origin(paths.metadata_path, "run-1", FIRST)
    record_origin(paths.metadata_path, "run-2", SECOND)
    lineage = _publish(read_snapshot(paths.root), "run-2", paths).comparison.lineage
    assert (lineage.run_id, lineage.command, lineage.commit) == ("run-1", FIRST.command, "1f0ed52")


def test_report_from_the_cache_of_an_unrecorded_run_shows_no_command(paths: RunPaths) -> None:
    record_origin(paths.metadata_path, "run-2", SECOND)
    comparison = _publish(read_snapshot(paths.root), "run-2", paths).comparison
    assert comparison.lineage == Lineage(run_id="run-1")


def test_pushed_model_is_where_the_pusher_put_it(paths: RunPaths) -> None:
    result = _publish(read_snapshot(paths.root), "run-2", paths)
    assert result.pushed_model == paths.root / "serving_model/7"
