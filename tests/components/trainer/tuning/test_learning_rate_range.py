import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset, read_labels
from components.trainer.devices import make_devices
from components.trainer.hyperparameters import with_values
from components.trainer.loop.divergence import constant_loss
from components.trainer.tuning.config import LearningRateRangeConfig
from components.trainer.tuning.learning_rate_range import find_learning_rates
from components.trainer.tuning.results import RateRange
from components.trainer.tuning.rows import TuningRows, write_first_rows
from tests.components.trainer.small_log import CONFIG, make_network, with_weights
from tests.components.trainer.tuning.conftest import make_rows

NUM_PROBE_ROWS = 100
OPTIONS = LearningRateRangeConfig(
    num_points=10,
    steps_per_point=2,
    min_factor=0.1,
    max_factor=1e4,
    num_seeds=1,
    probe_rows=NUM_PROBE_ROWS,
)
SGD = with_values(
    CONFIG,
    {
        "dense_optimizer": {"name": "sgd", "learning_rate": 0.1, "warmup_fraction": 0.5},
        "embedding_optimizer": {"name": "sgd", "learning_rate": 1.0, "decay": "linear"},
        "negative_sampling_rate": 0.5,
    },
)


def find(rows: TuningRows, config: TrainerConfig, **options: object) -> dict[str, RateRange]:
    options = LearningRateRangeConfig.model_validate({**OPTIONS.model_dump(), **options})
    devices = make_devices("cpu")
    devices.jit_compile = False  # compilation takes most of so short a test
    ranges = find_learning_rates(config, rows, options, devices).ranges
    return {each.field.split(".")[0]: each for each in ranges}


def losses_by_hand(
    config: TrainerConfig, rows: TuningRows, dense_rates: np.ndarray, table_rates: np.ndarray
) -> list[float]:
    """Plain gradient descent, two steps a rate; the loss of the probe after each of them."""
    network = make_network(config)
    tables = {variable.ref() for variable in network.tables.stacks}
    probe = next(iter(make_dataset(rows.held_out_files, NUM_PROBE_ROWS, 1)))
    mean_weight = np.mean(np.concatenate([read_labels(path)[1] for path in rows.train_files]))
    batches = iter(
        batch
        for epoch in range(9)
        for batch in make_dataset(rows.train_files, 64, 10**6, (config.seed, epoch))
    )

    @tf.function(autograph=False)
    def gradients(features, label, weight):
        with tf.GradientTape() as tape:
            each = tf.nn.sigmoid_cross_entropy_with_logits(label, network(features))
            num_rows = tf.math.count_nonzero(weight, dtype=tf.float32)
            loss = tf.reduce_sum(weight * each) / (mean_weight * num_rows)
        of = tape.gradient(loss, network.trainable_variables)
        return [tf.convert_to_tensor(gradient) for gradient in of]

    losses = []
    for dense_rate, table_rate in zip(dense_rates, table_rates, strict=True):
        for _ in range(2):
            of = gradients(*next(batches))
            for variable, gradient in zip(network.trainable_variables, of, strict=True):
                rate = table_rate if variable.ref() in tables else dense_rate
                variable.assign_sub(rate * gradient)
        features, label, of_log = probe
        logits = network(features).numpy() + math.log(config.negative_sampling_rate)
        sampled = np.where(label.numpy() > 0, 1.0, 1.0 / config.negative_sampling_rate)
        weight = of_log.numpy() * sampled
        with np.errstate(invalid="ignore"):  # a training that has diverged
            each = np.logaddexp(0.0, logits) - label.numpy() * logits
        losses.append(float(np.sum(weight * each) / np.sum(weight)))
    return losses


@pytest.fixture(scope="module")
def by_sgd(module_rows: TuningRows) -> dict[str, RateRange]:
    return find(module_rows, SGD)


def test_one_rate_grows_while_the_other_part_learns_as_configured(module_rows, by_sgd):
    for part, order in (("dense_optimizer", 1), ("embedding_optimizer", -1)):
        grown = np.array(by_sgd[part].rates)
        np.testing.assert_allclose(grown, by_sgd[part].configured * np.geomspace(0.1, 1e4, 10))
        other = "embedding_optimizer" if order == 1 else "dense_optimizer"
        fixed = np.full(10, by_sgd[other].configured)
        expected = losses_by_hand(SGD, module_rows, *(grown, fixed)[::order])
        finite = [loss for loss in by_sgd[part].loss if loss is not None]
        assert len(finite) >= 4
        np.testing.assert_allclose(finite, expected[: len(finite)], rtol=1e-4)


def test_weights_of_the_log_weigh_what_is_learnt_and_what_is_measured(small_log, tmp_path):
    files = with_weights(small_log.train_files, tmp_path / "train")
    rows = make_rows(dataclasses.replace(small_log, train_files=files), tmp_path / "rows")
    found = find(rows, SGD, min_factor=0.9, max_factor=1.1, steps_per_point=2)["dense_optimizer"]
    expected = losses_by_hand(SGD, rows, np.array(found.rates), np.full(10, 1.0))
    np.testing.assert_allclose(found.loss, expected, rtol=1e-4)


def test_part_at_rest_does_not_learn(module_rows, by_sgd):
    expected = losses_by_hand(SGD, module_rows, np.zeros(10), np.full(10, 1.0))
    np.testing.assert_allclose(by_sgd["dense_optimizer"].loss_at_rest, expected, rtol=1e-4)


def test_test_ends_where_the_loss_diverges(by_sgd):
    losses = by_sgd["dense_optimizer"].loss
    first = losses.index(None)
    assert set(losses[first:]) == {None}
    assert max(losses[:first]) < 2 * by_sgd["dense_optimizer"].constant_loss


def test_constant_loss_is_that_of_the_measured_rows(module_rows, by_sgd, tmp_path):
    path = str(tmp_path / "probe.parquet")
    write_first_rows(module_rows.held_out_files, NUM_PROBE_ROWS, path)
    assert by_sgd["dense_optimizer"].constant_loss == constant_loss([path], 2.0)


def test_every_training_starts_anew_with_its_optimizers(rows):
    config = with_values(CONFIG, {"dense_optimizer.name": "adam"})
    # All of them train alike while the rate that grows is as good as 0.
    by_part = find(rows, config, min_factor=1e-30, max_factor=2.0, steps_per_point=1)
    for each in by_part.values():
        np.testing.assert_allclose(each.loss[:7], each.loss_at_rest[:7], rtol=1e-6)
        assert each.loss[9] != pytest.approx(each.loss_at_rest[9], rel=1e-4)


def test_seeds_differ_in_weights_and_order(rows, monkeypatch):
    seen, schedule_means = [], []

    def spy(rates, losses, at_rest, constant_loss, schedule_mean):
        seen.append(np.array(losses))
        schedule_means.append(schedule_mean)
        return read(rates, losses, at_rest, constant_loss, schedule_mean)

    from components.trainer.tuning import learning_rate_range

    read = learning_rate_range.read_range_test
    monkeypatch.setattr(learning_rate_range, "read_range_test", spy)
    find(rows, CONFIG, num_seeds=2, max_factor=1.5, steps_per_point=1)
    assert seen[0].shape == (2, 10)
    assert np.all(seen[0][0] != seen[0][1])
    assert schedule_means == [0.5, 1.0]  # the rate of the MLPs falls to 0, that of the tables stays
