import pyarrow as pa
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils, standard_artifacts

from components.parquet import write_table
from components.statistics_gen.executor import Executor


def test_statistics_of_every_split_are_where_tfx_looks_for_them(tmp_path):
    examples, statistics = standard_artifacts.Examples(), standard_artifacts.ExampleStatistics()
    examples.uri, statistics.uri = str(tmp_path / "examples"), str(tmp_path / "statistics")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    examples.span = 7
    for split, num_rows in (("train", 3), ("eval", 2)):
        (tmp_path / f"examples/Split-{split}").mkdir(parents=True)
        path = str(tmp_path / f"examples/Split-{split}/a.parquet")
        write_table(pa.table({"x": list(range(num_rows))}), path)

    Executor().Do({"examples": [examples]}, {"statistics": [statistics]}, {})

    assert statistics.span == 7
    for split, num_rows in (("train", 3), ("eval", 2)):
        view = stats_artifact_utils.load_statistics(statistics, split)
        assert view.proto().datasets[0].num_examples == num_rows
