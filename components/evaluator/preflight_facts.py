"""What `comparison.json` says of the preflight for TPUs."""

import os

import tensorflow as tf
from pydantic import ValidationError

from components.errors import InputError
from components.preflight_result import (
    FILE_NAME,
    Cell,
    LargestBatch,
    Outcome,
    PreflightResult,
    Spread,
)
from schemas.step_config import StepConfig


class TpuStep(StepConfig):
    """The train step of a variant on a chip.

    Attributes:
      variant: its name.
      chip: likewise.
      batch_size: rows a step, over all devices.
      outcome: what came of the compile.
      hbm_bytes: of the memory of one device; None if it is not compiled.
      largest_batch: None if it was not looked for.
      lower_bound_seconds: no step can be faster; not a forecast. None if it is not compiled.
    """

    variant: str
    chip: str
    batch_size: int
    outcome: Outcome
    hbm_bytes: int | None
    largest_batch: LargestBatch | None
    lower_bound_seconds: float | None


class PreflightFacts(StepConfig):
    """All of them.

    Attributes:
      versions: package -> version of what exported and compiled.
      skipped: why nothing was compiled; empty if it was.
      num_chips: over how many devices a step is spread.
      spread: what lies in parts on them.
      hbm_bytes: chip -> what a program may have of its memory.
      steps: every variant on every chip.
    """

    versions: dict[str, str]
    skipped: str
    num_chips: int
    spread: Spread
    hbm_bytes: dict[str, int]
    steps: tuple[TpuStep, ...]


def read_preflight(uri: str) -> PreflightFacts:
    """Reads `preflight.json` in a folder.

    Raises:
      InputError: if the file is missing, or a field is missing, unknown or of the wrong type.
    """
    path = os.path.join(uri, FILE_NAME)
    try:
        with tf.io.gfile.GFile(path) as file:
            result = PreflightResult.model_validate_json(file.read())
    except (tf.errors.NotFoundError, ValidationError) as error:
        raise InputError(f"{path}: expected the result of a preflight: {error}") from error
    return PreflightFacts(
        versions=result.versions,
        skipped=result.skipped,
        num_chips=result.num_chips,
        spread=result.spread,
        hbm_bytes={name: facts.hbm_bytes for name, facts in result.chips.items()},
        steps=tuple(map(_step, result.cells)),
    )


def _step(cell: Cell) -> TpuStep:
    return TpuStep(
        variant=cell.variant,
        chip=cell.chip,
        batch_size=cell.batch_size,
        outcome=cell.outcome,
        hbm_bytes=cell.memory.total_bytes if cell.memory else None,
        largest_batch=cell.largest_batch,
        lower_bound_seconds=cell.work.lower_bound_seconds if cell.work else None,
    )
