"""The batch-size finder: speed, memory and quality against the batch size."""

from functools import partial

import tensorflow as tf

from components.errors import InputError
from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import with_values
from components.trainer.tuning.batch_size_measure import Measured, Measurement, measure
from components.trainer.tuning.batch_size_process import measure_in_process
from components.trainer.tuning.batch_size_rule import sizes_to_try, suggest, values_for
from components.trainer.tuning.config import BatchSizesConfig
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.memory import free_bytes
from components.trainer.tuning.results import BatchSizeResult, BatchSizes
from components.trainer.tuning.rows import TuningRows

_MEMORY_SHARE = 0.9


def compare_batch_sizes(
    config: TrainerConfig,
    rows: TuningRows,
    options: BatchSizesConfig,
    num_seeds: int,
    journal: Journal,
) -> BatchSizes:
    """Trains once with each batch size on all rows, from the smallest one on.

    So all have seen the same number of examples. The first size that does not fit into memory is
    the last one that is tried. On CPUs each training has a process of its own: its memory is that
    of one training, and if there is too little, the process is ended, not this one. GPUs and TPUs
    belong to this process already, and say themselves when they are full.

    Args:
      config: as configured.
      rows: to train and to evaluate on.
      options: of the comparison.
      num_seeds: each logloss is the mean of so many trainings.
      journal: keeps the result of each size.

    Raises:
      InputError: if no size could be trained.
    """
    sizes = sizes_to_try(config.batch_size, rows.num_train_rows, options)
    results: list[BatchSizeResult] = []
    for number, size in enumerate(sizes, start=1):
        name = f"batch size {size:,}, {number} of {len(sizes)}"
        values = values_for(size, config, options)
        measurement = Measurement(
            config=with_values(config, values), num_seeds=num_seeds, **vars(rows)
        )
        limit = options.max_memory_bytes
        key = f"{measurement.config.to_json()} {num_seeds} {limit}"
        measured = journal.recall(
            "batch-size", key, Measured, partial(_measure, measurement, limit, name)
        )
        result = BatchSizeResult(batch_size=size, values=values, **measured.model_dump())
        results.append(result)
        if result.out_of_memory:
            break
    suggestion = suggest(results, options.max_logloss_increase)
    if suggestion is None:
        tried = ", ".join(str(result.batch_size) for result in results)
        reasons = "; ".join(sorted({r.out_of_memory or "diverged" for r in results}))
        raise InputError(f"tuner.batch_sizes: none of {tried} could be trained: {reasons}")
    return BatchSizes(
        sizes=tuple(results),
        max_logloss_increase=options.max_logloss_increase,
        suggested=suggestion.batch_size,
    )


def _measure(measurement: Measurement, max_memory_bytes: int | None, name: str) -> Measured:
    report(name)
    kinds = {device.device_type for device in tf.config.list_logical_devices()}
    if kinds & {"GPU", "TPU"}:
        return measure(measurement)
    limit = max_memory_bytes or int(_MEMORY_SHARE * free_bytes())
    return measure_in_process(measurement, limit, name)
