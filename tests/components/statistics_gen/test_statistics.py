import apache_beam as beam
import pyarrow as pa
import tensorflow_data_validation as tfdv

from components.parquet import write_table
from components.statistics_gen.statistics import STATISTICS_FILE, to_list_batch, write_statistics


def test_list_batch_marks_missing_values():
    batch = to_list_batch(pa.table({"I1": pa.array([5, None, -1]), "C1": [b"a", b"b", None]}))
    assert batch.to_pydict() == {"I1": [[5], None, [-1]], "C1": [[b"a"], [b"b"], None]}
    assert batch.column(0).null_count == 1


def test_list_batch_takes_a_column_with_nothing_in_it():
    batch = to_list_batch(pa.table({"I1": pa.array([None, None], pa.int64())}))
    assert batch.to_pydict() == {"I1": [None, None]}


def test_statistics_count_rows_missing_and_values(tmp_path):
    files = [str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")]
    schema = pa.schema([("I1", pa.int64()), ("C1", pa.binary())])
    write_table(pa.table({"I1": [1, 2, None], "C1": [b"a", b"a", b"b"]}, schema=schema), files[0])
    write_table(pa.table({"I1": [9], "C1": [None]}, schema=schema), files[1])

    with beam.Pipeline() as pipeline:
        write_statistics(pipeline, {"train": files}, {"train": str(tmp_path)})

    [dataset] = tfdv.load_stats_binary(str(tmp_path / STATISTICS_FILE)).datasets
    features = {feature.path.step[0]: feature for feature in dataset.features}
    assert dataset.num_examples == 4
    integers = features["I1"].num_stats
    assert (integers.common_stats.num_missing, integers.min, integers.max) == (1, 1, 9)
    assert integers.mean == 4
    strings = features["C1"].string_stats
    assert strings.common_stats.num_missing == 1
    assert strings.unique == 2
    assert (strings.top_values[0].value, strings.top_values[0].frequency) == ("a", 2)
