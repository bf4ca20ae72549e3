from pathlib import Path

import numpy as np
import pytest

from components.parquet import read_table, write_table
from components.trainer.config import TrainerConfig
from components.trainer.data import TEACHER_LOGIT, read_labels
from components.trainer.devices import make_devices
from components.trainer.loop.teaching import find_teaching, write_teaching
from tests.components.trainer.small_log import (
    CONFIG,
    SmallLog,
    labels_and_logits,
    make_network,
    with_weights,
)


def test_each_row_has_the_logit_of_the_teacher(log: SmallLog, tmp_path: Path) -> None:
    fields = {
        "distillation": {"weight": 0.5, "temperature": 2.0},
        "negative_sampling_rate": 0.25,
        "negative_sampling_correction": "weight",
    }
    config = TrainerConfig.model_validate(CONFIG.model_dump() | fields)
    network, folder = make_network(config), tmp_path / "teaching"
    files = with_weights(log.train_files, tmp_path / "weighted")
    empty = str(tmp_path / "empty.parquet")
    write_table(read_table(files[0]).slice(0, 0), empty)
    files = [files[0], empty, files[1]]
    devices = make_devices("cpu")
    written = write_teaching(network, config, files, devices, 100.0, str(folder))
    assert find_teaching(str(folder)) == written
    assert 100.0 < written.seconds < 160.0
    for path, teacher_path in zip(files, written.files, strict=True):
        _, logits = labels_and_logits(network, [path])
        np.testing.assert_allclose(read_table(teacher_path)[TEACHER_LOGIT], logits, atol=1e-6)
    label, logits = labels_and_logits(network, files)
    weight = np.concatenate([read_labels(path)[1] for path in files])
    weight *= np.where(label == 1, 1.0, 4.0)
    expected = np.average(1 / (1 + np.exp(-logits / 2.0)), weights=weight)
    assert written.mean_probability == pytest.approx(expected, rel=1e-5)


def test_what_was_not_finished_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "00000.parquet").touch()
    assert find_teaching(str(tmp_path)) is None
    assert find_teaching(str(tmp_path / "absent")) is None
