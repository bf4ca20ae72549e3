import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss, roc_auc_score

from components.parquet import read_table, write_table
from components.progress import PROGRESS_LOGGER
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows, make_dataset, read_rows
from components.trainer.devices import Devices, make_devices
from components.trainer.evaluation import evaluate
from components.trainer.loop import progress_line
from components.trainer.loop.divergence import DivergedError
from components.trainer.loop.training import train
from components.trainer.loop.validation_rows import hold_out_last_rows
from components.trainer.model import Dlrm
from components.trainer.train_step import TrainStep
from components.training_record import TrainingSummary
from schemas.click_log import LABEL
from tests.components.trainer.loop.test_training_logs import read, scalars
from tests.components.trainer.small_log import (
    CONFIG,
    NUM_TRAIN_ROWS,
    SmallLog,
    labels_and_logits,
    make_network,
)

NUM_STEPS = 2 * 11  # 700 rows in batches of 64


def make_config(**fields: object) -> TrainerConfig:
    return TrainerConfig.model_validate({**CONFIG.model_dump(), **fields})


@pytest.fixture
def plain() -> Devices:
    """This machine without XLA, whose compilation takes most of a short training."""
    devices = make_devices("auto")
    devices.jit_compile = False
    return devices


def run(
    log: SmallLog, config: TrainerConfig, devices: Devices | None = None, **options: object
) -> tuple[Dlrm, TrainingSummary]:
    network = make_network(config)
    summary = train(network, config, log.train_files, NUM_TRAIN_ROWS, devices=devices, **options)
    return network, summary


def assert_same_weights(first: Dlrm, second: Dlrm) -> None:
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_same_seed_gives_identical_weights(log: SmallLog) -> None:
    first, _ = run(log, CONFIG)
    second, _ = run(log, CONFIG)
    assert_same_weights(first, second)


@pytest.fixture(scope="module")
def finished(
    log: SmallLog, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Dlrm, TrainingSummary, Path]:
    """A training with all its logs, and their folder."""
    logs_dir = tmp_path_factory.mktemp("logs")
    config = make_config(evals_per_epoch=2, train_eval_rows=350, profile_steps=5)
    network, summary = run(log, config, logs_dir=str(logs_dir), eval_files=log.eval_files)
    return network, summary, logs_dir


Finished = tuple[Dlrm, TrainingSummary, Path]


def test_summary_counts_steps_and_epochs(finished: Finished) -> None:
    _, summary, _ = finished
    assert summary.train_steps == summary.exported_step == NUM_STEPS
    assert summary.stop_reason == "last_step"
    assert summary.resumed_steps == ()


def test_rate_is_that_of_the_rows_after_the_first_step(finished: Finished) -> None:
    _, summary, _ = finished
    rated_rows = 2 * NUM_TRAIN_ROWS - 64
    assert summary.train_examples_per_second > rated_rows / summary.train_seconds


def test_one_step_has_a_rate(log: SmallLog, plain: Devices) -> None:
    _, summary = run(log, make_config(batch_size=5_000, epochs=1), plain)
    assert summary.train_steps == 1
    assert summary.train_examples_per_second == pytest.approx(
        NUM_TRAIN_ROWS / summary.train_seconds
    )


def test_loss_curve_holds_the_losses_of_a_short_training(finished: Finished) -> None:
    curve = finished[1].loss_curve
    assert [point.step for point in curve] == list(range(1, NUM_STEPS + 1))
    of_epoch = [64 * step for step in range(1, 11)] + [NUM_TRAIN_ROWS]
    assert [point.examples for point in curve] == of_epoch + [700 + rows for rows in of_epoch]
    assert curve[0].loss == pytest.approx(math.log(2), abs=0.2)
    assert finished[1].final_train_loss == pytest.approx(np.mean([point.loss for point in curve]))


def test_eval_curve_ends_with_the_logloss_of_the_result(log: SmallLog, finished: Finished) -> None:
    network, summary, _ = finished
    assert [(p.step, p.examples) for p in summary.eval_curve] == [
        *((6, 384), (11, 700), (17, 1084), (22, 1400)),
    ]
    assert summary.eval_curve_rows == "eval"
    label, logit = labels_and_logits(network, log.eval_files)
    expected = log_loss(label, 1 / (1 + np.exp(-logit)))
    assert summary.eval_curve[-1].logloss == pytest.approx(expected, abs=1e-6)
    loglosses = [point.logloss for point in summary.eval_curve]
    metrics = summary.eval_curve[-1].metrics
    assert metrics["auc_roc"] == pytest.approx(roc_auc_score(label, logit), abs=1e-6)
    assert metrics["accuracy"] == pytest.approx(np.mean((logit >= 0) == label), abs=1e-6)
    label, logit = (values[::2] for values in labels_and_logits(network, log.train_files))
    metrics = summary.eval_curve[-1].train_metrics
    expected = log_loss(label, 1 / (1 + np.exp(-logit)))
    assert metrics["logloss"] == pytest.approx(expected, abs=1e-6)
    assert metrics["auc_roc"] == pytest.approx(roc_auc_score(label, logit), abs=1e-6)
    assert summary.best_step == (6, 11, 17, 22)[int(np.argmin(loglosses))]


def test_logs_hold_the_curves_rates_and_learning_rates(finished: Finished) -> None:
    _, summary, logs_dir = finished
    found = read(logs_dir)
    assert set(found.Runs()) == {"train", "eval"}
    assert scalars(found, "train", "loss") == [
        (point.step, pytest.approx(point.loss)) for point in summary.loss_curve
    ]
    assert scalars(found, "eval", "loss") == [
        (point.step, pytest.approx(point.logloss)) for point in summary.eval_curve
    ]
    last = summary.eval_curve[-1]
    assert scalars(found, "eval", "auc_roc")[-1] == (22, pytest.approx(last.metrics["auc_roc"]))
    assert scalars(found, "train", "logloss")[-1] == (
        *(22, pytest.approx(last.train_metrics["logloss"])),
    )
    # The dense rate falls linearly from 0.02 at the first step, the other stays.
    assert scalars(found, "train", "learning_rate/dense") == [
        (step, pytest.approx(0.02 * (1 - (step - 1) / NUM_STEPS))) for step in range(1, 23)
    ]
    assert scalars(found, "train", "learning_rate/embeddings") == [
        (step, pytest.approx(0.04)) for step in range(1, 23)
    ]
    assert all(rate > 0 for _, rate in scalars(found, "train", "examples_per_second"))


def test_logs_hold_a_histogram_of_each_variable_an_epoch(finished: Finished) -> None:
    network, _, logs_dir = finished
    found = read(logs_dir)
    tags = [tag for tag in found.Runs()["train"]["tensors"] if tag.startswith("weights/")]
    assert len(tags) == len(network.trainable_variables)
    for tag in tags:
        assert [event.step for event in found.Tensors("train", tag)] == [11, 22]


def test_logs_hold_a_profiler_trace(finished: Finished) -> None:
    [trace] = finished[2].glob("train/plugins/profile/*/*.xplane.pb")
    # The optimizers' updates are among what was traced.
    assert b"Adagrad" in trace.read_bytes()


@pytest.mark.parametrize("optimizer", ["adagrad", "sgd"])
@pytest.mark.parametrize("method", ["full", "hashing", "quotient_remainder"])
def test_training_learns_the_planted_effects(
    log: SmallLog, plain: Devices, method: str, optimizer: str
) -> None:
    rate, epochs = {"adagrad": (0.1, 2), "sgd": (2.0, 6)}[optimizer]
    config = make_config(
        seed=1,
        epochs=epochs,
        embedding={"method": method},
        dense_optimizer={"name": optimizer, "learning_rate": rate},
        embedding_optimizer={"name": optimizer, "learning_rate": rate},
    )
    network, _ = run(log, config, plain)
    assert roc_auc_score(*labels_and_logits(network, log.eval_files)) > 0.65


def test_rows_that_are_not_in_the_data_keep_their_values(log: SmallLog, plain: Devices) -> None:
    before = make_network(CONFIG)
    after, _ = run(log, CONFIG, plain)
    seen = np.unique(np.concatenate([read_rows(f).categorical[:, 0] for f in log.train_files]))
    old, new = (n.tables.values(n.embeddings[0])[0] for n in (before, after))
    assert 200 < len(seen) < len(old)
    changed = np.flatnonzero((old != new).any(axis=1))
    np.testing.assert_array_equal(changed, seen)


def test_a_loss_that_is_not_finite_stops_with_the_rates_of_its_step(
    log: SmallLog, plain: Devices
) -> None:
    config = make_config(
        dense_optimizer={"name": "sgd", "learning_rate": 1e38, "decay": "linear"},
        embedding_optimizer={"name": "sgd", "learning_rate": 0.5},
    )
    # The first step throws the weights away, so the second one has no loss: 1e38 * (1 - 1 / 22).
    expected = (
        r"the loss of variant full is (nan|inf) at step 2, where the learning rates were "
        r"9\.55e\+37 \(dense_optimizer\) and 0\.5 \(embedding_optimizer\)"
    )
    with pytest.raises(DivergedError, match=expected):
        run(log, config, plain)


def test_a_loss_that_stays_absurd_stops_with_the_rates_of_its_step(
    log: SmallLog, plain: Devices
) -> None:
    sgd = {"name": "sgd", "learning_rate": 3e4, "decay": "constant"}
    config = make_config(
        epochs=12, gradient_clip_norm=1.0, dense_optimizer=sgd, embedding_optimizer=sgd
    )
    expected = (
        r"variant full diverges at step 100, where the learning rates were 3e\+04 "
        r"\(dense_optimizer\) and 3e\+04 .*: the means of 10 times 10 losses on end were above"
    )
    with pytest.raises(DivergedError, match=expected):
        run(log, config, plain)


def test_progress_says_where_each_step_is(
    log: SmallLog,
    plain: Devices,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress_line, "_REPORT_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        run(log, make_config(steps_per_execution=1), plain)
    assert len(caplog.messages) == NUM_STEPS
    assert caplog.messages[10].startswith("epoch 1/2, step 11/22, loss 0.")
    assert caplog.messages[11].startswith("epoch 2/2, step 12/22, loss 0.")
    assert caplog.messages[-1].endswith(" examples/s, 0 s left")


@pytest.mark.parametrize("correction", ["logit", "weight"])
def test_sampled_negatives_leave_the_served_predictions_calibrated(
    log: SmallLog, plain: Devices, correction: str, tmp_path: Path
) -> None:
    """A third of the negatives stays, and the mean prediction on all rows is still near theirs."""
    rng = np.random.default_rng(0)
    files = []
    for path in log.train_files:
        table = read_table(path)
        stays = (table[LABEL].to_numpy() == 1) | (rng.random(table.num_rows) < 1 / 3)
        files.append(str(tmp_path / Path(path).name))
        write_table(table.filter(pa.array(stays)), files[-1])
    config = make_config(
        negative_sampling_rate=1 / 3,
        negative_sampling_correction=correction,
        dense_optimizer={"learning_rate": 0.1},
    )
    network = make_network(config)
    train(network, config, files, count_rows(files), devices=plain)
    label, logit = labels_and_logits(network, log.eval_files)
    served = 1 / (1 + np.exp(-(logit + config.served_logit_offset)))
    assert served.mean() == pytest.approx(label.mean(), rel=0.25)  # 0.6 uncorrected
    assert evaluate(network, config, log.eval_files) == pytest.approx(
        log_loss(label, served), abs=1e-5
    )


def test_evaluations_without_rows_for_them_are_refused(log: SmallLog) -> None:
    with pytest.raises(ValueError, match="evals_per_epoch: expected validation_files"):
        run(log, make_config(evals_per_epoch=1))


# High rates, so that the logloss goes up and down.
RESTLESS = {
    "epochs": 4,
    "dense_optimizer": {"name": "sgd", "learning_rate": 3.0, "decay": "constant"},
    "embedding_optimizer": {"name": "sgd", "learning_rate": 3.0},
    "evals_per_epoch": 4,
    "validation_fraction": 0.25,
}


def run_restless(
    log: SmallLog, folder: Path, devices: Devices, **fields: object
) -> tuple[Dlrm, TrainingSummary, list[str]]:
    """Trains on three quarters of the rows, with logs; returns the validation files too."""
    config = make_config(**{**RESTLESS, **fields})
    train_files, validation_files = hold_out_last_rows(log.train_files, 0.25, str(folder))
    network = make_network(config)
    summary = train(
        network,
        config,
        train_files,
        525,
        validation_files=validation_files,
        eval_files=["not read"],
        devices=devices,
        logs_dir=str(folder / "logs"),
    )
    return network, summary, validation_files


def test_early_stopping_ends_the_training_with_its_best_weights(
    log: SmallLog, plain: Devices, tmp_path: Path
) -> None:
    network, summary, files = run_restless(log, tmp_path, plain, early_stopping={"patience": 2})
    loglosses = [point.logloss for point in summary.eval_curve]
    assert summary.stop_reason == "early_stopping"
    assert summary.eval_curve_rows == "validation"
    # Two evaluations after the best one, none before it that had to stop the training.
    assert int(np.argmin(loglosses)) == len(loglosses) - 3
    assert summary.train_steps == summary.eval_curve[-1].step < 4 * 9
    assert summary.exported_step == summary.best_step == summary.eval_curve[-3].step
    logloss = evaluate(network, CONFIG, files)
    assert logloss == min(loglosses) < loglosses[-1]


def test_plateau_lowers_both_learning_rates(log: SmallLog, plain: Devices, tmp_path: Path) -> None:
    plateau = {"patience": 2, "factor": 0.25, "min_factor": 0.125}
    _, summary, _ = run_restless(log, tmp_path, plain, reduce_on_plateau=plateau, seed=1)
    best, num_worse, factor, expected = math.inf, 0, 1.0, {}
    for point in summary.eval_curve:
        num_worse = 0 if point.logloss < best else num_worse + 1
        best = min(best, point.logloss)
        if num_worse == 2:
            num_worse, factor = 0, max(0.25 * factor, 0.125)
        expected[point.step] = 3.0 * factor
    assert set(expected.values()) == {3.0, 0.75, 0.375}
    found = read(tmp_path / "logs")
    for name in ("dense", "embeddings"):
        # An evaluation tells the rates of the steps after it.
        rates = dict(scalars(found, "train", f"learning_rate/{name}"))
        assert {step: rates[step + 1] for step in expected if step < 36} == {
            step: pytest.approx(rate) for step, rate in expected.items() if step < 36
        }
    assert summary.stop_reason == "last_step"


def test_maintenance_comes_at_its_steps_and_before_the_evaluation(
    log: SmallLog, plain: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[float, float]] = []
    config = make_config(evals_per_epoch=1)
    network = make_network(config)
    first = network.embeddings[0]
    first.maintenance = (0.25, 1.0)

    def maintain(progress: float, values: list[np.ndarray]) -> list[np.ndarray]:
        called.append((progress, float(np.abs(values[0]).sum())))
        return [np.zeros_like(values[0])]

    monkeypatch.setattr(first, "maintain", maintain)
    summary = train(
        network, config, log.train_files, NUM_TRAIN_ROWS, eval_files=log.eval_files, devices=plain
    )
    assert [progress for progress, _ in called] == [0.25, 1.0]
    assert all(total > 0 for _, total in called)
    assert not network.tables.values(first)[0].any()
    assert summary.eval_curve[-1].logloss == pytest.approx(
        evaluate(network, config, log.eval_files), rel=1e-6
    )


class BreakdownError(Exception):
    """Stands for anything that ends a process."""


def interrupted_after(num_steps: int) -> Devices:
    """Devices that break down after so many steps."""
    devices = make_devices("auto")
    devices.jit_compile = False
    compile_loop = devices.compile_loop

    def compile_then_break(step: object, batches: object) -> Callable[..., tf.Tensor]:
        loop = compile_loop(step, batches)
        num_left = num_steps

        def run_or_break(batches: object, num_steps: int) -> tf.Tensor:
            nonlocal num_left
            num_left -= num_steps
            if num_left < 0:
                raise BreakdownError
            return loop(batches, num_steps)

        return run_or_break

    devices.compile_loop = compile_then_break
    return devices


@pytest.mark.parametrize(
    ("checkpoint_steps", "resumed", "reset_tables"), [(5, 15, False), (11, 11, True)]
)
def test_a_training_taken_up_again_goes_on_as_if_nothing_had_been(
    log: SmallLog,
    plain: Devices,
    tmp_path: Path,
    checkpoint_steps: int,
    resumed: int,
    reset_tables: bool,
) -> None:
    """It broke down in its second epoch, between two checkpoints and between two evaluations."""
    config = make_config(
        evals_per_epoch=3,
        validation_fraction=0.1,
        early_stopping={"patience": 99},
        reduce_on_plateau={"patience": 1, "factor": 0.9},
        checkpoint_steps=checkpoint_steps,
        reset_tables=reset_tables,
        shuffle_window_rows=200,
    )
    files = {"validation_files": log.eval_files}
    whole_network, whole = run(log, config, plain, **files)
    files["checkpoint_dir"] = str(tmp_path / "checkpoints")
    with pytest.raises(BreakdownError):
        run(log, config, interrupted_after(17), **files)
    network, summary = run(log, config, plain, **files, logs_dir=str(tmp_path / "logs"))
    assert summary.resumed_steps == (resumed,)
    assert summary.loss_curve == whole.loss_curve
    assert [(p.step, p.logloss) for p in summary.eval_curve] == [
        (p.step, p.logloss) for p in whole.eval_curve
    ]
    assert summary.exported_step == whole.exported_step
    assert summary.final_train_loss == whole.final_train_loss
    assert_same_weights(network, whole_network)
    logged = scalars(read(tmp_path / "logs"), "train", "loss")
    assert logged == [(point.step, pytest.approx(point.loss)) for point in whole.loss_curve]


def test_a_training_killed_behind_its_last_step_is_not_repeated(
    log: SmallLog, plain: Devices, tmp_path: Path
) -> None:
    config = make_config(checkpoint_steps=NUM_STEPS)
    network, summary = run(log, config, plain, checkpoint_dir=str(tmp_path))
    again, resumed = run(log, config, interrupted_after(0), checkpoint_dir=str(tmp_path))
    assert resumed.resumed_steps == (NUM_STEPS,)
    assert resumed.loss_curve == summary.loss_curve
    assert_same_weights(again, network)


def test_tables_that_are_reset_start_each_epoch_but_the_first_anew(log: SmallLog) -> None:
    """The same batches by hand, with a reset between two epochs."""
    config = make_config(reset_tables=True)
    network, _ = run(log, config)
    by_hand = make_network(config)
    step = TrainStep(by_hand, config, NUM_STEPS)
    traced = tf.function(step, autograph=False)
    for epoch in range(2):
        if epoch:
            step.reset_tables()
        for batch in make_dataset(log.train_files, 64, 1_000_000, (config.seed, epoch)):
            traced(batch)
    for a, b in zip(network.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    without, _ = run(log, CONFIG)
    moved = zip(network.get_weights(), without.get_weights(), strict=True)
    assert max(np.abs(a - b).max() for a, b in moved) > 0.01
