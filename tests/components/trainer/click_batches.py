"""Batches of made-up clicks, and a network for them."""

import numpy as np
import tensorflow as tf

from components.trainer.config import TrainerConfig
from schemas.transformed import CATEGORICAL, DENSE

VOCABULARY_SIZES = {"C1": 300, "C2": 50, "C3": 1_000}
DENSE_WIDTH = 5


def make_config(**fields: object) -> TrainerConfig:
    """A small network in batches of 32 rows."""
    small = {"bottom_mlp": (8,), "top_mlp": (8,), "embedding_dim": 4, "batch_size": 32}
    return TrainerConfig.model_validate(small | fields)


def make_batches(num_batches: int, batch_size: int = 32) -> tf.data.Dataset:
    """Batches of equal size; small ids are frequent, and the last batch is padded."""
    rng = np.random.default_rng(0)
    shape = (num_batches, batch_size)
    sizes = VOCABULARY_SIZES.values()
    ids = [rng.integers(size, size=shape) // rng.integers(1, 9, shape) for size in sizes]
    weight = np.ones(shape, np.float32)
    weight[-1, batch_size // 2 :] = 0.0
    features = {
        DENSE: rng.normal(size=(*shape, DENSE_WIDTH)).astype(np.float32),
        CATEGORICAL: np.stack(ids, axis=2).astype(np.int32),
    }
    label = (rng.random(shape) < 0.3).astype(np.float32)
    return tf.data.Dataset.from_tensor_slices((features, label, weight))
