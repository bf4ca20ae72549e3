"""The optimizers. On a table each of them touches only the rows of the batch."""

import abc
import math
from typing import ClassVar, TypeAlias

import tensorflow as tf
import tf_keras

from components.trainer.optimizer_config import (
    DenseOptimizerConfig,
    EmbeddingOptimizerConfig,
    ScheduleConfig,
)
from components.trainer.repeated_rows import is_compiled_whole
from components.trainer.small_stacks import ApplyState, UpdatesSmallStacks

Optimizer: TypeAlias = tf_keras.optimizers.legacy.Optimizer
_EPSILON = 1e-7


class LearningRate(tf_keras.optimizers.schedules.LearningRateSchedule):
    """Warm-up, then decay, times a factor that can be changed between steps."""

    def __init__(self, config: ScheduleConfig, num_steps: int, factor: tf.Variable) -> None:
        """Takes the schedule.

        Args:
          config: its form.
          num_steps: of the whole training, at least 1.
          factor: a float32 scalar that the rate is multiplied by.
        """
        self._config = config
        self._num_steps = num_steps
        self._factor = factor

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Returns the learning rate of step `step`, counted from 0, a float32 scalar."""
        config = self._config
        step = tf.cast(step, tf.float32)
        warmup_steps = config.warmup_fraction * self._num_steps
        warmup = tf.minimum((step + 1.0) / max(warmup_steps, 1.0), 1.0)
        progress = (step - warmup_steps) / max(self._num_steps - warmup_steps, 1.0)
        progress = tf.clip_by_value(progress, 0.0, 1.0)
        if config.decay == "linear":
            left = 1.0 - progress
        elif config.decay == "cosine":
            left = 0.5 * (1.0 + tf.cos(math.pi * progress))
        else:
            left = tf.ones_like(progress)
        final = 1.0 if config.decay == "constant" else config.final_learning_rate_fraction
        return config.learning_rate * self._factor * warmup * (final + (1.0 - final) * left)

    def get_config(self) -> dict[str, object]:
        """Refused: a schedule is remade from the trainer's configuration."""
        raise NotImplementedError("a LearningRate is remade from the trainer's configuration")


class _TableOptimizer(UpdatesSmallStacks, abc.ABC):
    """What the optimizers below share: one learning rate, sparse gradients only.

    Attributes:
      adds_repeated_rows: whether the steps of a row that comes several times in a batch may be
        added one after the other. Else its gradients are summed before, which takes a pass over
        them.
    """

    adds_repeated_rows: ClassVar[bool] = False

    def __init__(self, learning_rate: LearningRate) -> None:
        """Takes the rate."""
        super().__init__(type(self).__name__)
        self._set_hyper("learning_rate", learning_rate)

    def get_config(self) -> dict[str, object]:
        """Refused: an optimizer is remade from the trainer's configuration."""
        raise NotImplementedError("an optimizer is remade from the trainer's configuration")

    def _resource_apply_dense(self, *unused: object, **unused_too: object) -> None:
        raise NotImplementedError("expected a sparse gradient: this optimizer is for tables")

    def _resource_apply_sparse_duplicate_indices(
        self, grad: tf.Tensor, handle: tf.Variable, indices: tf.Tensor, apply_state: ApplyState
    ) -> tf.Operation:
        if self.adds_repeated_rows and self.find_small(handle) is None:
            return self._resource_apply_sparse(grad, handle, indices, apply_state)
        return super()._resource_apply_sparse_duplicate_indices(
            grad, handle, indices, apply_state=apply_state
        )

    def _resource_apply_sparse(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, apply_state: ApplyState
    ) -> tf.Operation:
        rate = apply_state[var.device, var.dtype.base_dtype]["lr_t"]
        return self.add_to_rows(var, indices, self._steps(grad, var, indices, rate))

    @abc.abstractmethod
    def _steps(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        """Updates the slots of rows and returns what is added to the rows.

        Args:
          grad: float32 `[len(indices), width]`.
          var: the table, or what stands for it.
          indices: the rows; each is there once, unless `adds_repeated_rows`.
          rate: the learning rate of this step, a float32 scalar.
        """


class SparseSgd(_TableOptimizer):
    """SGD that leaves repeated rows to the scatter, and multiplies each gradient once.

    Keras's legacy SGD gives the same values; it negates and multiplies in two passes, which is a
    tenth of a small network's step.
    """

    adds_repeated_rows = True

    def _steps(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        return -rate * grad


class Adagrad(UpdatesSmallStacks, tf_keras.optimizers.legacy.Adagrad):
    """Keras's legacy Adagrad, which updates the rows of the batch alone; small stacks too.

    `a += g ** 2`, then `w -= learning_rate * g / (sqrt(a) + epsilon)`, by value.
    """

    def _resource_apply_sparse(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, apply_state: ApplyState
    ) -> tf.Operation:
        # TensorFlow's own operation, which is faster, is none that XLA knows.
        if self.find_small(var) is None and not is_compiled_whole():
            return super()._resource_apply_sparse(grad, var, indices, apply_state)
        rate = apply_state[var.device, var.dtype.base_dtype]["lr_t"]
        accumulator = self.get_slot(var, "accumulator")
        sums = tf.gather(accumulator, indices) + tf.square(grad)
        return tf.group(
            self._resource_scatter_update(accumulator, indices, sums),
            self.add_to_rows(var, indices, -rate * grad / (tf.sqrt(sums) + _EPSILON)),
        )


class RowWiseAdagrad(_TableOptimizer):
    """Adagrad with one accumulator for each row.

    `a_r += mean(g_r ** 2)`, then `w_r -= learning_rate * g_r / (sqrt(a_r) + epsilon)`.

    Source: Mudigere et al. 2022, "Software-Hardware Co-design for Fast and Scalable Training of
    Deep Learning Recommendation Models", section 4.1.4. State: 4 bytes a row.
    """

    def __init__(self, learning_rate: LearningRate, initial_accumulator_value: float) -> None:
        """Takes the rate, and where the accumulators start."""
        super().__init__(learning_rate)
        self._initial_accumulator_value = initial_accumulator_value

    def _create_slots(self, var_list: list[tf.Variable]) -> None:
        start = tf.constant_initializer(self._initial_accumulator_value)
        for variable in var_list:
            self.add_slot(variable, "accumulator", start, shape=variable.shape[:1])

    def _steps(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        accumulator = self.get_slot(var, "accumulator")
        sums = tf.gather(accumulator, indices) + tf.reduce_mean(tf.square(grad), axis=1)
        self._resource_scatter_update(accumulator, indices, sums)
        return -rate * grad / (tf.sqrt(sums) + _EPSILON)[:, None]


class LazyAdam(_TableOptimizer):
    """Adam whose moments of a row move only in the steps that see the row.

    Source: Kingma & Ba 2015, "Adam: A Method for Stochastic Optimization", algorithm 1; the bias
    correction counts all steps, as in TensorFlow Addons' LazyAdam. State: 8 bytes a value.
    """

    def __init__(
        self, learning_rate: LearningRate, beta_1: float = 0.9, beta_2: float = 0.999
    ) -> None:
        """Takes the rate and the decays of the moments."""
        super().__init__(learning_rate)
        self._beta_1 = beta_1
        self._beta_2 = beta_2

    def _create_slots(self, var_list: list[tf.Variable]) -> None:
        for variable in var_list:
            self.add_slot(variable, "m")
            self.add_slot(variable, "v")

    def _steps(
        self, grad: tf.Tensor, var: tf.Variable, indices: tf.Tensor, rate: tf.Tensor
    ) -> tf.Tensor:
        step = tf.cast(self.iterations + 1, grad.dtype)
        rate *= tf.sqrt(1.0 - tf.pow(self._beta_2, step)) / (1.0 - tf.pow(self._beta_1, step))
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        m_rows = self._beta_1 * tf.gather(m, indices) + (1.0 - self._beta_1) * grad
        v_rows = self._beta_2 * tf.gather(v, indices) + (1.0 - self._beta_2) * tf.square(grad)
        self._resource_scatter_update(m, indices, m_rows)
        self._resource_scatter_update(v, indices, v_rows)
        return -rate * m_rows / (tf.sqrt(v_rows) + _EPSILON)


def make_dense_optimizer(
    config: DenseOptimizerConfig, num_steps: int, factor: tf.Variable
) -> Optimizer:
    """Makes the optimizer of all variables but the tables; `LearningRate` has the arguments."""
    rate = LearningRate(config, num_steps, factor)
    if config.name == "adagrad":
        return tf_keras.optimizers.legacy.Adagrad(rate, config.initial_accumulator_value)
    if config.name == "adam":
        return tf_keras.optimizers.legacy.Adam(rate)
    return tf_keras.optimizers.legacy.SGD(rate)


def make_embedding_optimizer(
    config: EmbeddingOptimizerConfig, num_steps: int, factor: tf.Variable
) -> Optimizer:
    """Makes the optimizer of the tables; `LearningRate` has the arguments.

    Of Keras's own, the legacy SGD and Adagrad alone update nothing but the rows of the batch: the
    newer ones and both Adams go through the whole table at every step.
    """
    rate = LearningRate(config, num_steps, factor)
    if config.name == "adagrad":
        return Adagrad(rate, config.initial_accumulator_value)
    if config.name == "rowwise_adagrad":
        return RowWiseAdagrad(rate, config.initial_accumulator_value)
    if config.name == "adam":
        return LazyAdam(rate)
    return SparseSgd(rate)
