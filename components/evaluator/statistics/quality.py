"""All metrics of all variants, overall and by slice, with intervals and p-values."""

import os
from collections.abc import Callable, Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from components.evaluator.comparison import CalibrationBin, MetricResult, SliceResult
from components.evaluator.config import EvaluatorConfig
from components.evaluator.statistics.calibration import calibration_bins
from components.evaluator.statistics.overall import Measured, overall_results
from components.evaluator.statistics.prediction_reader import read_slice_keys
from components.evaluator.statistics.slices import slice_results
from components.evaluator.statistics.stage import Piece, measure_pieces
from components.evaluator.statistics.work import (
    BINS,
    ResamplesPiece,
    RowsPiece,
    SlicesPiece,
    resample_ranges,
)


class Quality(BaseModel):
    """The quality of one variant.

    Attributes:
      metrics: metric -> result, in the order of `measures.METRICS`.
      calibration_bins: of the first replica, by rising prediction.
      slices: by key and value, in natural order; those with `slices.min_rows` rows or more.
    """

    model_config = ConfigDict(frozen=True)

    metrics: dict[str, MetricResult]
    calibration_bins: tuple[CalibrationBin, ...]
    slices: tuple[SliceResult, ...]


def measure_quality(
    make_pipeline: Callable[[], beam.Pipeline],
    files: Sequence[str],
    replicas: Mapping[str, Sequence[str]],
    baseline: str,
    config: EvaluatorConfig,
) -> dict[str, Quality]:
    """Measures the variants on the same rows.

    Args:
      make_pipeline: makes the Beam pipeline that measures; it has run when this returns.
      files: Parquet files of predictions in name order, as `schemas.predictions` describes; both
        classes are among the labels. Workers leave their results in a folder beside them, which is
        gone in the end.
      replicas: variant -> its columns, all finite. All variants have the same number of them, and
        those at one place were trained with the same seed.
      baseline: the variant that the others are compared with.
      config: intervals, resamples, threshold and slices.

    Returns:
      Variant -> its quality, in the order of `replicas`.
    """
    pieces = _plan(tuple(files), replicas, baseline, config)
    folder = os.path.split(files[0])[0]
    found = measure_pieces(make_pipeline, list(pieces.values()), folder)
    tables = dict(zip(pieces, found, strict=True))
    measured = {
        name: Measured(
            [tables["rows", column, 0] for column in columns],
            [
                [tables["resamples", column, first] for first, _ in resample_ranges(config)]
                for column in columns
            ],
        )
        for name, columns in replicas.items()
    }
    metrics = overall_results(measured, baseline, config.confidence)
    of_slices = [table for (kind, _, _), table in tables.items() if kind == "slices"]
    slices = slice_results(of_slices, baseline, config.confidence)
    return {
        name: Quality(
            metrics=metrics[name],
            calibration_bins=_bins(tables["rows", columns[0], 0], config.confidence),
            slices=slices.get(name, ()),
        )
        for name, columns in replicas.items()
    }


# What a piece measures, of which column or key, and its first resample.
_Name = tuple[str, str, int]


def _plan(
    files: tuple[str, ...],
    replicas: Mapping[str, Sequence[str]],
    baseline: str,
    config: EvaluatorConfig,
) -> dict[_Name, Piece]:
    """Returns the pieces of work, the longest first."""
    columns = [column for group in replicas.values() for column in group]
    pieces: dict[_Name, Piece] = {}
    for column in columns:
        for first, count in resample_ranges(config):
            pieces["resamples", column, first] = ResamplesPiece(
                files, column, config.threshold, config.resample_seed, first, count
            )
    variants = sorted(
        ((name, tuple(group)) for name, group in replicas.items()),
        key=lambda variant: variant[0] != baseline,
    )
    for key in read_slice_keys(files[0]):
        pieces["slices", key, 0] = SlicesPiece(files, key, tuple(variants), config.slices.min_rows)
    for column in columns:
        pieces["rows", column, 0] = RowsPiece(files, column, config.threshold)
    return pieces


def _bins(rows: pa.Table, confidence: float) -> tuple[CalibrationBin, ...]:
    return calibration_bins(np.array(rows[BINS][0].as_py()).reshape(-1, 3), confidence)
