"""A log of three features whose networks are traced and compiled in a moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.features import Features, write_features
from components.parquet import read_table, write_table
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import find_files, read_rows
from components.trainer.model import Dlrm
from schemas.click_log import LABEL, WEIGHT
from schemas.criteo import CLICK_LOG
from schemas.transformed import CATEGORICAL, DENSE

NUM_TRAIN_ROWS = 700
NUM_EVAL_ROWS = 300
CONFIG = TrainerConfig(bottom_mlp=(8,), top_mlp=(8,), embedding_dim=4, batch_size=64, epochs=2)
_SIZES = {"C1": 300, "C2": 5}
_DENSE_WIDTH = 3


@dataclass(frozen=True)
class SmallLog:
    """Transformed rows on disk, two files of unequal size a split, and their `features.json`."""

    features_dir: str
    train_files: list[str]
    eval_files: list[str]


def write_small_log(folder: Path) -> SmallLog:
    """Writes rows whose label follows the first dense feature and C2."""
    folder.mkdir(parents=True, exist_ok=True)
    features = Features(click_log=CLICK_LOG, dense_width=_DENSE_WIDTH, vocabulary_sizes=_SIZES)
    write_features(str(folder), features)
    _write_split(folder / "train", NUM_TRAIN_ROWS, seed=1)
    _write_split(folder / "eval", NUM_EVAL_ROWS, seed=2)
    return find_small_log(folder)


def find_small_log(folder: Path) -> SmallLog:
    """Finds what `write_small_log` wrote."""
    train_files, eval_files = (find_files([f"{folder}/{name}/*"]) for name in ("train", "eval"))
    return SmallLog(str(folder), train_files, eval_files)


def _write_split(folder: Path, num_rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(num_rows, _DENSE_WIDTH)).astype(np.float32)
    ids = np.stack([rng.integers(0, size, num_rows) for size in _SIZES.values()], axis=1)
    click = 0.1 + 0.4 * (dense[:, 0] > 0) + 0.4 * (ids[:, 1] == 3)
    label = (rng.random(num_rows) < click).astype(np.float32)
    table = pa.table(
        {
            DENSE: pa.FixedSizeListArray.from_arrays(pa.array(dense.ravel()), dense.shape[1]),
            CATEGORICAL: pa.FixedSizeListArray.from_arrays(
                pa.array(ids.ravel().astype(np.int32)), ids.shape[1]
            ),
            LABEL: pa.array(label),
        }
    )
    folder.mkdir()
    write_table(table.slice(0, num_rows // 3), str(folder / "a.parquet"))
    write_table(table.slice(num_rows // 3), str(folder / "b.parquet"))


def with_weights(files: Sequence[str], folder: Path) -> list[str]:
    """Writes the files again, with weights of 0.25 to 4 that go with the number of the row."""
    folder.mkdir(parents=True)
    paths = [str(folder / Path(path).name) for path in files]
    for source, path in zip(files, paths, strict=True):
        table = read_table(source)
        weight = np.array([0.25, 1.0, 4.0], np.float32)[np.arange(table.num_rows) % 3]
        write_table(table.append_column(WEIGHT, pa.array(weight)), path)
    return paths


def make_network(config: TrainerConfig) -> Dlrm:
    """An untrained network for these rows."""
    return make_dlrm(config, _SIZES, _DENSE_WIDTH)


def labels_and_logits(network: Dlrm, files: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Of all rows of the files, float32 and float64 `[num_rows]`."""
    rows = [read_rows(path) for path in files]
    features = {
        DENSE: tf.constant(np.concatenate([r.dense for r in rows])),
        CATEGORICAL: tf.constant(np.concatenate([r.categorical for r in rows])),
    }
    return np.concatenate([r.label for r in rows]), network(features).numpy().astype(float)
