from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest

from components.errors import InputError
from components.parquet import write_table
from components.transform import vocabulary
from schemas.criteo import CATEGORICAL_FEATURES


def _pack(files, threshold, folder):
    folder.mkdir()
    with beam.Pipeline() as pipeline:
        vocabulary.select_with_beam(pipeline, files, threshold, str(folder))
    return vocabulary.pack(str(folder))


def test_select_values_orders_by_count_then_bytes():
    counts = pa.table({"value": [b"b", b"a", b"c", b"rare"], "count": [3, 3, 5, 1]})
    assert vocabulary.select_values(counts, 2).to_pylist() == [b"c", b"a", b"b"]


def test_count_values_leaves_missing_out(raw_table):
    rows = raw_table([{"C1": b"aa"}, {}, {"C1": b"aa"}, {"C1": b"bb"}])
    counts = vocabulary.count_values(rows, "C1").to_pylist()
    assert sorted((row["value"], row["count"]) for row in counts) == [(b"aa", 2), (b"bb", 1)]


def test_pack_counts_over_all_files(tmp_path, raw_table):
    files = [str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")]
    write_table(raw_table([{"C1": b"aa", "C26": b"ff"}, {"C1": b"bb"}]), files[0])
    write_table(raw_table([{"C1": b"aa"}, {"C1": b"aa", "C26": b"ff"}]), files[1])

    packed = _pack(files, 2, tmp_path / "vocabulary")

    assert Path(packed.path).read_bytes() == b"C1:aa\nC26:ff\n"
    expected = dict.fromkeys(CATEGORICAL_FEATURES, 0) | {"C1": 1, "C26": 1}
    assert packed.num_values == expected
    assert list(packed.num_values) == list(CATEGORICAL_FEATURES)


@pytest.mark.parametrize("compact_rows", [1, 3, 10**6])
def test_merge_is_exact_whenever_parts_are_compacted(
    tmp_path, raw_table, monkeypatch, compact_rows
):
    monkeypatch.setattr(vocabulary, "_COMPACT_ROWS", compact_rows)
    files = []
    for part in range(4):
        files.append(str(tmp_path / f"{part}.parquet"))
        rows = [{"C2": b"%02x" % (i % (part + 2))} for i in range(6)]
        write_table(raw_table(rows), files[-1])

    packed = _pack(files, 1, tmp_path / "vocabulary")

    # 00: 3+2+2+2 = 9, 01: 3+2+2+1 = 8, 02: 0+2+1+1 = 4, 03: 0+0+1+1 = 2, 04: 1
    assert Path(packed.path).read_bytes() == b"C2:00\nC2:01\nC2:02\nC2:03\nC2:04\n"


def test_pack_refuses_an_empty_vocabulary(tmp_path, raw_table):
    file = str(tmp_path / "0.parquet")
    write_table(raw_table([{"C1": b"aa"}]), file)
    with pytest.raises(InputError, match="frequency_threshold"):
        _pack([file], 2, tmp_path / "vocabulary")
