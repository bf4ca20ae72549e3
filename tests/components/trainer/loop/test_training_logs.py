from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

from components.trainer.loop.training_logs import TrainingLogs
from components.training_record import EvalPoint

POINT = EvalPoint(
    step=15,
    examples=150,
    train_seconds=1.0,
    logloss=0.625,
    metrics={"auc_roc": 0.75},
    train_metrics={"logloss": 0.5, "auc_roc": 0.875},
)


def read(folder: Path) -> EventMultiplexer:
    """As TensorBoard reads them: a run for each folder with event files."""
    multiplexer = EventMultiplexer(tensor_size_guidance={"scalars": 0, "histograms": 0})
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    return multiplexer


def scalars(multiplexer: EventMultiplexer, run: str, tag: str) -> list[tuple[int, float]]:
    events = multiplexer.Tensors(run, tag)
    return [(event.step, float(tf.make_ndarray(event.tensor_proto))) for event in events]


def test_scalars_of_training_and_evaluation_are_two_runs(tmp_path: Path) -> None:
    logs = TrainingLogs(str(tmp_path / "model_run" / "7" / "logs"))
    logs.train_scalars(10, {"loss": 0.5, "learning_rate/dense": 0.25})
    logs.evaluation(POINT)
    logs.train_scalars(20, {"loss": 0.375})
    logs.close()
    found = read(tmp_path)
    assert set(found.Runs()) == {"model_run/7/logs/train", "model_run/7/logs/eval"}
    assert scalars(found, "model_run/7/logs/train", "loss") == [(10, 0.5), (20, 0.375)]
    assert scalars(found, "model_run/7/logs/train", "learning_rate/dense") == [(10, 0.25)]
    for tag, value in (("loss", 0.625), ("logloss", 0.625), ("auc_roc", 0.75)):
        assert scalars(found, "model_run/7/logs/eval", tag) == [(15, value)]
    for tag, value in (("logloss", 0.5), ("auc_roc", 0.875)):
        assert scalars(found, "model_run/7/logs/train", tag) == [(15, value)]


def test_histogram_counts_the_values(tmp_path: Path) -> None:
    variable = tf.Variable([[0.0, 0.0, 0.0], [3.0, 3.0, 1.0]], name="layer_7/kernel")
    logs = TrainingLogs(str(tmp_path))
    logs.histograms(4, [variable, tf.Variable(0.5, name="scalar")])
    logs.close()
    [event] = read(tmp_path).Tensors("train", "weights/00_kernel")
    buckets = tf.make_ndarray(event.tensor_proto)  # left edge, right edge, count
    assert event.step == 4
    occupied = buckets[buckets[:, 2] > 0]
    assert occupied[:, 2].tolist() == [3, 1, 2]
    assert (occupied[0, 0], occupied[-1, 1]) == (0.0, 3.0)


def test_histogram_of_a_table_takes_rows_at_even_distances(tmp_path: Path) -> None:
    # 100,001 rows, of which 10,000 are taken: the first, the last and those between.
    ramp = np.repeat(np.linspace(-1.0, 1.0, 100_001, dtype=np.float32)[:, None], 2, axis=1)
    logs = TrainingLogs(str(tmp_path))
    logs.histograms(1, [tf.Variable(ramp, name="stack")])
    logs.close()
    [event] = read(tmp_path).Tensors("train", "weights/00_stack")
    buckets = tf.make_ndarray(event.tensor_proto)
    assert buckets[:, 2].sum() == 20_000
    assert (buckets[0, 0], buckets[-1, 1]) == (-1.0, 1.0)
    np.testing.assert_allclose(buckets[:, 2], 20_000 / len(buckets), rtol=0.01)


def test_logs_without_a_folder_write_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    logs = TrainingLogs(None, profile_steps=3)
    assert not logs.are_written
    assert logs.next_profile_step(0) == 10  # as those of the chief
    logs.train_scalars(10, {"loss": 0.5})
    logs.evaluation(POINT)
    logs.histograms(10, [tf.Variable([1.0])])
    logs.profile(10)
    logs.close()
    assert not list(tmp_path.iterdir())


def test_profiler_traces_the_steps_from_the_11th_on(tmp_path: Path) -> None:
    logs = TrainingLogs(str(tmp_path), profile_steps=3)
    steps = [logs.next_profile_step(step) for step in (0, 9, 10, 12, 13)]
    assert steps == [10, 10, 13, 13, None]
    for step in range(9, 15):
        logs.profile(step)
        assert bool(list(tmp_path.glob("train/plugins/profile/*/*.xplane.pb"))) == (step >= 13)
        tf.add(1.0, 2.0)
    logs.close()


def test_a_training_that_ends_early_ends_its_trace(tmp_path: Path) -> None:
    logs = TrainingLogs(str(tmp_path), profile_steps=100)
    logs.profile(10)
    logs.close()
    assert len(list(tmp_path.glob("train/plugins/profile/*/*.xplane.pb"))) == 1
