"""Deep hash embeddings: a network makes the vector from many hashes of the id, without a table."""

import bisect
import math
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.universal_hash import UniversalHash, modulo_prime
from components.trainer.method_config import SizedConfig

_NUM_BUCKETS = 2**20
_MOST_HASHES_PER_UNIT = 4
# From here on the tangent is 1 in float32.
_LARGEST_EXPONENT = 20.0
# The mean of mish(x)**2 for x of a standard normal distribution.
_MISH_SECOND_MOMENT = 0.4523


class DeepHashConfig(SizedConfig):
    """Options of `DeepHash`.

    Attributes:
      num_hashes: k of the paper; a layer of fewer than `num_hashes / 4` units gets fewer.
      num_hidden_layers: of the network.
      max_width: the most units of a hidden layer, whatever the compression ratio allows: time grows
        with its square.
    """

    num_hashes: int = Field(default=128, ge=1, le=4096)
    num_hidden_layers: int = Field(default=2, ge=1, le=20)
    max_width: int = Field(default=256, ge=1, le=8192)


class DeepHash(Embedding):
    """`e(id) = W_n a_n + b_n` with `a_i = mish(W_(i-1) a_(i-1) + b_(i-1))`, from the id's hashes.

    `a_0[j] = 2 * (h_j(id) mod m) / (m - 1) - 1` for `num_hashes` universal hashes `h_j`, so it is
    about uniform in [-1, 1]. (`m = 2**20`; the paper takes 10**6.) `mish(x) = x * tanh(ln(1 +
    exp(x)))`.

    The compression ratio chooses the width of the hidden layers. It ends at `max_width`: what a
    large table could keep beyond that would take too long, as all of the network runs for every id.
    With the defaults a step is many times slower than with a table.

    Source: Kang et al. 2021, "Learning to Embed Categorical Features without Embedding Tables for
    Recommendation", section 3. There are 1024 hashes, five layers and batch normalization; here
    there is none, and the weights start (uniform, biases 0) so that the inputs of all units have
    variance 1 and the vectors that of a full table.

    Parameters: `k * w + w + (n - 1) * (w * w + w) + w * embedding_dim + embedding_dim` for `k`
    hashes and `n` hidden layers of width `w`. Bytes beside them: `8 * k` for the hashes.
    """

    Config = DeepHashConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: DeepHashConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        goal = 4 * vocabulary_size * embedding_dim / config.compression_ratio
        self._widths = _widths(embedding_dim, config, goal)
        num_hashes = self._widths[0]
        drawn = [UniversalHash.draw(_NUM_BUCKETS, rng) for _ in range(num_hashes)]
        hashes = np.array([[h.multiplier for h in drawn], [h.offset for h in drawn]], np.int32)
        self.add_array(
            "hashes", hashes.shape, lambda: tf.constant(hashes), tf.int32, trainable=False
        )
        self._add_layers()

    def _add_layers(self) -> None:
        last = len(self._widths) - 2
        for layer, (fan_in, fan_out) in enumerate(pairwise(self._widths)):
            # Uniform values in (-1, 1) have the second moment 1/3.
            second_moment = _MISH_SECOND_MOMENT if layer else 1 / 3
            variance = 1 / (3 * self.vocabulary_size) if layer == last else 1.0
            limit = math.sqrt(3 * variance / (fan_in * second_moment))
            shape, seed = (fan_in, fan_out), (int(self._rng.integers(2**31)), 0)
            weights = partial(tf.random.stateless_uniform, shape, seed, -limit, limit)
            self.add_array(f"weights_{layer}", shape, weights)
            self.add_array(f"biases_{layer}", (fan_out,), partial(tf.zeros, (fan_out,)))

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns nothing: there are no tables."""
        return []

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns what the network makes of the hashes of each id."""
        hashes = tf.cast(self.array("hashes"), tf.int64)
        values = _encode(tf.cast(ids, tf.int64), hashes)
        last = len(self._widths) - 2
        for layer in range(last + 1):
            weights, biases = self.array(f"weights_{layer}"), self.array(f"biases_{layer}")
            values = tf.matmul(values, weights) + biases
            if layer < last:
                values = _mish(values)
        return values


def _mish(x: tf.Tensor) -> tf.Tensor:
    """Returns `x * tanh(ln(1 + exp(x)))`, which takes no more than one exponential."""
    power = tf.exp(tf.minimum(x, _LARGEST_EXPONENT))
    ratio = power * (power + 2.0)
    return x * (ratio / (ratio + 2.0))


def _encode(ids: tf.Tensor, hashes: tf.Tensor) -> tf.Tensor:
    """The hashes of ids as values in [-1, 1], float32 `[batch, num_hashes]`."""
    products = ids[:, None] * hashes[0] + hashes[1]
    hashed = modulo_prime(products)
    buckets = tf.bitwise.bitwise_and(hashed, tf.constant(_NUM_BUCKETS - 1, tf.int64))
    return tf.cast(buckets, tf.float32) * (2.0 / (_NUM_BUCKETS - 1)) - 1.0


def _widths(embedding_dim: int, config: DeepHashConfig, num_bytes: float) -> list[int]:
    """Of all layers, from the hashes to the vector: the largest with at most so many bytes."""

    def widths(width: int) -> list[int]:
        num_hashes = min(config.num_hashes, _MOST_HASHES_PER_UNIT * width)
        return [num_hashes, *[width] * config.num_hidden_layers, embedding_dim]

    def size(width: int) -> int:
        of_layers = widths(width)
        parameters = sum((fan_in + 1) * fan_out for fan_in, fan_out in pairwise(of_layers))
        return 8 * of_layers[0] + 4 * parameters

    candidates = range(1, config.max_width + 1)
    return widths(max(1, bisect.bisect_right(candidates, num_bytes, key=size)))
