"""What a network says that its ids take is what its export holds, on disk and in memory."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.model import Dlrm
from components.trainer.registry import known_methods
from components.trainer.serving import ServedModel, export
from schemas.click_log import CategoricalColumn, ClickLog, DenseColumn, LabelColumn
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer import resident_memory
from tests.components.trainer.embeddings.standalone import make
from tests.components.trainer.transform_graph import write_transform_graph

STACKS = ("frequency_threshold + quotient_remainder + int8", "hashing + int8")
METHODS = (*known_methods(), *STACKS)
CLICK_LOG = ClickLog(
    label=LabelColumn(column="click"),
    dense=(DenseColumn(name="price", type="float"),),
    categorical=tuple(CategoricalColumn(name=name) for name in ("user", "item", "site")),
)
# The graph gives small ids, whatever the sizes of the tables.
NUM_HASHED_IDS = 20
# Of two processes that load a graph of one shape; seen were differences below 50,000.
_NOISE_BYTES = 200_000


def _write_graph(folder: Path) -> None:
    def preprocessing_fn(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        ids = [
            tf.strings.to_hash_bucket_fast(inputs[name], NUM_HASHED_IDS)
            for name in CLICK_LOG.categorical_features
        ]
        return {DENSE: inputs["price"][:, None], CATEGORICAL: tf.stack(ids, axis=1)}

    write_transform_graph(preprocessing_fn, CLICK_LOG, folder)


@dataclass(frozen=True)
class Exported:
    """A SavedModel, and the bytes that its network says its ids take."""

    folder: Path
    stated_bytes: int


def _make_network(method: str, num_users: int, dim: int) -> Dlrm:
    config = TrainerConfig.model_validate(
        {"bottom_mlp": (8,), "top_mlp": (8,), "embedding_dim": dim, "embedding": {"method": method}}
    )
    return make_dlrm(config, {"user": num_users, "item": 1_000, "site": NUM_HASHED_IDS}, 1)


def _export(network: Dlrm, graph: Path, folder: Path) -> Exported:
    stated_bytes = network.embedding_bytes
    export(ServedModel(str(graph), network.served(), CLICK_LOG, 0.0), str(folder))
    return Exported(folder, stated_bytes)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    _write_graph(folder)
    return folder


def variable_bytes(folder: Path) -> int:
    """Of all variables in a SavedModel, each once."""
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    dtypes = reader.get_variable_to_dtype_map()
    return sum(
        int(np.prod(shape)) * dtypes[key].size
        for key, shape in reader.get_variable_to_shape_map().items()
        if key.endswith("VARIABLE_VALUE")
    )


def mlp_bytes(dim: int) -> int:
    """1 -> 8 -> dim below; above, dim and the 6 products of 4 vectors -> 8 -> 1."""
    bottom_mlp = (1 * 8 + 8) + (8 * dim + dim)
    top_mlp = ((dim + 6) * 8 + 8) + (8 * 1 + 1)
    return 4 * (bottom_mlp + top_mlp)


@pytest.mark.parametrize("method", METHODS)
def test_export_holds_the_stated_bytes_and_the_mlps_on_disk(
    method: str, graph: Path, tmp_path: Path
) -> None:
    exported = _export(_make_network(method, 200_000, 16), graph, tmp_path / "model")
    assert variable_bytes(exported.folder) == exported.stated_bytes + mlp_bytes(16)
    # Nothing of a table is a constant of the graph, nor stored beside the variables.
    files = [path for path in exported.folder.rglob("*") if path.is_file()]
    others = sum(path.stat().st_size for path in files) - variable_bytes(exported.folder)
    assert 0 < others < 400_000


@pytest.mark.parametrize("method", [m for m in METHODS if make(m, 100, 16).tables.maintenance])
def test_export_holds_the_stated_bytes_after_maintenance(
    method: str, graph: Path, tmp_path: Path
) -> None:
    network = _make_network(method, 2_000, 16)
    for progress in network.tables.maintenance:
        network.tables.maintain(progress)
    exported = _export(network, graph, tmp_path / "model")
    assert variable_bytes(exported.folder) == exported.stated_bytes + mlp_bytes(16)


def _growth_by_loading(folders: list[Path]) -> list[int]:
    output = subprocess.run(
        [sys.executable, "-m", resident_memory.__name__, *map(str, folders)],
        env=os.environ | resident_memory.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    growths: list[int] = json.loads(output.splitlines()[-1])
    return growths


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_loaded_export_grows_memory_by_the_stated_bytes(
    method: str, graph: Path, tmp_path: Path
) -> None:
    """Beside the same network with a small table: what a graph takes by itself is in both."""
    small, large = (
        _export(_make_network(method, num_users, 128), graph, tmp_path / str(num_users))
        for num_users in (2_000, 200_000)
    )
    of_small, of_large = _growth_by_loading([small.folder, large.folder])
    expected = large.stated_bytes - small.stated_bytes
    assert abs(of_large - of_small - expected) <= 0.05 * expected + _NOISE_BYTES
