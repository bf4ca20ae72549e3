"""All variants on all chips."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

import numpy as np

from components.errors import InputError
from components.preflight_result import Cell, ChipFacts, Model, PreflightResult
from components.trainer.config import TrainerConfig
from components.trainer.exported_step import ExportedStep, export_step
from components.trainer.method_stack import make_embeddings, resolve_size
from components.trainer.preflight.check import check_variant
from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.compile_process import Compilation, compile_in_process
from components.trainer.preflight.config import PreflightConfig
from components.trainer.tpu_tables import check_trained_on_tpus


def check_all(
    trainers: Mapping[str, TrainerConfig], model: Model, config: PreflightConfig, python: Path
) -> Iterator[PreflightResult]:
    """Yields what is known after each variant.

    Args:
      trainers: variant -> its configuration. One whose device is `tpu` is held to what the trainer
        can do there, too.
      model: what the variants have in common.
      config: for what they are compiled.
      python: the interpreter of the compiler's environment.

    Raises:
      InputError: if a variant's configuration does not suit the features, or TPUs, if it is to be
        trained there; or the compiler's environment is missing or not the expected one.
    """
    versions = {"tensorflow": metadata.version("tensorflow")}
    sizes = model.vocabulary_sizes

    def export(variant: TrainerConfig, batch_size: int) -> ExportedStep:
        rows_are_spread = config.spread == "rows"
        of_log = sizes, model.dense_width
        return export_step(variant, *of_log, batch_size, config.num_chips, rows_are_spread)

    def compile_step(step: ExportedStep, chip: str, keep_text: bool) -> Compilation:
        done = compile_in_process(step.program, step.manifest, chip, python, keep_text)
        versions.update(done.versions)
        return done

    cells: list[Cell] = []
    for name, trainer in trainers.items():
        try:
            resolved = resolve_size(trainer, sizes)
            if trainer.device == "tpu":
                embeddings = make_embeddings(resolved, sizes, np.random.SeedSequence(0))
                check_trained_on_tpus(embeddings, resolved)
        except InputError as error:
            raise InputError(f"variant {name}: {error}") from error
        batch_size = config.batch_size or trainer.batch_size
        limits = config.chips, batch_size, config.max_batch_size
        cells += check_variant(resolved, *limits, export, compile_step, config.num_processes)
        yield make_result(model, config, versions, cells)


def make_result(
    model: Model,
    config: PreflightConfig,
    versions: Mapping[str, str],
    cells: list[Cell],
    skipped: str = "",
) -> PreflightResult:
    """Returns a result, made now.

    Args:
      model: what the variants have in common.
      config: for what they were compiled.
      versions: package -> version of what exported and compiled.
      cells: what came of them.
      skipped: why nothing was compiled.
    """
    facts = ChipFacts.model_fields
    return PreflightResult(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        versions=dict(versions),
        skipped=skipped,
        num_chips=config.num_chips,
        spread=config.spread,
        model=model,
        chips={
            chip: ChipFacts(**{field: getattr(CHIPS[chip], field) for field in facts})
            for chip in config.chips
        },
        cells=tuple(cells),
    )
