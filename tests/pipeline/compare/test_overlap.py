import pytest

from pipeline.compare.fields import RunData
from pipeline.compare.overlap import RowsOrigin, overlap_warning

HASH = {"split": {"method": "hash", "seed": 0}, "click_log": {"format": "tsv"}}
OTHER_HASH = {"split": {"method": "hash", "seed": 1}, "click_log": {"format": "tsv"}}
LAST_ROWS = {"split": {"method": "last_rows"}, "click_log": {"format": "tsv"}}


def data(files: dict[str, int] | None, split: dict, fingerprint: str | None = "f1") -> RunData:
    return RunData(files, fingerprint, split, {})


def test_other_files_are_no_overlap() -> None:
    origin = RowsOrigin({"/logs/day_2.tsv": 100}, "f2", LAST_ROWS)
    assert overlap_warning(origin, "A", data({"/logs/day_1.tsv": 100}, LAST_ROWS)) is None


@pytest.mark.parametrize("path", ["/logs/day_2.tsv", "/elsewhere/day_2.tsv"])
def test_a_file_that_both_read_is_an_overlap(path: str) -> None:
    origin = RowsOrigin({"/logs/day_2.tsv": 100, "/logs/day_3.tsv": 90}, "f2", LAST_ROWS)
    warning = overlap_warning(origin, "A", data({path: 100, "/logs/day_1.tsv": 90}, LAST_ROWS))
    assert warning is not None
    assert warning.startswith("run A read 1 of the 2 files that these rows come from")


def test_a_file_of_the_same_name_with_other_lines_is_another_file() -> None:
    origin = RowsOrigin({"/logs/day.tsv": 100}, "f2", LAST_ROWS)
    assert overlap_warning(origin, "A", data({"/elsewhere/day.tsv": 99}, LAST_ROWS)) is None


def test_equal_splits_by_content_keep_the_rows_apart() -> None:
    origin = RowsOrigin({"/logs/day_1.tsv": 100, "/logs/day_2.tsv": 9}, "f2", HASH)
    assert overlap_warning(origin, "A", data({"/logs/day_1.tsv": 100}, HASH)) is None


@pytest.mark.parametrize("split", [OTHER_HASH, LAST_ROWS])
def test_another_split_of_the_same_files_is_an_overlap(split: dict) -> None:
    origin = RowsOrigin({"/logs/day_1.tsv": 100}, "f1", HASH)
    assert overlap_warning(origin, "A", data({"/logs/day_1.tsv": 100}, split)) is not None


def test_the_last_rows_of_other_files_may_have_been_trained_on() -> None:
    """The last rows of one day are in the middle of two days."""
    origin = RowsOrigin({"/logs/day_1.tsv": 100}, "f1", LAST_ROWS)
    both = {"/logs/day_1.tsv": 100, "/logs/day_2.tsv": 100}
    assert overlap_warning(origin, "B", data(both, LAST_ROWS, "f2")) is not None


def test_the_same_split_of_the_same_files_is_no_overlap() -> None:
    origin = RowsOrigin({"/logs/day_1.tsv": 100}, "f1", LAST_ROWS)
    assert overlap_warning(origin, "A", data({"/logs/day_1.tsv": 100}, LAST_ROWS, "f1")) is None


def test_a_whole_log_that_a_run_has_read_is_an_overlap() -> None:
    origin = RowsOrigin({"/logs/day_1.tsv": 100})
    assert overlap_warning(origin, "B", data({"/logs/day_1.tsv": 100}, HASH)) is not None


def test_fingerprints_tell_where_the_files_are_not_known() -> None:
    origin = RowsOrigin(None, "f1", HASH)
    assert overlap_warning(origin, "A", data(None, LAST_ROWS, "f1")) is not None
    assert overlap_warning(origin, "A", data(None, LAST_ROWS, "f2")) is None
