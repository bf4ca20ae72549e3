"""Rows of Parquet files against the rules for lines of text, and the cutting into blocks."""

import datetime
import decimal
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.decode import DecodedBlock
from components.example_gen.layout import LineLayout
from components.example_gen.lines import MAX_LINE_BYTES, check_line
from components.example_gen.parquet_columns import plain_column
from components.example_gen.parquet_rows import decode_rows, plan_parquet_file, read_rows
from schemas.click_log import ClickLog, raw_arrow_schema
from tests.components.example_gen.click_log_lines import decoded, decoded_time

_BUYS = ClickLog(
    format="parquet",
    label={"column": "bought"},
    dense=({"name": "visits"}, {"name": "price", "type": "float"}),
    categorical=({"name": "site"}, {"name": "device", "type": "hexadecimal"}),
    missing_values=("", "NULL", "-1"),
    time_column="hour",
)
_RATED = _BUYS.model_copy(
    update={"label": _BUYS.label.model_copy(update={"positive_from": 3.5}), "time_column": "visits"}
)
_WEIGHTED = _BUYS.model_copy(update={"weight": "price", "dense": _BUYS.dense[:1]})
_COLUMNS = {
    "bought": pa.array([1, 0, 1], pa.int64()),
    "visits": pa.array([7, None, 9], pa.int32()),
    "price": pa.array([1.5, None, -2.0], pa.float64()),
    "site": pa.array(["news", None, "größer"]),
    "device": pa.array(["0aF", "12", None]),
    "hour": pa.array([10, 11, 12], pa.int64()),
}


def _write(path: Path, columns: dict[str, pa.Array], **options: object) -> str:
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def _read(path: str, click_log: ClickLog = _BUYS, block_bytes: int = 2**20) -> list[DecodedBlock]:
    return [
        block
        for block_range in plan_parquet_file(path, 0, click_log, block_bytes)
        for _, block in read_rows(block_range, click_log, block_bytes)
    ]


def _text(value: object) -> bytes:
    """Returns the text of a value: what a log of lines would hold."""
    if value is None or value != value:  # pandas writes NaN where a number is missing
        return b""
    if isinstance(value, float):
        return pa.scalar(value).cast(pa.string()).as_py().encode()
    return value if isinstance(value, bytes) else str(value).encode()


def test_read_rows_gives_typed_columns_and_times(tmp_path):
    (block,) = _read(_write(tmp_path / "log", _COLUMNS))
    assert block.table.schema == raw_arrow_schema(_BUYS)
    assert block.table.to_pylist() == [
        {"label": 1, "visits": 7, "price": 1.5, "site": b"news", "device": b"0aF"},
        {"label": 0, "visits": None, "price": None, "site": None, "device": b"12"},
        {"label": 1, "visits": 9, "price": -2.0, "site": "größer".encode(), "device": None},
    ]
    assert block.times.tolist() == [10, 11, 12]
    assert block.rejected == []


def test_read_rows_takes_checksum_and_size_of_the_row_as_text(tmp_path):
    (block,) = _read(_write(tmp_path / "log", _COLUMNS))
    lines = [
        b"1\t7\t1.5\tnews\t0aF\t10",
        b"0\t\t\t\t12\t11",
        "1\t9\t-2\tgrößer\t\t12".encode(),
    ]
    assert block.checksums.dtype == np.uint32
    assert block.checksums.tolist() == [zlib.crc32(line) for line in lines]
    assert block.num_bytes.dtype == np.int64
    assert block.num_bytes.tolist() == [len(line) + 1 for line in lines]


def test_read_rows_depends_on_no_order_of_the_columns_and_leaves_out_others(tmp_path):
    turned = {name: _COLUMNS[name] for name in reversed(_COLUMNS)}
    others = {"site.name": pa.array(["a"] * 3), "list": pa.array([[1]] * 3)}
    (block,) = _read(_write(tmp_path / "a", _COLUMNS))
    (other,) = _read(_write(tmp_path / "b", others | turned))
    assert other.table.equals(block.table)
    assert other.checksums.tolist() == block.checksums.tolist()


_TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["", "NULL", "-1", "ab", "AB12", "a" * 16, "a" * 17, "a\x00b", "\x7f", "\ta"]),
    st.text(max_size=4),
)
_FLOATS = st.one_of(
    st.none(),
    st.floats(),
    st.sampled_from([-1.0, 3.5, 3.4028235677973362e38, 3.4028235677973366e38, -1e39]),
)
_INTEGERS = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-2, 2))
_ROWS = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 1), _INTEGERS), _INTEGERS, _FLOATS, _TEXTS, _TEXTS, _INTEGERS
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=400, deadline=None)
@example(rows=[(0, None, float("nan"), None, None, 0)], click_log=_BUYS)
@given(rows=_ROWS, click_log=st.sampled_from([_BUYS, _RATED, _WEIGHTED]))
def test_decode_rows_accepts_what_check_line_accepts_with_equal_values(rows, click_log):
    names = ("bought", "visits", "price", "site", "device", "hour")
    types = (pa.int64(), pa.int64(), pa.float64(), pa.string(), pa.string(), pa.int64())
    values = zip(zip(*rows, strict=True), types, strict=True)
    columns = [plain_column(pa.array(column, kind)) for column, kind in values]
    block = decode_rows(pa.RecordBatch.from_arrays(columns, names), click_log)

    as_text = click_log.model_copy(update={"format": "tsv", "columns": names})
    layout = LineLayout.of(as_text)
    # A control character is a rejection, and would else be a delimiter or a line end here.
    lines = [
        b"\t".join(_text(v).translate(bytes.maketrans(b"\t\n\r", b"\0\0\0")) for v in row)
        for row in rows
    ]
    is_valid = [check_line(line, layout) is None for line in lines]
    accepted = [line for line, valid in zip(lines, is_valid, strict=True) if valid]
    assert block.table.to_pylist() == [decoded(line, layout) for line in accepted]
    assert block.times.tolist() == [decoded_time(line, layout) for line in accepted]
    assert [bad.position for bad in block.rejected] == np.flatnonzero(~np.array(is_valid)).tolist()


def _one_row(tmp_path: Path, click_log: ClickLog = _BUYS, **columns: pa.Array) -> DecodedBlock:
    row = {name: column.slice(0, 1) for name, column in _COLUMNS.items()}
    (block,) = _read(_write(tmp_path / "log", row | columns), click_log)
    return block


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("bought", pa.array([2]), "bought '2', expected 0 or 1"),
        ("bought", pa.array([None], pa.int64()), "bought is missing"),
        (
            "visits",
            pa.array([2**64 - 1], pa.uint64()),
            f"visits '{2**64 - 1}' does not fit in int64",
        ),
        ("visits", pa.array([-(2**63)]), f"visits '{-(2**63)}' does not fit in int64"),
        ("price", pa.array([1e39]), "price '1e+39' does not fit in float32"),
        ("price", pa.array([float("inf")]), "price 'inf' is not a number"),
        ("site", pa.array(["a\nb"]), "site 'a\\nb' has a control character"),
        ("site", pa.array([b"a\xff"]), "site 'a\\\\xff' is not valid UTF-8"),
        ("device", pa.array(["xyz"]), "device 'xyz' is not hexadecimal"),
        ("device", pa.array(["a" * 17]), "device has 17 digits, at most 16"),
        ("hour", pa.array([None], pa.int64()), "hour is missing"),
        ("hour", pa.array([-1]), "hour is missing"),
        ("site", pa.array(["a" * 70_000]), f"longer than {MAX_LINE_BYTES:,} bytes"),
    ],
)
def test_read_rows_rejects_a_row_and_says_why(tmp_path, name, value, reason):
    block = _one_row(tmp_path, **{name: value})
    assert block.table.num_rows == 0
    assert [(bad.position, bad.rejection.reason) for bad in block.rejected] == [(0, reason)]


def test_read_rows_keeps_the_rejected_row_as_text(tmp_path):
    block = _one_row(tmp_path, bought=pa.array([5]))
    assert block.rejected[0].raw == b"5\t7\t1.5\tnews\t0aF\t10"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("label", pa.array([True]), 1),
        ("visits", pa.array([7], pa.uint64()), 7),
        ("visits", pa.array([-1]), None),
        ("visits", pa.nulls(1), None),
        ("price", pa.array([0.1], pa.float32()), float(np.float32(0.1))),
        ("price", pa.array([2**53 + 1]), float(2**53)),
        ("price", pa.array([decimal.Decimal("1.25")]), 1.25),
        ("price", pa.array([float("nan")]), None),
        ("price", pa.array([float("nan")], pa.float32()), None),
        ("price", pa.nulls(1), None),
        ("site", pa.array([12]), b"12"),
        ("site", pa.array(["NULL"]), None),
        ("site", pa.array([b"a"], pa.large_binary()), b"a"),
        ("site", pa.array(["a"], pa.large_string()), b"a"),
        ("site", pa.array(["a"]).dictionary_encode(), b"a"),
        ("site", pa.nulls(1), None),
        ("device", pa.nulls(1), None),
    ],
)
def test_read_rows_takes_other_types_of_values(tmp_path, name, value, expected):
    column = "bought" if name == "label" else name
    block = _one_row(tmp_path, **{column: value})
    assert block.table[name].to_pylist() == [expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pa.array([datetime.date(1970, 1, 5)]), 4 * 86_400_000_000),
        (pa.array([123], pa.timestamp("us", tz="UTC")), 123),
        (pa.array([7], pa.timestamp("s")), 7_000_000),
        (pa.array([7_000], pa.timestamp("ns")), 7),
        (pa.array([5], pa.uint8()), 5),
    ],
)
def test_read_rows_takes_dates_and_timestamps_as_times(tmp_path, value, expected):
    assert _one_row(tmp_path, hour=value).times.tolist() == [expected]


@pytest.mark.parametrize(("rating", "label"), [(3.4, 0), (3.5, 1), (4.0, 1)])
def test_read_rows_compares_ratings(tmp_path, rating, label):
    block = _one_row(tmp_path, _RATED, bought=pa.array([rating]))
    assert block.table["label"].to_pylist() == [label]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("bought", pa.array([1.0]), "'bought': expected integers or booleans .* received double"),
        ("visits", pa.array(["7"]), "'visits': expected integers, received string"),
        ("price", pa.array(["7"]), "'price': expected numbers, received string"),
        ("site", pa.array([1.5]), "'site': expected strings or integers, received double"),
        ("device", pa.array([12]), "'device': expected strings, received int64"),
        ("hour", pa.array(["7"]), "'hour': expected integers, timestamps or dates, received str"),
        ("hour", pa.nulls(1), "'hour': expected integers, timestamps or dates, received null"),
        ("site", pa.array([["a"]]), "'site': expected strings or integers, received list"),
    ],
)
def test_plan_of_a_column_of_another_type_names_file_column_and_types(
    tmp_path, name, value, message
):
    row = {name: column.slice(0, 1) for name, column in _COLUMNS.items()} | {name: value}
    path = _write(tmp_path / "log.parquet", row)
    with pytest.raises(InputError, match=rf"log\.parquet: column {message}"):
        plan_parquet_file(path, 0, _BUYS, 2**20)


def test_plan_without_a_column_names_it_and_those_of_the_file(tmp_path):
    columns = {name: _COLUMNS[name] for name in ("bought", "visits", "price", "site", "hour")}
    path = _write(tmp_path / "log.parquet", columns)
    expected = "expects one column 'device', .* it has: bought, visits, price, site, hour$"
    with pytest.raises(InputError, match=expected):
        plan_parquet_file(path, 0, _BUYS, 2**20)


def test_plan_of_no_rows_says_empty(tmp_path):
    path = _write(tmp_path / "log", {name: column[:0] for name, column in _COLUMNS.items()})
    with pytest.raises(InputError, match="log is empty"):
        plan_parquet_file(path, 0, _BUYS, 2**20)


def test_plan_of_text_says_what_it_starts_with(tmp_path):
    (tmp_path / "log").write_bytes(b"bought,visits\n")
    with pytest.raises(InputError, match=r"does not start like Parquet .* 62 6f 75 67"):
        plan_parquet_file(str(tmp_path / "log"), 0, _BUYS, 2**20)


def test_plan_of_a_truncated_file_names_it(tmp_path):
    path = _write(tmp_path / "log", _COLUMNS)
    (tmp_path / "log").write_bytes((tmp_path / "log").read_bytes()[:-10])
    with pytest.raises(InputError, match="log: the Parquet data is truncated or damaged"):
        plan_parquet_file(path, 0, _BUYS, 2**20)


def test_read_rows_of_damaged_pages_names_the_file(tmp_path):
    path = _write(tmp_path / "log", _COLUMNS)
    content = bytearray((tmp_path / "log").read_bytes())
    content[4:400] = b"\xff" * 396
    (tmp_path / "log").write_bytes(bytes(content))
    with pytest.raises(InputError, match="log: the Parquet data is truncated or damaged"):
        _read(path)


def _many(num_rows: int, num_sites: int) -> dict[str, pa.Array]:
    numbers = np.arange(num_rows)
    return {
        "bought": pa.array(numbers % 2),
        "visits": pa.array(numbers),
        "price": pa.array(numbers / 7),
        "site": pa.array([f"site {number % num_sites}" for number in numbers]).dictionary_encode(),
        "device": pa.array([f"{number:x}" for number in numbers]),
        "hour": pa.array(numbers),
    }


@pytest.mark.parametrize("row_group_size", [70, 1000, 5000])
@pytest.mark.parametrize("block_bytes", [2**10, 2**16, 2**20])
def test_blocks_hold_every_row_once_in_order_whatever_the_sizes(
    tmp_path, row_group_size, block_bytes
):
    path = _write(tmp_path / "log", _many(5000, 700), row_group_size=row_group_size)
    ranges = plan_parquet_file(path, 3, _BUYS, block_bytes)
    blocks = [
        block for block_range in ranges for block in read_rows(block_range, _BUYS, block_bytes)
    ]
    assert [index for index, _ in blocks] == list(range(len(blocks)))
    assert np.concatenate([block.times for _, block in blocks]).tolist() == list(range(5000))
    assert {block_range.file_index for block_range in ranges} == {3}


def test_plan_reads_small_row_groups_together(tmp_path):
    path = _write(tmp_path / "log", _many(1000, 10), row_group_size=10)
    ranges = plan_parquet_file(path, 0, _BUYS, 2**12)
    sizes = [block_range.end - block_range.start for block_range in ranges]
    assert sum(sizes) == 100
    assert 2 < len(ranges) < 50


def test_blocks_of_a_large_row_group_are_about_block_bytes(tmp_path):
    path = _write(tmp_path / "log", _many(20_000, 10))
    assert len(plan_parquet_file(path, 0, _BUYS, 2**16)) == 1
    blocks = _read(path, block_bytes=2**16)
    sizes = [int(block.num_bytes.sum()) for block in blocks]
    assert 2**14 < max(sizes) < 2**18
    assert len({block.num_lines for block in blocks[:-1]}) == 1
