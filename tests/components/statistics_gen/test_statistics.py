import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.parquet import write_table
from components.statistics_gen.statistics import STATISTICS_FILE, to_list_batch, write_statistics

MULTI_THREADED = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")
SCHEMA = pa.schema([("age", pa.int64()), ("price", pa.float32()), ("site", pa.binary())])


def _statistics(tmp_path, splits, options=()):
    """Returns split -> feature -> its statistics, and split -> its number of rows."""
    files, folders = {}, {}
    for split, tables in splits.items():
        (tmp_path / split).mkdir(parents=True)
        folders[split] = str(tmp_path / split)
        files[split] = [str(tmp_path / split / f"{index}.parquet") for index in range(len(tables))]
        for table, path in zip(tables, files[split], strict=True):
            write_table(table, path)
    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        write_statistics(pipeline, files, folders)
    features, num_rows = {}, {}
    for split in splits:
        loaded = tfdv.load_stats_binary(str(tmp_path / split / STATISTICS_FILE))
        [dataset] = loaded.datasets
        features[split] = {feature.path.step[0]: feature for feature in dataset.features}
        num_rows[split] = dataset.num_examples
    return features, num_rows


def _table(ages, prices, sites):
    return pa.table({"age": ages, "price": prices, "site": sites}, schema=SCHEMA)


def test_list_batch_marks_missing_values():
    batch = to_list_batch(pa.table({"I1": pa.array([5, None, -1]), "C1": [b"a", b"b", None]}))
    assert batch.to_pydict() == {"I1": [[5], None, [-1]], "C1": [[b"a"], [b"b"], None]}
    assert batch.column(0).null_count == 1


def test_list_batch_takes_floats():
    batch = to_list_batch(pa.table({"price": pa.array([None, 0.5], pa.float32())}))
    assert batch.to_pydict() == {"price": [None, [0.5]]}


def test_list_batch_takes_a_column_with_nothing_in_it():
    batch = to_list_batch(pa.table({"I1": pa.array([None, None], pa.int64())}))
    assert batch.to_pydict() == {"I1": [None, None]}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Two splits: four rows in two files, and one row."""
    splits = {
        "train": [
            _table([1, 2, None], [0.5, None, None], [b"a", b"a", b"b"]),
            _table([9], [1.5], [None]),
        ],
        "eval": [_table([7], [None], [b"\xc3\xa9"])],
    }
    return _statistics(tmp_path_factory.mktemp("small"), splits)


def test_every_split_counts_its_rows(small):
    assert small[1] == {"train": 4, "eval": 1}


def test_integers_have_range_mean_and_missing_values(small):
    feature = small[0]["train"]["age"]
    assert feature.type == statistics_pb2.FeatureNameStatistics.INT
    age = feature.num_stats
    assert (age.common_stats.num_missing, age.min, age.max, age.mean) == (1, 1, 9, 4)


def test_floats_have_range_mean_and_missing_values(small):
    feature = small[0]["train"]["price"]
    assert feature.type == statistics_pb2.FeatureNameStatistics.FLOAT
    price = feature.num_stats
    assert (price.common_stats.num_missing, price.min, price.max, price.mean) == (2, 0.5, 1.5, 1)


def test_text_has_distinct_values_and_the_most_frequent_one(small):
    site = small[0]["train"]["site"].string_stats
    assert (site.common_stats.num_missing, site.unique) == (1, 2)
    assert (site.top_values[0].value, site.top_values[0].frequency) == ("a", 2)


def test_text_beyond_ascii_stays_as_it_is(small):
    assert small[0]["eval"]["site"].string_stats.top_values[0].value == "é"


def test_column_with_nothing_in_it_counts_as_missing(small):
    assert small[0]["eval"]["price"].num_stats.common_stats.num_missing == 1


def _quantiles(feature):
    [histogram] = [
        h for h in feature.num_stats.histograms if h.type == statistics_pb2.Histogram.QUANTILES
    ]
    return np.array([bucket.high_value for bucket in histogram.buckets])


def _spread(num_files):
    """20,000 rows: ages 0 to 19,999 in a fixed random order, 50 sites equally often."""
    ages = np.random.default_rng(0).permutation(20_000)
    sites = [b"%d" % (age % 50) for age in ages]
    rows = _table(ages, ages / 8, sites)
    size = len(ages) // num_files
    return [rows.slice(index * size, size) for index in range(num_files)]


@pytest.fixture(scope="module")
def spread(tmp_path_factory):
    """The same rows: one file in one thread, and ten files in two threads."""
    folder = tmp_path_factory.mktemp("spread")
    one = _statistics(folder / "one", {"train": _spread(1)})[0]["train"]
    many = _statistics(folder / "many", {"train": _spread(10)}, MULTI_THREADED)[0]["train"]
    return one, many


def test_quantiles_come_in_steps_of_one_percent_and_are_off_by_a_tenth_of_it(spread):
    expected = np.arange(1, 101) * 200
    for features in spread:
        assert np.abs(_quantiles(features["age"]) - expected).max() <= 20
        assert np.abs(_quantiles(features["price"]) - expected / 8).max() <= 20 / 8


def test_files_and_threads_change_no_count(spread):
    one, many = spread
    for name in ("age", "price"):
        before, after = one[name].num_stats, many[name].num_stats
        assert before.common_stats.num_non_missing == after.common_stats.num_non_missing == 20_000
        assert (before.min, before.max) == (after.min, after.max)
        assert before.mean == pytest.approx(after.mean, rel=1e-12)
        assert before.std_dev == pytest.approx(after.std_dev, rel=1e-9)


def test_files_and_threads_change_no_share_of_a_value(spread):
    one, many = (
        {b.label: b.sample_count for b in features["site"].string_stats.rank_histogram.buckets}
        for features in spread
    )
    assert one == many
    assert set(one.values()) == {400}
