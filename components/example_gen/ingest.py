"""The Beam pipelines: files in, one Parquet file a block and split out."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import apache_beam as beam
import tensorflow as tf

from components import progress
from components.errors import InputError
from components.example_gen import quarantine
from components.example_gen.block_range import BlockRange
from components.example_gen.config import ExampleGenConfig
from components.example_gen.read import first_line, plan_ranges
from components.example_gen.selection import plan_selection
from components.example_gen.split import find_eval_files
from components.example_gen.summary import BlockSummary, Summary, summarize
from components.example_gen.survey import Survey, read_survey, survey_log
from components.example_gen.write import BLOCK_FILES, DecodeRange, read_summaries, write_summaries
from schemas.click_log import ClickLog

_BLOCKS = "blocks.json"
_SURVEY = "survey.npz"


def ingest(
    paths: Sequence[str],
    split_uris: Mapping[str, str],
    quarantine_uri: str,
    config: ExampleGenConfig,
    click_log: ClickLog,
    make_pipeline: Callable[[], beam.Pipeline],
    spans: Sequence[int] = (),
    span_name: Callable[[int], str] = str,
) -> Summary:
    """Decodes the files into the splits and the quarantine.

    Neither the runner nor `block_bytes` changes which rows go where, nor their order by file name.
    Where the selection depends on the whole log, the files are read twice.

    Args:
      paths: the raw files in their order.
      split_uris: split name -> folder for its Parquet files; older ones of ours are removed.
      quarantine_uri: folder for the rejected lines and the summary.
      config: the settings.
      click_log: the layout of the files.
      make_pipeline: makes the Beam pipelines to run.
      spans: the span of each file, where files have spans.
      span_name: what a span is called in the summary.

    Returns:
      The counts, as written to `summary.json`.

    Raises:
      InputError: if a file is empty, unreadable or damaged, if too many lines are bad, if the
        files do not suit the selection, or if a split is empty or has one class.
    """
    eval_files = find_eval_files(config.split, paths, spans)
    log = _Log(
        paths,
        plan_ranges(paths, click_log, config.block_bytes),
        config,
        quarantine_uri,
        [span_name(span) for span in spans],
    )
    _prepare_folders(split_uris.values(), quarantine_uri)
    survey = None
    if Survey.is_needed(config):
        survey = _survey(log, click_log, make_pipeline)
        log.check_surveyed(survey.blocks)
    selection = plan_selection(config, eval_files, survey)
    writer = DecodeRange(click_log, selection, dict(split_uris), quarantine_uri, config.block_bytes)
    blocks_path = os.path.join(quarantine_uri, _BLOCKS)
    with make_pipeline() as pipeline:
        _ = (
            pipeline
            | "Ranges" >> beam.Create(log.ranges)
            | "Spread" >> beam.Reshuffle()
            | "Decode" >> beam.ParDo(writer)
            | "Gather" >> beam.combiners.ToList()
            | "WriteSummaries" >> beam.Map(write_summaries, blocks_path)
        )
    blocks = read_summaries(blocks_path)
    _check_read(blocks)
    if survey:
        _check_unchanged(survey.blocks, blocks, paths)
    summary = log.write_quarantine(blocks)
    quarantine.check_bad_rate(quarantine_uri, summary, config)
    quarantine.check_splits(quarantine_uri, summary, config)
    _report(summary, quarantine_uri)
    return summary


class _Log:
    """The files with their ranges, and where their rejected lines go."""

    def __init__(
        self,
        paths: Sequence[str],
        ranges: list[BlockRange],
        config: ExampleGenConfig,
        quarantine_uri: str,
        spans: Sequence[str],
    ) -> None:
        self.paths = paths
        self.spans = spans
        self.ranges = ranges
        self.config = config
        self.quarantine_uri = quarantine_uri

    def write_quarantine(self, blocks: Sequence[BlockSummary]) -> Summary:
        """Writes rejected lines and counts; returns the counts."""
        first_lines = {part.file_index: first_line(part) for part in self.ranges}
        summary = summarize(blocks, self.paths, self.spans)
        quarantine.write_quarantine(
            self.quarantine_uri,
            blocks,
            self.paths,
            [first_lines[index] for index in range(len(self.paths))],
            summary,
        )
        return summary

    def check_surveyed(self, blocks: Sequence[BlockSummary]) -> None:
        """Checks what a survey has read: no selection is made from a log that is not good."""
        _check_read(blocks)
        if summarize(blocks, self.paths).bad_rate > self.config.max_bad_rate:
            summary = self.write_quarantine(blocks)
            quarantine.check_bad_rate(self.quarantine_uri, summary, self.config)


def _survey(log: _Log, click_log: ClickLog, make_pipeline: Callable[[], beam.Pipeline]) -> Survey:
    path = os.path.join(log.quarantine_uri, _SURVEY)
    with make_pipeline() as pipeline:
        survey_log(pipeline, log.ranges, click_log, log.config, log.quarantine_uri, path)
    return read_survey(path, log.config)


def _prepare_folders(split_uris: Iterable[str], quarantine_uri: str) -> None:
    """Makes the folders, without the blocks that an interrupted run may have left there."""
    for uri in split_uris:
        tf.io.gfile.makedirs(uri)
        for path in tf.io.gfile.glob(os.path.join(uri, BLOCK_FILES)):
            tf.io.gfile.remove(path)
    tf.io.gfile.makedirs(quarantine_uri)
    quarantine.remove_parts(quarantine_uri)


def _check_read(blocks: Iterable[BlockSummary]) -> None:
    for block in sorted(blocks, key=lambda block: block.place):
        if block.error:
            raise InputError(block.error)


def _check_unchanged(
    surveyed: Iterable[BlockSummary], written: Iterable[BlockSummary], paths: Sequence[str]
) -> None:
    """Checks that both passes have read the same lines."""
    before = {block.place: (block.num_lines, dict(block.rejected)) for block in surveyed}
    after = {block.place: (block.num_lines, dict(block.rejected)) for block in written}
    for place in sorted(before.keys() | after.keys()):
        if before.get(place) != after.get(place):
            raise InputError(f"{paths[place[0]]} changed while it was read: run again")


def _report(summary: Summary, quarantine_uri: str) -> None:
    """Reports the rows of the whole step, and where the rejected lines are if there are any."""
    message = f"{sum(summary.num_rows.values()):,} rows"
    if summary.num_rejected:
        path = os.path.join(quarantine_uri, quarantine.REJECTED_ROWS)
        message += f", {summary.num_rejected:,} rejected ({path})"
    progress.report(message)
