"""The one function that a study calls to be tracked."""

from pathlib import Path

import pyarrow as pa

from pipeline.study.outcome.read import read_study
from pipeline.study.tracking.hparams import write_hparams
from pipeline.study.tracking.mlflow import log_to_mlflow


def track(folder: Path, curves: pa.Table, finals: pa.Table, uri: str | None) -> None:
    """Writes a study for TensorBoard and, where asked, into an MLflow store.

    The study's command calls it with its `--tracking-uri` after `write_outcome`, so that the
    figures are there to be logged.

    Args:
      folder: the study's, where the tables and `figures/` are; `hparams/` goes into it.
      curves: a row a cell, seed and evaluation while training.
      finals: a row a cell.
      uri: an MLflow tracking URI, such as `sqlite:///runs/mlflow.db` or a server's; None for none.

    Raises:
      InputError: if there is a `uri` and MLflow is not installed, or it cannot be reached.
    """
    study = read_study(curves, finals)
    write_hparams(folder / "hparams", study)
    if uri is not None:
        log_to_mlflow(folder, study, uri)
