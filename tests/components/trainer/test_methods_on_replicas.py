"""Every method trains on two replicas as it does on one device, its maintenance included."""

import json
import subprocess
import sys

import numpy as np
import pytest

from components.trainer.registry import known_methods
from tests.components.trainer import methods_on_replicas
from tests.components.trainer.small_log import write_small_log

pytestmark = pytest.mark.slow

# Each replica moves centroids to the means of its own rows.
_MEAN_OF_MEANS = {"product_quantized": 0.02}


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[float]] | str]:
    """Method -> device -> the losses of all steps; or method -> what went wrong."""
    folder = tmp_path_factory.mktemp("methods")
    write_small_log(folder / "log")
    results = folder / "results.json"
    arguments = [str(folder / "log"), str(results)]
    process = subprocess.run(
        [sys.executable, "-m", methods_on_replicas.__name__, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.returncode == 0, process.stdout[-5_000:]
    by_method: dict[str, dict[str, list[float]] | str] = json.loads(results.read_text())
    return by_method


@pytest.mark.parametrize("method", known_methods())
def test_two_replicas_have_the_losses_of_one_device(
    losses: dict[str, dict[str, list[float]] | str], method: str
) -> None:
    of_method = losses[method]
    assert isinstance(of_method, dict), of_method
    # 700 rows in batches of 64, twice.
    assert len(of_method["one_cpu"]) == 22
    tolerance = _MEAN_OF_MEANS.get(method, 1e-5)
    np.testing.assert_allclose(of_method["two_replicas"], of_method["one_cpu"], atol=tolerance)
