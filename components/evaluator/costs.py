"""What a variant costs: bytes, time of training, latency."""

from collections.abc import Sequence

from components.evaluator.comparison import LatencyResult
from components.training_record import TrainingRecord


def variant_costs(
    records: Sequence[TrainingRecord],
    serving_bytes: int,
    latency: Sequence[LatencyResult],
    target_logloss: float | None,
) -> dict[str, float]:
    """Returns cost -> number, by the names of `measures`.

    What the replicas differ in is the mean over them. What is not known, or not of all replicas, is
    left out.

    Args:
      records: of the variant's replicas, one or more.
      serving_bytes: of the exported model's files.
      latency: by batch size; empty if it was not measured.
      target_logloss: of `seconds_to_target`, nats; None if there is none.
    """
    trainings = [record.embedding_training_bytes for record in records]
    to_target = [seconds_to_target(record, target_logloss) for record in records]
    costs = {
        "embedding_bytes": _mean([record.embedding_bytes for record in records]),
        "serving_bytes": float(serving_bytes),
        # A record of older code says 0.
        "training_bytes": _mean([num_bytes or None for num_bytes in trainings]),
        "num_parameters": _mean([record.num_parameters for record in records]),
        "train_seconds": _mean([record.train_seconds for record in records]),
        "train_examples_per_second": _mean([r.train_examples_per_second for r in records]),
        "seconds_to_target": _mean(to_target),
    }
    for result in latency:
        costs[f"latency_p50_batch{result.batch_size}"] = result.p50_ms
        costs[f"latency_p99_batch{result.batch_size}"] = result.p99_ms
        costs[f"examples_per_second_batch{result.batch_size}"] = result.examples_per_second
    return {name: cost for name, cost in costs.items() if cost is not None}


def seconds_to_target(record: TrainingRecord, target_logloss: float | None) -> float | None:
    """Returns how long a training took until an evaluation was as good as the target.

    That is the time of its steps, without evaluations. It is known no better than evaluations are
    frequent (`trainer.evals_per_epoch`).

    Args:
      record: of the training.
      target_logloss: nats; None if there is none.

    Returns:
      seconds; None without a target, or if no evaluation reached it.
    """
    if target_logloss is None:
        return None
    reached = (p.train_seconds for p in record.eval_curve if p.logloss <= target_logloss)
    return next(reached, None)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None
