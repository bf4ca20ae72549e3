"""Synthetic click logs in the raw Criteo format, with known best scores.

Beside a log `data.tsv` lies `data.json`: what was drawn and the best auc_roc and logloss that any
model can reach on it. The same configuration gives the same bytes. Rows come in blocks that depend
on the seed and their number alone, so a longer log starts with the shorter one, and memory does not
grow with the size.
"""

import gzip
import os
import sys
from itertools import count
from pathlib import Path
from typing import IO

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import InputError
from components.progress import report
from components.synthetic.best_scores import LogitCounts
from components.synthetic.click_log_rows import BLOCK_ROWS, PILOT_BLOCK, RowSource
from components.synthetic.click_log_text import RowWriter
from components.synthetic.planted_model import PlantedModel
from schemas.step_config import StepConfig

# Raised whenever the same configuration gives other bytes: stored logs are then written anew.
GENERATOR_VERSION = 2

_NEWLINE = ord("\n")


class SyntheticConfig(StepConfig):
    """Which click log to write.

    Attributes:
      seed: chooses the planted model and the rows.
      rows: the number of rows; or
      megabytes: the size in units of 10**6 bytes, before compression. The log is cut after the
        last whole row that fits.
      click_rate: the mean probability of a click.
      logit_scale: multiplies the deviation of the planted logits; more makes clicks easier to
        predict, and 1 gives a best auc_roc near 0.81.
      category_skew: multiplies the exponents of the categories' power laws; 1 is as measured on
        real rows.
    """

    seed: int = Field(default=0, ge=0, lt=2**63)
    rows: int | None = Field(default=None, ge=1)
    megabytes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    click_rate: float = Field(default=0.25, ge=0.001, le=0.9)
    logit_scale: float = Field(default=1.0, gt=0, le=4)
    category_skew: float = Field(default=1.0, gt=0, le=2)

    @model_validator(mode="after")
    def _has_one_size(self) -> "SyntheticConfig":
        if (self.rows is None) == (self.megabytes is None):
            raise ValueError(
                "exactly one of rows and megabytes must be given, "
                f"received rows={self.rows}, megabytes={self.megabytes}"
            )
        return self


class Summary(BaseModel):
    """What was written; the content of the JSON beside the log. Scores have nine decimals.

    Attributes:
      generator_version: `GENERATOR_VERSION` of the code that wrote it.
      config: the configuration.
      rows: the number of rows.
      bytes: the size before compression.
      file_bytes: the size of the file.
      click_rate: the share of rows with a click.
      best_auc_roc: the auc_roc that the planted probabilities expect; none can expect more.
      best_logloss: their expected logloss in nats; none can expect less.
      best_normalized_entropy: that logloss over the entropy of the mean probability.
      realized_auc_roc: auc_roc of the planted probabilities on the labels drawn; None where only
        one class was drawn.
      realized_logloss: their logloss on the labels drawn, in nats.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator_version: int
    config: SyntheticConfig
    rows: int
    bytes: int
    file_bytes: int
    click_rate: float
    best_auc_roc: float
    best_logloss: float
    best_normalized_entropy: float
    realized_auc_roc: float | None
    realized_logloss: float


def summary_path(path: Path) -> Path:
    """Returns where the summary of a log is: `data.json` for `data.tsv` and for `data.tsv.gz`."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).with_suffix(".json")


def _cut(text: bytearray, max_rows: int, max_bytes: int) -> tuple[memoryview, int]:
    """Returns as many of the first lines of a block as fit both limits, and their number."""
    if max_rows >= BLOCK_ROWS and max_bytes >= len(text):
        return memoryview(text), BLOCK_ROWS
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE) + 1
    num_rows = min(max_rows, int(np.searchsorted(ends, max_bytes, side="right")))
    num_bytes = int(ends[num_rows - 1]) if num_rows else 0
    return memoryview(text)[:num_bytes], num_rows


def _write_rows(
    config: SyntheticConfig, sink: IO[bytes] | gzip.GzipFile
) -> tuple[int, int, LogitCounts]:
    """Writes the log to `sink`; returns the rows, the bytes and the counts by logit."""
    source = RowSource(config.seed, config.category_skew)
    pilot = source.block(PILOT_BLOCK)
    model = PlantedModel(config.seed, pilot, config.click_rate, config.logit_scale)
    writer = RowWriter(config.seed)
    counts = LogitCounts()
    max_rows = sys.maxsize if config.rows is None else config.rows
    max_bytes = sys.maxsize if config.megabytes is None else int(config.megabytes * 1e6)
    num_rows = num_bytes = 0
    for index in count():
        block = source.block(index)
        logits = model.logits(block)
        labels = model.labels(block, logits)
        text, kept = _cut(writer.text(block, labels), max_rows - num_rows, max_bytes - num_bytes)
        sink.write(text)
        counts.add(logits[:kept], labels[:kept])
        num_rows += kept
        num_bytes += len(text)
        report(f"synthetic click log: {num_rows:,} rows, {num_bytes / 1e6:,.0f} MB")
        if kept < BLOCK_ROWS or num_rows == max_rows:
            return num_rows, num_bytes, counts
    raise AssertionError("count() ended")


def _write_file(config: SyntheticConfig, path: Path, compressed: bool) -> Summary:
    with path.open("wb") as file:
        if compressed:
            with gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as sink:
                num_rows, num_bytes, counts = _write_rows(config, sink)
        else:
            num_rows, num_bytes, counts = _write_rows(config, file)
    if num_rows == 0:
        raise InputError(f"megabytes={config.megabytes} is less than one row takes")
    best_auc_roc, best_logloss = map(_rounded, counts.best())
    realized_auc_roc, realized_logloss = counts.realized()
    return Summary(
        generator_version=GENERATOR_VERSION,
        config=config,
        rows=num_rows,
        bytes=num_bytes,
        file_bytes=path.stat().st_size,
        click_rate=counts.click_rate,
        best_auc_roc=best_auc_roc,
        best_logloss=best_logloss,
        best_normalized_entropy=_rounded(counts.best_normalized_entropy()),
        realized_auc_roc=None if realized_auc_roc is None else _rounded(realized_auc_roc),
        realized_logloss=_rounded(realized_logloss),
    )


def _rounded(score: float) -> float:
    """Drops the last digits, in which one machine's sums and logarithms differ from another's."""
    return round(score, 9)


def _stored_summary(config: SyntheticConfig, path: Path) -> Summary | None:
    """Returns the summary of the log at `path` if it is the one that `config` would write."""
    try:
        summary = Summary.model_validate_json(summary_path(path).read_bytes())
        file_bytes = path.stat().st_size
    except (FileNotFoundError, ValidationError):
        return None
    same = (summary.generator_version, summary.config) == (GENERATOR_VERSION, config)
    return summary if same and summary.file_bytes == file_bytes else None


def write_click_log(config: SyntheticConfig, path: Path) -> Summary:
    """Writes a click log and its summary, unless they are there already.

    Args:
      config: which log.
      path: where to; a name that ends in `.gz` is compressed.

    Returns:
      The summary, also written as JSON to `summary_path(path)`.

    Raises:
      InputError: if the size holds no row, or the log would have the name of its summary.
      OSError: if the place cannot be written.
    """
    if summary_path(path) == path:
        raise InputError(f"{path}: the summary takes this name; name the log .tsv or .tsv.gz")
    stored = _stored_summary(config, path)
    if stored is not None:
        return stored
    path.parent.mkdir(parents=True, exist_ok=True)
    log, text = (p.with_name(f"{p.name}.{os.getpid()}.partial") for p in (path, summary_path(path)))
    try:
        summary = _write_file(config, log, compressed=path.suffix == ".gz")
        text.write_text(summary.model_dump_json(indent=2) + "\n")
        summary_path(path).unlink(missing_ok=True)
        log.replace(path)
        text.replace(summary_path(path))
    finally:
        log.unlink(missing_ok=True)
        text.unlink(missing_ok=True)
    return summary
