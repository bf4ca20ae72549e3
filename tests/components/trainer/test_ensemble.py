"""Several networks that are trained at once and predict together."""

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.model import Dlrm
from components.trainer.train_step import TrainStep
from schemas.transformed import CATEGORICAL, DENSE

SIZES = {"C1": 5, "C2": 400, "C3": 30}
DENSE_WIDTH = 7
NUM_ROWS = 20


def make(ensemble_size: int, **fields: object) -> tuple[Dlrm, TrainerConfig]:
    config = TrainerConfig(
        ensemble_size=ensemble_size, embedding_dim=4, bottom_mlp=(6,), top_mlp=(5,), **fields
    )
    return make_dlrm(config, SIZES, DENSE_WIDTH), config


def make_features() -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, size, NUM_ROWS) for size in SIZES.values()], axis=1)
    dense = rng.normal(size=(NUM_ROWS, DENSE_WIDTH)).astype(np.float32)
    return {DENSE: tf.constant(dense), CATEGORICAL: tf.constant(ids.astype(np.int32))}


def member_logits(network: Dlrm, features: dict[str, tf.Tensor]) -> np.ndarray:
    gathered = network.tables.gather(network.rows(features))
    return network.logits(gathered, features).numpy().astype(np.float64)


def values(network: Dlrm, member: int) -> list[np.ndarray]:
    """Tables and all other weights of a member."""
    found = network.members[member]
    tables = [network.tables.values(embedding)[0] for embedding in found.embeddings]
    return [*tables, *(variable.numpy() for variable in found.trainable_variables)]


@pytest.mark.parametrize("wide", [False, True])
def test_the_probability_is_the_mean_of_the_members(wide: bool) -> None:
    network, _ = make(3, wide=wide)
    features = make_features()
    logits = member_logits(network, features)
    assert logits.shape == (NUM_ROWS, 3)
    assert np.abs(np.diff(logits, axis=1)).min() > 0
    mean = np.mean(1 / (1 + np.exp(-logits)), axis=1)
    np.testing.assert_allclose(tf.sigmoid(network(features)), mean, rtol=1e-5)


def test_members_that_are_certain_give_a_finite_logit() -> None:
    network, _ = make(2)
    for member, bias in zip(network.members, (-200.0, -120.0), strict=True):
        member._top_mlp.layers[-1].bias.assign([bias])
    # log((e^-200 + e^-120) / 2) is -120 - log 2 in float32, up to what the other weights add.
    logits = network(make_features()).numpy()
    assert np.all(np.isfinite(logits))
    np.testing.assert_allclose(logits, -120 - np.log(2), atol=5)


def test_the_first_member_is_the_single_network() -> None:
    (ensemble, _), (single, _) = make(3), make(1)
    for a, b in zip(values(ensemble, 0), values(single, 0), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(values(ensemble, 0)[0], values(ensemble, 1)[0])


@pytest.mark.parametrize("name", ["sgd", "adagrad"])
def test_a_member_learns_as_it_would_alone(name: str) -> None:
    optimizer = {"name": name, "learning_rate": 0.5, "decay": "constant"}
    fields = {"embedding_optimizer": optimizer, "dense_optimizer": optimizer}
    (ensemble, config), (single, single_config) = make(2, **fields), make(1, **fields)
    features = make_features()
    label = tf.constant([0.0, 1.0] * (NUM_ROWS // 2))
    steps = [TrainStep(ensemble, config, 10), TrainStep(single, single_config, 10)]
    for _ in range(3):
        before = values(ensemble, 0)
        losses = [float(step((features, label, tf.ones([NUM_ROWS])))) for step in steps]
    for a, b in zip(values(ensemble, 0), values(single, 0), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert not np.array_equal(before[0], values(ensemble, 0)[0])
    # The other member's loss is part of the mean.
    assert losses[0] != pytest.approx(losses[1], rel=1e-4)


def test_the_loss_is_the_mean_over_the_members() -> None:
    network, config = make(3)
    features = make_features()
    label = np.array([0.0, 1.0] * (NUM_ROWS // 2))
    logits = member_logits(network, features)
    expected = np.mean(np.log1p(np.exp(-logits * (2 * label - 1)[:, np.newaxis])))
    batch = (features, tf.constant(label, tf.float32), tf.ones([NUM_ROWS]))
    assert float(TrainStep(network, config, 10)(batch)) == pytest.approx(expected, rel=1e-5)


def test_bytes_and_parameters_are_those_of_all_members() -> None:
    (ensemble, _), (single, _) = make(3), make(1)
    assert ensemble.embedding_bytes == 3 * single.embedding_bytes == 3 * (5 + 400 + 30) * 4 * 4
    assert ensemble.own_and_shared_bytes() == ([240, 19_200, 1_440], 0)
    assert ensemble.num_parameters == 3 * single.num_parameters


def test_a_size_is_that_of_all_members() -> None:
    embedding = {"method": "hashing + int8"}
    network, _ = make(2, embedding=embedding, compression_ratio=4, min_table_rows=1)
    full_bytes = (5 + 400 + 30) * 4 * 4
    assert network.served().embedding_bytes == pytest.approx(full_bytes / 4, rel=0.05)


@pytest.mark.parametrize("method", ["int8", "unified + int8", "low_rank", "product_quantized"])
def test_it_is_served_as_the_mean_of_the_served_members(method: str) -> None:
    network, _ = make(2, embedding={"method": method}, min_table_rows=50, wide=True)
    served, features = network.served(), make_features()
    mean = np.mean(1 / (1 + np.exp(-member_logits(served, features))), axis=1)
    np.testing.assert_allclose(tf.sigmoid(served(features)), mean, rtol=1e-5)
    assert len(served.members) == 2
