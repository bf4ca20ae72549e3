import pytest
from pydantic import ValidationError

from schemas.spans import SpanCounts, block_name, span_of_file, spans_from_json, spans_to_json


def span(name: str, first_file: int) -> SpanCounts:
    return SpanCounts(
        name=name,
        first_file=first_file,
        num_rows={"train": 3, "eval": 1},
        num_clicks={"train": 1, "eval": 0},
    )


SPANS = (span("0", 0), span("2", 3), span("10", 4))


@pytest.mark.parametrize(
    ("file_index", "name"), [(0, "0"), (2, "0"), (3, "2"), (4, "10"), (123_456, "10")]
)
def test_span_of_file_is_the_last_that_starts_there_or_before(file_index, name):
    assert span_of_file(f"gs://a/b/{block_name(file_index, 7)}.parquet", SPANS) == name


def test_span_of_file_without_spans_is_none():
    assert span_of_file("data.parquet", ()) is None


def test_span_of_file_of_another_name_is_refused():
    with pytest.raises(ValueError, match=r"a/data\.parquet: expected a name like block-"):
        span_of_file("a/data.parquet", SPANS)


def test_block_names_are_in_the_order_of_files_and_blocks():
    places = [(0, 0), (0, 9), (0, 10), (1, 0), (12, 0), (99_999, 999_999)]
    names = [block_name(*place) for place in places]
    assert names == sorted(names)


def test_spans_round_trip():
    assert spans_from_json(spans_to_json(SPANS)) == SPANS


def test_spans_of_an_artifact_without_any_are_none():
    assert spans_from_json("") == ()


def test_spans_with_an_unknown_field_are_refused():
    with pytest.raises(ValidationError, match="days"):
        spans_from_json('[{"name": "0", "days": 1}]')
