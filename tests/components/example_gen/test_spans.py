"""Patterns of files, with and without spans."""

from pathlib import Path

import pytest

from components.errors import InputError
from components.example_gen.spans import find_files, has_spans, span_name


def _make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")


def _found(
    root: Path, pattern: str, window_spans: int = 1, newest_span: int | None = None
) -> list[tuple[str, int, int | None]]:
    files = find_files(f"{root}/", pattern, window_spans, newest_span)
    return [(str(Path(file.path).relative_to(root)), file.span, file.version) for file in files]


def test_files_without_spans_come_in_the_order_of_the_numbers_in_their_names(tmp_path):
    _make(tmp_path, "day_10", "day_9", "day_1", "day_2.gz", "day_02")
    names = [name for name, _, _ in _found(tmp_path, "day_*")]
    assert names == ["day_1", "day_02", "day_2.gz", "day_9", "day_10"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("day_{SPAN}", ("day_1", "day_2", "day_9", "day_10")),
        ("day_{SPAN}.gz", ("day_1.gz", "day_2.gz", "day_9.gz", "day_10.gz")),
        ("day_{SPAN}*", ("day_1", "day_2.gz", "day_9", "day_10.gz")),
        ("*_{SPAN}/part-?", ("day_1/part-a", "day_2/part-b", "day_9/part-a", "day_10/part-c")),
        ("*{SPAN}", ("1", "2", "9", "10")),
        ("log.{SPAN}[a-c]+", ("log.1a+", "log.2b+", "log.9c+", "log.10a+")),
        ("v[!x]_{SPAN:2}", ("vy_01", "vy_02", "vz_09", "vz_10")),
    ],
)
def test_window_holds_the_newest_spans_by_their_number(tmp_path, pattern, names):
    _make(tmp_path, *names)
    expected = [(names[1], 2, None), (names[2], 9, None), (names[3], 10, None)]
    assert _found(tmp_path, pattern, window_spans=3) == expected


def test_names_without_a_number_are_no_spans(tmp_path):
    _make(tmp_path, "day_3", "day_5", "day_5.gz", "day_old", "day_")
    assert _found(tmp_path, "day_{SPAN}") == [("day_5", 5, None)]


def test_one_span_may_have_many_files_and_others_may_be_missing(tmp_path):
    _make(tmp_path, "3/b", "3/a", "5/z", "5/a", "1/a")
    found = [name for name, _, _ in _found(tmp_path, "{SPAN}/*", window_spans=2)]
    assert found == ["3/a", "3/b", "5/a", "5/z"]


def test_newest_version_of_each_span_counts(tmp_path):
    _make(tmp_path, "3/v1/a", "3/v12/a", "3/v2/a", "5/v0/a", "5/v0/b")
    assert _found(tmp_path, "{SPAN}/v{VERSION}/*", window_spans=2) == [
        ("3/v12/a", 3, 12),
        ("5/v0/a", 5, 0),
        ("5/v0/b", 5, 0),
    ]


def test_dates_are_spans_in_days(tmp_path):
    _make(tmp_path, "1970-01-02.tsv", "1970-02-01.tsv", "1969-12-31.tsv")
    expected = [("1970-01-02.tsv", 1, None), ("1970-02-01.tsv", 31, None)]
    assert _found(tmp_path, "{YYYY}-{MM}-{DD}.tsv", window_spans=2) == expected


def test_date_that_does_not_exist_fails_with_the_file(tmp_path):
    _make(tmp_path, "20230230")
    with pytest.raises(InputError, match="20230230: the date in its name does not exist"):
        _found(tmp_path, "{YYYY}{MM}{DD}")


def test_spans_above_the_resolved_one_are_left_out(tmp_path):
    _make(tmp_path, "day_1", "day_2", "day_3")
    assert _found(tmp_path, "day_{SPAN}", 2, newest_span=2) == [
        ("day_1", 1, None),
        ("day_2", 2, None),
    ]


def test_fewer_spans_than_the_window_fail_with_those_found(tmp_path):
    _make(tmp_path, "day_3", "day_5")
    with pytest.raises(InputError, match=r"2 of the 3 spans .* \(found: 3, 5\)"):
        _found(tmp_path, "day_{SPAN}", window_spans=3)


@pytest.mark.parametrize("pattern", ["day_{SPAN}", "nothing*"])
def test_no_match_fails_with_the_pattern(tmp_path, pattern):
    _make(tmp_path, "other_1")
    with pytest.raises(InputError) as raised:
        _found(tmp_path, pattern)
    assert str(raised.value) == f"no file matches {tmp_path}/{pattern}"


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("{SPAN}/{SPAN}", "each placeholder may stand in it once"),
        ("{VERSION}", "{VERSION} needs {SPAN} or a date"),
        ("{YYYY}{MM}", "a date is"),
        ("{SPAN}{YYYY}{MM}{DD}", "a date is"),
        ("{SPAN:0}", "{SPAN:0}: {SPAN} and {VERSION} may have a width"),
        ("{SPAN:x}", "{SPAN:x}: {SPAN} and {VERSION} may have a width"),
    ],
)
def test_placeholders_that_do_not_fit_fail_with_the_pattern(pattern, problem):
    with pytest.raises(InputError) as raised:
        has_spans(pattern)
    assert str(raised.value).startswith(f"file pattern {pattern}: {problem}")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("day_{SPAN}.tsv", "19723"), ("{YYYY}-{MM}-{DD}/{VERSION}/*", "2024-01-01")],
)
def test_span_is_called_by_its_date_where_the_pattern_has_dates(pattern, name):
    # 54 years of 365 days, 13 of them leap years, since 1970.
    assert span_name(pattern, 54 * 365 + 13) == name


@pytest.mark.parametrize(("pattern", "expected"), [("day_*", False), ("{SPAN:2}/{VERSION}", True)])
def test_has_spans_looks_for_placeholders(pattern, expected):
    assert has_spans(pattern) is expected
