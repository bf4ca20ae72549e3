"""Tables pruned by thresholds that are learned with them."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.sparse_rows import SparseRows, lookup
from components.trainer.method_config import MethodConfig, SizedConfig


class PepConfig(SizedConfig):
    """Options of `Pep`.

    Attributes:
      granularity: what has a threshold of its own: the whole `"feature"`, or each `"dimension"`.
      initial_threshold: `sigmoid(s)` at the start, relative to the largest initial value.
    """

    granularity: Literal["feature", "dimension"] = "dimension"
    initial_threshold: float = Field(default=0.01, gt=0, lt=1)


class Pep(Embedding):
    """`e(id) = sign(v) * max(|v| - sigmoid(s), 0)` with `v = V[id]`, by value.

    `V` is a full table, `s` is learned with it by the loss alone. What sinks below the threshold is
    0 and has no gradient: its row can come back only if the threshold falls.

    How many values a training leaves is known only after it. So that the bytes are known before,
    the served form has room for a number of values that follows from the compression ratio: the
    largest of those that are left. (The paper stops where a wanted number is reached, and trains
    once more from the first values with the found mask; here there is one training.)

    Source: Liu et al. 2021, "Learnable Embedding Sizes for Recommender Systems", section 3. Their
    `s` starts at -15 or less, whatever the table, and needs many epochs to rise to the values; here
    `sigmoid(s)` starts at a fraction of the largest initial value.

    Parameters: `vocabulary_size * embedding_dim`, and `embedding_dim` or 1 thresholds. Served:
    the bytes of `SparseRows`.
    """

    Config = PepConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: PepConfig,
        rng: np.random.Generator,
    ) -> None:
        """Asks for the table and the thresholds."""
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self.add_table(vocabulary_size, embedding_dim)
        num_thresholds = embedding_dim if config.granularity == "dimension" else 1
        start = config.initial_threshold * self.tables[0].high
        logit = np.log(start) - np.log1p(-start)
        self.add_array("s", [num_thresholds], lambda: tf.fill([num_thresholds], np.float32(logit)))
        layout = SparseRows.of_ratio(vocabulary_size, embedding_dim, config.compression_ratio)
        self._serving_form = _ServedPep(layout, rng)

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the rows, what lies below its threshold cut off."""
        [vector] = vectors
        return _soft_threshold(vector, self.array("s"))

    @property
    def serving_form(self) -> Embedding:
        """The values that are left, and bits that say where they are."""
        return self._serving_form

    def to_serving(
        self, values: Sequence[np.ndarray]
    ) -> tuple[Sequence[np.ndarray], dict[str, np.ndarray]]:
        """Returns no table, and the arrays of `SparseRows`."""
        [table] = values
        pruned = _soft_threshold(tf.constant(table), self.array("s")).numpy()
        return [], self._serving_form.layout.encode(pruned)


class _ServedPep(Embedding):
    """Looks the values up that are left.

    Attributes:
      layout: of the values.
    """

    def __init__(self, layout: SparseRows, rng: np.random.Generator) -> None:
        super().__init__(layout.num_rows, layout.width, MethodConfig(), rng)
        self.layout = layout
        for name, (shape, dtype) in layout.arrays.items():
            self._add_zeros(name, shape, tf.as_dtype(dtype))

    def _add_zeros(self, name: str, shape: tuple[int, ...], dtype: tf.DType) -> None:
        self.add_array(name, shape, lambda: tf.zeros(shape, dtype), dtype, trainable=False)

    def rows(self, ids: tf.Tensor) -> Sequence[tf.Tensor]:
        return []

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        arrays = {array.name: self.array(array.name) for array in self.arrays}
        return tf.ensure_shape(lookup(arrays, ids), [None, self.embedding_dim])


def _soft_threshold(values: tf.Tensor, s: tf.Tensor) -> tf.Tensor:
    """Moves values towards 0 by `sigmoid(s)`, as far as 0."""
    return tf.sign(values) * tf.nn.relu(tf.abs(values) - tf.sigmoid(s))
