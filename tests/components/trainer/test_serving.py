from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data import find_files, read_rows
from components.trainer.model import Dlrm
from components.trainer.serving import ServedModel, export
from schemas.click_log import MISSING_INTEGER
from schemas.criteo import CLICK_LOG, DENSE_FEATURES
from schemas.serving import EXAMPLES_INPUT, PROBABILITY, RAW_FEATURES, SERVING_DEFAULT
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.conftest import TinySplits


@pytest.fixture(scope="module")
def network(tiny_splits: TinySplits) -> Dlrm:
    """Untrained, with larger weights so that probabilities differ from row to row."""
    config = TrainerConfig(embedding={"method": "quotient_remainder"})
    network = tiny_splits.make_network(config)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(scale=0.2, size=w.shape) for w in network.get_weights()])
    return network


@pytest.fixture(scope="module")
def loaded(tiny_splits: TinySplits, network: Dlrm, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The exported model, moved, and without the graph that it was made from."""
    root = tmp_path_factory.mktemp("serving")
    graph = root / "graph"
    copytree(tiny_splits.graph, graph)
    export(ServedModel(str(graph), network, CLICK_LOG, 0.0), str(root / "model"))
    rmtree(graph)
    (root / "model").rename(root / "moved")
    return tf.saved_model.load(str(root / "moved"))


def training_side(splits: TinySplits, network: Dlrm) -> np.ndarray:
    rows = [read_rows(path) for path in find_files([f"{splits.eval}/*"])]
    features = {
        DENSE: tf.constant(np.concatenate([r.dense for r in rows])),
        CATEGORICAL: tf.constant(np.concatenate([r.categorical for r in rows])),
    }
    return tf.sigmoid(network(features)).numpy()


def make_example(raw: dict[str, np.ndarray], row: int) -> bytes:
    """A tf.Example in which missing features are left out."""
    feature = {}
    for name, values in raw.items():
        value = values[row]
        if name in DENSE_FEATURES and value != MISSING_INTEGER:
            feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        elif name not in DENSE_FEATURES and value != b"":
            feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def raw_tensors(raw: dict[str, np.ndarray], repeats: int = 1) -> dict[str, tf.Tensor]:
    return {name: tf.constant(np.tile(values, repeats)) for name, values in raw.items()}


def test_raw_features_signature_equals_the_training_side(
    tiny_splits: TinySplits, network: Dlrm, loaded: Any
) -> None:
    served = loaded.signatures[RAW_FEATURES](**raw_tensors(tiny_splits.raw_eval))
    expected = training_side(tiny_splits, network)
    assert len(np.unique(expected)) > 290
    np.testing.assert_allclose(served[PROBABILITY], expected, atol=1e-6)


def test_examples_signature_equals_the_training_side(
    tiny_splits: TinySplits, network: Dlrm, loaded: Any
) -> None:
    examples = [make_example(tiny_splits.raw_eval, row) for row in range(300)]
    served = loaded.signatures[SERVING_DEFAULT](**{EXAMPLES_INPUT: tf.constant(examples)})
    np.testing.assert_allclose(served[PROBABILITY], training_side(tiny_splits, network), atol=1e-6)


@pytest.mark.parametrize("num_rows", [1, 10_000])
def test_both_signatures_take_any_batch(
    tiny_splits: TinySplits, loaded: Any, num_rows: int
) -> None:
    raw = {n: np.resize(values, num_rows) for n, values in tiny_splits.raw_eval.items()}
    by_name = loaded.signatures[RAW_FEATURES](**raw_tensors(raw))[PROBABILITY]
    examples = tf.constant([make_example(raw, 0)] * num_rows)
    by_example = loaded.signatures[SERVING_DEFAULT](**{EXAMPLES_INPUT: examples})[PROBABILITY]
    for probability in (by_name, by_example):
        assert probability.shape == (num_rows,)
        assert probability.dtype == tf.float32
    np.testing.assert_allclose(by_example, np.full(num_rows, by_name[0]), atol=1e-6)


def test_an_empty_example_means_that_all_is_missing(tiny_splits: TinySplits, loaded: Any) -> None:
    empty = tf.constant([tf.train.Example().SerializeToString()])
    served = loaded.signatures[SERVING_DEFAULT](**{EXAMPLES_INPUT: empty})[PROBABILITY]
    missing = {
        name: tf.constant([MISSING_INTEGER] if name in DENSE_FEATURES else [b""])
        for name in tiny_splits.raw_eval
    }
    expected = loaded.signatures[RAW_FEATURES](**missing)[PROBABILITY]
    np.testing.assert_array_equal(served, expected)


class Recorder(tf.Module):
    """A network that keeps the types of its features."""

    def __call__(self, features: dict[str, tf.Tensor]) -> tf.Tensor:
        self.dtypes = {name: feature.dtype for name, feature in features.items()}
        return tf.zeros(tf.shape(features[CATEGORICAL])[:1])


def test_the_network_gets_the_types_of_the_training_side(tiny_splits: TinySplits) -> None:
    rows = read_rows(find_files([f"{tiny_splits.eval}/*"])[0])
    network = Recorder()
    served = ServedModel(str(tiny_splits.graph), network, CLICK_LOG, 0.0)
    served.predict(raw_tensors(tiny_splits.raw_eval))
    assert network.dtypes == {DENSE: rows.dense.dtype, CATEGORICAL: rows.categorical.dtype}


def test_export_holds_no_optimizer_state(
    tiny_splits: TinySplits, network: Dlrm, tmp_path: Path
) -> None:
    served = ServedModel(str(tiny_splits.graph), network, CLICK_LOG, 0.0)
    export(served, str(tmp_path / "model"))
    shapes = tf.train.load_checkpoint(
        str(tmp_path / "model/variables/variables")
    ).get_variable_to_shape_map()
    stored = sum(
        int(np.prod(shape)) for key, shape in shapes.items() if key.endswith("VARIABLE_VALUE")
    )
    assert stored == network.num_parameters


def test_the_logit_offset_is_part_of_what_is_served(
    tiny_splits: TinySplits, network: Dlrm, loaded: Any
) -> None:
    raw = raw_tensors(tiny_splits.raw_eval)
    plain = loaded.signatures[RAW_FEATURES](**raw)[PROBABILITY].numpy().astype(float)
    shifted = ServedModel(str(tiny_splits.graph), network, CLICK_LOG, np.log(0.1)).predict(raw)
    # He et al. 2014, section 6.3, the other way round: odds times the sampling rate.
    odds = 0.1 * plain / (1 - plain)
    np.testing.assert_allclose(shifted[PROBABILITY], odds / (1 + odds), atol=1e-6)
