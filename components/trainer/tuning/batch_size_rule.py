"""How learning rates follow the batch size, and which batch size is suggested."""

import math
from collections.abc import Sequence
from typing import Any

from components.trainer.config import TrainerConfig
from components.trainer.tuning.config import BatchSizesConfig, Scaling
from components.trainer.tuning.results import BatchSizeResult

_LEAST_STEPS = 10
_SCALINGS: dict[str, Scaling] = {
    "sgd": "linear",
    "adam": "sqrt",
    "adagrad": "fixed",
    "rowwise_adagrad": "fixed",
}


def sizes_to_try(configured: int, num_rows: int, options: BatchSizesConfig) -> list[int]:
    """Returns the batch sizes, ascending: doubles of the first one, and the configured one.

    None above a tenth of the rows, unless it is the configured one: a few steps train nothing.
    """
    highest = min(options.max_batch_size, num_rows // _LEAST_STEPS)
    sizes = {configured}
    size = options.min_batch_size
    while size <= highest:
        sizes.add(size)
        size *= 2
    return sorted(sizes)


def values_for(batch_size: int, config: TrainerConfig, options: BatchSizesConfig) -> dict[str, Any]:
    """Returns dotted path -> value: the batch size, and the learning rates that go with it."""
    ratio = batch_size / config.batch_size
    values: dict[str, Any] = {"batch_size": batch_size}
    for part in ("dense_optimizer", "embedding_optimizer"):
        optimizer = getattr(config, part)
        scaling = options.learning_rate_scaling
        if scaling == "auto":
            scaling = _SCALINGS[optimizer.name]
        values[f"{part}.learning_rate"] = optimizer.learning_rate * _factor(scaling, ratio)
    return values


def _factor(scaling: Scaling, ratio: float) -> float:
    return {"fixed": 1.0, "sqrt": math.sqrt(ratio), "linear": ratio}[scaling]


def suggest(
    results: Sequence[BatchSizeResult], max_logloss_increase: float
) -> BatchSizeResult | None:
    """Returns the fastest of the batch sizes whose logloss is near the lowest; None without any."""
    loglosses = [result.logloss for result in results if result.logloss is not None]
    near = [
        result
        for result in results
        if result.logloss is not None and result.logloss <= min(loglosses) + max_logloss_increase
    ]
    return max(near, key=lambda result: result.train_examples_per_second or 0.0, default=None)
