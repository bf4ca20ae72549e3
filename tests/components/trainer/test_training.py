import logging
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from components.errors import InputError
from components.parquet import read_table, write_table
from components.progress import PROGRESS_LOGGER
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows, find_files, read_rows
from components.trainer.evaluation import evaluate
from components.trainer.model import Dlrm
from components.trainer.optimizer_config import DenseOptimizerConfig
from components.trainer.training import train
from components.training_record import TrainingSummary
from schemas.click_log import LABEL
from tests.components.trainer.conftest import NUM_TRAIN_ROWS, TinySplits, labels_and_probabilities

CONFIG = TrainerConfig(bottom_mlp=(8,), top_mlp=(8,), embedding_dim=4, batch_size=64, epochs=2)


def run(splits: TinySplits, config: TrainerConfig) -> tuple[Dlrm, TrainingSummary]:
    network = splits.make_network(config)
    summary = train(network, config, find_files([f"{splits.train}/*"]), NUM_TRAIN_ROWS)
    return network, summary


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
        | {"embedding": {"method": method}, "epochs": 4}
        | {"dense_optimizer": {"name": optimizer, "learning_rate": rate}}
        | {"embedding_optimizer": {"name": optimizer, "learning_rate": rate}}
    )
    network, _ = run(tiny_splits, config)
    assert roc_auc_score(*labels_and_probabilities(network, tiny_splits)) > 0.65


def test_rows_that_are_not_in_the_data_keep_their_values(tiny_splits: TinySplits) -> None:
    before = tiny_splits.make_network(CONFIG)
    after, _ = run(tiny_splits, CONFIG)
    seen = np.unique(
        np.concatenate(
            [read_rows(f).categorical[:, 1] for f in find_files([f"{tiny_splits.train}/*"])]
        )
    )
    old, new = (n.tables.values(n.embeddings[1])[0] for n in (before, after))
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
    config = CONFIG.model_copy(
        update={"dense_optimizer": DenseOptimizerConfig(name="sgd", learning_rate=1e38)}
    )
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
