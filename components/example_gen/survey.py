"""A first pass over the log, for selections that depend on the whole of it."""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from components.errors import InputError
from components.example_gen import quarantine
from components.example_gen.block_range import BlockRange
from components.example_gen.config import ExampleGenConfig
from components.example_gen.dataset_version import BucketCounts
from components.example_gen.decode import DecodedBlock
from components.example_gen.read import decode_range
from components.example_gen.summary import BlockSummary
from components.files import write_bytes
from components.row_progress import RowProgress
from schemas.click_log import LABEL, ClickLog

# Times are merged when so many wait, or as many as there are distinct ones.
_MIN_PENDING_TIMES = 2**16
_TIME_ARRAYS = ("times", "time_counts")
_BUCKET_ARRAYS = ("places", "num_rows", "num_bytes")


class TimeCounts:
    """How many rows have which time; memory follows the distinct times."""

    def __init__(self) -> None:
        """Starts with no row."""
        self._times = np.empty(0, np.int64)
        self._counts = np.empty(0, np.int64)
        self._pending: list[tuple[np.ndarray, np.ndarray]] = []
        self._num_pending = 0

    def add(self, times: np.ndarray, counts: np.ndarray) -> None:
        """Adds rows.

        Args:
          times: int64 `[num_times]`, in any order, any number of times.
          counts: int64 `[num_times]`, rows of each.
        """
        self._pending.append((times, counts))
        self._num_pending += len(times)
        if self._num_pending > max(_MIN_PENDING_TIMES, len(self._times)):
            self.totals()

    def totals(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the distinct times in order and the rows of each, both int64 `[num_times]`."""
        if self._pending:
            parts = [(self._times, self._counts), *self._pending]
            times = np.concatenate([times for times, _ in parts])
            counts = np.concatenate([counts for _, counts in parts])
            order = np.argsort(times, kind="stable")
            self._times, starts = np.unique(times[order], return_index=True)
            self._counts = np.add.reduceat(counts[order], starts) if len(starts) else counts
            self._pending, self._num_pending = [], 0
        return self._times, self._counts


class Survey:
    """What the selection wants to know of the whole log.

    Attributes:
      blocks: the lines and rejected lines of each block, in any order.
      times: rows by time, where the split needs it; else None.
      buckets: rows and bytes by hash, where a dataset version needs it; else None.
    """

    def __init__(self, config: ExampleGenConfig) -> None:
        """Starts with no block."""
        self.blocks: list[BlockSummary] = []
        self.times = TimeCounts() if config.split.method == "time" else None
        self.buckets = BucketCounts() if config.size_megabytes is not None else None
        self._sample_seed = config.sample_seed

    @staticmethod
    def is_needed(config: ExampleGenConfig) -> bool:
        """Tells whether a configuration needs a survey."""
        return config.split.method in ("last_rows", "time") or config.size_megabytes is not None

    def add_block(self, file_index: int, block_index: int, block: DecodedBlock) -> None:
        """Adds one block."""
        rejected = Counter(line.rejection.kind for line in block.rejected)
        self.blocks.append(
            BlockSummary.of_lines(file_index, block_index, block.num_lines, dict(rejected))
        )
        if self.times:
            assert block.times is not None
            self.times.add(*np.unique(block.times, return_counts=True))
        if self.buckets:
            labels = block.table[LABEL].to_numpy()
            self.buckets.add_rows(block.checksums, labels, block.num_bytes, self._sample_seed)

    def add(self, other: "Survey") -> None:
        """Adds the survey of other blocks."""
        self.blocks += other.blocks
        if self.times and other.times:
            self.times.add(*other.times.totals())
        if self.buckets and other.buckets:
            self.buckets.add(*other.buckets.filled())

    def rows_of_blocks(self) -> list[tuple[int, int, int]]:
        """Returns file index, block index and number of valid rows of each block, in order."""
        blocks = sorted(self.blocks, key=lambda block: block.place)
        return [(*block.place, block.num_valid_rows) for block in blocks]


def survey_log(
    pipeline: beam.Pipeline,
    ranges: Sequence[BlockRange],
    click_log: ClickLog,
    config: ExampleGenConfig,
    quarantine_uri: str,
    path: str,
) -> None:
    """Adds the pass to a pipeline, which leaves the survey in `path`, for `read_survey`.

    The rejected lines are written too, so that a log of bad lines is known by them.

    Args:
      pipeline: to add to.
      ranges: the whole log.
      click_log: its layout.
      config: tells what is needed.
      quarantine_uri: folder for the rejected lines.
      path: the file to write.
    """
    _ = (
        pipeline
        | "Ranges" >> beam.Create(ranges)
        | "Spread" >> beam.Reshuffle()
        | "Survey" >> beam.ParDo(SurveyRange(click_log, config, quarantine_uri))
        | "Merge" >> beam.CombineGlobally(_MergeSurveys(config))
        | "WriteSurvey" >> beam.Map(_write_survey, path)
    )


class SurveyRange(beam.DoFn):
    """Ranges -> one survey a bundle; an unreadable range gives a block with `error`."""

    def __init__(self, click_log: ClickLog, config: ExampleGenConfig, quarantine_uri: str) -> None:
        """Keeps what to look for and where rejected lines go."""
        self._click_log = click_log
        self._config = config
        self._quarantine_uri = quarantine_uri
        self._progress = RowProgress("surveyed ")

    def start_bundle(self) -> None:
        """Begins anew: a bundle that is tried again counts once."""
        self._survey = Survey(self._config)

    def process(self, block_range: BlockRange) -> Iterable[Survey]:
        """Counts the blocks of a range; gives nothing yet."""
        file_index, block_index = block_range.file_index, block_range.block_index
        blocks = decode_range(block_range, self._click_log, self._config.block_bytes)
        try:
            for block_index, block in blocks:
                quarantine.write_part(self._quarantine_uri, file_index, block_index, block.rejected)
                self._survey.add_block(file_index, block_index, block)
                self._progress.add(block.table.num_rows)
        except InputError as error:
            failed = BlockSummary.of_lines(file_index, block_index, 0, {})
            self._survey.blocks.append(failed._replace(error=str(error)))
        return ()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Yields the survey of the bundle."""
        window = GlobalWindow()
        yield WindowedValue(self._survey, window.end, [window])


class _MergeSurveys(beam.CombineFn):
    """Surveys -> one."""

    def __init__(self, config: ExampleGenConfig) -> None:
        super().__init__()
        self._config = config

    def create_accumulator(self) -> Survey:
        return Survey(self._config)

    def add_input(self, accumulator: Survey, element: Survey) -> Survey:
        accumulator.add(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Survey]) -> Survey:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.add(accumulator)
        return merged

    def extract_output(self, accumulator: Survey) -> Survey:
        return accumulator


def _write_survey(survey: Survey, path: str) -> None:
    arrays = {"blocks": np.array(json.dumps(survey.blocks))}
    if survey.times:
        arrays |= zip(_TIME_ARRAYS, survey.times.totals(), strict=True)
    if survey.buckets:
        arrays |= zip(_BUCKET_ARRAYS, survey.buckets.filled(), strict=True)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_bytes(path, buffer.getvalue())


def read_survey(path: str, config: ExampleGenConfig) -> Survey:
    """Reads the survey that `survey_log` left behind, and removes the file."""
    with tf.io.gfile.GFile(path, "rb") as file:
        arrays = np.load(io.BytesIO(file.read()))
    tf.io.gfile.remove(path)
    survey = Survey(config)
    survey.blocks = [BlockSummary(*values) for values in json.loads(arrays["blocks"].item())]
    if survey.times:
        survey.times.add(*(arrays[name] for name in _TIME_ARRAYS))
    if survey.buckets:
        survey.buckets.add(*(arrays[name] for name in _BUCKET_ARRAYS))
    return survey
