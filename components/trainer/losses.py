"""The losses that a network can be trained on, by row."""

import numpy as np
import tensorflow as tf

from components.trainer.distillation_config import DistillationConfig
from components.trainer.loss_config import LossConfig

# What `constant_loss` tries: the lowest loss is met to a millionth or so.
_CONSTANTS = np.linspace(-20.0, 20.0, 4001)


class RowLoss:
    """The loss of each row from its logit, its label and, if it has one, its teacher's logit.

    `LossConfig` and `DistillationConfig` say what it is.
    """

    def __init__(self, loss: LossConfig, distillation: DistillationConfig) -> None:
        """Takes what it is."""
        self._loss = loss
        self._weight = distillation.weight
        self._temperature = distillation.temperature

    def __call__(
        self, label: tf.Tensor, logits: tf.Tensor, teacher_logits: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Returns the losses, nats where it is the logloss, float32 `[batch]`.

        Args:
          label: float32 `[batch]`.
          logits: float32 `[batch]`.
          teacher_logits: float32 `[batch]`; None: the loss of the labels alone.
        """
        losses = self._of_label(label, logits)
        if teacher_logits is None:
            return losses
        targets = tf.sigmoid(teacher_logits / self._temperature)
        return (1.0 - self._weight) * losses + self._of_teacher(targets, logits)

    def _of_teacher(self, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits / self._temperature)
        return self._weight * self._temperature**2 * losses

    def _of_label(self, label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        config = self._loss
        if config.label_smoothing:
            label = (1.0 - config.label_smoothing) * label + 0.5 * config.label_smoothing
        if config.name == "logloss":
            return tf.nn.sigmoid_cross_entropy_with_logits(label, logits)
        of_click, of_other = tf.math.softplus(-logits), tf.math.softplus(logits)  # -log p of each
        # Times (1 - p)^gamma, where 1 - p is the probability of the other class.
        focused_click = tf.exp(-config.gamma * of_other) * of_click
        focused_other = tf.exp(-config.gamma * of_click) * of_other
        if config.alpha is not None:
            focused_click *= config.alpha
            focused_other *= 1.0 - config.alpha
        return label * focused_click + (1.0 - label) * focused_other

    def constant_loss(self, click_rate: float, teacher_rate: float | None = None) -> float:
        """Returns the lowest mean loss that one logit for all rows has.

        Args:
          click_rate: the share of the rows with a click, by weight.
          teacher_rate: the mean of the teacher's probabilities at the temperature, by weight; None
            without a teacher.
        """
        return float(self._of_constants(_CONSTANTS, click_rate, teacher_rate).min())

    def untrained_loss(self, click_rate: float, teacher_rate: float | None = None) -> float:
        """Returns the mean loss of the logit 0 for all rows; see `constant_loss`."""
        return float(self._of_constants(np.zeros(1), click_rate, teacher_rate)[0])

    def _of_constants(
        self, logits: np.ndarray, click_rate: float, teacher_rate: float | None
    ) -> np.ndarray:
        """The mean loss over the rows for each of some logits that all rows get."""
        constants = tf.constant(logits)
        of_click = self._of_label(tf.ones_like(constants), constants).numpy()
        of_other = self._of_label(tf.zeros_like(constants), constants).numpy()
        losses = click_rate * of_click + (1.0 - click_rate) * of_other
        if teacher_rate is None:
            return losses
        targets = tf.fill(logits.shape, tf.constant(teacher_rate, tf.float64))
        return (1.0 - self._weight) * losses + self._of_teacher(targets, constants).numpy()
