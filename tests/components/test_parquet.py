import pyarrow as pa
import pytest

from components.parquet import count_rows, list_files, read_table, write_table


def test_written_table_is_read_back(tmp_path):
    table = pa.table({"a": [1, None], "b": [b"x", b"\xff"]})
    path = str(tmp_path / "t.parquet")
    write_table(table, path, compression="snappy")
    assert read_table(path).equals(table)
    assert read_table(path, columns=["b"]).column_names == ["b"]
    assert count_rows(path) == 2


def test_write_leaves_no_temporary_file(tmp_path):
    write_table(pa.table({"a": [1]}), str(tmp_path / "t.parquet"))
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_failed_write_keeps_the_old_file(tmp_path):
    path = str(tmp_path / "t.parquet")
    write_table(pa.table({"a": [1]}), path)
    with pytest.raises(pa.ArrowException):
        write_table(pa.table({"a": [1]}), path, compression="nope")
    assert read_table(path).num_rows == 1


def test_list_files_is_sorted_and_refuses_an_empty_folder(tmp_path):
    for name in ("b.parquet", "a.parquet", "c.txt"):
        (tmp_path / name).touch()
    names = [path.rsplit("/", 1)[1] for path in list_files(str(tmp_path))]
    assert names == ["a.parquet", "b.parquet"]
    with pytest.raises(FileNotFoundError, match="nothing"):
        list_files(str(tmp_path / "nothing"))
