"""Both models on the same rows: predictions, metrics with paired intervals, bytes."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import apache_beam as beam

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig, SlicesConfig
from components.evaluator.costs import variant_costs
from components.evaluator.predict import write_predictions
from components.evaluator.prediction_facts import PredictionFacts, read_prediction_facts
from components.evaluator.saved_model import folder_bytes
from components.evaluator.statistics.quality import measure_quality
from components.parquet import list_files
from components.training_record import TrainingRecord
from pipeline.compare.result import A, B, CostPair, MetricPair

_NO_SLICES = SlicesConfig(frequency_bands=False, missing=False, time=0)
# What does not depend on the machine of the day.
_COSTS = ("embedding_bytes", "serving_bytes", "training_bytes", "num_parameters")


class Measured(NamedTuple):
    """What the predictions say.

    Attributes:
      facts: of the rows.
      metrics: metric -> both models.
    """

    facts: PredictionFacts
    metrics: dict[str, MetricPair]


def measure(
    model_paths: Mapping[str, str],
    files: Sequence[str],
    transform_graph_uri: str,
    config: EvaluatorConfig,
    scratch_dir: str,
) -> Measured:
    """Predicts the rows with both models and measures.

    Args:
      model_paths: `A` and `B` -> the folder that holds `saved_model.pb`.
      files: Parquet files of raw rows, in name order.
      transform_graph_uri: the folder of a `features.json` that tells the layout of the rows.
      config: confidence, resamples, threshold and rows a call; its baseline and slices are set
        here.
      scratch_dir: an existing folder for the predictions.

    Raises:
      InputError: if the rows have labels of one class only, or a model predicts what is not a
        number.
    """
    config = config.model_copy(update={"baseline": A, "slices": _NO_SLICES})
    output_dir = os.path.join(scratch_dir, "predictions")
    write_predictions(
        beam.Pipeline, files, "", transform_graph_uri, model_paths, output_dir, config
    )
    predicted = list_files(output_dir)
    facts = read_prediction_facts(predicted)
    if facts.diverged:
        names = " and ".join(sorted(facts.diverged))
        raise InputError(f"the model of run {names} predicts values that are not numbers")
    replicas = {name: [name] for name in model_paths}
    found = measure_quality(beam.Pipeline, predicted, replicas, A, config)
    a, b = found[A].metrics, found[B].metrics
    return Measured(facts, {name: MetricPair(a=a[name].estimate, b=b[name]) for name in b})


def costs(
    records: Mapping[str, TrainingRecord], model_paths: Mapping[str, str]
) -> dict[str, CostPair]:
    """Returns the sizes of both models.

    Args:
      records: `A` and `B` -> what the trainer wrote.
      model_paths: likewise -> the folder that holds `saved_model.pb`.
    """
    of_run = {
        name: variant_costs([records[name]], folder_bytes(path), (), None)
        for name, path in model_paths.items()
    }
    return {
        name: CostPair(a=of_run[A].get(name), b=of_run[B].get(name))
        for name in _COSTS
        if name in of_run[A] or name in of_run[B]
    }
