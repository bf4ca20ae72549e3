"""The sizes of the model that `benchmarks.training` trains, and what they cost at least."""

import math
from dataclasses import dataclass
from itertools import pairwise

DENSE_WIDTH = 13
MLPS = {
    "small": ((64, 32), (256, 64)),
    "mlperf": ((512, 256), (1024, 1024, 512, 256)),
}
GATHER = "gather"


@dataclass(frozen=True)
class Shape:
    """The sizes of a DLRM with dot interaction and of its batches.

    Attributes:
      batch_size: rows a step.
      embedding_dim: the width of every embedding and of the bottom MLP's output.
      bottom_mlp: the widths of the hidden layers over the dense features.
      top_mlp: the widths of the hidden layers over the interactions; one logit comes behind them.
      vocabulary_sizes: the rows of each table.
    """

    batch_size: int
    embedding_dim: int
    bottom_mlp: tuple[int, ...]
    top_mlp: tuple[int, ...]
    vocabulary_sizes: tuple[int, ...]

    @property
    def num_vectors(self) -> int:
        """The vectors of a row that meet: one for each table, and the bottom MLP's output."""
        return len(self.vocabulary_sizes) + 1

    @property
    def num_pairs(self) -> int:
        """The dot products of a row."""
        return math.comb(self.num_vectors, 2)

    @property
    def layers(self) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Inputs and outputs of each layer of the bottom and of the top MLP."""
        bottom = (DENSE_WIDTH, *self.bottom_mlp, self.embedding_dim)
        top = (self.embedding_dim + self.num_pairs, *self.top_mlp, 1)
        return list(pairwise(bottom)), list(pairwise(top))

    @property
    def num_parameters(self) -> int:
        """The trained values of tables and MLPs."""
        bottom, top = self.layers
        mlps = sum((inputs + 1) * outputs for inputs, outputs in bottom + top)
        return sum(self.vocabulary_sizes) * self.embedding_dim + mlps

    @property
    def flops(self) -> int:
        """The floating-point operations that training must do for an example.

        A layer multiplies its kernel three times, for its output, for the gradient of the kernel
        and for that of its input; the first layer has no use for the last. A pair of vectors takes
        one dot product forward and two scaled sums backward. A multiplication and an addition are
        two operations. Biases, activations, loss and optimizer are left out: they are 1 % and less.
        """
        bottom, top = self.layers
        products = 3 * sum(inputs * outputs for inputs, outputs in bottom + top)
        products -= math.prod(bottom[0])
        products += 3 * self.num_pairs * self.embedding_dim
        return 2 * products

    def row_bytes(self, optimizer: str) -> int:
        """Returns the bytes of table rows that an example must read or write.

        Each row is read forward, read and written by the step; Adagrad reads and writes a second
        row of sums, row-wise Adagrad one number.
        """
        moved = {"sgd": 3, "adagrad": 5, "rowwise_adagrad": 3 + 2 / self.embedding_dim}[optimizer]
        return round(len(self.vocabulary_sizes) * self.embedding_dim * 4 * moved)


def matmul_shapes(shape: Shape) -> list[tuple[str, int, int, int]]:
    """Lists the products of the layers in a step: name, rows, inner size, columns.

    A layer has three: its output, the gradient of its kernel, the gradient of its input. The first
    layer's input needs none.
    """
    batch = shape.batch_size
    bottom, top = shape.layers
    products = []
    for index, (inputs, outputs) in enumerate(bottom + top):
        products.append((f"output_{index}", batch, inputs, outputs))
        products.append((f"kernel_{index}", inputs, batch, outputs))
        if index:
            products.append((f"input_{index}", batch, outputs, inputs))
    return products


def limits_of(shape: Shape, seconds: dict[str, float], optimizer: str) -> dict[str, float]:
    """Turns the shortest times of the kernels into limits of a step.

    Args:
      shape: the sizes.
      seconds: of each kernel.
      optimizer: decides how often table rows move.

    Returns:
      `gflops`: floating-point operations of the fastest product, 1e9 a second;
      `matmul`: examples a second if all of `Shape.flops` ran at that speed;
      `layers`: examples a second if a step were the products of its layers, each at its own best;
      `gather_gbytes`: bytes of random table rows read, 1e9 a second;
      `rows`: examples a second if a step were its reads and writes of table rows at that speed.
    """
    products = matmul_shapes(shape)
    fastest = max(2 * m * k * n / seconds[name] for name, m, k, n in products)
    num_ids = shape.batch_size * len(shape.vocabulary_sizes)
    gather = num_ids * shape.embedding_dim * 4 / seconds[GATHER]
    return {
        "gflops": fastest / 1e9,
        "matmul": fastest / shape.flops,
        "layers": shape.batch_size / sum(seconds[name] for name, *_ in products),
        "gather_gbytes": gather / 1e9,
        "rows": gather / shape.row_bytes(optimizer),
    }
