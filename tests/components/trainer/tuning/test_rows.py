import numpy as np
import pyarrow as pa
import pytest

from components.errors import InputError
from components.parquet import read_table, write_table
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.rows import hold_out_rows, write_first_rows
from schemas.click_log import LABEL
from schemas.transformed import DENSE


def hold_out(small_log, tmp_path, **options):
    config = TunerConfig(batch_sizes={}, **options)
    return hold_out_rows(small_log.train_files, small_log.features_dir, config, str(tmp_path))


def dense(files):
    return np.concatenate([read_table(path)[DENSE].combine_chunks().flatten() for path in files])


def test_last_fifth_is_held_out(small_log, tmp_path):
    rows = hold_out(small_log, tmp_path)
    assert (rows.num_train_rows, rows.num_held_out_rows) == (560, 140)
    every = dense(small_log.train_files)
    np.testing.assert_array_equal(dense(rows.train_files), every[: 3 * 560])
    np.testing.assert_array_equal(dense(rows.held_out_files), every[3 * 560 :])


def test_max_rows_takes_the_last_ones(small_log, tmp_path):
    rows = hold_out(small_log, tmp_path, max_rows=500, held_out_fraction=0.5)
    assert (rows.num_train_rows, rows.num_held_out_rows) == (250, 250)
    every = dense(small_log.train_files)
    np.testing.assert_array_equal(dense(rows.train_files), every[3 * 200 : 3 * 450])
    np.testing.assert_array_equal(dense(rows.held_out_files), every[3 * 450 :])


def test_more_rows_than_there_are_may_be_allowed(small_log, tmp_path):
    rows = hold_out(small_log, tmp_path, max_rows=10**9)
    assert rows.num_train_rows + rows.num_held_out_rows == 700


def test_too_few_rows_are_refused(small_log, tmp_path):
    with pytest.raises(InputError, match=r"at least 20 rows.*hold 700 rows.*leaves 19"):
        hold_out(small_log, tmp_path, max_rows=19)


def test_held_out_rows_of_one_class_are_refused(small_log, tmp_path):
    table = read_table(small_log.train_files[0]).slice(0, 100)
    label = np.array(table[LABEL])
    label[80:] = 0.0
    path = str(tmp_path / "a.parquet")
    column = table.schema.get_field_index(LABEL)
    write_table(table.set_column(column, LABEL, pa.array(label)), path)
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(InputError, match="both labels"):
        hold_out_rows([path], small_log.features_dir, TunerConfig(batch_sizes={}), str(folder))


@pytest.mark.parametrize("num_rows", [1, 233, 300, 700, 1000])
def test_first_rows_are_written(small_log, tmp_path, num_rows):
    path = str(tmp_path / "first.parquet")
    write_first_rows(small_log.train_files, num_rows, path)
    np.testing.assert_array_equal(dense([path]), dense(small_log.train_files)[: 3 * num_rows])
