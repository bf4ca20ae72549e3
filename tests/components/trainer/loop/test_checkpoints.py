import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.loop import checkpoints
from components.trainer.loop.checkpoints import Checkpoints, checkpoint_folder
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState
from components.trainer.train_step import Batch, TrainStep
from components.training_record import EvalPoint
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.small_log import CONFIG, make_network


def make_config(**fields: object) -> TrainerConfig:
    return TrainerConfig.model_validate({**CONFIG.model_dump(), **fields})


def make_step(config: TrainerConfig) -> TrainStep:
    return TrainStep(make_network(config), config, 100, jit_compile=False)


def make_batch(seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(0, 300, 16), rng.integers(0, 5, 16)], axis=1)
    features = {
        DENSE: tf.constant(rng.normal(size=(16, 3)), tf.float32),
        CATEGORICAL: tf.constant(ids, tf.int32),
    }
    return features, tf.constant(rng.integers(0, 2, 16), tf.float32), tf.ones(16)


def make_state(step: int) -> TrainingState:
    plan = TrainingPlan(CONFIG, 700)
    state = TrainingState.at_start(plan, 0.5)
    for number in range(step):
        state.losses.add(0.1 + 1 / (number + 3), plan)
    state.step = step
    state.evals.append(EvalPoint(step=1, examples=64, train_seconds=0.1, logloss=1 / 3))
    return state


@pytest.mark.parametrize(
    ("dense", "embeddings"),
    [("adagrad", "adagrad"), ("adam", "adam"), ("sgd", "rowwise_adagrad")],
)
def test_steps_after_a_restore_are_those_of_the_original(
    tmp_path: Path, dense: str, embeddings: str
) -> None:
    config = make_config(
        checkpoint_steps=2,
        dense_optimizer={"name": dense, "decay": "linear", "warmup_fraction": 0.1},
        embedding_optimizer={"name": embeddings},
    )
    original = make_step(config)
    for seed in range(2):
        original(make_batch(seed))
    original.learning_rate_factor.assign(0.125)
    Checkpoints(str(tmp_path), original, config, True).save_if_due(make_state(2))
    again = make_step(config)
    again(make_batch(9))  # makes all variables, and moves them elsewhere
    read = Checkpoints(str(tmp_path), again, config, True)
    state = read.find()
    read.restore()
    assert state is not None
    assert state.model_dump() == make_state(2).model_dump()
    assert float(again.learning_rate_factor) == 0.125
    for seed in range(2, 5):
        assert float(again(make_batch(seed))) == float(original(make_batch(seed)))


def saved_steps(folder: Path) -> set[str]:
    return {path.name.partition(".")[0] for path in folder.glob("ckpt-*")}


@pytest.fixture(scope="module")
def step() -> TrainStep:
    step = make_step(CONFIG)
    step(make_batch(0))
    return step


def test_a_folder_without_checkpoints_restores_nothing(step: TrainStep, tmp_path: Path) -> None:
    before = step.learning_rate_factor.numpy(), step.dense_optimizer.iterations.numpy()
    for folder in (str(tmp_path / "absent"), None):
        read = Checkpoints(folder, step, CONFIG, True)
        assert read.find() is None
        read.restore()
    assert (step.learning_rate_factor.numpy(), step.dense_optimizer.iterations.numpy()) == before


def test_only_the_newest_checkpoint_stays(step: TrainStep, tmp_path: Path) -> None:
    config = make_config(checkpoint_steps=2)
    written = Checkpoints(str(tmp_path), step, config, True)
    for number in (2, 3, 4, 6):
        written.save_if_due(make_state(number))
    assert saved_steps(tmp_path) == {"ckpt-6"}
    # Another process goes on in the same folder.
    Checkpoints(str(tmp_path), step, config, True).save_if_due(make_state(8))
    assert saved_steps(tmp_path) == {"ckpt-8"}


def test_a_half_written_checkpoint_is_not_read(step: TrainStep, tmp_path: Path) -> None:
    config = make_config(checkpoint_steps=2)
    Checkpoints(str(tmp_path), step, config, True).save_if_due(make_state(2))
    # A process that was killed in the middle: its data lies there, but the list does not name it.
    for path in tmp_path.glob("ckpt-2.*"):
        content = path.read_bytes()
        path.with_name(path.name.replace("ckpt-2", "ckpt-4")).write_bytes(content[:-100])
    (tmp_path / "ckpt-4_temp").mkdir()
    read = Checkpoints(str(tmp_path), step, config, True)
    state = read.find()
    assert state is not None
    assert state.step == 2
    read.restore()


def test_a_damaged_checkpoint_names_what_to_remove(step: TrainStep, tmp_path: Path) -> None:
    config = make_config(checkpoint_steps=2)
    Checkpoints(str(tmp_path), step, config, True).save_if_due(make_state(2))
    [data] = tmp_path.glob("ckpt-2.data*")
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    with pytest.raises(InputError, match=rf"ckpt-2: cannot be read .* remove {tmp_path} to start"):
        Checkpoints(str(tmp_path), step, config, True).restore()


def test_a_checkpoint_of_another_network_is_not_read(step: TrainStep, tmp_path: Path) -> None:
    config = make_config(checkpoint_steps=2)
    Checkpoints(str(tmp_path), step, config, True).save_if_due(make_state(2))
    other = make_step(make_config(top_mlp=(9,)))
    other(make_batch(0))
    with pytest.raises(InputError, match="cannot be read as a checkpoint of this training"):
        Checkpoints(str(tmp_path), other, config, True).restore()


@pytest.mark.parametrize(
    ("device", "expected"), [("auto", {"ckpt-3"}), ("multi_worker", set[str]())]
)
def test_the_clock_counts_unless_workers_write_together(
    step: TrainStep,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    expected: set[str],
) -> None:
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    config = make_config(device=device, checkpoint_seconds=60.0)
    written = Checkpoints(str(tmp_path), step, config, True)
    for number, seconds in ((1, 30.0), (2, 59.0), (3, 61.0), (4, 120.0)):
        now[0] = seconds
        written.save_if_due(make_state(number))
    assert saved_steps(tmp_path) == expected


def test_without_a_folder_nothing_is_written(step: TrainStep, tmp_path: Path) -> None:
    config = make_config(checkpoint_steps=1)
    written = Checkpoints(None, step, config, True)
    assert written.next_step(0) is None
    written.save_if_due(make_state(1))
    assert not list(tmp_path.iterdir())


def test_other_workers_leave_nothing_in_the_folder(step: TrainStep, tmp_path: Path) -> None:
    config = make_config(checkpoint_steps=1)
    Checkpoints(str(tmp_path), step, config, is_chief=False).save_if_due(make_state(1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("step_number", "expected"), [(0, 5), (4, 5), (5, 10)])
def test_next_checkpoint_comes_after_the_step(
    step: TrainStep, tmp_path: Path, step_number: int, expected: int
) -> None:
    config = make_config(checkpoint_steps=5)
    written = Checkpoints(str(tmp_path), step, config, True)
    assert written.next_step(step_number) == expected


def make_files(folder: Path) -> list[str]:
    paths = [folder / "a.parquet", folder / "b.parquet"]
    for path in paths:
        path.write_bytes(b"rows")
        os.utime(path, ns=(0, 1_700_000_000_000_000_000))
    return [str(path) for path in paths]


def test_equal_trainings_share_a_folder(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    first = checkpoint_folder("root", CONFIG, files, "code")
    assert first.startswith("root/full-")
    assert checkpoint_folder("root", make_config(), make_files(tmp_path), "code") == first


def test_whatever_decides_the_weights_decides_the_folder(tmp_path: Path) -> None:
    files = make_files(tmp_path)
    folders = {
        checkpoint_folder("root", CONFIG, files, "code"),
        checkpoint_folder("root", make_config(seed=1), files, "code"),
        checkpoint_folder("root", make_config(variant="other"), files, "code"),
        checkpoint_folder("root", CONFIG, files, "other code"),
        checkpoint_folder("root", CONFIG, files[:1], "code"),
        checkpoint_folder("root", CONFIG, files[::-1], "code"),
    }
    Path(files[0]).write_bytes(b"longer rows")
    os.utime(files[0], ns=(0, 1_700_000_000_000_000_000))
    folders.add(checkpoint_folder("root", CONFIG, files, "code"))
    os.utime(files[0], ns=(0, 1_700_000_001_000_000_000))
    folders.add(checkpoint_folder("root", CONFIG, files, "code"))
    assert len(folders) == 8
