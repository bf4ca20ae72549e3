"""The spans of the rows, and how they are told from the names of the files of a split.

ExampleGen reads raw files span by span, oldest first, and names each file of rows by the number of
the raw file that it comes from. Transformed rows and predictions are in files of the same names.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence

from pydantic import TypeAdapter

from schemas.step_config import StepConfig

# The custom property of the examples that holds `spans_to_json`; absent where files have no spans.
SPANS_PROPERTY = "span_counts"
_BLOCK = re.compile(r"block-([0-9]{5,})-[0-9]{6,}")


class SpanCounts(StepConfig):
    """The rows of one span of the window.

    Attributes:
      name: its number, or its date (ISO 8601) where the files are named by dates.
      first_file: the number of its first raw file, from 0; the files of a span stand together.
      num_rows: split -> its rows.
      num_clicks: split -> those with label 1.
    """

    name: str
    first_file: int
    num_rows: dict[str, int]
    num_clicks: dict[str, int]


_SPANS = TypeAdapter(tuple[SpanCounts, ...])


def block_name(file_index: int, block_index: int) -> str:
    """Returns the name, without suffix, of the file of rows that a block of a raw file becomes."""
    return f"block-{file_index:05d}-{block_index:06d}"


def span_of_file(path: str, spans: Sequence[SpanCounts]) -> str | None:
    """Returns the span of a file of rows; None if the log has no spans.

    Args:
      path: a name of `block_name`, in any folder, with any suffix.
      spans: of the window, oldest first.

    Raises:
      ValueError: if there are spans and the name is not one of `block_name`.
    """
    if not spans:
        return None
    found = _BLOCK.match(path.rpartition("/")[2])
    if not found:
        raise ValueError(f"{path}: expected a name like {block_name(0, 0)} to tell its span")
    firsts = [span.first_file for span in spans]
    return spans[bisect_right(firsts, int(found.group(1))) - 1].name


def spans_to_json(spans: Sequence[SpanCounts]) -> str:
    """Returns the text of `SPANS_PROPERTY`."""
    return _SPANS.dump_json(tuple(spans)).decode()


def spans_from_json(text: str) -> tuple[SpanCounts, ...]:
    """Returns the spans of `SPANS_PROPERTY`, none of an empty text.

    Raises:
      pydantic.ValidationError: if it is not what `spans_to_json` gives.
    """
    return _SPANS.validate_json(text) if text else ()
