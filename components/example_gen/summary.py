"""What was read, and whether it is good enough to go on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from schemas.criteo import EVAL_SPLIT, TRAIN_SPLIT

SPLITS = (TRAIN_SPLIT, EVAL_SPLIT)


class BlockSummary(NamedTuple):
    """The counts of one block.

    Attributes:
      file_index: the place of its file among all files.
      block_index: its place in the file.
      num_lines: its lines, rejected ones included.
      num_rows: rows of each split.
      num_clicks: rows with label 1 of each split.
      rejected: broken rule -> number of lines.
      error: why reading stopped here, if it did.
    """

    file_index: int
    block_index: int
    num_lines: int
    num_rows: dict[str, int]
    num_clicks: dict[str, int]
    rejected: dict[str, int]
    error: str | None = None


class Summary(NamedTuple):
    """The counts of all blocks; `files` are the names with their number of lines."""

    files: dict[str, int]
    num_lines: int
    num_rows: dict[str, int]
    num_clicks: dict[str, int]
    num_rejected: int
    rejected: dict[str, int]

    def to_json_dict(self) -> dict[str, Any]:
        """Returns the content of `summary.json`."""
        return self._asdict()


def summarize(blocks: Iterable[BlockSummary], paths: Sequence[str]) -> Summary:
    """Adds the blocks up.

    Args:
      blocks: in any order.
      paths: the files, in the order of `file_index`.
    """
    lines, rows, clicks, rejected = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for block in blocks:
        lines[paths[block.file_index]] += block.num_lines
        rows.update(block.num_rows)
        clicks.update(block.num_clicks)
        rejected.update(block.rejected)
    return Summary(
        files={path: lines[path] for path in paths},
        num_lines=lines.total(),
        num_rows={split: rows[split] for split in SPLITS},
        num_clicks={split: clicks[split] for split in SPLITS},
        num_rejected=rejected.total(),
        rejected=dict(sorted(rejected.items())),
    )


def check_splits(summary: Summary, config: ExampleGenConfig) -> None:
    """Checks that both splits can be learned from.

    Raises:
      InputError: if a split has no row or rows of one label only.
    """
    for split in SPLITS:
        num_rows, num_clicks = summary.num_rows[split], summary.num_clicks[split]
        counts = f"{num_clicks:,} rows with label 1 and {num_rows - num_clicks:,} with label 0"
        if not num_rows:
            raise InputError(
                f"the {split} split is empty: {sum(summary.num_rows.values()):,} rows in all, "
                f"eval_fraction {config.eval_fraction}. Give more rows or another eval_fraction"
            )
        if num_clicks in (0, num_rows):
            raise InputError(
                f"the {split} split has only one class ({counts}): a model cannot be trained or "
                "evaluated on it. Give more rows or rows of both labels"
            )
