"""One array of weights for all features: a vector's blocks begin anywhere in it."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.parts.shared_table import SharedTableEmbedding
from components.trainer.embeddings.parts.table import Table
from components.trainer.embeddings.parts.universal_hash import UniversalHash, hash_all
from components.trainer.method_config import SizedConfig


class RobeConfig(SizedConfig):
    """Options of `Robe`.

    Attributes:
      block_width: Z, how many weights in a row a block takes; at most `embedding_dim` is used. The
        wider, the fewer lookups, and the smaller is the error that collisions bring to dot
        products (the paper's theory); by default a vector of the usual width is one block.
      aligned: whether blocks begin at multiples of the width only. That takes one lookup instead of
        two, but leaves a Z-th of the places to begin, so more ids share whole blocks: it is
        `unified` with `num_lookups = embedding_dim / Z`. The paper does not align.
    """

    block_width: int = Field(default=16, ge=1)
    aligned: bool = False


class Robe(SharedTableEmbedding):
    """`e_f(id)[j * Z + i] = M[(h(f, id, j) + i) mod |M|]` for block `j` and `0 <= i < Z`.

    `M` is one circular array for all features `f`, kept as a table of rows of `Z` weights. `h` is
    uniform over all places of it: a `UniversalHash` of the feature and the block says the row, a
    second one the offset within. An offset block lies in two neighbouring rows, which are looked
    up, merged and rotated. Features with another `embedding_dim` share another array.

    Source: Desai et al. 2022, "Random Offset Block Embedding (ROBE) for Compressed Embedding Tables
    in Deep Learning Recommendation Systems" (ROBE-Z). As in the authors' code there is no sign
    function. The array starts as a full table does that holds the ids of all features: uniform in
    `+-1/sqrt(their number)`.

    Parameters of all features: `|M| = sum(vocabulary_size) * embedding_dim / compression_ratio`,
    rounded up to a multiple of `Z`.
    """

    Config = RobeConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: RobeConfig,
        rng: np.random.Generator,
        table: Table | None = None,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng, table)
        [table] = self.tables
        self._num_rows, self._width = table.num_rows, table.width
        self._aligned = _is_aligned(embedding_dim, config)
        num_blocks = -(-embedding_dim // self._width)
        self._row_hashes = [UniversalHash.draw(self._num_rows, rng) for _ in range(num_blocks)]
        self._offset_hashes = [UniversalHash.draw(self._width, rng) for _ in range(num_blocks)]

    @staticmethod
    def row_shape(embedding_dim: int, config: SizedConfig) -> tuple[int, int]:
        """Returns `Z`, and one or two rows for each block."""
        assert isinstance(config, RobeConfig)
        width = min(config.block_width, embedding_dim)
        num_blocks = -(-embedding_dim // width)
        return width, num_blocks * (1 if _is_aligned(embedding_dim, config) else 2)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the rows in which the blocks begin and, unless aligned, those after them."""
        rows = hash_all(self._row_hashes, ids)
        if not self._aligned:
            return [tf.concat([rows, (rows + 1) % self._num_rows], axis=1)]
        return [rows if len(self._row_hashes) > 1 else rows[:, 0]]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the blocks of each id side by side; the last one may be cut off."""
        [blocks] = vectors
        if not self._aligned:
            first, following = tf.split(blocks, 2, axis=1)
            offsets = tf.cast(hash_all(self._offset_hashes, ids), tf.int32)[:, :, None]
            blocks = _rotate(tf.where(tf.range(self._width) < offsets, following, first), offsets)
        joined = tf.reshape(blocks, [-1, len(self._row_hashes) * self._width])
        surplus = joined.shape[1] - self.embedding_dim
        return tf.split(joined, [self.embedding_dim, surplus], axis=1)[0] if surplus else joined


def _is_aligned(embedding_dim: int, config: RobeConfig) -> bool:
    """Blocks of one weight always are."""
    return config.aligned or min(config.block_width, embedding_dim) == 1


def _rotate(values: tf.Tensor, offsets: tf.Tensor) -> tf.Tensor:
    """Rotates each row to the left by its own offset, one power of two after the other.

    So it needs neither a gather nor, in the gradient, a scatter of single values.

    Args:
      values: float32 `[batch, num_blocks, width]`.
      offsets: int32 `[batch, num_blocks, 1]`, in `[0, width)`.
    """
    width = values.shape[2]
    step = 1
    while step < width:
        head, tail = tf.split(values, [step, width - step], axis=2)
        rotated = tf.concat([tail, head], axis=2)
        values = tf.where(offsets // step % 2 == 1, rotated, values)
        step *= 2
    return values
