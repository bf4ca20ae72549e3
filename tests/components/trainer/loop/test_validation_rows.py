from pathlib import Path

import pyarrow as pa
import pytest

from components.errors import InputError
from components.parquet import read_table, write_table
from components.trainer.loop.validation_rows import hold_out_last_rows


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Rows 0..9, 10..13 and 14..19."""
    paths = []
    for index, edges in enumerate([(0, 10), (10, 14), (14, 20)]):
        paths.append(str(tmp_path / f"{index}.parquet"))
        write_table(pa.table({"n": pa.array(range(*edges))}), paths[-1])
    return paths


def numbers(files: list[str]) -> list[int]:
    return [n for path in files for n in read_table(path)["n"].to_pylist()]


@pytest.mark.parametrize("fraction", [0.05, 0.3, 0.4, 0.5, 0.95])
def test_the_last_rows_are_held_out_and_none_is_lost(
    files: list[str], tmp_path: Path, fraction: float
) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    train, validation = hold_out_last_rows(files, fraction, str(folder))
    num_validation = round(20 * fraction)
    assert numbers(train) == list(range(20 - num_validation))
    assert numbers(validation) == list(range(20 - num_validation, 20))


def test_only_the_file_with_rows_of_both_is_written_anew(files: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    train, validation = hold_out_last_rows(files, 0.4, str(folder))  # rows 12..19
    assert train == [files[0], str(folder / "first.parquet")]
    assert validation == [str(folder / "last.parquet"), files[2]]


def test_a_cut_between_files_writes_none(files: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    folder.mkdir()
    assert hold_out_last_rows(files, 0.3, str(folder)) == (files[:2], files[2:])
    assert not list(folder.iterdir())


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_nothing_on_one_side_is_refused(files: list[str], tmp_path: Path, fraction: float) -> None:
    with pytest.raises(InputError, match=rf"validation_fraction {fraction}: .* hold 20 rows"):
        hold_out_last_rows(files, fraction, str(tmp_path))
