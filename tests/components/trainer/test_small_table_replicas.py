"""Tables that are kept small while they are trained, on two replicas."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.trainer.devices import make_devices
from tests.components.trainer import small_table_replicas

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("method", "optimizer"), [("full", "sgd"), ("bfloat16", "sgd"), ("int8_trained", "adagrad")]
)
def test_replicas_end_with_the_same_tables_which_are_those_of_one_device(
    method: str, optimizer: str, tmp_path: Path
) -> None:
    path = tmp_path / "replicas.npz"
    module = "tests.components.trainer.small_table_replicas"
    command = [sys.executable, "-m", module, method, optimizer, str(path)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr[-5_000:]
    replicas = dict(np.load(path))
    single = small_table_replicas.train(make_devices("cpu"), method, optimizer)
    np.testing.assert_allclose(replicas["losses"], single["losses"], atol=1e-4)
    of_first = [name for name in replicas if name.startswith("replica_0")]
    assert len(of_first) >= 2
    for name in of_first:
        other = replicas[name.replace("replica_0", "replica_1")]
        np.testing.assert_array_equal(replicas[name], other)
    for name in ("table_0", "table_1"):
        # Gradients are summed in another order, which decides the rounding of few values.
        close = np.isclose(replicas[name], single[name], atol=1e-6)
        assert close.mean() > 0.99
