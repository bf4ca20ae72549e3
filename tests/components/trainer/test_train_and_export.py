from pathlib import Path

import pytest
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.train_and_export import train_and_export
from components.training_record import read_training_record
from schemas.serving import RAW_FEATURES, SERVING_DEFAULT
from tests.components.trainer.conftest import NUM_EVAL_ROWS, NUM_TRAIN_ROWS, TinySplits


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
    bottom = (26 * 64 + 64) + (64 * 32 + 32) + (32 * 16 + 16)
    top = ((16 + 351) * 256 + 256) + (256 * 64 + 64) + (64 + 1)
    assert written.num_parameters == (25 * 75 + 5) * 16 + bottom + top
    assert (written.variant, written.method, written.seed) == ("hash_3", "hashing", 5)
    assert (written.train_rows, written.eval_rows) == (NUM_TRAIN_ROWS, NUM_EVAL_ROWS)
    assert TrainerConfig(**written.config) == config
    assert 0.3 < written.eval_logloss < 0.8
    loaded = tf.saved_model.load(str(tmp_path / "serving"))
    assert set(loaded.signatures) == {SERVING_DEFAULT, RAW_FEATURES}


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
