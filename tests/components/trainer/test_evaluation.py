from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import read_labels
from components.trainer.devices import Devices
from components.trainer.evaluation import LOGLOSS, Evaluation, evaluate
from components.trainer.train_step import TrainStep
from tests.components.trainer.small_log import (
    CONFIG,
    NUM_EVAL_ROWS,
    SmallLog,
    labels_and_logits,
    make_network,
    with_weights,
)


def losses(label: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Binary cross-entropies, nats."""
    return np.log1p(np.exp(np.where(label == 1, -logits, logits)))


def test_logloss_is_the_mean_over_the_rows(log: SmallLog) -> None:
    network = make_network(CONFIG)
    label, logits = labels_and_logits(network, log.eval_files)
    assert len(label) == NUM_EVAL_ROWS
    expected = losses(label, logits).mean()
    assert evaluate(network, CONFIG, log.eval_files) == pytest.approx(expected, abs=1e-6)


def test_logloss_is_that_of_the_served_logits(log: SmallLog) -> None:
    config = CONFIG.model_copy(update={"negative_sampling_rate": 0.25})
    network = make_network(config)
    label, logits = labels_and_logits(network, log.eval_files)
    expected = losses(label, logits + np.log(0.25)).mean()
    assert evaluate(network, config, log.eval_files) == pytest.approx(expected, abs=1e-6)


def test_sampled_negatives_stand_for_those_that_were_dropped(log: SmallLog) -> None:
    config = CONFIG.model_copy(update={"negative_sampling_rate": 0.25})
    network = make_network(config)
    label, logits = labels_and_logits(network, log.eval_files)
    weight = np.where(label == 1, 1.0, 4.0)
    expected = np.average(losses(label, logits + np.log(0.25)), weights=weight)
    logloss = evaluate(network, config, log.eval_files, are_negatives_sampled=True)
    assert logloss == pytest.approx(expected, abs=1e-6)


def test_logloss_is_the_mean_by_the_weights_of_the_log(log: SmallLog, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"negative_sampling_rate": 0.25})
    network = make_network(config)
    files = with_weights(log.eval_files, tmp_path / "eval")
    label, logits = labels_and_logits(network, files)
    weight = np.concatenate([read_labels(path)[1] for path in files])
    each = losses(label, logits + np.log(0.25))
    expected = np.average(each, weights=weight)
    assert abs(expected - each.mean()) > 1e-3
    assert evaluate(network, config, files) == pytest.approx(expected, abs=1e-6)
    sampled = evaluate(network, config, files, are_negatives_sampled=True)
    expected = np.average(each, weights=weight * np.where(label == 1, 1.0, 4.0))
    assert sampled == pytest.approx(expected, abs=1e-6)


def test_metrics_are_those_of_the_served_probabilities(log: SmallLog, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"negative_sampling_rate": 0.25})
    network = make_network(config)
    files = with_weights(log.eval_files, tmp_path / "eval")
    label, logits = labels_and_logits(network, files)
    weight = np.concatenate([read_labels(path)[1] for path in files])
    weight *= np.where(label == 1, 1.0, 4.0)
    probability = 1 / (1 + np.exp(-(logits + np.log(0.25))))
    figures = Evaluation(network, config, files, True, with_metrics=True)()
    without = Evaluation(network, config, files, True)()
    assert without == {LOGLOSS: figures.pop(LOGLOSS)}
    expected = roc_auc_score(label, probability, sample_weight=weight)
    assert figures["auc_roc"] == pytest.approx(expected, abs=1e-6)
    expected = np.average((probability >= 0.5) == (label == 1), weights=weight)
    assert figures["accuracy"] == pytest.approx(expected, abs=1e-6)


def test_logloss_follows_the_weights(log: SmallLog) -> None:
    network = make_network(CONFIG)
    evaluation = Evaluation(network, CONFIG, log.eval_files)
    before = evaluation()[LOGLOSS]
    network.set_weights([0 * weight for weight in network.get_weights()])
    assert evaluation()[LOGLOSS] == pytest.approx(np.log(2)) != before


def test_logloss_on_the_way_of_tpus_is_that_of_a_cpu(log: SmallLog) -> None:
    """Its batches have the size of the training's, here with padding in the last one."""
    config = TrainerConfig.model_validate(
        CONFIG.model_dump() | {"tpu": {"min_table_rows": 100}, "batch_size": 128}
    )
    devices = Devices(tf.distribute.get_strategy(), is_tpu=True)
    network = make_dlrm(config, {"C1": 300, "C2": 5}, 3, devices.make_tables(config))
    TrainStep(network, config, 1)
    expected = evaluate(make_network(config), config, log.eval_files)
    assert evaluate(network, config, log.eval_files, devices) == pytest.approx(expected, abs=1e-6)
