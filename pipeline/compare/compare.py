"""The comparison of two runs, from their root folders to the answer."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig
from components.evaluator.saved_model import check_raw_signature
from components.example_gen.config import ExampleGenConfig
from components.features import Features, read_features
from components.parquet import list_files
from components.training_record import TrainingRecord, read_training_record
from pipeline.compare.changes import find_changes
from pipeline.compare.chosen import ChosenModel, find_chosen
from pipeline.compare.fields import RunData, code_fields, config_fields, run_data
from pipeline.compare.measure import costs, measure
from pipeline.compare.overlap import RowsOrigin, overlap_warning
from pipeline.compare.result import A, B, Rows, RunComparison, Side
from pipeline.compare.rows import check_same_columns, decode_log, eval_files, eval_uri
from pipeline.compare.sentence import plain_sentence
from pipeline.lineage.steps import step_config
from pipeline.lineage.store import read_snapshot
from pipeline.lineage.views import iso_time
from schemas.click_log import ClickLog

# The folder of the SavedModel in TFX's Model artifact.
_MODEL_FOLDER = "Format-Serving"
_EVALUATOR = "Evaluator"
# Of the Evaluator's configuration, what the measuring depends on.
_MEASURED_BY = ("batch_size", "confidence", "num_resamples", "resample_seed", "threshold")


class Log(NamedTuple):
    """A log to compare on, in place of an eval split.

    Attributes:
      pattern: of the raw files.
      click_log: their layout; None takes that of the newer run.
    """

    pattern: str
    click_log: ClickLog | None = None


class _Run(NamedTuple):
    """One of the two runs, with what lies in its artifacts."""

    name: str
    chosen: ChosenModel
    features: Features
    record: TrainingRecord
    data: RunData

    @classmethod
    def read(cls, name: str, root: Path, run_id: str | None) -> "_Run":
        chosen = find_chosen(read_snapshot(root), root, run_id)
        features = _read_features(chosen)
        record = read_training_record(chosen.model_run.uri)
        return cls(name, chosen, features, record, run_data(chosen, features))

    @property
    def model_path(self) -> str:
        return os.path.join(self.chosen.model.uri, _MODEL_FOLDER)

    @property
    def side(self) -> Side:
        run = self.chosen.run
        return Side(
            root=str(self.chosen.root),
            run_id=run.id,
            started=iso_time(run.created_ms),
            variant=self.chosen.variant,
            model_id=self.chosen.model.id,
            model_path=self.model_path,
        )


def _read_features(chosen: ChosenModel) -> Features:
    try:
        return read_features(chosen.transform_graph.uri)
    except tf.errors.NotFoundError as error:
        raise InputError(
            f"--root {chosen.root}: the transform graph of run {chosen.run.id} is gone: "
            f"{error.message}"
        ) from error


class _Prepared(NamedTuple):
    """Rows on disk."""

    files: list[str]
    origin: RowsOrigin
    source: str
    uri: str
    weight_column: str | None
    num_rejected: int = 0


def compare(
    roots: tuple[Path, Path],
    run_ids: tuple[str | None, str | None] = (None, None),
    on: str | None = None,
    log: Log | None = None,
) -> RunComparison:
    """Compares the chosen models of two runs on the same rows.

    Args:
      roots: of run A and of run B; they may be the same.
      run_ids: of the runs, or their first characters; None takes the newest that has compared its
        variants.
      on: `A` or `B`: whose eval split; None takes the newer run's.
      log: the rows, in place of an eval split.

    Raises:
      InputError: if a run is unknown, chose nothing or is both, the models take different columns,
        or the rows do not suit; `NoMetadataError` if a root has no database.
    """
    a, b = (_Run.read(*of) for of in zip((A, B), roots, run_ids, strict=True))
    if a.chosen.model.uri == b.chosen.model.uri:
        raise InputError(
            f"runs {a.chosen.run.id} and {b.chosen.run.id} chose the same model, {a.model_path}: "
            "name two runs with --run, or two roots"
        )
    layouts = {f"run {run.name}": run.features.click_log for run in (a, b)}
    check_same_columns(layouts)
    for run, layout in zip((a, b), layouts.values(), strict=True):
        columns = {*layout.dense_features, *layout.categorical_features}
        check_raw_signature(f"{run.chosen.variant} of run {run.name}", run.model_path, columns)
    newer = max(b, a, key=lambda run: run.chosen.run.created_ms)
    owner = {A: a, B: b}.get(on or "", newer)
    with tempfile.TemporaryDirectory() as scratch_dir:
        rows = _log_rows(log, owner, scratch_dir) if log else _split_rows(owner, owner is newer)
        return _measured(a, b, owner, rows, scratch_dir, is_log=log is not None)


def _split_rows(owner: _Run, is_newer: bool) -> _Prepared:
    age = "newer" if is_newer else "older"
    origin = RowsOrigin(owner.data.files, owner.data.fingerprint, owner.data.split)
    source = f"the eval split of run {owner.name}, the {age} one"
    weight = owner.features.click_log.weight
    return _Prepared(eval_files(owner.chosen), origin, source, eval_uri(owner.chosen), weight)


def _log_rows(log: Log, owner: _Run, scratch_dir: str) -> _Prepared:
    of_run = owner.features.click_log
    click_log = log.click_log or of_run
    check_same_columns({f"run {owner.name}": of_run, f"the log {log.pattern}": click_log})
    folder = os.path.join(scratch_dir, "rows")
    Path(folder).mkdir()
    decoded = decode_log(log.pattern, click_log, folder, ExampleGenConfig())
    files = list_files(folder)
    source = f"the log {log.pattern}"
    origin = RowsOrigin(decoded.files)
    return _Prepared(files, origin, source, log.pattern, click_log.weight, decoded.num_rejected)


def _measured(
    a: _Run, b: _Run, owner: _Run, rows: _Prepared, scratch_dir: str, is_log: bool
) -> RunComparison:
    config = _evaluator_config(owner.chosen)
    paths = {A: a.model_path, B: b.model_path}
    measured = measure(paths, rows.files, owner.chosen.transform_graph.uri, config, scratch_dir)
    sizes = costs({A: a.record, B: b.record}, paths)
    judged = [run for run in (a, b) if is_log or run is not owner]
    warnings = (overlap_warning(rows.origin, run.name, run.data) for run in judged)
    facts = measured.facts
    same_method = a.record.method == b.record.method
    return RunComparison(
        a=a.side,
        b=b.side,
        config_changes=find_changes(*(config_fields(r.chosen, r.record.config) for r in (a, b))),
        code_changes=find_changes(*(code_fields(r.chosen, same_method) for r in (a, b))),
        data_changes=find_changes(a.data.fields, b.data.fields),
        rows=Rows(
            source=rows.source,
            uri=rows.uri,
            num_rows=facts.num_rows,
            num_clicks=facts.num_clicks,
            num_rejected=rows.num_rejected,
            weight_column=rows.weight_column,
        ),
        warnings=tuple(filter(None, warnings)),
        confidence=config.confidence,
        metrics=measured.metrics,
        costs=sizes,
        sentence=plain_sentence(measured.metrics, sizes, facts.num_rows, config.confidence),
    )


def _evaluator_config(chosen: ChosenModel) -> EvaluatorConfig:
    """Returns how the run itself measured."""
    own: Mapping[str, Any] = step_config(chosen.steps[_EVALUATOR])
    return EvaluatorConfig.model_validate({k: own[k] for k in _MEASURED_BY if k in own})
