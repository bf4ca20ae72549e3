import numpy as np
import pyarrow as pa
import pytest

from components.errors import InputError
from components.evaluator.config import SlicesConfig
from components.evaluator.slice_keys import SliceKeys, find_frequent_values, plan_slices
from components.features import Features, read_features
from components.parquet import list_files
from schemas.click_log import CategoricalColumn, ClickLog, DenseColumn, LabelColumn
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES
from schemas.spans import SpanCounts, block_name
from tests.components.evaluator.tiny import raw_rows, write_split
from tests.components.evaluator.tiny_transform import write_transform_graph

ONLY_TIME = {"frequency_bands": False, "missing": False}
NOTHING = ONLY_TIME | {"time": 0}
NUM_FIELDS = len(DENSE_FEATURES) + len(CATEGORICAL_FEATURES)


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> str:
    return write_transform_graph(tmp_path_factory.mktemp("transform") / "graph")


def slice_columns(graph, tmp_path, *tables, ids=None, **config):
    """Returns column -> the values of all rows, a list a file."""
    files = list_files(write_split(tmp_path / "raw", *tables))
    num_rows = [table.num_rows for table in tables]
    features = read_features(graph)
    plan = plan_slices(SlicesConfig(**config), features.click_log, files, sum(num_rows))
    keys = SliceKeys(plan, features, graph)
    found: dict[str, list] = {}
    first_rows = np.cumsum([0, *num_rows[:-1]]).tolist()
    for table, path, first_row in zip(tables, files, first_rows, strict=True):
        for name, column in keys.columns(table, path, first_row, ids).items():
            assert column.type == pa.dictionary(pa.int32(), pa.string())
            found.setdefault(name, []).append(column.to_pylist())
    return found


def test_frequency_of_an_id_is_its_band_in_the_train_split(graph, tmp_path):
    # Missing, out of the vocabulary, then values with 60, 35, 5 and 0 occurrences.
    ids = np.zeros((6, len(CATEGORICAL_FEATURES)), np.int32)
    ids[:, 2] = [0, 1, 2, 3, 4, 5]
    rows = raw_rows([0] * 6, [1] * 6, [None] * 6)
    found = slice_columns(graph, tmp_path, rows, ids=ids, missing=False, time=0)
    bands = ["missing", "unseen", "head", "middle", "tail", "unseen"]
    assert found["slice:frequency of C3"] == [bands]
    assert found["slice:frequency of C1"] == [["missing"] * 6]
    assert list(found) == [f"slice:frequency of {name}" for name in CATEGORICAL_FEATURES]


def test_buckets_of_a_numeric_feature_have_no_frequency(graph):
    log = ClickLog(
        label=LabelColumn(column="click"),
        dense=(DenseColumn(name="I1"),),
        categorical=(CategoricalColumn(name="C1"),),
    )
    features = Features(click_log=log, dense_width=0, vocabulary_sizes={"C1": 6, "I1": 6})
    plan = plan_slices(SlicesConfig(missing=False, time=0), log, [], 1)
    rows = pa.table({"label": [0], "I1": [3], "C1": [b"aa"]})
    # The ids of C1 and I1; I1 has no counts either.
    columns = SliceKeys(plan, features, graph).columns(rows, "any", 0, np.array([[3, 2]]))
    assert {name: c.to_pylist() for name, c in columns.items()} == {
        "slice:frequency of C1": ["middle"]
    }


@pytest.mark.parametrize(
    ("num_missing", "name"),
    [
        (0, "0"), (1, "1-2"), (2, "1-2"), (3, "3-5"), (5, "3-5"), (6, "6-9"), (9, "6-9"),
        (10, "10 or more"), (NUM_FIELDS, "10 or more"),
    ],
)  # fmt: skip
def test_missing_fields_of_a_row_are_counted(graph, tmp_path, num_missing, name):
    values = {"label": [1]} | {f"I{n}": [n] for n in range(1, 14)}
    values |= {f"C{n}": [b"aa"] for n in range(1, 27)}
    for feature in (*DENSE_FEATURES, *CATEGORICAL_FEATURES)[:num_missing]:
        values[feature] = [None]
    rows = pa.table(values, schema=raw_rows([], [], []).schema)
    found = slice_columns(graph, tmp_path, rows, **NOTHING | {"missing": True})
    assert found == {"slice:missing fields": [[name]]}


def test_time_cuts_the_rows_of_all_files_into_equal_parts(graph, tmp_path):
    tables = [raw_rows([0] * n, [1] * n, [None] * n) for n in (3, 0, 5)]
    found = slice_columns(graph, tmp_path, *tables, **ONLY_TIME, time=4)
    assert found == {
        "slice:time": [
            ["1 of 4", "1 of 4", "2 of 4"],
            [],
            ["2 of 4", "3 of 4", "3 of 4", "4 of 4", "4 of 4"],
        ]
    }


def test_time_of_a_single_file_is_cut_as_well(graph, tmp_path):
    rows = raw_rows([0] * 3, [1] * 3, [None] * 3)
    found = slice_columns(graph, tmp_path, rows, **ONLY_TIME, time=3)
    assert found == {"slice:time": [["1 of 3", "2 of 3", "3 of 3"]]}


def span(name, first_file):
    counts = {"train": 1, "eval": 1}
    return SpanCounts(name=name, first_file=first_file, num_rows=counts, num_clicks=counts)


SPANS = (span("2024-02-28", 0), span("2024-02-29", 2))


def spans_of_rows(graph, file_indices, **config):
    """Returns the columns of two rows a file."""
    rows = raw_rows([0, 1], [1, 1], [None, None])
    paths = [f"/eval/{block_name(index, 0)}.parquet" for index in file_indices]
    features = read_features(graph)
    num_rows = 2 * len(paths)
    plan = plan_slices(SlicesConfig(**config), features.click_log, paths, num_rows, SPANS)
    keys = SliceKeys(plan, features, graph)
    return [
        {name: column.to_pylist() for name, column in keys.columns(rows, path, 0, None).items()}
        for path in paths
    ]


def test_span_of_a_row_is_that_of_its_file(graph):
    assert spans_of_rows(graph, [1, 2, 3], **NOTHING) == [
        {"slice:span": ["2024-02-28"] * 2},
        {"slice:span": ["2024-02-29"] * 2},
        {"slice:span": ["2024-02-29"] * 2},
    ]


def test_span_makes_no_slice_where_all_rows_are_of_one(graph):
    assert spans_of_rows(graph, [2, 3], **NOTHING) == [{}, {}]


def test_span_makes_no_slice_where_it_is_switched_off(graph):
    assert spans_of_rows(graph, [1, 2], **NOTHING, span=False) == [{}, {}]


def test_column_keeps_its_most_frequent_values_over_all_files(graph, tmp_path):
    first = raw_rows([0] * 5, [1] * 5, [b"a", b"a", b"b", None, b"c"])
    second = raw_rows([0] * 4, [1] * 4, [b"c", b"c", b"b", b"d"])
    found = slice_columns(graph, tmp_path, first, second, **NOTHING, columns=("C1",), max_values=2)
    # c 3 times; a and b twice, and a is the smaller one.
    assert found == {
        "slice:C1": [["a", "a", "other", "missing", "c"], ["c", "c", "other", "other"]]
    }


def test_column_of_numbers_has_their_values(graph, tmp_path):
    rows = raw_rows([0] * 6, [-3, -3, 7, None, 7, 12], [None] * 6)
    found = slice_columns(graph, tmp_path, rows, **NOTHING, columns=("I1",), max_values=2)
    assert found == {"slice:I1": [["-3", "-3", "7", "missing", "7", "other"]]}


def test_column_of_floats_shows_them_as_they_were_written(tmp_path):
    rows = pa.table({"price": pa.array([0.1, 0.1, 2.5, None], pa.float32())})
    files = list_files(write_split(tmp_path / "raw", rows))
    found = find_frequent_values(files, "price", 10)
    assert found.labels == ("0.1", "2.5", "other", "missing")
    assert found.indices(rows).tolist() == [0, 0, 1, 3]


def test_column_without_a_value_is_missing_everywhere(graph, tmp_path):
    rows = raw_rows([0, 1], [1, 2], [None, None])
    found = slice_columns(graph, tmp_path, rows, **NOTHING, columns=("C1",))
    assert found == {"slice:C1": [["missing", "missing"]]}


def test_value_that_is_called_other_is_told_from_the_other_values(graph, tmp_path):
    rows = raw_rows([0] * 4, [1] * 4, [b"other", b"other", b"x", None])
    found = slice_columns(graph, tmp_path, rows, **NOTHING, columns=("C1",), max_values=1)
    assert found == {"slice:C1": [["'other'", "'other'", "other", "missing"]]}


def test_unknown_column_is_named_with_the_known_ones(graph, tmp_path):
    rows = raw_rows([0], [1], [None])
    expected = r"evaluator\.slices\.columns: .*I1, .*C26\); received C27"
    with pytest.raises(InputError, match=expected):
        slice_columns(graph, tmp_path, rows, columns=("C1", "C27"))


def test_label_is_no_column_to_slice_by(graph, tmp_path):
    with pytest.raises(InputError, match="received label"):
        slice_columns(graph, tmp_path, raw_rows([0], [1], [None]), columns=("label",))


def test_column_called_span_collides_with_the_slices_by_span():
    log = CLICK_LOG.model_copy(update={"dense": (DenseColumn(name="span"),)})
    with pytest.raises(InputError, match=r"evaluator\.slices\.columns: received 'span'"):
        plan_slices(SlicesConfig(columns=("span",)), log, [], 1)


def test_column_called_time_collides_with_the_slices_by_time():
    log = CLICK_LOG.model_copy(update={"dense": (DenseColumn(name="time"),)})
    with pytest.raises(InputError, match=r"evaluator\.slices\.columns: received 'time'"):
        plan_slices(SlicesConfig(columns=("time",)), log, [], 1)
