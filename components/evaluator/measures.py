"""What variants are compared by: the quality metrics, the costs, and which direction is better."""

import re
from typing import Literal, NamedTuple

Direction = Literal["lower", "higher", "nearer to 1"]


class Measure(NamedTuple):
    """One number of a variant.

    Attributes:
      name: as in `comparison.json`, in objectives and in constraints.
      title: for people.
      unit: `"bytes"`, `"s"`, `"ms"`, `"/s"`, `"nats"` or `""`.
      better: which values are better.
    """

    name: str
    title: str
    unit: str
    better: Direction


_METRICS = (
    Measure("auc_roc", "AUC ROC", "", "higher"),
    Measure("auc_pr", "AUC PR", "", "higher"),
    Measure("logloss", "logloss", "nats", "lower"),
    Measure("normalized_entropy", "normalized entropy", "", "lower"),
    Measure("calibration", "calibration", "", "nearer to 1"),
    Measure("expected_calibration_error", "expected calibration error", "", "lower"),
    Measure("brier_score", "Brier score", "", "lower"),
    Measure("accuracy", "accuracy", "", "higher"),
    Measure("precision", "precision", "", "higher"),
    Measure("recall", "recall", "", "higher"),
    Measure("f1", "F1", "", "higher"),
)
_COSTS = (
    Measure("embedding_bytes", "embeddings as served", "bytes", "lower"),
    Measure("serving_bytes", "exported model", "bytes", "lower"),
    Measure("training_bytes", "embeddings while training", "bytes", "lower"),
    Measure("num_parameters", "parameters", "", "lower"),
    Measure("train_seconds", "training", "s", "lower"),
    Measure("train_examples_per_second", "training speed", "/s", "higher"),
    Measure("seconds_to_target", "training to the target logloss", "s", "lower"),
)
# name -> Measure, in the order in which they are shown.
METRICS = {measure.name: measure for measure in _METRICS}
COSTS = {measure.name: measure for measure in _COSTS}

_BY_BATCH = re.compile(r"(latency_p50|latency_p99|examples_per_second)_batch([1-9][0-9]*)")


def find_measure(name: str) -> Measure | None:
    """Returns a metric, or a cost such as `serving_bytes` or `latency_p99_batch128`, or None."""
    known = {**METRICS, **COSTS}.get(name)
    found = _BY_BATCH.fullmatch(name)
    if known or not found:
        return known
    kind, batch_size = found.groups()
    if kind == "examples_per_second":
        return Measure(name, f"served rows at batch {batch_size}", "/s", "higher")
    return Measure(name, f"latency {kind[-3:]} at batch {batch_size}", "ms", "lower")


def batch_size_of(name: str) -> int | None:
    """Returns the batch size in the name of a cost, or None."""
    found = _BY_BATCH.fullmatch(name)
    return int(found.group(2)) if found else None
