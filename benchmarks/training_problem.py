"""What all contenders of `benchmarks.training` train: one model, its first weights and batches.

NumPy alone, so that a worker in another environment can read it. The driver writes a problem into a
folder once; every worker reads the same arrays.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training_shape import DENSE_WIDTH, Shape

NUM_BATCHES = 16
_CLICK_LOGIT, _EFFECT_DEVIATION = -1.1, 0.3
_ODD_MULTIPLIER = 2_654_435_761


@dataclass(frozen=True)
class Batch:
    """Rows of a step.

    Attributes:
      dense: float32 `[batch_size, DENSE_WIDTH]`.
      categorical: int32 `[batch_size, num_tables]`.
      label: float32 `[batch_size]`, 0 or 1.
    """

    dense: np.ndarray
    categorical: np.ndarray
    label: np.ndarray


@dataclass(frozen=True)
class Problem:
    """A shape with the arrays that every contender starts from.

    Attributes:
      shape: the sizes.
      batches: taken in turn, again and again.
      bottom_mlp: kernel float32 `[inputs, outputs]` and bias float32 `[outputs]` of each layer, in
        one list.
      top_mlp: the same. The first kernel takes the bottom MLP's output, then the dot products of
        the pairs (1, 0), (2, 0), (2, 1), (3, 0) ... where vector 0 is the bottom MLP's output.
      table: float32 `[all rows, embedding_dim]`, the tables one behind the other.
    """

    shape: Shape
    batches: list[Batch]
    bottom_mlp: list[np.ndarray]
    top_mlp: list[np.ndarray]
    table: np.ndarray

    def tables(self) -> Iterator[np.ndarray]:
        """Yields each table, float32 `[its rows, embedding_dim]`."""
        first = 0
        for size in self.shape.vocabulary_sizes:
            yield self.table[first : first + size]
            first += size

    def distinct_share(self) -> float:
        """Returns how many of the ids of a batch and a table are distinct, as a share."""
        columns = [column for batch in self.batches for column in batch.categorical.T]
        return sum(len(np.unique(column)) for column in columns) / sum(map(len, columns))


def cap_sizes(sizes: Sequence[int], num_rows: int) -> tuple[int, ...]:
    """Cuts the largest tables to one size so that all together have `num_rows` rows."""
    cap, remaining = 0, num_rows
    for index, size in enumerate(sorted(sizes)):
        cap = remaining // (len(sizes) - index)
        if size >= cap:
            break
        remaining -= size
    capped = [min(size, cap) for size in sizes]
    capped[int(np.argmax(sizes))] += num_rows - sum(capped)
    return tuple(capped)


def make_batches(
    shape: Shape, laws: Sequence[tuple[float, float]], spread: int, rng: np.random.Generator
) -> list[Batch]:
    """Draws batches whose clicks depend on every feature.

    Args:
      shape: the sizes.
      laws: exponent s and offset q of each table: the share of an id falls as (id + q)**-s, as in
        vocabularies that are ordered by frequency.
      spread: draw from tables `spread` times smaller, and spread their ids over the whole table:
        the ids of a batch are as many and repeat as often, whatever the number of rows.
      rng: the source.
    """
    rows = NUM_BATCHES * shape.batch_size
    dense = np.abs(rng.normal(0, 1, (rows, DENSE_WIDTH))).astype(np.float32)
    logit = _CLICK_LOGIT + (dense - 0.8) @ rng.normal(0, _EFFECT_DEVIATION, DENSE_WIDTH)
    columns = []
    for size, (exponent, offset) in zip(shape.vocabulary_sizes, laws, strict=True):
        num_ids = size // spread
        shares = np.cumsum((np.arange(num_ids) + max(offset, 0.01)) ** -exponent)
        ids = np.searchsorted(shares, rng.random(rows) * shares[-1])
        logit += rng.normal(0, _EFFECT_DEVIATION, num_ids)[ids]
        columns.append(ids * spread + ids * _ODD_MULTIPLIER % spread)
    categorical = np.stack(columns, axis=1).astype(np.int32)
    label = (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    starts = range(0, rows, shape.batch_size)
    slices = [slice(start, start + shape.batch_size) for start in starts]
    return [Batch(dense[part], categorical[part], label[part]) for part in slices]


def _make_mlp(layers: list[tuple[int, int]], rng: np.random.Generator) -> list[np.ndarray]:
    weights = []
    for inputs, outputs in layers:
        weights.append(rng.normal(0, math.sqrt(2 / (inputs + outputs)), (inputs, outputs)))
        weights.append(rng.normal(0, math.sqrt(1 / outputs), outputs))
    return [values.astype(np.float32) for values in weights]


def write_problem(
    folder: Path, shape: Shape, laws: Sequence[tuple[float, float]], spread: int, seed: int
) -> None:
    """Draws batches and first weights, as facebookresearch/dlrm draws them, into a folder."""
    batch_rng, mlp_rng, table_rng = (np.random.default_rng([seed, part]) for part in range(3))
    folder.mkdir(parents=True)
    (folder / "shape.json").write_text(json.dumps(asdict(shape)))
    arrays: dict[str, np.ndarray] = {}
    for index, batch in enumerate(make_batches(shape, laws, spread, batch_rng)):
        arrays |= {f"{name}_{index}": values for name, values in vars(batch).items()}
    for name, layers in zip(("bottom", "top"), shape.layers, strict=True):
        arrays |= {f"{name}_{i}": values for i, values in enumerate(_make_mlp(layers, mlp_rng))}
    np.savez(folder / "arrays.npz", **arrays)
    table = table_rng.random((sum(shape.vocabulary_sizes), shape.embedding_dim), np.float32)
    table *= 2
    table -= 1
    for part in Problem(shape, [], [], [], table).tables():
        part *= len(part) ** -0.5
    np.save(folder / "table.npy", table)


def read_problem(folder: Path) -> Problem:
    """Reads what `write_problem` wrote; the table is mapped, not read."""
    sizes: dict[str, Any] = json.loads((folder / "shape.json").read_text())
    widths = {name: tuple(v) for name, v in sizes.items() if isinstance(v, list)}
    shape = Shape(**(sizes | widths))
    with np.load(folder / "arrays.npz") as file:
        arrays = dict(file)
    bottom, top = shape.layers
    return Problem(
        shape=shape,
        batches=[
            Batch(arrays[f"dense_{i}"], arrays[f"categorical_{i}"], arrays[f"label_{i}"])
            for i in range(NUM_BATCHES)
        ],
        bottom_mlp=[arrays[f"bottom_{i}"] for i in range(2 * len(bottom))],
        top_mlp=[arrays[f"top_{i}"] for i in range(2 * len(top))],
        table=np.load(folder / "table.npy", mmap_mode="r"),
    )


def pair_positions(order: np.ndarray) -> np.ndarray:
    """Tells where the dot products of a problem lie when vectors stand in another order.

    Args:
      order: int `[num_vectors]`, the problem's vector at each place.

    Returns:
      int `[num_pairs]`, for each pair of places, row by row below the diagonal, the pair's position
      in the problem's own order.
    """
    later, earlier = np.tril_indices(len(order), -1)
    high, low = np.maximum(order[later], order[earlier]), np.minimum(order[later], order[earlier])
    return high * (high - 1) // 2 + low
