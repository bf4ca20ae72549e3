import math

import numpy as np
import pytest

from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows
from components.trainer.devices import make_devices
from components.trainer.evaluation import evaluate
from components.trainer.hyperparameters import with_values
from components.trainer.loop.training import train
from components.trainer.loop.validation_rows import hold_out_last_rows
from components.trainer.train_variant import TrainingRows, train_variant
from components.trainer.tuning import trials
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.trials import Trials, train_once
from tests.components.trainer.small_log import CONFIG, labels_and_logits, make_network


def logloss_by_hand(config, rows, files, num_rows):
    """Of the held-out rows, each one without a click counted 1 / rate times."""
    network = make_network(config)
    train(network, config, files, num_rows)
    label, logits = labels_and_logits(network, list(rows.held_out_files))
    logits = logits + math.log(config.negative_sampling_rate)
    weight = np.where(label > 0, 1.0, 1.0 / config.negative_sampling_rate)
    return np.average(np.logaddexp(0.0, logits) - label * logits, weights=weight)


def test_trial_is_judged_by_rows_it_was_not_trained_on(rows):
    config = with_values(CONFIG, {"negative_sampling_rate": 0.5, "epochs": 1})
    expected = logloss_by_hand(config, rows, rows.train_files, 560)
    logloss, examples_per_second = train_once(config, rows)
    assert logloss == pytest.approx(expected, rel=1e-5)
    assert examples_per_second > 0


def test_rows_to_stop_by_are_none_of_the_held_out_ones(rows, tmp_path):
    early = {
        "validation_fraction": 0.25,
        "evals_per_epoch": 2,
        "early_stopping": {"patience": 9},
        "epochs": 1,
    }
    config = with_values(CONFIG, early)
    files, validation = hold_out_last_rows(rows.train_files, 0.25, str(tmp_path))
    assert count_rows(files) == 420
    network = make_network(config)
    train(network, config, files, 420, validation_files=validation)
    label, logits = labels_and_logits(network, list(rows.held_out_files))
    expected = np.mean(np.logaddexp(0.0, logits) - label * logits)
    assert train_once(config, rows)[0] == pytest.approx(expected, rel=1e-5)


def test_trial_has_its_teacher(rows):
    # Nothing is evaluated on the way: there are no validation rows.
    values = {"epochs": 1, "evals_per_epoch": 1, "train_eval_rows": 50}
    config = with_values(CONFIG, values | {"distillation.weight": 0.5, "seed": 3})
    used = TrainingRows("", rows.features, rows.train_files, 560)
    without = with_values(config, {"evals_per_epoch": 0, "train_eval_rows": 0})
    network, _ = train_variant(without, used, make_devices("cpu"))
    expected = evaluate(network, config, rows.held_out_files)
    found = train_once(config, rows)[0]
    assert found == pytest.approx(expected, rel=1e-5)
    assert found != train_once(with_values(config, {"distillation.weight": 0.0}), rows)[0]


@pytest.fixture
def trained(monkeypatch):
    """The configurations that were trained; each loss is its seed and its rate."""
    configs = []

    def record(config, rows):
        configs.append(config)
        return config.seed + config.dense_optimizer.learning_rate, 10.0 * (config.seed + 1)

    monkeypatch.setattr(trials, "train_once", record)
    return configs


def make_trials(rows, tmp_path, num_seeds=1):
    return Trials(TrainerConfig(), rows, num_seeds, Journal(str(tmp_path / "journal")))


def test_result_is_the_mean_over_the_seeds(rows, tmp_path, trained):
    result = make_trials(rows, tmp_path, 3).run({"dense_optimizer.learning_rate": 0.5, "seed": 4})
    assert [config.seed for config in trained] == [4, 5, 6]
    assert result.logloss == pytest.approx(5.5)
    assert result.train_examples_per_second == pytest.approx(60.0)
    assert result.values == {"dense_optimizer.learning_rate": 0.5, "seed": 4}


def test_same_values_are_trained_once(rows, tmp_path, trained):
    values = {"epochs": 2, "wide": True}
    first = make_trials(rows, tmp_path).run(values)
    again = make_trials(rows, tmp_path).run(dict(reversed(values.items())))
    assert again == first
    assert len(trained) == 1


@pytest.mark.parametrize("other", [{"values": {"epochs": 3}}, {"num_seeds": 2}])
def test_other_values_or_seeds_are_trained_anew(rows, tmp_path, trained, other):
    make_trials(rows, tmp_path).run({"epochs": 2})
    before = len(trained)
    make_trials(rows, tmp_path, other.get("num_seeds", 1)).run(other.get("values", {"epochs": 2}))
    assert len(trained) > before


def test_values_that_do_not_suit_each_other_are_a_failed_trial(rows, tmp_path, trained):
    result = make_trials(rows, tmp_path).run({"embedding_dims": {"C999": 4}, "embedding_dim": 0})
    assert result.logloss is None
    assert "embedding_dim" in result.error
    assert trained == []


def test_training_that_diverges_is_a_failed_trial(rows, tmp_path):
    sgd = {"name": "sgd", "learning_rate": 1e30}
    config = with_values(CONFIG, {"dense_optimizer": sgd})
    result = Trials(config, rows, 1, Journal(str(tmp_path / "journal"))).run({})
    assert result.logloss is None
    assert "dense_optimizer" in result.error


def test_error_in_the_code_is_no_failed_trial(rows, tmp_path, monkeypatch):
    def broken(config, rows):
        raise KeyError("a bug")

    monkeypatch.setattr(trials, "train_once", broken)
    with pytest.raises(KeyError, match="a bug"):
        make_trials(rows, tmp_path).run({})
