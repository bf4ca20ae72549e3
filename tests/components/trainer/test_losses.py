import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.config import TrainerConfig
from components.trainer.distillation_config import DistillationConfig
from components.trainer.hyperparameters import with_values
from components.trainer.loss_config import LossConfig
from components.trainer.losses import RowLoss

NO_TEACHER = DistillationConfig()
LABEL = np.array([1, 0, 1, 0, 1, 0], np.float32)
LOGITS = np.array([2.0, 2.0, -0.5, -0.5, 0.0, -4.0], np.float32)


def losses(label: np.ndarray = LABEL, logits: np.ndarray = LOGITS, **fields: object) -> np.ndarray:
    loss = RowLoss(LossConfig(**fields), NO_TEACHER)
    return loss(tf.constant(label), tf.constant(logits)).numpy()


def slow_focal(label: float, logit: float, gamma: float, alpha: float) -> float:
    """Equation 5 of Lin et al. 2017, as it is written there."""
    p = 1 / (1 + np.exp(-float(logit)))
    p_t, alpha_t = (p, alpha) if label == 1 else (1 - p, 1 - alpha)
    return -alpha_t * (1 - p_t) ** gamma * np.log(p_t)


def test_default_is_the_cross_entropy_to_the_last_bit() -> None:
    expected = tf.nn.sigmoid_cross_entropy_with_logits(LABEL, LOGITS)
    np.testing.assert_array_equal(losses(), expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0, 5.0])
def test_focal_loss_is_that_of_the_paper(gamma: float) -> None:
    rows = list(zip(LABEL, LOGITS, strict=True))
    expected = [slow_focal(*row, gamma, 0.25) for row in rows]
    np.testing.assert_allclose(losses(name="focal", gamma=gamma, alpha=0.25), expected, rtol=1e-5)
    expected = [2 * slow_focal(*row, gamma, 0.5) for row in rows]
    np.testing.assert_allclose(losses(name="focal", gamma=gamma), expected, rtol=1e-5)


def test_focal_loss_with_gamma_0_is_the_logloss() -> None:
    np.testing.assert_allclose(losses(name="focal", gamma=0), losses(), rtol=1e-6)


@pytest.mark.parametrize("name", ["logloss", "focal"])
def test_smoothed_labels_are_a_share_of_both_classes(name: str) -> None:
    plain = {label: losses(np.full(6, label, np.float32), name=name) for label in (0, 1)}
    expected = np.where(LABEL == 1, 0.95 * plain[1] + 0.05 * plain[0], 0.95 * plain[0])
    expected += np.where(LABEL == 1, 0, 0.05 * plain[1])
    np.testing.assert_allclose(losses(name=name, label_smoothing=0.1), expected, rtol=1e-5)


@pytest.mark.parametrize("fields", [{}, {"name": "focal"}, {"name": "focal", "gamma": 0.5}])
def test_losses_of_extreme_logits_have_gradients(fields: dict[str, object]) -> None:
    logits = tf.constant([-500.0, 500.0, -500.0, 500.0])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        found = RowLoss(LossConfig(**fields), NO_TEACHER)(tf.constant([0.0, 0.0, 1.0, 1.0]), logits)
    np.testing.assert_allclose(found, [0.0, 500.0, 500.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(tape.gradient(found, logits), [0.0, 1.0, -1.0, 0.0], atol=1e-6)


def test_constant_and_untrained_losses() -> None:
    plain = RowLoss(LossConfig(), NO_TEACHER)
    entropy = -(0.2 * np.log(0.2) + 0.8 * np.log(0.8))
    assert plain.constant_loss(0.2) == pytest.approx(entropy, rel=1e-5)
    assert plain.untrained_loss(0.2) == pytest.approx(np.log(2))
    focal = RowLoss(LossConfig(name="focal", gamma=2), NO_TEACHER)
    logits = np.linspace(-5, 5, 10_001)
    means = [0.2 * slow_focal(1, z, 2, 1) + 0.8 * slow_focal(0, z, 2, 0) for z in logits]
    assert focal.constant_loss(0.2) == pytest.approx(min(means), rel=1e-4)
    assert focal.untrained_loss(0.2) == pytest.approx(np.log(2) / 4)
    smoothed = RowLoss(LossConfig(label_smoothing=0.5), NO_TEACHER)
    rate = 0.5 * 0.2 + 0.25
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert smoothed.constant_loss(0.2) == pytest.approx(entropy, rel=1e-5)


def test_a_teacher_has_its_share_of_the_loss() -> None:
    """Section 2 of Hinton et al. 2015: both probabilities at T, times T^2."""
    teacher = np.array([3.0, -3.0, 0.5, -1.0, 2.0, 0.0], np.float32)
    loss = RowLoss(LossConfig(), DistillationConfig(weight=0.25, temperature=3))
    found = loss(tf.constant(LABEL), tf.constant(LOGITS), tf.constant(teacher)).numpy()
    q, p = (1 / (1 + np.exp(-z.astype(float) / 3)) for z in (teacher, LOGITS))
    of_teacher = -(q * np.log(p) + (1 - q) * np.log(1 - p))
    np.testing.assert_allclose(found, 0.75 * losses() + 0.25 * 9 * of_teacher, rtol=1e-5)


def test_constant_loss_with_a_teacher() -> None:
    loss = RowLoss(LossConfig(), DistillationConfig(weight=0.25, temperature=3))
    logits = np.linspace(-5, 5, 10_001)
    softened = logits / 3
    of_teacher = np.logaddexp(0, softened) - 0.4 * softened
    of_label = np.logaddexp(0, logits) - 0.2 * logits
    expected = np.min(0.75 * of_label + 0.25 * 9 * of_teacher)
    assert loss.constant_loss(0.2, 0.4) == pytest.approx(expected, rel=1e-5)
    assert loss.untrained_loss(0.2, 0.4) == pytest.approx((0.75 + 0.25 * 9) * np.log(2))


def test_fields_are_set_by_path_and_travel_as_json() -> None:
    config = with_values(TrainerConfig(), {"loss.name": "focal", "loss.gamma": 1.5})
    assert config.loss == LossConfig(name="focal", gamma=1.5)
    assert TrainerConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "hinge"}, "loss.name"),
        ({"gamma": -1}, "loss.gamma"),
        ({"label_smoothing": 1.0}, "loss.label_smoothing"),
        ({"alpha": 0.25}, "alpha: expected none with logloss, received 0.25"),
    ],
)
def test_wrong_values_name_the_field(fields: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TrainerConfig(loss=fields)
    assert field in str(caught.value)
