import pyarrow as pa
import pytest

from components import parquet
from components.parquet import count_rows, list_files, read_table, write_table


@pytest.fixture
def wide(tmp_path) -> str:
    """A file of 8 MB in `wide` and 8 kB in `narrow`."""
    path = str(tmp_path / "wide.parquet")
    columns = {"wide": [b"%08d" % i * 1000 for i in range(1000)], "narrow": list(range(1000))}
    write_table(pa.table(columns), path, compression="none", use_dictionary=False)
    return path


@pytest.fixture
def read_bytes(monkeypatch) -> list[int]:
    """The sizes of all reads that follow."""
    sizes = []

    class Counted(parquet.ArrowFile):
        def read(self, n=-1):
            content = super().read(n)
            sizes.append(len(content))
            return content

    monkeypatch.setattr(parquet, "ArrowFile", Counted)
    return sizes


def test_written_table_is_read_back(tmp_path):
    table = pa.table({"a": [1, None], "b": [b"x", b"\xff"]})
    path = str(tmp_path / "t.parquet")
    write_table(table, path, compression="snappy")
    assert read_table(path).equals(table)
    assert count_rows(path) == 2


def test_columns_are_read_in_any_file_system():
    table = pa.table({"a": [1, None], "b": [b"x", b"\xff"]})
    write_table(table, "ram://parquet/t.parquet")
    assert read_table("ram://parquet/t.parquet", columns=["b"]).equals(table.select(["b"]))
    assert count_rows("ram://parquet/t.parquet") == 2


def test_dictionary_columns_are_read_encoded_whatever_their_row_groups(tmp_path):
    table = pa.table({"a": [b"x", None, b"y", b"y", b"x"], "b": [b"z"] * 5, "c": [1, 2, 3, 4, 5]})
    path = str(tmp_path / "t.parquet")
    write_table(table, path, row_group_size=2)
    read = read_table(path, columns=["a", "c"], dictionary_columns=["a"])
    assert read.schema.field("a").type == pa.dictionary(pa.int32(), pa.binary())
    assert read.schema.field("c").type == pa.int64()
    assert read.to_pydict() == table.select(["a", "c"]).to_pydict()


def test_one_column_is_read_without_the_bytes_of_the_others(wide, read_bytes):
    assert read_table(wide, columns=["narrow"])["narrow"].to_pylist() == list(range(1000))
    # 8 kB of values, and the end of the file, of which Arrow takes 64 kB.
    assert 8_000 < sum(read_bytes) < 100_000


def test_rows_are_counted_without_reading_a_column(wide, read_bytes):
    assert count_rows(wide) == 1000
    assert 0 < sum(read_bytes) <= 2**16


def test_a_whole_file_is_read_at_once(wide, read_bytes):
    assert read_table(wide).num_rows == 1000
    assert len(read_bytes) == 1


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
