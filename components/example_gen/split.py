"""The split of a row."""

import fnmatch
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from components.errors import InputError
from components.example_gen.config import NUM_SPLIT_BUCKETS, SplitConfig
from components.example_gen.decode import DecodedBlock
from components.example_gen.hashing import split_hash

_NUM_SHOWN_FILES = 10


class FirstEvalRow(NamedTuple):
    """The place of a row in the log: its block, and its number among the block's valid rows."""

    file_index: int
    block_index: int
    row: int


class Split(NamedTuple):
    """All that the split of a row depends on besides the row; it travels to the workers.

    Attributes:
      config: the method and its settings.
      eval_files: the indices of the files whose rows are eval rows, for the methods by files.
      first_eval_row: for `"last_rows"`.
      first_eval_time: for `"time"`.
    """

    config: SplitConfig
    eval_files: frozenset[int] = frozenset()
    first_eval_row: FirstEvalRow | None = None
    first_eval_time: int | None = None

    def is_eval(self, file_index: int, block_index: int, block: DecodedBlock) -> np.ndarray:
        """Tells which rows of a block belong to the eval split.

        Returns:
          bool `[num_rows]`.
        """
        num_rows = len(block.checksums)
        if self.config.method == "hash":
            return is_eval_by_hash(block.checksums, self.config)
        if self.config.method == "last_rows":
            assert self.first_eval_row is not None
            first_file, first_block, first_row = self.first_eval_row
            if (file_index, block_index) == (first_file, first_block):
                return np.arange(num_rows) >= first_row
            return np.full(num_rows, (file_index, block_index) > (first_file, first_block))
        if self.config.method == "time":
            assert block.times is not None and self.first_eval_time is not None
            by_time: np.ndarray = block.times >= self.first_eval_time
            return by_time
        return np.full(num_rows, file_index in self.eval_files)


def num_eval_buckets(config: SplitConfig) -> int:
    """Returns how many of the 10,000 buckets make the eval split by hash."""
    return round(config.eval_fraction * NUM_SPLIT_BUCKETS)


def is_eval_by_hash(checksums: np.ndarray, config: SplitConfig) -> np.ndarray:
    """Tells which rows belong to the eval split, from their content alone.

    A hash of the line and the seed goes into 10,000 buckets. The place of the row, its file and
    its block play no part, and equal lines share a split.

    Args:
      checksums: uint32 `[num_rows]`, CRC-32 of the raw lines without their ends.
      config: gives the fraction and the seed.

    Returns:
      bool `[num_rows]`.
    """
    buckets = split_hash(checksums, config.seed) % np.uint64(NUM_SPLIT_BUCKETS)
    in_eval: np.ndarray = buckets < num_eval_buckets(config)
    return in_eval


def find_eval_files(
    config: SplitConfig, paths: Sequence[str], spans: Sequence[int]
) -> frozenset[int]:
    """Returns the indices of the files that make the eval split; none for the other methods.

    Args:
      config: the method and its settings.
      paths: the files in their order.
      spans: the span of each.

    Raises:
      InputError: if no file or every file would be in eval.
    """
    if config.method == "last_files":
        if config.num_eval_files >= len(paths):
            raise InputError(
                f"example_gen.split.num_eval_files is {config.num_eval_files}, but there are only "
                f"{len(paths)} files ({_shown(paths)}): leave at least one to train on"
            )
        return frozenset(range(len(paths) - config.num_eval_files, len(paths)))
    if config.method == "last_span":
        if len(set(spans)) < 2:
            raise InputError(
                "example_gen.split.method 'last_span' needs files of at least two spans: name "
                "them in the data pattern with {SPAN} and set window_spans to 2 or more"
            )
        return frozenset(index for index, span in enumerate(spans) if span == max(spans))
    if config.method == "given":
        return _given_files(str(config.eval_files), paths)
    return frozenset()


def _given_files(pattern: str, paths: Sequence[str]) -> frozenset[int]:
    matched = frozenset(
        index
        for index, path in enumerate(paths)
        if fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)
    )
    if len(matched) in (0, len(paths)):
        count = "all" if matched else "none"
        raise InputError(
            f"example_gen.split.eval_files {pattern!r} matches {count} of the {len(paths)} files "
            f"({_shown(paths)}): it has to match the names of some of them"
        )
    return matched


def _shown(paths: Sequence[str]) -> str:
    names = [path.rpartition("/")[2] for path in paths[:_NUM_SHOWN_FILES]]
    return ", ".join([*names, *(["..."] if len(paths) > len(names) else [])])


def find_first_eval_row(
    num_rows: Sequence[tuple[int, int, int]], eval_fraction: float
) -> FirstEvalRow:
    """Returns where the last `eval_fraction` of the rows start.

    Args:
      num_rows: file index, block index and number of valid rows of each block, in order.
      eval_fraction: the share of the rows, rounded to whole rows.
    """
    total = sum(rows for _, _, rows in num_rows)
    remaining = total - round(total * eval_fraction)
    for file_index, block_index, rows in num_rows:
        if remaining < rows:
            return FirstEvalRow(file_index, block_index, remaining)
        remaining -= rows
    file_index, block_index, rows = num_rows[-1]
    return FirstEvalRow(file_index, block_index, rows)


def find_first_eval_time(times: np.ndarray, counts: np.ndarray, eval_fraction: float) -> int:
    """Returns the time from which on rows are eval rows.

    Rows of one time stay together, so the share of eval rows comes as near to `eval_fraction` as
    the times allow; of two equally near ones the smaller share is taken.

    Args:
      times: int64 `[num_times]`, the distinct times in order.
      counts: int64 `[num_times]`, their rows.
      eval_fraction: the asked share of eval rows.

    Raises:
      InputError: if all rows have one time.
    """
    if not len(times):
        return 0
    if len(times) == 1:
        raise InputError(
            f"example_gen.split.method 'time': all {counts[0]:,} rows have the time {times[0]}. "
            "Choose another method or read files of more than one time"
        )
    num_eval = counts.sum() - np.cumsum(counts)[:-1]  # with times[1:], the candidates
    distances = np.abs(num_eval - counts.sum() * eval_fraction)
    nearest = len(distances) - 1 - int(np.argmin(distances[::-1]))
    return int(times[1 + nearest])
