"""Which rows go where: dataset version, split and sampling of negatives together."""

from typing import NamedTuple

import numpy as np

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.dataset_version import DatasetVersion, choose_version
from components.example_gen.decode import DecodedBlock
from components.example_gen.hashing import NEGATIVES, sample_hash
from components.example_gen.split import (
    Split,
    find_first_eval_row,
    find_first_eval_time,
)
from components.example_gen.survey import Survey
from schemas.click_log import EVAL_SPLIT, LABEL, TRAIN_SPLIT, ClickLog

# A hash is compared with a rate by its first 53 bits, which a float holds exactly.
_HASH_BITS = 53


class SelectedRows(NamedTuple):
    """The rows of a block by use, each bool `[num_rows]`.

    Attributes:
      version: the rows of the dataset version.
      before_sampling: split -> its rows before negatives were left out.
      splits: split -> the rows that are written.
    """

    version: np.ndarray
    before_sampling: dict[str, np.ndarray]
    splits: dict[str, np.ndarray]


class Selection(NamedTuple):
    """All that the use of a row depends on besides the row; it travels to the workers.

    The split is one of the whole log, of which a dataset version takes a part. So a row has the
    same split in every version.

    Attributes:
      split: the split of the rows.
      version: the dataset version; None takes every row.
      negative_sampling_rate: share of the train rows with label 0 that stay.
      sample_seed: of the negatives that stay.
    """

    split: Split
    version: DatasetVersion | None
    negative_sampling_rate: float
    sample_seed: int

    def select(self, file_index: int, block_index: int, block: DecodedBlock) -> SelectedRows:
        """Selects the rows of a block."""
        labels = block.table[LABEL].to_numpy()
        version = np.full(len(labels), True)
        if self.version:
            version = self.version.contains(block.checksums, labels)
        in_eval = self.split.is_eval(file_index, block_index, block)
        before_sampling = {TRAIN_SPLIT: version & ~in_eval, EVAL_SPLIT: version & in_eval}
        kept = (labels == 1) | self._keeps_negative(block.checksums)
        splits = {**before_sampling, TRAIN_SPLIT: before_sampling[TRAIN_SPLIT] & kept}
        return SelectedRows(version, before_sampling, splits)

    def _keeps_negative(self, checksums: np.ndarray) -> np.ndarray:
        hashes = sample_hash(checksums, NEGATIVES, self.sample_seed)
        kept: np.ndarray = (
            hashes >> np.uint64(64 - _HASH_BITS) < self.negative_sampling_rate * 2**_HASH_BITS
        )
        return kept


def check_settings(config: ExampleGenConfig, click_log: ClickLog, spans_in_pattern: bool) -> None:
    """Checks the settings against the log, before anything is read.

    Raises:
      InputError: if the split asks for times or spans that the log does not have.
    """
    method = config.split.method
    if method == "time" and click_log.time_column is None:
        raise InputError(
            "example_gen.split.method 'time' needs a time: name the log's time_column in its "
            "schema file, or choose another method such as 'last_rows'"
        )
    if not spans_in_pattern and method == "last_span":
        raise InputError(
            "example_gen.split.method 'last_span' needs spans: put {SPAN} into the data pattern, "
            "or choose another method such as 'last_files'"
        )
    if not spans_in_pattern and config.window_spans > 1:
        raise InputError(
            f"example_gen.window_spans is {config.window_spans}, but the data pattern has no "
            "{SPAN}: put it where the number of the day stands, or set window_spans to 1"
        )


def plan_selection(
    config: ExampleGenConfig,
    eval_files: frozenset[int],
    survey: Survey | None,
) -> Selection:
    """Fixes the selection for the whole log.

    Args:
      config: the settings.
      eval_files: as from `split.find_eval_files`.
      survey: of the whole log; None where `Survey.is_needed` says so.

    Raises:
      InputError: if the log is too small for the dataset version or has one time only.
    """
    version = first_row = first_time = None
    if survey and survey.buckets and config.size_megabytes is not None:
        version = choose_version(survey.buckets, config.size_megabytes, config.sample_seed)
    if survey and config.split.method == "last_rows":
        first_row = find_first_eval_row(survey.rows_of_blocks(), config.split.eval_fraction)
    if survey and survey.times:
        first_time = find_first_eval_time(*survey.times.totals(), config.split.eval_fraction)
    split = Split(config.split, eval_files, first_row, first_time)
    return Selection(split, version, config.negative_sampling_rate, config.sample_seed)
