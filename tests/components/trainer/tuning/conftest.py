"""Rows of a small log as a tuner takes them."""

from pathlib import Path

import pytest

from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.rows import TuningRows, hold_out_rows
from tests.components.trainer.small_log import SmallLog, write_small_log


@pytest.fixture(scope="session")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """700 rows to train, two files."""
    return write_small_log(tmp_path_factory.mktemp("small_log"))


def make_rows(small_log: SmallLog, folder: Path) -> TuningRows:
    """560 of them to train and the last 140 held out."""
    folder.mkdir()
    config = TunerConfig(batch_sizes={})
    return hold_out_rows(small_log.train_files, small_log.features_dir, config, str(folder))


@pytest.fixture
def rows(small_log: SmallLog, tmp_path: Path) -> TuningRows:
    """See `make_rows`."""
    return make_rows(small_log, tmp_path / "rows")


@pytest.fixture(scope="module")
def module_rows(small_log: SmallLog, tmp_path_factory: pytest.TempPathFactory) -> TuningRows:
    """See `make_rows`."""
    return make_rows(small_log, tmp_path_factory.mktemp("module") / "rows")
