"""The data steps give the same result wherever Beam runs them, worker processes included."""

import gzip
import json

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import RunOptions

from components.parquet import list_files, read_table
from components.synthetic.click_log import SyntheticConfig, write_click_log
from pipeline.load_config import load_config
from pipeline.pipeline import create_pipeline
from tests.portable_beam import install_package, num_workers_started, portable_services

pytestmark = pytest.mark.slow

SPLITS = ("train", "eval")
BLOCK_BYTES = 300_000
# Settings that make every step look at the rows in all the ways it can.
SETTINGS = (
    "example_gen.max_bad_rate=0.01",
    "example_gen.split.method=last_rows",
    "example_gen.negative_sampling_rate=0.7",
    "transform.dense.standardize=true",
    "transform.columns.I1.scale=quantile",
    "transform.columns.I2.categorical_buckets=8",
    "transform.categorical.num_oov_buckets=3",
    "transform.columns.C3.method=hash",
)
LIMIT_SECONDS = 600
DIRECT = ["--runner=DirectRunner", "--sdk_container_image=unused"]
IN_MEMORY = [*DIRECT, "--direct_running_mode=in_memory"]
THREADS = [*DIRECT, "--direct_running_mode=multi_threading", "--direct_num_workers=2"]
PROCESSES = [*DIRECT, "--direct_running_mode=multi_processing", "--direct_num_workers=2"]


@pytest.fixture(scope="module")
def log_pattern(tmp_path_factory):
    """A plain and a compressed log with a few bad lines; their pattern."""
    folder = tmp_path_factory.mktemp("log")
    write_click_log(SyntheticConfig(rows=6000), folder / "all.tsv")
    lines = (folder / "all.tsv").read_bytes().splitlines(keepends=True)
    for bad in (7, 2500, 5999):
        lines[bad] = b"2\t" + lines[bad][2:]
    (folder / "day_0.tsv").write_bytes(b"".join(lines[:4000]))
    (folder / "day_1.tsv.gz").write_bytes(gzip.compress(b"".join(lines[4000:])))
    return str(folder / "day_*")


@pytest.fixture(scope="module")
def expected(log_pattern, tmp_path_factory):
    return run(log_pattern, tmp_path_factory.mktemp("in_memory"), IN_MEMORY)


@pytest.fixture(scope="module", params=["threads", "processes", "portable"])
def outcome(request, log_pattern, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param != "portable":
        return run(log_pattern, folder, {"threads": THREADS, "processes": PROCESSES}[request.param])
    services = folder / "services"
    with portable_services(services, install_package(folder / "package"), LIMIT_SECONDS) as beam:
        outcome = run(log_pattern, folder, beam)
        assert num_workers_started(services) >= 4
    return outcome


def run(data, folder, beam_pipeline_args, block_bytes=BLOCK_BYTES):
    """Runs the steps before the trainers; returns the folder of each of their outputs."""
    pipeline = create_pipeline(
        load_config("tiny", ["full"], [*SETTINGS, f"example_gen.block_bytes={block_bytes}"]),
        data,
        pipeline_root=str(folder / "artifacts"),
        serving_model_dir=str(folder / "serving"),
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(folder / "metadata.sqlite")
        ),
        beam_pipeline_args=beam_pipeline_args,
    )
    LocalDagRunner().run(pipeline, RunOptions(to_nodes=["Transform"]))
    return {path.parent.name: path for path in folder.glob("artifacts/*/*/[0-9]*")}


def rows(outcome, key, split):
    """All rows of a split in the order of the files' names."""
    files = list_files(str(outcome[key] / f"Split-{split}"))
    return pa.concat_tables([read_table(file) for file in files]).combine_chunks()


def vocabulary(outcome):
    [file] = (outcome["transform_graph"] / "transform_fn/assets").iterdir()
    return file.read_text()


def tables(folder):
    return {
        str(path.relative_to(folder)): read_table(str(path)) for path in folder.rglob("*.parquet")
    }


def statistics(outcome, split):
    """TFDV's statistics but for what it estimates from sketches; means without their last digits.

    The order of additions shows in the last digits, and which of the rare values a sketch keeps
    depends on the bundles.
    """
    file = outcome["statistics"] / f"Split-{split}/FeatureStats.pb"
    found = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    for feature in found.datasets[0].features:
        feature.string_stats.ClearField("rank_histogram")
        feature.num_stats.mean = float(f"{feature.num_stats.mean:.12g}")
        feature.num_stats.std_dev = float(f"{feature.num_stats.std_dev:.12g}")
    return found


def test_files_hold_the_same_rows(outcome, expected):
    for key in ("examples", "transformed_examples"):
        assert tables(outcome[key]) == tables(expected[key])


def test_quarantine_is_the_same(outcome, expected):
    for name in ("rejected_rows.jsonl", "summary.json"):
        assert (outcome["quarantine"] / name).read_text() == (
            expected["quarantine"] / name
        ).read_text()


def test_vocabulary_and_its_counts_are_the_same(outcome, expected):
    assert vocabulary(outcome) == vocabulary(expected)
    graph, expected_graph = outcome["transform_graph"], expected["transform_graph"]
    assert (graph / "features.json").read_text() == (expected_graph / "features.json").read_text()
    assert tables(graph) == tables(expected_graph)
    assert list(tables(graph)) == ["id_counts.parquet"]


def test_statistics_are_the_same(outcome, expected):
    for split in SPLITS:
        assert statistics(outcome, split) == statistics(expected, split)


def test_block_size_changes_no_row_and_no_id(log_pattern, expected, tmp_path):
    other = run(log_pattern, tmp_path, IN_MEMORY, block_bytes=70_000)
    for key in ("examples", "transformed_examples"):
        for split in SPLITS:
            assert rows(other, key, split) == rows(expected, key, split)
            assert len(tables(other[key])) > len(tables(expected[key]))
    assert vocabulary(other) == vocabulary(expected)


def test_the_log_is_read_whole(expected):
    summary = json.loads((expected["quarantine"] / "summary.json").read_text())
    assert summary["num_lines"] == 6000
    assert summary["num_rejected"] == 3
    assert sum(summary["num_rows_before_sampling"].values()) == 5997
    assert len(vocabulary(expected).splitlines()) > 100
