"""The order of the first rows of a training: by how frequent their ids are."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from components.id_counts import IdCounts, read_id_counts
from components.trainer.config import TrainerConfig


class Frequencies:
    """Says how frequent the ids of a row are; needs 4 bytes an id."""

    def __init__(
        self, id_counts: Mapping[str, IdCounts], vocabulary_sizes: Mapping[str, int]
    ) -> None:
        """Takes the logarithms.

        Args:
          id_counts: categorical feature -> its counts in the train split.
          vocabulary_sizes: categorical feature -> number of its ids, in column order.
        """
        self._log_counts = []
        for feature, size in vocabulary_sizes.items():
            log_counts = np.zeros(size, np.float32)
            log_counts[id_counts[feature].ids] = np.log(id_counts[feature].counts)
            self._log_counts.append(log_counts)

    def scores(self, categorical: np.ndarray) -> np.ndarray:
        """Returns the mean log(count) of the ids of each row, float64 `[num_rows]`.

        Args:
          categorical: integer `[num_rows, num_features]`; an id that was not counted counts as 1.
        """
        total = np.zeros(len(categorical))
        for log_counts, ids in zip(self._log_counts, categorical.T, strict=True):
            total += log_counts[ids]
        return total / len(self._log_counts)


@dataclass(frozen=True)
class Curriculum:
    """See `CurriculumConfig`.

    Attributes:
      frequencies: of the ids.
      is_rare_first: whether the lowest scores come first.
      num_rows: so many rows of the epoch come in order.
    """

    frequencies: Frequencies
    is_rare_first: bool
    num_rows: int

    def order(
        self, categorical: np.ndarray, num_before: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns the order of a window, positions, int64 `[num_rows]`.

        Args:
          categorical: of the rows of the window, integer `[num_rows, num_features]`.
          num_before: rows of the epoch before the window.
          rng: shuffles.
        """
        shuffled = rng.permutation(len(categorical))
        num_ordered = self.num_rows - num_before
        if num_ordered <= 0:
            return shuffled
        scores = self.frequencies.scores(categorical)[shuffled]
        ranks = np.argsort(scores if self.is_rare_first else -scores, kind="stable")
        ordered = shuffled[ranks]
        return np.concatenate([ordered[:num_ordered], rng.permutation(ordered[num_ordered:])])


def read_frequencies(
    config: TrainerConfig, transform_graph_uri: str, vocabulary_sizes: Mapping[str, int]
) -> Frequencies | None:
    """Reads what the configured curriculum needs; None if there is none.

    Args:
      config: of the training.
      transform_graph_uri: the folder of the transform graph.
      vocabulary_sizes: as `Frequencies`.
    """
    if config.curriculum.order == "random":
        return None
    return Frequencies(read_id_counts(transform_graph_uri), vocabulary_sizes)
