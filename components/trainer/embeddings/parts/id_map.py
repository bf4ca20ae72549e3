"""What every method that only makes ids fewer is."""

import abc
from typing import ClassVar

import tensorflow as tf

from components.trainer.method_config import MethodConfig


class IdMap(abc.ABC):
    """Maps the ids of a feature to fewer ids, which another method embeds.

    A method of this kind is one file in `embeddings/`, and comes first in a stack of methods.

    Attributes:
      stage: the place of the method in a stack of methods.
      Config: the class of the method's options.
      num_ids: mapped ids lie in `[0, num_ids)`.
    """

    stage: ClassVar[int] = 0
    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def __init__(self, vocabulary_size: int, config: MethodConfig) -> None:
        """Takes the options.

        Args:
          vocabulary_size: the number of ids before, 1 or more.
          config: an instance of `Config`.
        """
        self.num_ids = vocabulary_size

    @abc.abstractmethod
    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the mapped ids, of the type and shape of `ids`.

        Args:
          ids: int32 or int64 `[batch]`, in `[0, vocabulary_size)`.
        """
