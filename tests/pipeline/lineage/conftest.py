"""A root folder with three recorded runs."""

from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.lineage.records import Snapshot
from pipeline.lineage.store import read_snapshot
from tests.pipeline.lineage.tfx_store import write_three_runs


class Recorded(NamedTuple):
    """A root folder, the ids recorded in it (see `write_three_runs`) and what is read back."""

    root: Path
    made: dict[str, dict[str, int]]
    snapshot: Snapshot


@pytest.fixture(scope="package")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Three runs: all executed, partly cached, failed."""
    root = tmp_path_factory.mktemp("root")
    made = write_three_runs(root)
    return Recorded(root, made, read_snapshot(root))
