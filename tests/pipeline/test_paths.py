"""Where a run keeps its files."""

from pathlib import Path

from pipeline.paths import RunPaths


def test_run_paths_lie_under_the_root_and_create_nothing(tmp_path: Path) -> None:
    root = tmp_path / "run"
    paths = RunPaths(root)
    assert paths.metadata_path == root / "metadata.sqlite"
    assert paths.pipeline_root == root / "pipeline_root"
    assert paths.serving_model_dir == root / "serving_model"
    assert paths.report_dir == root / "report"
    assert paths.log_path == root / "run.log"
    assert paths.data_dir == root / "data"
    assert not root.exists()
