"""The preflight of a run: before anything is trained, whether it would compile and fit."""

import os
from collections.abc import Mapping
from pathlib import Path

from components.errors import InputError
from components.features import read_features
from components.files import write_text
from components.preflight_result import FILE_NAME, Cell, Model, PreflightResult
from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.preflight.check_all import check_all, make_result
from components.trainer.preflight.config import PreflightConfig

_STOPPING = {
    "does_not_export": "cannot be exported",
    "does_not_compile": "does not compile",
    "does_not_fit": "does not fit",
}


def run_step(
    trainers: Mapping[str, TrainerConfig],
    config: PreflightConfig,
    transform_graph_uri: str,
    result_uri: str,
    python: Path,
) -> PreflightResult:
    """Compiles the train steps and writes `preflight.json`, anew after each variant.

    A crash of the compiler says nothing about a variant: it is written down and stops nothing.

    Args:
      trainers: variant -> its configuration.
      config: for what they are compiled.
      transform_graph_uri: whose ids and dense features are trained on.
      result_uri: the folder of the result.
      python: the interpreter of the compiler's environment.

    Returns:
      what was written.

    Raises:
      InputError: if a variant does not compile or fit, or the environment is required and missing.
    """
    features = read_features(transform_graph_uri)
    widths = {trainer.embedding_dim for trainer in trainers.values()}
    model = Model(
        source="Transform",
        vocabulary_sizes=features.vocabulary_sizes,
        dense_width=features.dense_width,
        embedding_dim=max(widths),
    )
    path = os.path.join(result_uri, FILE_NAME)
    if not python.exists():
        missing = f"no TPU compiler at {python}: `make preflight` sets it up"
        if config.required:
            raise InputError(f"preflight.required: {missing}")
        report(f"skipped: {missing}")
        result = make_result(model, config, {}, [], skipped=missing)
        write_text(path, result.model_dump_json(indent=1) + "\n")
        return result
    for result in check_all(trainers, model, config, python):
        write_text(path, result.model_dump_json(indent=1) + "\n")
    stopping = [cell for cell in result.cells if cell.outcome in _STOPPING]
    if stopping:
        raise InputError("\n".join(map(_sentence, stopping)))
    return result


def _sentence(cell: Cell) -> str:
    """What is wrong with a variant on a chip, where, and what usually helps."""
    assert cell.cause is not None
    place = cell.cause.place
    where = ", ".join(text for text in (place.layer, place.file) if text)
    [first, *_] = cell.cause.message.splitlines() or [""]
    return (
        f"variant {cell.variant} {_STOPPING[cell.outcome]} on {cell.chip} at "
        f"{cell.batch_size:,} rows a step{f' ({where})' if where else ''}: {first}; usual cure: "
        f"{cell.cause.cure}"
    )
