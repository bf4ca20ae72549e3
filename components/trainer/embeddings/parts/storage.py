"""How the values of tables are kept."""

import abc
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import tensorflow as tf

from components.trainer.method_config import MethodConfig


class Storage(abc.ABC):
    """How the values of tables are kept once they are trained.

    A method of this kind is one file in `embeddings/`, and comes last in a stack of methods.

    Attributes:
      stage: the place of the method in a stack of methods.
      Config: the class of the method's options.
      is_by_row: whether each row is encoded by itself. Then tables of one width are encoded
        together, as one; else each table is.
      maintenance: the fractions of a training, in (0, 1], after which `maintain` is called.
      settled_from: the fraction of a training from which on the values are close to those that are
        served; earlier weights are never the best ones.
    """

    stage: ClassVar[int] = 2
    Config: ClassVar[type[MethodConfig]] = MethodConfig
    is_by_row: ClassVar[bool] = True

    def __init__(self, config: MethodConfig) -> None:
        """Takes the options.

        Args:
          config: an instance of `Config`.
        """
        self.maintenance: tuple[float, ...] = ()
        self.settled_from = 0.0

    def maintain(self, progress: float, values: np.ndarray) -> np.ndarray:
        """Returns what a table's values become at a pause of the training.

        Here: what they are.

        Args:
          progress: which of `maintenance` it is.
          values: float32 `[num_rows, width]`.
        """
        return values

    @abc.abstractmethod
    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the arrays that stand for trained values.

        Args:
          values: float32 `[num_rows, width]`.
        """

    @abc.abstractmethod
    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the values of rows, float32, one axis `width` more than `rows`.

        Args:
          encoded: variables that hold what `encode` returned.
          rows: int32 or int64, in `[0, num_rows)`.
          width: of a row.
        """

    @abc.abstractmethod
    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns the bytes of what `encode` returns for a table."""


class Float32(Storage):
    """Values as they are, 4 bytes each."""

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the values."""
        return {"values": values}

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the rows' values."""
        return tf.gather(encoded["values"], rows)

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns `4 * num_rows * width`."""
        return 4 * num_rows * width


FLOAT32 = Float32(MethodConfig())
