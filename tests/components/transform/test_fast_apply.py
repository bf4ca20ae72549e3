import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.features import read_features
from components.raw_tensors import raw_tensors
from components.transform.config import TransformConfig
from components.transform.fast_apply import FastApply
from schemas.click_log import LABEL, WEIGHT, ClickLog, raw_arrow_schema
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.transform.mixed_log import CLICK_LOG, fit, random_rows, write_graph


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """The preprocessing of the mixed log and its transform graph as TFT loads it."""
    folder = tmp_path_factory.mktemp("mixed")
    preprocessing = fit(random_rows(2_000), folder)
    graph = write_graph(preprocessing, folder)
    return preprocessing, tft.TFTransformOutput(graph).transform_features_layer(), graph


def _matrix(table, name):
    column = table[name].combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


def _through_graph(layer, rows):
    inputs = {name: tf.constant(values) for name, values in raw_tensors(rows).items()}
    return {name: tensor.numpy() for name, tensor in layer(inputs).items()}


def _assert_same_bits(table, outputs):
    dense = _matrix(table, DENSE)
    assert dense.dtype == outputs[DENSE].dtype == np.float32
    np.testing.assert_array_equal(dense.view(np.int32), outputs[DENSE].view(np.int32))
    np.testing.assert_array_equal(_matrix(table, CATEGORICAL), outputs[CATEGORICAL])


@pytest.mark.parametrize("seed", [1, 2])
def test_rows_are_those_of_the_graph_bit_by_bit(mixed, seed):
    preprocessing, layer, _ = mixed
    rows = random_rows(3_001, seed)  # many of their values are not in the vocabularies
    _assert_same_bits(FastApply(preprocessing)(rows), _through_graph(layer, rows))


def test_rows_do_not_depend_on_the_batch(mixed):
    preprocessing, layer, _ = mixed
    rows = random_rows(101, seed=2)
    whole = FastApply(preprocessing)(rows)
    for start in range(0, rows.num_rows, 17):
        part = rows.slice(start, 17)
        _assert_same_bits(whole.slice(start, 17), _through_graph(layer, part))


def test_chunks_with_dictionaries_of_their_own_make_no_difference(mixed):
    rows = random_rows(300, seed=3)
    names = CLICK_LOG.categorical_features
    parts = []
    for start, length in ((0, 100), (100, 0), (100, 200)):
        part = rows.slice(start, length).combine_chunks()
        for name in names:
            column = part[name].combine_chunks().dictionary_encode()
            part = part.set_column(part.column_names.index(name), name, column)
        parts.append(part)
    apply = FastApply(mixed[0])
    assert apply(pa.concat_tables(parts)).equals(apply(rows))


def test_values_that_are_not_finite_are_missing(mixed):
    preprocessing, layer, _ = mixed
    rows = random_rows(20, seed=4)
    odd = [np.nan, np.inf, -np.inf, None] * 5
    with_odd = rows.set_column(1, "price", pa.array(odd, pa.float32()))
    without = rows.set_column(1, "price", pa.nulls(20, pa.float32()))
    table = FastApply(preprocessing)(with_odd)
    assert table.equals(FastApply(preprocessing)(without))
    _assert_same_bits(table, _through_graph(layer, with_odd))


def test_no_output_is_infinite(mixed):
    rows = random_rows(5_000, seed=5)
    assert np.isfinite(_matrix(FastApply(mixed[0])(rows), DENSE)).all()


def test_ids_and_widths_are_as_the_features_say(mixed):
    preprocessing, _, graph = mixed
    features = read_features(graph)
    table = FastApply(preprocessing)(random_rows(5_000, seed=6))
    names = [*CLICK_LOG.categorical_features, "age_bucket", "score_bucket"]
    assert list(features.vocabulary_sizes) == names
    assert features.click_log == CLICK_LOG
    ids = _matrix(table, CATEGORICAL)
    assert (ids.min(axis=0) == 0).all()
    assert (ids.max(axis=0) < list(features.vocabulary_sizes.values())).all()
    assert features.dense_width == _matrix(table, DENSE).shape[1] == 5 + 4
    assert features.vocabulary_sizes["ip"] == 2 + 50
    assert features.vocabulary_sizes["user"] == 1 + 5 + 10
    assert features.vocabulary_sizes["age_bucket"] == 1 + 7


def test_every_id_is_counted(mixed):
    preprocessing = mixed[0]
    rows = random_rows(1_000, seed=7)
    sizes = list(preprocessing.features.vocabulary_sizes.values())
    counts = np.zeros(sum(sizes), np.int64)
    apply = FastApply(preprocessing)
    ids = _matrix(apply(rows, counts), CATEGORICAL)
    apply(rows, counts)
    expected = [2 * np.bincount(ids[:, i], minlength=size) for i, size in enumerate(sizes)]
    np.testing.assert_array_equal(counts, np.concatenate(expected))


def test_no_rows_give_no_rows(mixed):
    preprocessing = mixed[0]
    table = FastApply(preprocessing)(raw_arrow_schema(CLICK_LOG).empty_table())
    full = FastApply(preprocessing)(random_rows(1))
    assert table.num_rows == 0
    assert table.schema == full.schema


def test_a_log_without_numbers_has_no_dense_values(tmp_path):
    log = ClickLog.model_validate(
        {"label": {"column": "clicked"}, "categorical": [{"name": "site"}, {"name": "ip"}]}
    )
    rows = pa.table(
        {LABEL: [1, 0, 1], "site": [b"a", None, b"b"], "ip": [b"c", b"c", b"d"]},
        schema=raw_arrow_schema(log),
    )
    config = TransformConfig(categorical={"frequency_threshold": 1})
    preprocessing = fit(rows, tmp_path, config, log)
    graph = write_graph(preprocessing, tmp_path)
    outputs = _through_graph(tft.TFTransformOutput(graph).transform_features_layer(), rows)

    table = FastApply(preprocessing)(rows)

    assert table.column_names == [CATEGORICAL, LABEL]
    assert list(outputs) == [CATEGORICAL]
    assert _matrix(table, CATEGORICAL).tolist() == [[2, 2], [0, 2], [3, 3]]
    np.testing.assert_array_equal(outputs[CATEGORICAL], [[2, 2], [0, 2], [3, 3]])
    assert read_features(graph).dense_width == 0


def test_weights_pass_through(tmp_path):
    log = ClickLog.model_validate(
        {
            "label": {"column": "clicked"},
            "weight": "importance",
            "categorical": [{"name": "site"}],
        }
    )
    columns = {LABEL: [1, 0, 1], WEIGHT: [0.25, 3.5, 1.0], "site": [b"a", None, b"b"]}
    rows = pa.table(columns, schema=raw_arrow_schema(log))
    config = TransformConfig(categorical={"frequency_threshold": 1})
    preprocessing = fit(rows, tmp_path, config, log)
    graph = write_graph(preprocessing, tmp_path)
    table = FastApply(preprocessing)(rows)
    assert table.column_names == [CATEGORICAL, LABEL, WEIGHT]
    assert table[WEIGHT].type == pa.float32()
    assert table[WEIGHT].to_pylist() == [0.25, 3.5, 1.0]
    outputs = _through_graph(tft.TFTransformOutput(graph).transform_features_layer(), rows)
    assert list(outputs) == [CATEGORICAL]


def test_hashing_alone_needs_no_vocabulary(tmp_path):
    rows = random_rows(500)
    preprocessing = fit(rows, tmp_path, TransformConfig(categorical={"method": "hash"}))
    layer = tft.TFTransformOutput(write_graph(preprocessing, tmp_path)).transform_features_layer()
    assert preprocessing.vocabulary_path is None
    _assert_same_bits(FastApply(preprocessing)(rows), _through_graph(layer, rows))
