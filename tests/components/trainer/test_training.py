import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss, roc_auc_score

from components.errors import InputError
from components.parquet import read_table, write_table
from components.progress import PROGRESS_LOGGER
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows, find_files, read_rows
from components.trainer.model import Dlrm
from components.trainer.training import ClickModel, evaluate, make_optimizer, train
from components.training_record import TrainingSummary
from schemas.click_log import LABEL
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.conftest import NUM_TRAIN_ROWS, TinySplits

CONFIG = TrainerConfig(bottom_mlp=(8,), top_mlp=(8,), embedding_dim=4, batch_size=64, epochs=2)


def run(splits: TinySplits, config: TrainerConfig) -> tuple[Dlrm, TrainingSummary]:
    network = splits.make_network(config)
    summary = train(network, config, find_files([f"{splits.train}/*"]), NUM_TRAIN_ROWS)
    return network, summary


def labels_and_probabilities(network: Dlrm, splits: TinySplits) -> tuple[np.ndarray, np.ndarray]:
    """Of the eval split, float32 and float64 `[num_rows]`."""
    rows = [read_rows(path) for path in find_files([f"{splits.eval}/*"])]
    features = {
        DENSE: tf.constant(np.concatenate([r.dense for r in rows])),
        CATEGORICAL: tf.constant(np.concatenate([r.categorical for r in rows])),
    }
    probabilities = tf.sigmoid(network(features)).numpy().astype(float)
    return np.concatenate([r.label for r in rows]), probabilities


def test_same_seed_gives_identical_weights(tiny_splits: TinySplits) -> None:
    first, _ = run(tiny_splits, CONFIG)
    second, _ = run(tiny_splits, CONFIG)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_summary_counts_steps_and_epochs(tiny_splits: TinySplits) -> None:
    _, summary = run(tiny_splits, CONFIG)
    assert summary.train_steps == 2 * 11  # 700 rows in batches of 64
    assert summary.train_seconds > 0
    assert summary.train_examples_per_second > 0


def test_one_step_has_a_rate(tiny_splits: TinySplits) -> None:
    _, summary = run(tiny_splits, CONFIG.model_copy(update={"batch_size": 5_000, "epochs": 1}))
    assert summary.train_steps == 1
    assert summary.train_examples_per_second == pytest.approx(
        NUM_TRAIN_ROWS / summary.train_seconds, rel=0.5
    )


@pytest.mark.parametrize("optimizer", ["adagrad", "sgd"])
@pytest.mark.parametrize("method", ["full", "hashing", "quotient_remainder"])
def test_training_learns_the_planted_effects(
    tiny_splits: TinySplits, method: str, optimizer: str
) -> None:
    rate = {"adagrad": 0.03, "sgd": 0.6}[optimizer]
    config = TrainerConfig.model_validate(
        CONFIG.model_dump()
        | {"embedding": {"method": method}, "optimizer": optimizer, "learning_rate": rate}
        | {"embedding_learning_rate": rate, "epochs": 4}
    )
    network, _ = run(tiny_splits, config)
    assert roc_auc_score(*labels_and_probabilities(network, tiny_splits)) > 0.65


def test_mlp_rate_falls_linearly_and_the_embeddings_keep_theirs(tiny_splits: TinySplits) -> None:
    config = CONFIG.model_copy(
        update={"learning_rate": 0.5, "final_learning_rate_fraction": 0.2, "optimizer": "sgd"}
    )
    network = tiny_splits.make_network(config)
    optimizer = make_optimizer(network, config, num_steps=10)
    (mlp, _), (embedding, _) = optimizer._optimizers_and_vars
    rates = [float(mlp.learning_rate(step)) for step in (0, 5, 10, 11)]
    assert rates == pytest.approx([0.5, 0.3, 0.1, 0.1])
    assert float(embedding.learning_rate) == pytest.approx(config.embedding_learning_rate)


def test_rows_that_are_not_in_the_data_keep_their_values(tiny_splits: TinySplits) -> None:
    before = tiny_splits.make_network(CONFIG)
    after, _ = run(tiny_splits, CONFIG)
    seen = np.unique(
        np.concatenate(
            [read_rows(f).categorical[:, 1] for f in find_files([f"{tiny_splits.train}/*"])]
        )
    )
    old, new = (network.embeddings[1].get_weights()[0] for network in (before, after))
    changed = np.flatnonzero((old != new).any(axis=1))
    np.testing.assert_array_equal(changed, seen)


def test_logloss_matches_scikit_learn(tiny_splits: TinySplits) -> None:
    network, _ = run(tiny_splits, CONFIG)
    logloss = evaluate(network, CONFIG, find_files([f"{tiny_splits.eval}/*"]))
    expected = log_loss(*labels_and_probabilities(network, tiny_splits))
    assert logloss == pytest.approx(expected, abs=1e-5)


def test_final_train_loss_is_the_mean_of_the_last_steps(
    tiny_splits: TinySplits, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.trainer.training._REPORT_SECONDS", 0.0)
    monkeypatch.setattr("components.trainer.training._FINAL_LOSS_STEPS", 3)
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        _, summary = run(tiny_splits, CONFIG)
    losses = [float(message.split("loss ")[1].split(",")[0]) for message in caplog.messages]
    assert summary.final_train_loss == pytest.approx(sum(losses[-3:]) / 3, abs=1e-4)


def test_a_loss_that_is_not_finite_stops_with_step_and_rate(tiny_splits: TinySplits) -> None:
    config = CONFIG.model_copy(update={"optimizer": "sgd", "learning_rate": 1e38})
    with pytest.raises(InputError, match=r"variant full is (nan|inf) at step \d+: .*\(1e\+38\)"):
        run(tiny_splits, config)


def test_progress_says_epoch_step_loss_and_rate(
    tiny_splits: TinySplits, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.trainer.training._REPORT_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        run(tiny_splits, CONFIG)
    assert len(caplog.messages) == 22
    assert caplog.messages[10].startswith("epoch 1/2, step 11/22, loss 0.")
    assert caplog.messages[-1].startswith("epoch 2/2, step 22/22, loss 0.")
    assert caplog.messages[-1].endswith(" examples/s")


def test_negatives_weigh_as_many_rows_as_they_stand_for() -> None:
    """Half of them kept and weighed twice: the loss and its gradient, worked out by hand."""
    config = CONFIG.model_copy(
        update={"negative_sampling_rate": 0.5, "negative_sampling_correction": "weight"}
    )
    logits = tf.Variable([0.0, 1.0, -1.0])
    model = ClickModel(lambda features: tf.identity(logits), config)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(({}, tf.constant([1.0, 0.0, 0.0])), training=True)
    losses = np.log1p(np.exp([-0.0, 1.0, -1.0]))
    assert float(loss) == pytest.approx((losses[0] + 2 * losses[1] + 2 * losses[2]) / 5)
    probability = 1 / (1 + np.exp(-logits.numpy()))
    expected = np.array([1, 2, 2]) * (probability - [1, 0, 0]) / 5
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, rtol=1e-5)


@pytest.mark.parametrize("correction", ["logit", "weight"])
def test_sampled_negatives_leave_the_served_predictions_calibrated(
    tiny_splits: TinySplits, correction: str, tmp_path: Path
) -> None:
    """A third of the negatives stays, and the mean prediction on all rows is still near theirs."""
    rng = np.random.default_rng(0)
    for path in find_files([f"{tiny_splits.train}/*"]):
        table = read_table(path)
        stays = (table[LABEL].to_numpy() == 1) | (rng.random(table.num_rows) < 1 / 3)
        write_table(table.filter(pa.array(stays)), str(tmp_path / Path(path).name))
    files = find_files([f"{tmp_path}/*"])
    config = CONFIG.model_copy(
        update={"negative_sampling_rate": 1 / 3, "negative_sampling_correction": correction}
    )
    network = tiny_splits.make_network(config)
    train(network, config, files, count_rows(files))
    label, uncorrected = labels_and_probabilities(network, tiny_splits)
    served = 1 / (
        1 + np.exp(-(np.log(uncorrected / (1 - uncorrected)) + config.served_logit_offset))
    )
    assert served.mean() == pytest.approx(label.mean(), rel=0.25)  # 0.6 uncorrected
    assert evaluate(network, config, find_files([f"{tiny_splits.eval}/*"])) == pytest.approx(
        log_loss(label, served), abs=1e-5
    )
