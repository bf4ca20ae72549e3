from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from components.errors import InputError
from components.features import read_features
from components.id_counts import write_id_counts
from components.trainer.config import TrainerConfig
from components.trainer.curriculum import read_frequencies
from components.trainer.data import TEACHER_LOGIT, make_dataset, read_rows
from components.trainer.devices import Devices, make_devices
from components.trainer.loop.batches import Batches
from components.trainer.loop.training import train
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.train_step import TrainStep
from components.trainer.train_variant import TrainingRows, train_variant
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.loop.test_training import BreakdownError, interrupted_after
from tests.components.trainer.small_log import CONFIG, SmallLog, make_network, write_small_log

SIZES = {"C1": 300, "C2": 5}
# The teacher takes 11 steps, the student 22.
DISTILLED = {
    "distillation": {"weight": 0.75, "temperature": 2.0, "teacher": {"epochs": 1}},
    "embedding": {"method": "hashing"},
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """With the counts of the ids."""
    log = write_small_log(tmp_path_factory.mktemp("log"))
    ids = np.concatenate([read_rows(path).categorical for path in log.train_files])
    counts = [
        np.bincount(column, minlength=n) for column, n in zip(ids.T, SIZES.values(), strict=True)
    ]
    counts = np.concatenate(counts)
    [seen] = np.nonzero(counts)
    table = pa.table({"position": seen, "count": counts[seen]})
    write_id_counts(log.features_dir, table, SIZES, dict.fromkeys(SIZES, 1))
    return log


@pytest.fixture
def rows(log: SmallLog) -> TrainingRows:
    features = read_features(log.features_dir)
    return TrainingRows(log.features_dir, features, log.train_files, 700, (), log.eval_files)


def make_config(**fields: object) -> TrainerConfig:
    return TrainerConfig.model_validate(CONFIG.model_dump() | fields)


def plain() -> Devices:
    devices = make_devices("cpu")
    devices.jit_compile = False
    return devices


def logits_by_row(config: TrainerConfig, files: list[str]) -> dict[bytes, float]:
    """The logit of a teacher that is trained apart, by the bytes of the row's dense features."""
    network = make_network(config)
    train(network, config, files, 700, devices=plain())
    found: dict[bytes, float] = {}
    for row in map(read_rows, files):
        features = {DENSE: tf.constant(row.dense), CATEGORICAL: tf.constant(row.categorical)}
        values = network(features).numpy()
        found |= {dense.tobytes(): v for dense, v in zip(row.dense, values, strict=True)}
    assert len(found) == 700
    return found


def test_a_student_learns_from_labels_and_teacher(
    rows: TrainingRows, log: SmallLog, tmp_path: Path
) -> None:
    """The same by hand: each row of each shuffled batch gets the logit of its own teacher."""
    config = make_config(**DISTILLED, shuffle_window_rows=200)
    network, summary = train_variant(config, rows, plain(), logs_dir=str(tmp_path))
    for folder in (tmp_path, tmp_path / "teacher"):
        assert list(folder.glob("train/events*"))
    teacher_logits = logits_by_row(config.teacher_config(), log.train_files)
    by_hand, losses = make_network(config), []
    traced = tf.function(TrainStep(by_hand, config, 22, jit_compile=False), autograph=False)
    for epoch in range(2):
        for features, label, weight in make_dataset(log.train_files, 64, 200, (0, epoch)):
            dense = features[DENSE].numpy()
            logits = np.array([teacher_logits[row.tobytes()] for row in dense], np.float32)
            z = by_hand(features).numpy().astype(float)
            p_teacher, p = 1 / (1 + np.exp(-logits / 2)), 1 / (1 + np.exp(-z / 2))
            of_label = np.logaddexp(0, z) - label.numpy() * z
            of_teacher = -(p_teacher * np.log(p) + (1 - p_teacher) * np.log(1 - p))
            expected = np.average(0.25 * of_label + 0.75 * 4 * of_teacher, weights=weight)
            loss = traced(({**features, TEACHER_LOGIT: tf.constant(logits)}, label, weight))
            assert float(loss) == pytest.approx(expected, rel=1e-4)
            losses.append(float(loss))
    np.testing.assert_allclose([p.loss for p in summary.loss_curve], losses, atol=1e-5)
    for a, b in zip(network.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert summary.teacher_seconds > 0


@pytest.mark.parametrize("num_steps", [7, 15])  # in the teacher's training, in the student's
def test_a_distillation_taken_up_again_ends_as_if_nothing_had_been(
    rows: TrainingRows, tmp_path: Path, num_steps: int
) -> None:
    config = make_config(**DISTILLED, checkpoint_steps=4)
    whole_network, whole = train_variant(config, rows, plain())
    folder = str(tmp_path / "checkpoints")
    with pytest.raises(BreakdownError):
        train_variant(config, rows, interrupted_after(num_steps), checkpoint_dir=folder)
    left = {path.name for path in Path(folder).iterdir()}
    assert ("teaching" in left, "teacher" in left) == (num_steps == 15, num_steps == 7)
    network, summary = train_variant(config, rows, plain(), checkpoint_dir=folder)
    assert summary.loss_curve == whole.loss_curve
    assert summary.resumed_steps == ((12,) if num_steps == 15 else ())
    for a, b in zip(network.get_weights(), whole_network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_devices_that_take_one_network_refuse_a_teacher(rows: TrainingRows) -> None:
    devices = Devices(tf.distribute.get_strategy(), is_tpu=True)
    with pytest.raises(InputError, match="distillation of full: not on TPUs"):
        train_variant(make_config(**DISTILLED), rows, devices)


def test_training_with_a_teacher_needs_what_it_left(log: SmallLog) -> None:
    config = make_config(**DISTILLED)
    with pytest.raises(ValueError, match="distillation: expected what a teacher left"):
        train(make_network(config), config, log.train_files, 700, devices=plain())
    config = make_config(curriculum={"order": "rare_first"})
    with pytest.raises(ValueError, match="curriculum: expected frequencies"):
        train(make_network(config), config, log.train_files, 700, devices=plain())


def epoch_of(log: SmallLog, config: TrainerConfig, epoch: int) -> np.ndarray:
    """The scores of the rows of an epoch, in their order, by `Batches`."""
    frequencies = read_frequencies(config, log.features_dir, SIZES)
    step = TrainStep(make_network(config), config, 22)
    batches = Batches(log.train_files, TrainingPlan(config, 700), plain(), step, frequencies)
    found = [
        frequencies.scores(features[CATEGORICAL].numpy()[weight.numpy() > 0])
        for features, _, weight in batches.after_step(11 * epoch)
    ]
    return np.concatenate(found)


def test_the_first_rows_come_in_order_and_all_of_them_once(log: SmallLog) -> None:
    config = make_config(curriculum={"order": "frequent_first", "fraction": 0.5})
    first, second = (epoch_of(log, config, epoch) for epoch in (0, 1))
    assert len(first) == len(second) == 700
    np.testing.assert_allclose(np.sort(first), np.sort(second))
    ordered = round(0.5 * 11) * 64  # Python rounds 5.5 to 6
    assert (np.diff(first[:ordered]) <= 0).all()
    assert first[ordered - 1] >= first[ordered:].max()
    assert 0.3 < np.mean(np.diff(first[ordered:]) > 0) < 0.7
    assert 0.3 < np.mean(np.diff(second) > 0) < 0.7


def test_a_curriculum_taken_up_again_goes_on_as_if_nothing_had_been(
    rows: TrainingRows, tmp_path: Path
) -> None:
    config = make_config(
        curriculum={"order": "rare_first"}, checkpoint_steps=2, shuffle_window_rows=300
    )
    _, whole = train_variant(config, rows, plain())
    with pytest.raises(BreakdownError):
        train_variant(config, rows, interrupted_after(5), checkpoint_dir=str(tmp_path))
    _, summary = train_variant(config, rows, plain(), checkpoint_dir=str(tmp_path))
    assert summary.resumed_steps == (4,)
    assert summary.loss_curve == whole.loss_curve
    _, without = train_variant(make_config(), rows, plain())
    assert [p.examples for p in without.loss_curve] == [p.examples for p in whole.loss_curve]
    assert without.loss_curve != whole.loss_curve
