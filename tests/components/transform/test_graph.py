import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2

from components.parquet import read_table, write_table
from components.raw_tensors import raw_tensors
from components.transform.config import TransformConfig
from components.transform.graph import ApplyTransformGraph, write_transform_graph
from components.transform.vocabulary import pack, select_with_beam
from components.vocabulary_sizes import read_vocabulary_sizes
from schemas.criteo import CATEGORICAL, CATEGORICAL_FEATURES, DENSE, DENSE_FEATURES, LABEL


def _random_rows(raw_table, num_rows):
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(num_rows):
        row = {"label": int(rng.integers(2))}
        for name in DENSE_FEATURES:
            if rng.random() < 0.8:
                row[name] = int(rng.integers(-3, 10_000))
        for name in CATEGORICAL_FEATURES:
            if rng.random() < 0.8:
                row[name] = b"%08x" % rng.zipf(1.5)
        rows.append(row)
    return raw_table(rows)


def _transform(config, rows, folder, batch_rows=16_384):
    """Runs counting, graph and application as the executor does; returns the graph and rows."""
    folder.mkdir()
    (folder / "values").mkdir()
    source, target, graph = (str(folder / name) for name in ("raw.parquet", "out.parquet", "graph"))
    write_table(rows, source)
    vocabulary = None
    if config.categorical == "vocabulary":
        with beam.Pipeline() as pipeline:
            select_with_beam(pipeline, [source], config.frequency_threshold, str(folder / "values"))
        vocabulary = pack(str(folder / "values"))
    write_transform_graph(config, vocabulary, schema_pb2.Schema(), graph)
    with beam.Pipeline() as pipeline:
        _ = (
            pipeline
            | beam.Create([(source, target)])
            | beam.ParDo(ApplyTransformGraph(graph, batch_rows))
        )
    return graph, read_table(target)


def _slow_ids(rows, threshold):
    """Ids by plain Python: count, threshold, sort, look up."""
    columns = []
    for name in CATEGORICAL_FEATURES:
        values = rows[name].to_pylist()
        counts = {v: values.count(v) for v in set(values) if v is not None}
        kept = sorted((v for v in counts if counts[v] >= threshold), key=lambda v: (-counts[v], v))
        position = {v: i + 2 for i, v in enumerate(kept)}
        columns.append([0 if v is None else position.get(v, 1) for v in values])
    return np.array(columns).T


def test_transformed_rows_equal_slow_twin(tmp_path, raw_table):
    rows = _random_rows(raw_table, 300)
    _, table = _transform(TransformConfig(frequency_threshold=3), rows, tmp_path / "run")

    ids = table[CATEGORICAL].combine_chunks().flatten().to_numpy().reshape(-1, 26)
    np.testing.assert_array_equal(ids, _slow_ids(rows, 3))
    dense = table[DENSE].combine_chunks().flatten().to_numpy().reshape(-1, 26)
    for column, name in enumerate(DENSE_FEATURES):
        for got, indicator, raw in zip(
            dense[:, column], dense[:, 13 + column], rows[name].to_pylist(), strict=True
        ):
            assert indicator == (raw is None)
            want = 0.0 if raw is None else np.sign(raw) * np.log1p(abs(raw))
            np.testing.assert_allclose(got, want, rtol=1e-6)
    assert table[LABEL].to_pylist() == [float(v) for v in rows[LABEL].to_pylist()]
    assert table[LABEL].type == pa.float32()


def test_transformed_rows_do_not_depend_on_batch_size(tmp_path, raw_table):
    rows = _random_rows(raw_table, 50)
    config = TransformConfig(frequency_threshold=2)
    _, whole = _transform(config, rows, tmp_path / "whole")
    _, pieces = _transform(config, rows, tmp_path / "pieces", batch_rows=7)
    assert whole.equals(pieces)


def test_graph_is_read_by_tft_and_carries_its_vocabulary(tmp_path, raw_table):
    rows = _random_rows(raw_table, 100)
    graph, table = _transform(TransformConfig(frequency_threshold=2), rows, tmp_path / "run")
    # the vocabulary file that was counted is gone, the graph has its own copy
    (tmp_path / "run/values/vocabulary.txt").unlink()

    outputs = tft.TFTransformOutput(graph).transform_features_layer()(raw_tensors(rows))

    ids = table[CATEGORICAL].combine_chunks().flatten().to_numpy().reshape(-1, 26)
    np.testing.assert_array_equal(outputs[CATEGORICAL].numpy(), ids)
    spec = tft.TFTransformOutput(graph).transformed_feature_spec()
    assert spec[DENSE].shape == [26]
    sizes = read_vocabulary_sizes(graph)
    assert list(sizes) == list(CATEGORICAL_FEATURES)
    assert (ids.max(axis=0) < np.array(list(sizes.values()))).all()


def test_hash_mode_needs_no_vocabulary(tmp_path, raw_table):
    config = TransformConfig(categorical="hash", num_hash_buckets=50)
    graph, table = _transform(config, _random_rows(raw_table, 40), tmp_path / "run")
    ids = table[CATEGORICAL].combine_chunks().flatten().to_numpy()
    assert ids.max() < 52
    assert set(read_vocabulary_sizes(graph).values()) == {52}


def test_empty_file_transforms_to_no_rows(tmp_path, raw_table):
    rows = _random_rows(raw_table, 20)
    graph, _ = _transform(TransformConfig(), rows, tmp_path / "run")
    source, target = str(tmp_path / "empty.parquet"), str(tmp_path / "out.parquet")
    write_table(rows.slice(0, 0), source)
    fn = ApplyTransformGraph(graph, 8)
    fn.setup()
    assert list(fn.process((source, target))) == [(target, 0)]
    assert read_table(target).num_rows == 0
