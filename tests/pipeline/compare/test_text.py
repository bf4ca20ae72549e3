import pytest

from pipeline.compare.result import Rows, RunComparison, Side
from pipeline.compare.text import comparison_text

SIDE = Side(
    root="/runs",
    run_id="r1",
    started="2026-01-01T00:00:00+00:00",
    variant="full",
    model_id=3,
    model_path="/runs/model",
)


def text_of(**rows):
    of_rows = Rows(source="the log x", uri="x", num_rows=200, num_clicks=50, **rows)
    result = RunComparison(
        a=SIDE,
        b=SIDE,
        config_changes=(),
        code_changes=(),
        data_changes=(),
        rows=of_rows,
        warnings=(),
        confidence=0.95,
        metrics={},
        costs={},
        sentence="Nothing was found.",
    )
    return comparison_text(result)


@pytest.mark.parametrize("column", [None, "worth"])
def test_text_says_whether_rows_are_weighted(column):
    text = text_of(weight_column=column)
    assert "rows: the log x, 200 rows, 50 clicks (25.00%)\n" in text
    assert ("rows are weighted by the log's column worth" in text) == (column is not None)


def test_text_counts_the_lines_that_are_no_rows():
    assert "3 lines of the log are no rows and were left out" in text_of(num_rejected=3)
