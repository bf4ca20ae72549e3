import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest

from components.parquet import write_table
from components.transform.config import DenseTreatment
from components.transform.dense_statistics import find_dense_statistics
from components.transform.value_sketch import RELATIVE_ERROR
from schemas.click_log import ClickLog, raw_arrow_schema

_LOG = ClickLog.model_validate(
    {
        "label": {"column": "clicked"},
        "dense": [{"name": "a"}, {"name": "f", "type": "float"}, {"name": "unused"}],
        "categorical": [{"name": "c"}],
    }
)
_TREATMENTS = {
    "a": DenseTreatment(standardize=True),
    "f": DenseTreatment(categorical_buckets=10),
    "unused": DenseTreatment(),
}


def _rows(num_rows):
    rng = np.random.default_rng(0)
    floats = np.exp(rng.normal(0, 5, num_rows)).astype(np.float32) * rng.choice([-1, 1], num_rows)
    columns = {
        "label": pa.array(np.zeros(num_rows, np.int64)),
        "a": pa.array(rng.zipf(1.3, num_rows), mask=rng.random(num_rows) < 0.3),
        "f": pa.array(floats.astype(np.float32), mask=rng.random(num_rows) < 0.1),
        "unused": pa.nulls(num_rows, pa.int64()),
        "c": pa.nulls(num_rows, pa.binary()),
    }
    return pa.table(columns, schema=raw_arrow_schema(_LOG))


def _find(rows, cuts, folder, treatments=None, make_pipeline=beam.Pipeline):
    """The statistics of rows that lie in several files."""
    folder.mkdir()
    files = []
    for start, end in zip([0, *cuts], [*cuts, rows.num_rows], strict=True):
        files.append(str(folder / f"{start:06d}-{end:06d}.parquet"))
        write_table(rows.slice(start, end - start), files[-1])
    space = str(folder / "space")
    return find_dense_statistics(make_pipeline, files, _LOG, treatments or _TREATMENTS, space)


def test_only_features_that_need_it_are_counted(tmp_path):
    found = _find(_rows(50), [], tmp_path / "run")
    assert {name: sketch.integers for name, sketch in found.items()} == {"a": True, "f": False}


def test_nothing_is_read_where_nothing_is_needed(tmp_path):
    def no_pipeline():
        raise AssertionError("a pipeline was made")

    treatments = {"a": DenseTreatment()}
    assert _find(_rows(1), [], tmp_path / "run", treatments, no_pipeline) == {}


def test_every_value_is_counted_once_and_missing_ones_are_not(tmp_path):
    rows = _rows(2_000)
    found = _find(rows, [300, 300, 1_234], tmp_path / "run")
    for name, sketch in found.items():
        values = np.sort(rows[name].drop_null().to_numpy().astype(np.float64))
        known = np.repeat(sketch.values(), sketch.counts)
        assert len(known) == len(values)
        assert (np.abs(known - values) <= RELATIVE_ERROR * np.abs(values)).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_counts_do_not_depend_on_files_rows_or_threads(tmp_path, seed):
    rows = _rows(3_000)
    rng = np.random.default_rng(seed)
    whole = _find(rows, [], tmp_path / "whole")
    mixed = rows.take(rng.permutation(3_000))
    cuts = np.sort(rng.integers(0, 3_000, 7)).tolist()
    options = ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]
    parts = _find(mixed, cuts, tmp_path / "parts", None, lambda: beam.Pipeline(argv=options))
    for name in ("a", "f"):
        np.testing.assert_array_equal(whole[name].buckets, parts[name].buckets)
        np.testing.assert_array_equal(whole[name].counts, parts[name].counts)


def test_temporary_files_are_gone(tmp_path):
    _find(_rows(10), [], tmp_path / "run")
    assert list((tmp_path / "run/space").iterdir()) == []
