"""The rows of a comparison, and whether they suit both models."""

from pathlib import Path

import pyarrow as pa
import pytest

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.parquet import list_files, read_table
from pipeline.compare.rows import check_same_columns, decode_log
from schemas.click_log import ClickLog

SHOP = ClickLog(
    label={"column": "bought"},
    dense=({"name": "price", "type": "float"},),
    categorical=({"name": "site"}, {"name": "device"}),
)
CONFIG = ExampleGenConfig(block_bytes=1024, max_bad_rate=0.01)


def write_log(path: Path, first: int, num_lines: int) -> None:
    """Prices count on from `first`."""
    prices = range(first, first + num_lines)
    path.write_text("".join(f"{price % 2}\t{price}.5\ts{price}\td\n" for price in prices))


def test_equal_columns_suit_both_whatever_their_order_format_and_weights() -> None:
    other = ClickLog(
        format="csv",
        header=True,
        label={"column": "clicked"},
        weight="importance",
        dense=({"name": "price", "type": "float"},),
        categorical=({"name": "device", "type": "hexadecimal"}, {"name": "site"}),
    )
    check_same_columns({"run A": SHOP, "run B": other})


def test_different_columns_are_refused_with_their_names() -> None:
    other = ClickLog(
        label={"column": "bought"},
        dense=({"name": "price", "type": "integer"}, {"name": "age"}),
        categorical=({"name": "site"},),
    )
    message = r"device only in run A; age only in the log x; price \(float, int64\) of another type"
    with pytest.raises(InputError, match=message):
        check_same_columns({"run A": SHOP, "the log x": other})


def test_a_log_is_decoded_whole_and_in_order(tmp_path: Path) -> None:
    """100 lines are more than one block."""
    write_log(tmp_path / "day_2.tsv", 100, 100)
    write_log(tmp_path / "day_10.tsv", 200, 100)
    (tmp_path / "rows").mkdir()
    decoded = decode_log(str(tmp_path / "day_*.tsv"), SHOP, str(tmp_path / "rows"), CONFIG)
    files = {str(tmp_path / "day_2.tsv"): 100, str(tmp_path / "day_10.tsv"): 100}
    assert decoded == (files, 0)
    written = list_files(str(tmp_path / "rows"))
    assert len(written) > 2
    rows = pa.concat_tables(read_table(path) for path in written)
    assert rows["price"].to_pylist() == [price + 0.5 for price in range(100, 300)]
    assert rows["label"].to_pylist() == [0, 1] * 100


def test_few_bad_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    write_log(tmp_path / "log.tsv", 0, 200)
    with (tmp_path / "log.tsv").open("a") as file:
        file.write("2\t1.5\ts\td\n")
    (tmp_path / "rows").mkdir()
    decoded = decode_log(str(tmp_path / "log.tsv"), SHOP, str(tmp_path / "rows"), CONFIG)
    assert decoded == ({str(tmp_path / "log.tsv"): 201}, 1)


def test_many_bad_lines_are_refused_with_the_first(tmp_path: Path) -> None:
    (tmp_path / "log.tsv").write_text("0\t1.5\ts\td\n2\tx\ts\td\n2\ty\ts\td\n")
    with pytest.raises(InputError, match=r"2 of 3 lines .* at most 1.0%.*log.tsv: .*expected 0 or"):
        decode_log(str(tmp_path / "log.tsv"), SHOP, str(tmp_path), CONFIG)


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file matches"):
        decode_log(str(tmp_path / "*.tsv"), SHOP, str(tmp_path), CONFIG)
