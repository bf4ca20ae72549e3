"""The step on small files in real TFX artifacts and real Beam pipelines."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow_transform as tft
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components.errors import InputError
from components.features import read_features
from components.id_counts import read_id_counts
from components.parquet import write_table
from components.transform.component import ClickLogTransform
from components.transform.config import TransformConfig
from components.transform.executor import Executor
from schemas.click_log import LABEL
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.transform.mixed_log import CLICK_LOG, CONFIG, random_rows

# Without a word on the workers' image TFX takes seconds to pack itself up for them.
_NO_PACKING = "--sdk_container_image=none"
IN_MEMORY = ["--direct_running_mode=in_memory", _NO_PACKING]
TWO_THREADS = ["--direct_running_mode=multi_threading", "--direct_num_workers=2", _NO_PACKING]


def _artifact(artifact_type, folder):
    folder.mkdir(parents=True)
    artifact = artifact_type()
    artifact.uri = str(folder)
    return artifact


def _run(folder: Path, rows, config=CONFIG, beam_args=IN_MEMORY):
    """Runs the step on 5 train files and 2 eval files; returns its outputs."""
    examples = _artifact(standard_artifacts.Examples, folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split, start, num_files in (("train", 0, 5), ("eval", 500, 2)):
        (folder / f"examples/Split-{split}").mkdir()
        for i in range(num_files):
            path = folder / f"examples/Split-{split}/block-{i}.parquet"
            write_table(rows.slice(start + i * 100, 100), str(path))
    schema = _artifact(standard_artifacts.Schema, folder / "schema")
    (folder / "schema/schema.pbtxt").write_text('feature { name: "age" type: INT }\n')
    step = ClickLogTransform(
        channel_utils.as_channel([examples]), channel_utils.as_channel([schema]), CLICK_LOG, config
    )
    graph = _artifact(standard_artifacts.TransformGraph, folder / "graph")
    transformed = _artifact(standard_artifacts.Examples, folder / "transformed")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=beam_args, tmp_dir=str(folder / "tmp"), unique_id="1"
    )
    Executor(context).Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [transformed]},
        step.exec_properties,
    )
    return graph, transformed


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Rows, the folder of a run over them, and its outputs."""
    folder = tmp_path_factory.mktemp("run")
    rows = random_rows(700)
    return rows, folder, *_run(folder, rows)


def _read(folder, split):
    """The transformed rows of a split in file order."""
    return [pq.read_table(p) for p in sorted((folder / f"transformed/Split-{split}").iterdir())]


def test_files_hold_the_rows_of_the_raw_files_of_their_name(run):
    rows, folder, _, transformed = run
    assert artifact_utils.decode_split_names(transformed.split_names) == ["train", "eval"]
    assert examples_utils.get_payload_format(transformed) == example_gen_pb2.FORMAT_PARQUET
    for split, start, num_files in (("train", 0, 5), ("eval", 500, 2)):
        names = sorted(p.name for p in (folder / f"transformed/Split-{split}").iterdir())
        assert names == [f"block-{i}.parquet" for i in range(num_files)]
        for i, table in enumerate(_read(folder, split)):
            raw = rows.slice(start + i * 100, 100)
            assert table[LABEL].to_pylist() == [float(v) for v in raw[LABEL].to_pylist()]
            missing = [value is None for value in raw["site"].to_pylist()]
            assert [ids[0] == 0 for ids in table[CATEGORICAL].to_pylist()] == missing
            prices = [values[0] for values in table[DENSE].to_pylist()]
            assert np.argmax(prices) == np.argmax(raw["price"].fill_null(-np.inf).to_numpy())


def test_ids_come_from_the_train_split_alone(run):
    rows, folder, *_ = run
    train = [value for value in rows["site"].slice(0, 500).to_pylist() if value is not None]
    counts = {value: train.count(value) for value in set(train)}
    kept = sorted((v for v in counts if counts[v] >= 2), key=lambda v: (-counts[v], v))
    expected = {None: 0} | {value: i + 2 for i, value in enumerate(kept)}
    found = [ids[0] for table in _read(folder, "eval") for ids in table[CATEGORICAL].to_pylist()]
    assert found == [expected.get(value, 1) for value in rows["site"].slice(500).to_pylist()]


def test_ids_of_the_train_split_are_counted(run):
    _, folder, graph, _ = run
    tables = _read(folder, "train")
    ids = np.concatenate([table[CATEGORICAL].to_pylist() for table in tables])
    counted = read_id_counts(graph.uri)
    assert list(counted) == list(read_features(graph.uri).vocabulary_sizes)
    for column, counts in enumerate(counted.values()):
        expected = np.unique(ids[:, column], return_counts=True)
        np.testing.assert_array_equal(counts.ids, expected[0])
        np.testing.assert_array_equal(counts.counts, expected[1])
    assert {name: counts.num_oov_ids for name, counts in counted.items()} == {
        "site": 1,
        "ip": 0,
        "user": 5,
        "page": 3,
        "age_bucket": 0,
        "score_bucket": 0,
    }


def test_schema_stands_in_the_graph(run):
    feature = tft.TFTransformOutput(run[2].uri).raw_metadata.schema.feature[0]
    assert feature.name == "age"


def test_two_threads_write_the_same_files(run, tmp_path):
    rows, folder, *_ = run
    _run(tmp_path / "threads", rows, beam_args=TWO_THREADS)
    for split in ("train", "eval"):
        for one, other in zip(
            _read(folder, split), _read(tmp_path / "threads", split), strict=True
        ):
            assert one.equals(other)
    for name in ("id_counts.parquet", "features.json", "transform_fn/assets/vocabulary.txt"):
        one, other = folder / "graph" / name, tmp_path / "threads/graph" / name
        assert one.read_bytes() == other.read_bytes(), name


def test_a_column_that_is_none_is_refused(tmp_path):
    config = TransformConfig(columns={"prise": {"clip": [0, 1]}})
    with pytest.raises(InputError, match=r"transform\.columns\.prise.*known: price, age"):
        _run(tmp_path / "run", random_rows(700), config)
