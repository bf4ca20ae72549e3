"""Settings for every test process, before anything imports TensorFlow."""

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# A shell has its background jobs ignore it, and what they start; some tests interrupt a process.
signal.signal(signal.SIGINT, signal.default_int_handler)

REAL_ROWS = Path(__file__).parents[2] / "shared/data/criteo_1tb_day0_head.tsv"


@pytest.fixture(scope="session")
def real_rows() -> Path:
    """10,000 raw Criteo rows; their terms keep them out of this repository."""
    if not REAL_ROWS.exists():
        pytest.skip(f"needs real Criteo rows at {REAL_ROWS}, which are not part of the repository")
    return REAL_ROWS
