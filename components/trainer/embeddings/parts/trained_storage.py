"""Tables that are kept small while they are trained, not only once they are."""

import abc
from typing import ClassVar

import tensorflow as tf

from components.trainer.embeddings.parts.storage import Storage


class TrainedStorage(Storage):
    """A storage whose arrays are also what is trained: there is no float32 table besides.

    A step reads the rows of the batch as float32, adds to them what the optimizer says, and rounds
    stochastically, so that steps too small for the arrays' resolution count on average. `encode`
    must give back what was decoded: `encode(decode(arrays)) = arrays`, or other arrays of the same
    values.

    Source: Li et al. 2023, "Adaptive Low-Precision Training for Embeddings in Click-Through Rate
    Prediction" (low-precision training); Gupta et al. 2015, "Deep Learning with
    Limited Numerical Precision", section 3 (stochastic rounding).

    Attributes:
      values_name: of the array with a number for each value; it has the trainable parameters.
    """

    values_name: ClassVar[str]

    @abc.abstractmethod
    def round_rows(self, values: tf.Tensor, uniform: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the arrays' rows that stand for rows of values, rounded at random.

        The mean over all random numbers is the value.

        Args:
          values: float32 `[num_rows, width]`.
          uniform: float32 in `[0, 1)`, shaped like them: the random numbers.
        """
