import math
from pathlib import Path

import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from components.trainer import train_and_export as module
from components.trainer.config import TrainerConfig
from components.trainer.loop.divergence import DivergedError
from components.trainer.serving import ServedModel
from components.trainer.train_and_export import train_and_export
from components.training_record import TrainingRecord, read_training_record
from schemas.serving import RAW_FEATURES, SERVING_DEFAULT
from tests.components.trainer.conftest import (
    NUM_EVAL_ROWS,
    NUM_TRAIN_ROWS,
    TinySplits,
    labels_and_probabilities,
)
from tests.components.trainer.small_log import CONFIG, SmallLog, write_small_log


def test_model_and_training_file_are_written(tiny_splits: TinySplits, tmp_path: Path) -> None:
    config = TrainerConfig(variant="hash_3", embedding={"method": "hashing"}, seed=5)
    returned = train_and_export(
        config,
        [f"{tiny_splits.train}/*"],
        [f"{tiny_splits.eval}/*"],
        str(tiny_splits.graph),
        str(tmp_path / "serving"),
        str(tmp_path / "run"),
    )
    written = read_training_record(str(tmp_path / "run"))
    assert written == returned
    # 25 features of 300 ids in 75 buckets, C1 with 5 ids in a full table; width 16, 4 bytes.
    assert written.embedding_bytes == (25 * 75 + 5) * 16 * 4
    assert written.table_bytes == {"C1": 5 * 64, **{f"C{n}": 75 * 64 for n in range(2, 27)}}
    bottom = (26 * 64 + 64) + (64 * 32 + 32) + (32 * 16 + 16)
    top = ((16 + 351) * 256 + 256) + (256 * 64 + 64) + (64 + 1)
    assert written.num_parameters == (25 * 75 + 5) * 16 + bottom + top
    assert (written.variant, written.method, written.seed) == ("hash_3", "hashing", 5)
    assert (written.train_rows, written.eval_rows) == (NUM_TRAIN_ROWS, NUM_EVAL_ROWS)
    assert TrainerConfig(**written.config) == config
    assert 0.3 < written.eval_logloss < 0.8
    loaded = tf.saved_model.load(str(tmp_path / "serving"))
    assert set(loaded.signatures) == {SERVING_DEFAULT, RAW_FEATURES}
    assert list((tmp_path / "run" / "logs" / "train").glob("events.out.tfevents.*"))


def test_the_logloss_and_the_bytes_are_those_of_the_model_as_served(
    tiny_splits: TinySplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported: list[ServedModel] = []
    monkeypatch.setattr(module, "export", lambda model, _: exported.append(model))
    config = TrainerConfig(embedding={"method": "hashing + int8"}, compression_ratio=8.0)
    record = train_and_export(
        config,
        [f"{tiny_splits.train}/*"],
        [f"{tiny_splits.eval}/*"],
        str(tiny_splits.graph),
        str(tmp_path / "serving"),
        str(tmp_path / "run"),
    )
    # A table of 5 ids stays exact.
    full = (25 * 300 + 5) * 16 * 4
    assert record.embedding_bytes == pytest.approx(full / 8, rel=0.05)
    resolved = TrainerConfig(**record.config)
    [ratio] = {o["compression_ratio"] for o in resolved.embedding.options.values() if o}
    num_rows = 25 * math.ceil(300 / ratio) + 5
    # Rows of 16 float32, as many accumulators, and no other slot.
    assert record.embedding_training_bytes == num_rows * 16 * 4 * 2
    labels, probabilities = labels_and_probabilities(exported[0]._network, tiny_splits)
    assert record.eval_logloss == pytest.approx(log_loss(labels, probabilities), rel=1e-4)


def test_a_failed_run_leaves_no_training_file(tiny_splits: TinySplits, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        train_and_export(
            TrainerConfig(),
            [f"{tiny_splits.train}/*"],
            [f"{tmp_path}/absent/*"],
            str(tiny_splits.graph),
            str(tmp_path / "serving"),
            str(tmp_path / "run"),
        )
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    return write_small_log(tmp_path_factory.mktemp("small"))


def run_small(log: SmallLog, folder: Path, **options: object) -> TrainingRecord:
    """Trains on 700 rows in batches of 128, six steps; `fields` are of the configuration."""
    fields = {**CONFIG.model_dump(), "epochs": 1, "batch_size": 128, **options.pop("fields")}
    return train_and_export(
        TrainerConfig.model_validate(fields),
        log.train_files,
        log.eval_files,
        log.features_dir,
        str(folder / "serving"),
        str(folder / "run"),
        **options,
    )


@pytest.fixture
def no_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing a SavedModel takes most of a short run."""
    monkeypatch.setattr(module, "ServedModel", lambda *unused: None)
    monkeypatch.setattr(module, "export", lambda *unused: None)


@pytest.mark.usefixtures("no_export")
def test_validation_rows_are_not_trained_on_and_checkpoints_go(
    small_log: SmallLog, tmp_path: Path
) -> None:
    fields = {
        "validation_fraction": 0.2,
        "evals_per_epoch": 2,
        "early_stopping": {"patience": 5},
        "checkpoint_steps": 2,
    }
    root = tmp_path / "checkpoints"
    record = run_small(small_log, tmp_path, fields=fields, checkpoints_root=str(root))
    assert (record.train_rows, record.validation_rows) == (560, 140)
    assert record.train_steps == 5
    assert record.loss_curve[-1].examples == 560
    assert record.eval_curve_rows == "validation"
    assert [point.step for point in record.eval_curve] == [3, 5]
    assert record.checkpoint_seconds > 0
    assert not list(root.iterdir())


@pytest.mark.usefixtures("no_export")
def test_an_evaluation_after_the_last_step_is_not_repeated(
    small_log: SmallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "evaluate", None)
    record = run_small(small_log, tmp_path, fields={"evals_per_epoch": 1})
    assert record.eval_curve_rows == "eval"
    assert record.eval_logloss == record.eval_curve[-1].logloss


class DiskFullError(Exception):
    """What a training could not know."""


@pytest.mark.usefixtures("no_export")
def test_a_run_that_failed_later_goes_on_from_its_checkpoint(
    small_log: SmallLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*unused: object) -> None:
        raise DiskFullError

    root = tmp_path / "checkpoints"
    options = {"fields": {"checkpoint_steps": 4}, "checkpoints_root": str(root)}
    with monkeypatch.context() as patch, pytest.raises(DiskFullError):
        patch.setattr(module, "export", fail)
        run_small(small_log, tmp_path / "failed", **options, code_version="1")
    [left] = root.iterdir()
    # Other code starts anew, and leaves these checkpoints alone.
    other = run_small(small_log, tmp_path / "other", **options, code_version="2")
    assert other.resumed_steps == ()
    assert list(root.iterdir()) == [left]
    again = run_small(small_log, tmp_path / "again", **options, code_version="1")
    assert again.resumed_steps == (4,)
    assert again.loss_curve == other.loss_curve
    assert again.eval_logloss == other.eval_logloss
    assert not list(root.iterdir())


def test_a_diverged_training_exports_nothing_and_leaves_no_checkpoint(
    small_log: SmallLog, tmp_path: Path
) -> None:
    fields = {
        "checkpoint_steps": 1,
        "dense_optimizer": {"name": "sgd", "learning_rate": 1e38},
    }
    root = tmp_path / "checkpoints"
    with pytest.raises(DivergedError, match=r"at step [23], where"):
        run_small(small_log, tmp_path, fields=fields, checkpoints_root=str(root))
    assert not list(root.iterdir())
    assert not (tmp_path / "serving").exists()
    assert not (tmp_path / "run" / "training.json").exists()
