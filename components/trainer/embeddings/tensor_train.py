"""Tensor train: the table as a chain of three small tensors."""

import bisect
import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.method_config import MethodConfig, SizedConfig

# Up to this rank XLA compiles a sum of outer products to faster code for CPUs than a batched matmul
# of many tiny matrices.
_LARGEST_UNROLLED_RANK = 16
_MOST_PAIRS = 2**14


class TensorTrainConfig(SizedConfig):
    """Options of `TensorTrain`.

    Attributes:
      rank: R of the paper, for both links of the chain; None: as `compression_ratio` gives it.
    """

    rank: int | None = Field(default=None, ge=1)


class TensorTrain(Embedding):
    """`e(id)[j] = A[i1, j1] B[i2, j2] C[i3, j3]`, a row times a matrix times a column.

    `id = (i1 * v2 + i2) * v3 + i3` and `j = (j1 * d2 + j2) * d3 + j3`: with `v1 * v2 * v3 >=
    vocabulary_size` and `d1 * d2 * d3 = embedding_dim`, both of factors as equal as can be. `A[i1]`
    holds `d1` rows of length `r1`, `B[i2]` for each `j2` a matrix `r1 x r2`, `C[i3]` `d3` columns
    of length `r2`.

    The ranks are the largest that the compression ratio allows, `r1` is `r2` or one less. The two
    are never larger than `v1 * d1` and `v3 * d3`: no table needs more. Work and memory traffic grow
    with `r1 * r2`: this is a method for large ratios.

    In training `A` and `B` are multiplied whole, once a step, where they have no more than 16,384
    pairs of rows: ids of a batch share most of that work. (Only looking up the rows of `B`, as wide
    as they are, takes longer.) Served are the three cores as tables; an id needs a row of each.

    Source: Yin et al. 2021, "TT-Rec: Tensor Train Compression for Deep Learning Recommendation
    Model Embeddings", the decomposition with three cores. As there, the cores start so that the
    entries of the product have the variance of a full table's, 1 / (3 * vocabulary_size); here
    they are uniform, there Gaussian without the values near 0.

    Parameters: `v1 * d1 * r1 + v2 * d2 * r1 * r2 + v3 * d3 * r2`.
    """

    Config = TensorTrainConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: TensorTrainConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self._radices = _radices(vocabulary_size)
        self._dims = _factors(embedding_dim)
        if config.rank is None:
            num_parameters = vocabulary_size * embedding_dim / config.compression_ratio
            self._ranks = _ranks(self._radices, self._dims, num_parameters)
        else:
            self._ranks = (config.rank, config.rank)
        # A product is a sum of r1 * r2 terms of three factors, each uniform in (-limit, limit).
        variance = 1.0 / (3.0 * vocabulary_size)
        limit = math.sqrt(3.0 * (variance / math.prod(self._ranks)) ** (1 / 3))
        widths = _widths(self._dims, self._ranks)
        shapes = list(zip(self._radices, widths, strict=True))
        for name, shape in zip(("first", "second"), shapes, strict=False):
            seed = int(rng.integers(2**31))
            values = partial(tf.random.stateless_uniform, shape, (seed, 0), -limit, limit)
            self.add_array(name, shape, values)
        self.add_table(*shapes[2], -limit, limit)
        self._served = Cores(
            vocabulary_size, embedding_dim, self._radices, self._dims, self._ranks, rng
        )

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the last digit of each id, of its type, `[batch]`."""
        return [ids % tf.constant(self._radices[2], ids.dtype)]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the product of the three cores' parts for each id."""
        (v1, v2, v3), (d1, d2, _), (r1, r2) = self._radices, self._dims, self._ranks
        first, second = self.array("first"), self.array("second")
        pair_ids = ids // tf.constant(v3, ids.dtype)
        if v1 * v2 <= _MOST_PAIRS:
            first = tf.reshape(first, [v1, d1, r1])
            second = tf.reshape(second, [v2, r1, d2 * r2])
            all_pairs = tf.einsum("xda,yac->xydc", first, second)
            pairs = tf.gather(tf.reshape(all_pairs, [v1 * v2, d1 * d2 * r2]), pair_ids)
        else:
            radix = tf.constant(v2, ids.dtype)
            digits = pair_ids // radix, pair_ids % radix
            pairs = _pairs(
                tf.gather(first, digits[0]), tf.gather(second, digits[1]), self._dims, self._ranks
            )
        return _vectors(pairs, vectors[0], self._dims, r2)

    @property
    def serving_form(self) -> "Cores":
        """The three cores as tables."""
        return self._served

    def to_serving(
        self, values: Sequence[np.ndarray]
    ) -> tuple[Sequence[np.ndarray], dict[str, np.ndarray]]:
        """Returns the three cores, and no arrays."""
        return [self.array("first").numpy(), self.array("second").numpy(), *values], {}


class Cores(Embedding):
    """The same function of three tables, with no more work than the ids of a batch need."""

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        radices: tuple[int, int, int],
        dims: tuple[int, int, int],
        ranks: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, MethodConfig(), rng)
        self._radices, self._dims, self._ranks = radices, dims, ranks
        for radix, width in zip(radices, _widths(dims, ranks), strict=True):
            self.add_table(radix, width)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the digits of each id, each of its type and `[batch]`."""
        _, second, third = (tf.constant(radix, ids.dtype) for radix in self._radices)
        rest = ids // third
        return [rest // second, rest % second, ids % third]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the product of the three rows of each id."""
        first, second, third = vectors
        pairs = _pairs(first, second, self._dims, self._ranks)
        return _vectors(pairs, third, self._dims, self._ranks[1])


def _pairs(
    first: tf.Tensor, second: tf.Tensor, dims: tuple[int, int, int], ranks: tuple[int, int]
) -> tf.Tensor:
    """The products of the first two cores' rows: `[batch, d1 * d2 * r2]`."""
    (d1, d2, _), (r1, r2) = dims, ranks
    left, right = tf.reshape(first, [-1, d1, r1]), tf.reshape(second, [-1, r1, d2 * r2])
    return tf.reshape(_matmul(left, right, r1), [-1, d1 * d2 * r2])


def _vectors(
    pairs: tf.Tensor, third: tf.Tensor, dims: tuple[int, int, int], rank: int
) -> tf.Tensor:
    """The products of those with the last core's rows: `[batch, d1 * d2 * d3]`."""
    d1, d2, d3 = dims
    left, right = tf.reshape(pairs, [-1, d1 * d2, rank]), tf.reshape(third, [-1, rank, d3])
    return tf.reshape(_matmul(left, right, rank), [-1, d1 * d2 * d3])


def _matmul(left: tf.Tensor, right: tf.Tensor, rank: int) -> tf.Tensor:
    """Returns `left @ right` of `[batch, m, rank]` and `[batch, rank, n]`."""
    if rank > _LARGEST_UNROLLED_RANK:
        return tf.matmul(left, right)
    return tf.reduce_sum(left[..., None] * right[:, None], axis=2)


def _radices(vocabulary_size: int) -> tuple[int, int, int]:
    """Three near-equal numbers whose product is `vocabulary_size` or a little more."""
    third = math.ceil(vocabulary_size ** (1 / 3))
    rest = -(-vocabulary_size // third)
    second = math.ceil(math.sqrt(rest))
    return -(-rest // second), second, third


def _factors(embedding_dim: int) -> tuple[int, int, int]:
    """The three factors of a width whose sum is the smallest, in rising order."""
    pairs = [(d1, embedding_dim // d1) for d1 in _divisors(embedding_dim)]
    triples = [(d1, d2, rest // d2) for d1, rest in pairs for d2 in _divisors(rest)]
    d1, d2, d3 = sorted(min(triples, key=sum))
    return d1, d2, d3


def _divisors(number: int) -> list[int]:
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]


def _widths(dims: tuple[int, int, int], ranks: tuple[int, int]) -> tuple[int, int, int]:
    """Of the rows of the three tables."""
    return dims[0] * ranks[0], ranks[0] * dims[1] * ranks[1], ranks[1] * dims[2]


def _ranks(
    radices: tuple[int, int, int], dims: tuple[int, int, int], num_parameters: float
) -> tuple[int, int]:
    """The largest ranks with at most so many parameters; 1 and 1 have the fewest."""
    largest = radices[0] * dims[0], radices[2] * dims[2]

    def ranks(sum_of_ranks: int) -> tuple[int, int]:
        return min(sum_of_ranks // 2, largest[0]), min((sum_of_ranks + 1) // 2, largest[1])

    def size(sum_of_ranks: int) -> int:
        return sum(v * w for v, w in zip(radices, _widths(dims, ranks(sum_of_ranks)), strict=True))

    sums = range(2, 2 * max(largest) + 1)
    return ranks(max(2, 1 + bisect.bisect_right(sums, num_parameters, key=size)))
