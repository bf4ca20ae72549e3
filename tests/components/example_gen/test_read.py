"""Whole files of several kinds of logs, from the plan to decoded blocks."""

import csv
import gzip
import io
import pickle
import zlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import InputError
from components.example_gen.decode import DecodedBlock
from components.example_gen.read import decode_range, first_line, plan_ranges
from schemas.click_log import ClickLog, raw_arrow_schema
from schemas.criteo import CLICK_LOG
from tests.components.example_gen.click_log_lines import decoded, valid_lines

_AVAZU_COLUMNS = (
    *("id", "click", "hour", "C1", "banner_pos", "site_id", "site_domain", "site_category"),
    *("app_id", "app_domain", "app_category", "device_id", "device_ip", "device_model"),
    *("device_type", "device_conn_type", *(f"C{number}" for number in range(14, 22))),
)
_AVAZU = ClickLog(
    format="csv",
    header=True,
    label={"column": "click"},
    categorical=tuple({"name": name} for name in _AVAZU_COLUMNS[2:]),
    time_column="hour",
)
_AVAZU_ROWS = [
    "1000009418151094273,0,14102100,1005,0,1fbe01fe,f3845767,28905ebd,ecad2386,7801e8d9,07d7df22,"
    "a99f214a,ddd2926e,44956a24,1,2,15706,320,50,1722,0,35,-1,79",
    "10000371904215119486,1,14102101,1005,1,fe8cc448,9166c161,0569f928,ecad2386,7801e8d9,07d7df22,"
    "a99f214a,96809ac8,711ee120,1,0,15704,320,50,1722,0,35,100084,79",
]
_MOVIELENS = ClickLog(
    format="csv",
    header=True,
    label={"column": "rating", "positive_from": 4},
    categorical=({"name": "userId"}, {"name": "movieId"}),
    time_column="timestamp",
)


def _decode(
    paths: Sequence[Path], click_log: ClickLog, block_bytes: int = 2**20
) -> list[DecodedBlock]:
    ranges = plan_ranges([str(path) for path in paths], click_log, block_bytes)
    return [block for one in ranges for _, block in decode_range(one, click_log, block_bytes)]


def _rows(blocks: Sequence[DecodedBlock]) -> list[dict[str, object]]:
    return [row for block in blocks for row in block.table.to_pylist()]


def test_avazu_is_read_as_text_with_its_hour_as_time_and_feature(tmp_path):
    path = tmp_path / "train"
    path.write_text("\n".join([",".join(_AVAZU_COLUMNS), *_AVAZU_ROWS]) + "\n")
    (block,) = _decode([path], _AVAZU)
    first, second = block.table.to_pylist()
    assert block.rejected == []
    assert block.times.tolist() == [14102100, 14102101]
    assert "id" not in first
    assert (first["label"], first["hour"], first["C20"]) == (0, b"14102100", b"-1")
    assert (second["label"], second["site_id"], second["C21"]) == (1, b"fe8cc448", b"79")
    assert block.checksums.tolist() == [zlib.crc32(row.encode()) for row in _AVAZU_ROWS]


def test_movielens_counts_ratings_from_four_as_clicks(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes(
        b"userId,movieId,rating,timestamp\r\n1,31,2.5,1260759144\r\n1,1029,4.0,1260759179\r\n"
        b"7,31,5,851868750\r\n7,32,,851868751\r\n"
    )
    (block,) = _decode([path], _MOVIELENS)
    assert block.table.to_pylist() == [
        {"label": 0, "userId": b"1", "movieId": b"31"},
        {"label": 1, "userId": b"1", "movieId": b"1029"},
        {"label": 1, "userId": b"7", "movieId": b"31"},
    ]
    assert block.times.tolist() == [1260759144, 1260759179, 851868750]
    assert [(bad.position, bad.rejection.reason) for bad in block.rejected] == [
        (3, "rating '' is not a number")
    ]


def test_each_file_has_its_own_order_of_columns(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv.gz"
    first.write_bytes(b"userId,movieId,rating,timestamp\n1,31,2.5,10\n")
    second.write_bytes(gzip.compress(b"timestamp,genre,rating,movieId,userId\n11,x,4,32,2\n"))
    blocks = _decode([first, second], _MOVIELENS)
    assert _rows(blocks) == [
        {"label": 0, "userId": b"1", "movieId": b"31"},
        {"label": 1, "userId": b"2", "movieId": b"32"},
    ]
    assert [block.times.tolist() for block in blocks] == [[10], [11]]


def test_quoted_fields_equal_the_csv_module(tmp_path):
    rows = [
        ["1", 'a "b", c', "4", str(time), 'Title, "quoted"' if time % 3 else "plain", ""]
        for time in range(500)
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [["userId", "movieId", "rating", "timestamp", "title", "empty"], *rows]
    )
    path = tmp_path / "ratings.csv"
    path.write_text(text.getvalue())
    blocks = _decode([path], _MOVIELENS, 1000)
    assert len(blocks) > 5
    assert _rows(blocks) == [
        {"label": 1, "userId": b"1", "movieId": b'a "b", c'} for _ in range(500)
    ]


@pytest.mark.parametrize("block_bytes", [1024, 5000, 2**20])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_neither_block_size_nor_compression_changes_the_rows(tmp_path, block_bytes, suffix):
    lines = valid_lines(100)
    lines[40] = b"bad"
    text = b"".join(line + b"\n" for line in lines)
    compress = {
        "": bytes,
        ".gz": gzip.compress,
        ".zst": lambda data: pa.compress(data, codec="zstd", asbytes=True),
    }
    path = tmp_path / f"day_0{suffix}"
    path.write_bytes(compress[suffix](text))
    blocks = _decode([path], CLICK_LOG, block_bytes)
    assert _rows(blocks) == [decoded(line) for line in lines if line != b"bad"]
    before = 0
    for block in blocks:
        for bad in block.rejected:
            assert before + bad.position == 40
        before += block.num_lines
    assert before == 100


def test_parquet_equals_the_same_log_as_text(tmp_path):
    lines = valid_lines(200)
    text, parquet = tmp_path / "log.tsv", tmp_path / "log.parquet"
    text.write_bytes(b"".join(line + b"\n" for line in lines))
    (block,) = _decode([text], CLICK_LOG)
    pq.write_table(block.table, parquet)
    (twin,) = _decode([parquet], CLICK_LOG.model_copy(update={"format": "parquet"}))
    assert twin.table.equals(block.table)
    assert twin.checksums.tolist() == block.checksums.tolist()
    assert twin.num_bytes.tolist() == block.num_bytes.tolist()


def test_ranges_survive_pickling(tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes(b"userId,movieId,rating,timestamp\n1,31,2.5,10\n")
    ranges = plan_ranges([str(path)], _MOVIELENS, 1024)
    assert pickle.loads(pickle.dumps(ranges)) == ranges


def test_files_are_numbered_in_their_order(tmp_path):
    paths = [tmp_path / "b", tmp_path / "a"]
    for path in paths:
        path.write_bytes(valid_lines(1)[0])
    ranges = plan_ranges([str(path) for path in paths], CLICK_LOG, 2**20)
    assert [(one.file_index, one.path) for one in ranges] == [
        (0, str(paths[0])),
        (1, str(paths[1])),
    ]


def test_first_line_is_the_second_where_a_header_comes_first(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"userId,movieId,rating,timestamp\n1,31,2.5,10\n")
    (with_header,) = plan_ranges([str(path)], _MOVIELENS, 1024)
    assert first_line(with_header) == 2
    (without,) = plan_ranges([str(path)], CLICK_LOG, 1024)
    assert first_line(without) == 1


def test_plan_ranges_of_a_log_with_a_wrong_file_names_it(tmp_path):
    good, bad = tmp_path / "a.csv", tmp_path / "b.csv"
    good.write_bytes(b"userId,movieId,rating,timestamp\n1,31,2.5,10\n")
    bad.write_bytes(b"1,31,2.5,10\n")
    expected = r"b\.csv: the schema expects one column 'rating', .* it has: 1, 31, 2\.5, 10$"
    with pytest.raises(InputError, match=expected):
        plan_ranges([str(good), str(bad)], _MOVIELENS, 1024)


def test_real_rows_in_small_blocks_are_all_valid(real_rows):
    blocks = _decode([real_rows], CLICK_LOG, 100_000)
    assert len(blocks) > 10
    assert sum(block.num_lines for block in blocks) == 10_000
    assert all(not block.rejected for block in blocks)
    assert {block.table.schema for block in blocks} == {raw_arrow_schema(CLICK_LOG)}
