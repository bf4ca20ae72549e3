"""What was read, and whether it is good enough to go on."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from components.example_gen.config import ExampleGenConfig
from schemas.click_log import SPLITS
from schemas.spans import SpanCounts


class BlockSummary(NamedTuple):
    """The counts of one block.

    Attributes:
      file_index: the place of its file among all files.
      block_index: its place in the file.
      num_lines: its lines, rejected ones included.
      rejected: broken rule -> number of lines.
      log: `num_rows`, `num_clicks` and `num_bytes` of the valid rows.
      version: the same of those that belong to the dataset version.
      num_rows: rows written to each split.
      num_clicks: rows with label 1 of each split.
      num_rows_before_sampling: rows of each split before negatives were left out.
      error: why reading stopped here, if it did.
    """

    file_index: int
    block_index: int
    num_lines: int
    rejected: Mapping[str, int]
    log: Mapping[str, int]
    version: Mapping[str, int]
    num_rows: Mapping[str, int]
    num_clicks: Mapping[str, int]
    num_rows_before_sampling: Mapping[str, int]
    error: str | None = None

    @classmethod
    def of_lines(
        cls, file_index: int, block_index: int, num_lines: int, rejected: Mapping[str, int]
    ) -> "BlockSummary":
        """Returns what is known of a block before its rows are selected."""
        return cls(file_index, block_index, num_lines, rejected, {}, {}, {}, {}, {})

    @property
    def num_valid_rows(self) -> int:
        """The lines that were not rejected."""
        return self.num_lines - sum(self.rejected.values())

    @property
    def place(self) -> tuple[int, int]:
        """The place of the block in the log, to sort by."""
        return self.file_index, self.block_index


class Summary(NamedTuple):
    """The counts of all blocks, as in `BlockSummary`.

    `files` are the names with their lines, `spans` the counts of each span, oldest first.
    """

    files: dict[str, int]
    num_lines: int
    num_rejected: int
    rejected: dict[str, int]
    log: dict[str, int]
    version: dict[str, int]
    num_rows: dict[str, int]
    num_clicks: dict[str, int]
    num_rows_before_sampling: dict[str, int]
    spans: tuple[SpanCounts, ...] = ()

    @property
    def bad_rate(self) -> float:
        """The share of rejected lines."""
        return self.num_rejected / max(self.num_lines, 1)

    def to_json_dict(self) -> dict[str, Any]:
        """Returns the content of `summary.json`."""
        return {**self._asdict(), "spans": [span.model_dump() for span in self.spans]}


def row_counts(labels: Any, num_bytes: Any) -> dict[str, int]:
    """Counts rows.

    Args:
      labels: int64 `[num_rows]`, 0 or 1.
      num_bytes: int64 `[num_rows]`, of their raw lines.
    """
    return {
        "num_rows": len(labels),
        "num_clicks": int(labels.sum()),
        "num_bytes": int(num_bytes.sum()),
    }


def summarize(
    blocks: Iterable[BlockSummary], paths: Sequence[str], spans: Sequence[str] = ()
) -> Summary:
    """Adds the blocks up.

    Args:
      blocks: in any order.
      paths: the files, in the order of `file_index`.
      spans: the name of each file's span, where files have spans.
    """
    blocks = list(blocks)
    lines, totals = Counter[str](), {name: Counter[str]() for name in _ADDED}
    for block in blocks:
        lines[paths[block.file_index]] += block.num_lines
        for name in _ADDED:
            totals[name].update(getattr(block, name))
    rejected = totals.pop("rejected")
    return Summary(
        files={path: lines[path] for path in paths},
        num_lines=lines.total(),
        num_rejected=rejected.total(),
        rejected=dict(sorted(rejected.items())),
        log=dict(totals["log"]),
        version=dict(totals["version"]),
        **{name: {split: totals[name][split] for split in SPLITS} for name in _BY_SPLIT},
        spans=_count_spans(blocks, spans),
    )


def _count_spans(blocks: Iterable[BlockSummary], spans: Sequence[str]) -> tuple[SpanCounts, ...]:
    """Returns the counts of each span, in the order of the files."""
    rows: dict[str, Counter[str]] = {name: Counter() for name in spans}
    clicks: dict[str, Counter[str]] = {name: Counter() for name in spans}
    for block in blocks if spans else ():
        rows[spans[block.file_index]].update(block.num_rows)
        clicks[spans[block.file_index]].update(block.num_clicks)
    return tuple(
        SpanCounts(
            name=name,
            first_file=spans.index(name),
            num_rows={split: rows[name][split] for split in SPLITS},
            num_clicks={split: clicks[name][split] for split in SPLITS},
        )
        for name in rows
    )


_BY_SPLIT = ("num_rows", "num_clicks", "num_rows_before_sampling")
_ADDED = ("rejected", "log", "version", *_BY_SPLIT)


def find_split_problem(summary: Summary, config: ExampleGenConfig) -> str | None:
    """Returns why a split cannot be learned from: no row, or rows of one label only."""
    for split in SPLITS:
        num_rows, num_clicks = summary.num_rows[split], summary.num_clicks[split]
        counts = f"{num_clicks:,} rows with label 1 and {num_rows - num_clicks:,} with label 0"
        if not num_rows:
            return (
                f"the {split} split is empty: {sum(summary.num_rows.values()):,} rows in all, "
                f"split.method {config.split.method!r}, eval_fraction "
                f"{config.split.eval_fraction}. Give more rows or another split"
            )
        if num_clicks in (0, num_rows):
            return (
                f"the {split} split has only one class ({counts}): a model cannot be trained or "
                "evaluated on it. Give more rows or rows of both labels"
            )
    return None
