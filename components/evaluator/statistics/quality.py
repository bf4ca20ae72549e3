"""All metrics of all variants, overall and by slice, with intervals and p-values."""

import os
from collections.abc import Callable, Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from components.evaluator.config import EvaluatorConfig
from components.evaluator.metric_result import CalibrationBin, MetricResult, SliceResult
from components.evaluator.statistics.calibration import calibration_bins
from components.evaluator.statistics.overall import Measured, overall_results
from components.evaluator.statistics.prediction_reader import read_slice_keys
from components.evaluator.statistics.slices import slice_results
from components.evaluator.statistics.stage import Piece, measure_pieces
from components.evaluator.statistics.work import (
    KEYS_PER_PIECE,
    REPLICA,
    RESAMPLES_PER_PIECE,
    MetricsPiece,
    SlicesPiece,
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
    slices = _slice_pieces(tuple(files), replicas, baseline, config)
    metrics = _metric_pieces(tuple(files), replicas, config)
    folder = os.path.split(files[0])[0]
    tables = measure_pieces(make_pipeline, [*slices, *metrics], folder)
    found = pa.concat_tables(tables[len(slices) :])
    measured = {
        name: Measured([found.filter(pc.equal(found[REPLICA], column)) for column in columns])
        for name, columns in replicas.items()
    }
    overall = overall_results(measured, baseline, config.confidence)
    of_slices = slice_results(tables[: len(slices)], baseline, config.confidence)
    return {
        name: Quality(
            metrics=overall[name],
            calibration_bins=calibration_bins(each.bins, config.confidence),
            slices=of_slices.get(name, ()),
        )
        for name, each in measured.items()
    }


def _metric_pieces(
    files: tuple[str, ...], replicas: Mapping[str, Sequence[str]], config: EvaluatorConfig
) -> list[Piece]:
    """Returns the pieces for all rows, in the order of the resamples."""
    columns = [column for group in replicas.values() for column in group]
    return [
        MetricsPiece(
            files,
            column,
            config.threshold,
            config.resample_seed,
            first,
            min(RESAMPLES_PER_PIECE, config.num_resamples - first),
        )
        for first in range(0, config.num_resamples, RESAMPLES_PER_PIECE)
        for column in columns
    ]


def _slice_pieces(
    files: tuple[str, ...],
    replicas: Mapping[str, Sequence[str]],
    baseline: str,
    config: EvaluatorConfig,
) -> list[Piece]:
    """Returns the pieces for the slices, in the order of their keys."""
    variants = sorted(
        ((name, tuple(group)) for name, group in replicas.items()),
        key=lambda variant: variant[0] != baseline,
    )
    return [
        SlicesPiece(files, keys, tuple(variants), config.slices.min_rows)
        for keys in _groups(read_slice_keys(files[0]), KEYS_PER_PIECE)
    ]


def _groups(names: Sequence[str], max_names: int) -> list[tuple[str, ...]]:
    """Cuts names into as few groups as possible, of about equal size."""
    num_groups = -(-len(names) // max_names)
    parts = np.array_split(np.arange(len(names)), num_groups) if names else []
    return [tuple(names[index] for index in part) for part in parts]
