"""A tiny transform graph and the rows that went through it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.features import Features, read_features, write_features
from components.parquet import write_table
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import find_files, read_rows
from components.trainer.model import Dlrm
from schemas.click_log import LABEL, MISSING_INTEGER
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.small_log import SmallLog, write_small_log
from tests.components.trainer.transform_graph import write_transform_graph

NUM_BUCKETS = 300
NUM_TRAIN_ROWS = 700
NUM_EVAL_ROWS = 300
VOCABULARY = [b"v0", b"v1", b"v2"]


@dataclass(frozen=True)
class TinySplits:
    """Folders on disk, and the raw eval rows as the tensors that the graph takes."""

    graph: Path
    train: Path
    eval: Path
    raw_eval: dict[str, np.ndarray]

    def make_network(self, config: TrainerConfig) -> Dlrm:
        """An untrained network for the graph's features."""
        features = read_features(str(self.graph))
        return make_dlrm(config, features.vocabulary_sizes, features.dense_width)


def labels_and_probabilities(network: Dlrm, splits: TinySplits) -> tuple[np.ndarray, np.ndarray]:
    """Of the eval split, float32 and float64 `[num_rows]`."""
    rows = [read_rows(path) for path in find_files([f"{splits.eval}/*"])]
    features = {
        DENSE: tf.constant(np.concatenate([r.dense for r in rows])),
        CATEGORICAL: tf.constant(np.concatenate([r.categorical for r in rows])),
    }
    probabilities = tf.sigmoid(network(features)).numpy().astype(float)
    return np.concatenate([r.label for r in rows]), probabilities


def _write_graph(folder: Path, vocabulary_path: Path) -> None:
    """C1 by a vocabulary file (3 values), all others by hash; integers by log1p."""

    def preprocessing_fn(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        integers = tf.stack([inputs[name] for name in DENSE_FEATURES], axis=1)
        missing = tf.equal(integers, MISSING_INTEGER)
        values = tf.math.log1p(tf.cast(tf.where(missing, 0 * integers, integers), tf.float32))
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary_path),
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        )
        table = tft.make_and_track_object(
            lambda: tf.lookup.StaticHashTable(initializer, -1), name="vocabulary"
        )
        ids = [table.lookup(inputs["C1"]) + 2] + [
            tf.strings.to_hash_bucket_fast(inputs[name], NUM_BUCKETS - 2) + 2
            for name in CATEGORICAL_FEATURES[1:]
        ]
        ids = [
            tf.where(inputs[name] == b"", tf.constant(0, tf.int64), column)
            for name, column in zip(CATEGORICAL_FEATURES, ids, strict=True)
        ]
        return {
            DENSE: tf.concat([values, tf.cast(missing, tf.float32)], axis=1),
            CATEGORICAL: tf.stack(ids, axis=1),
        }

    write_transform_graph(preprocessing_fn, CLICK_LOG, folder)
    sizes = dict.fromkeys(CATEGORICAL_FEATURES, NUM_BUCKETS) | {"C1": len(VOCABULARY) + 2}
    features = Features(
        click_log=CLICK_LOG, dense_width=2 * len(DENSE_FEATURES), vocabulary_sizes=sizes
    )
    write_features(str(folder), features)


def _make_rows(num_rows: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Rows whose label follows C1 and I1; every third value is missing."""
    rng = np.random.default_rng(seed)
    raw: dict[str, np.ndarray] = {}
    for name in DENSE_FEATURES:
        values = rng.integers(0, 50, num_rows)
        raw[name] = np.where(rng.random(num_rows) < 0.3, MISSING_INTEGER, values)
    for name in CATEGORICAL_FEATURES:
        values = [b"v%d" % value for value in rng.integers(0, 4, num_rows)]
        raw[name] = np.where(rng.random(num_rows) < 0.3, b"", np.array(values, object))
    click = 0.1 + 0.4 * (raw["C1"] == b"v1") + 0.4 * (raw["I1"] > 25)
    return raw, (rng.random(num_rows) < click).astype(np.float32)


def _write_split(graph: Path, folder: Path, raw: dict[str, np.ndarray], label: np.ndarray) -> None:
    """Writes two files of unequal size."""
    layer = tft.TFTransformOutput(str(graph)).transform_features_layer()
    transformed = layer({name: tf.constant(values) for name, values in raw.items()})
    dense = transformed[DENSE].numpy()
    ids = transformed[CATEGORICAL].numpy().astype(np.int32)
    table = pa.table(
        {
            DENSE: pa.FixedSizeListArray.from_arrays(pa.array(dense.ravel()), dense.shape[1]),
            CATEGORICAL: pa.FixedSizeListArray.from_arrays(pa.array(ids.ravel()), ids.shape[1]),
            LABEL: pa.array(label),
        }
    )
    folder.mkdir()
    cut = len(label) // 3
    write_table(table.slice(0, cut), str(folder / "a.parquet"))
    write_table(table.slice(cut), str(folder / "b.parquet"))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A generated log of 1,000 rows; no test changes it."""
    return write_small_log(tmp_path_factory.mktemp("log"))


@pytest.fixture(scope="session")
def tiny_splits(tmp_path_factory: pytest.TempPathFactory) -> TinySplits:
    """700 rows to train, 300 to evaluate, and the graph that transformed them."""
    root = tmp_path_factory.mktemp("tiny")
    vocabulary_path = root / "vocabulary.txt"
    vocabulary_path.write_bytes(b"\n".join(VOCABULARY) + b"\n")
    splits = TinySplits(
        root / "graph", root / "train", root / "eval", _make_rows(NUM_EVAL_ROWS, seed=2)[0]
    )
    _write_graph(splits.graph, vocabulary_path)
    vocabulary_path.unlink()
    _write_split(splits.graph, splits.train, *_make_rows(NUM_TRAIN_ROWS, seed=1))
    _write_split(splits.graph, splits.eval, *_make_rows(NUM_EVAL_ROWS, seed=2))
    return splits
