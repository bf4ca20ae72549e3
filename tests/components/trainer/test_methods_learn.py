"""Every method learns what ids do, and serves it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from components.parquet import write_table
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.loop.training import train
from components.trainer.registry import known_methods
from schemas.click_log import LABEL
from schemas.transformed import CATEGORICAL
from tests.components.trainer.small_log import labels_and_logits

pytestmark = pytest.mark.slow

NUM_TRAIN_ROWS = 4_000
NUM_EVAL_ROWS = 1_000
SIZES = {"user": 400, "item": 50}
_RATE = {"learning_rate": 0.1}
_CONFIG = {"bottom_mlp": (8,), "top_mlp": (16,), "embedding_dim": 16, "batch_size": 64, "epochs": 2}
_CONFIG |= {"dense_optimizer": _RATE, "embedding_optimizer": _RATE}


def _write_rows(path: Path, num_rows: int, seed: int) -> str:
    """Users of falling frequency, of whom about every second clicks nearly always; no more."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, SIZES["user"] + 1)
    users = rng.choice(SIZES["user"], num_rows, p=weights / weights.sum())
    items = rng.integers(SIZES["item"], size=num_rows)
    clicks_often = np.random.default_rng(0).random(SIZES["user"]) < 0.5
    label = rng.random(num_rows) < np.where(clicks_often[users], 0.9, 0.1)
    ids = np.stack([users, items], axis=1).astype(np.int32)
    table = pa.table(
        {
            CATEGORICAL: pa.FixedSizeListArray.from_arrays(pa.array(ids.ravel()), len(SIZES)),
            LABEL: pa.array(label.astype(np.float32)),
        }
    )
    write_table(table, str(path))
    return str(path)


def logloss(labels: np.ndarray, logits: np.ndarray | float) -> float:
    return float(np.mean(np.logaddexp(0, logits) - labels * logits))


@pytest.mark.parametrize("method", known_methods())
def test_two_epochs_beat_a_constant_predictor_on_other_rows(method: str, tmp_path: Path) -> None:
    train_file = _write_rows(tmp_path / "train.parquet", NUM_TRAIN_ROWS, seed=1)
    eval_file = _write_rows(tmp_path / "eval.parquet", NUM_EVAL_ROWS, seed=2)
    config = TrainerConfig.model_validate(_CONFIG | {"embedding": {"method": method}})
    network = make_dlrm(config, SIZES, dense_width=0)
    train(network, config, [train_file], NUM_TRAIN_ROWS)
    labels, logits = labels_and_logits(network.served(), [eval_file])
    # The best constant of all, which nobody knows before.
    click_rate = labels.mean()
    constant = logloss(labels, np.log(click_rate / (1 - click_rate)))
    assert logloss(labels, logits) < constant - 0.05
