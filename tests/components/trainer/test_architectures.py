"""The whole network in every architecture: values, gradients, training, export."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs
from sklearn.metrics import roc_auc_score

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import find_files
from components.trainer.interaction import DotInteraction
from components.trainer.loop.training import train
from components.trainer.model import Dlrm
from components.trainer.serving import ServedModel, export
from schemas.criteo import CLICK_LOG
from schemas.serving import PROBABILITY, RAW_FEATURES
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.conftest import (
    NUM_TRAIN_ROWS,
    TinySplits,
    labels_and_probabilities,
)
from tests.components.trainer.test_serving import raw_tensors, training_side

SIZES = {"C1": 5, "C2": 400, "C3": 30}
DENSE_WIDTH = 7
INTERACTIONS = {
    "dot": {"interaction": "dot"},
    "cross": {"interaction": "cross", "num_cross_layers": 2},
    "low_rank": {"interaction": "cross", "num_cross_layers": 2, "cross_projection_dim": 3},
}
ARCHITECTURES = {
    f"{name}{'_wide' * wide}{'_mixed' * bool(dims)}": {
        **interaction,
        "wide": wide,
        "embedding_dims": dims,
    }
    for name, interaction in INTERACTIONS.items()
    for wide in (False, True)
    for dims in ({}, {"C1": 2, "C2": 6})
}
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


def make(name: str, dense_width: int = DENSE_WIDTH, **fields: Any) -> Dlrm:
    values = {"embedding_dim": 4, "bottom_mlp": (6,), "top_mlp": (5,), **ARCHITECTURES[name]}
    return make_dlrm(TrainerConfig(**values, **fields), SIZES, dense_width)


def make_random(name: str, **fields: Any) -> Dlrm:
    """With weights far from 0, those of the wide part and the biases too."""
    network = make(name, **fields)
    network(make_features(1))
    rng = np.random.default_rng(1)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return network


def make_features(num_rows: int) -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, size, num_rows) for size in SIZES.values()], axis=1)
    dense = rng.normal(size=(num_rows, DENSE_WIDTH)).astype(np.float32)
    return {DENSE: tf.constant(dense), CATEGORICAL: tf.constant(ids)}


def weights_of(layer: Any) -> list[np.ndarray]:
    return [weight.astype(float) for weight in layer.get_weights()]


def slow_interaction(name: str, network: Dlrm, vectors: list[np.ndarray]) -> np.ndarray:
    if name.startswith("dot"):
        dots = [vectors[i] @ vectors[j] for i in range(len(vectors)) for j in range(i)]
        return np.concatenate([vectors[0], dots])
    weights = weights_of(network.members[0]._interaction)
    num_kernels = 2 if name.startswith("low_rank") else 1
    first = current = np.concatenate(vectors)
    for start in range(0, len(weights), num_kernels + 1):
        *kernels, bias = weights[start : start + num_kernels + 1]
        matrix = kernels[0] if num_kernels == 1 else kernels[0] @ kernels[1]
        current = first * (current @ matrix + bias) + current
    return current


def slow_logits(name: str, network: Dlrm, features: dict[str, tf.Tensor]) -> list[float]:
    """The papers' formulas, one row at a time, in float64."""
    tables = [network.tables.values(e)[0].astype(float) for e in network.embeddings]
    matrices = [weights_of(layer) or [np.eye(4)] for layer in network.members[0]._projections]
    b1, c1, b2, c2 = weights_of(network.members[0]._bottom_mlp)
    t1, d1, t2, d2 = weights_of(network.members[0]._top_mlp)
    logits = []
    for dense, ids in zip(features[DENSE].numpy(), features[CATEGORICAL].numpy(), strict=True):
        x = np.maximum(np.maximum(dense @ b1 + c1, 0) @ b2 + c2, 0)
        rows = [table[i] for table, i in zip(tables, ids, strict=True)]
        vectors = [x] + [row @ matrix for row, [matrix] in zip(rows, matrices, strict=True)]
        hidden = np.maximum(slow_interaction(name, network, vectors) @ t1 + d1, 0)
        logit = (hidden @ t2 + d2)[0]
        for part in network.members[0]._linear_parts:
            by_id = [network.tables.values(e)[0].astype(float)[:, 0] for e in part.id_weights]
            [by_dense] = weights_of(part)
            logit += sum(weights[i] for weights, i in zip(by_id, ids, strict=True))
            logit += (dense @ by_dense)[0]
        logits.append(float(logit))
    return logits


@every_architecture
def test_logits_match_the_slow_twin(name: str) -> None:
    network, features = make_random(name), make_features(20)
    logits = network(features)
    assert logits.shape == (20,)
    assert len(np.unique(logits)) > 10
    np.testing.assert_allclose(logits, slow_logits(name, network, features), rtol=1e-4, atol=1e-3)


@every_architecture
def test_every_variable_has_a_gradient_and_one_optimizer(name: str) -> None:
    network, features = make_random(name), make_features(200)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(features) ** 2)
    variables = network.trainable_variables
    for gradient in tape.gradient(loss, variables):
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0
    grouped = [v.ref() for v in network.tables.stacks + network.dense_variables]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == {variable.ref() for variable in variables}


@every_architecture
def test_only_the_rows_of_the_batch_have_a_gradient(name: str) -> None:
    network = make_random(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(make_features(2)))
    for gradient in tape.gradient(loss, network.tables.stacks):
        assert isinstance(gradient, tf.IndexedSlices)
        assert gradient.values.shape[0] <= 2 * len(SIZES)


@pytest.mark.parametrize(
    ("name", "embeddings", "projections", "interaction", "top_width", "wide"),
    [
        ("dot", 435 * 4, 0, 0, 4 + 6, 0),
        ("dot_wide", 435 * 4, 0, 0, 4 + 6, 435 + 7),
        ("dot_mixed", 5 * 2 + 400 * 6 + 30 * 4, 2 * 4 + 6 * 4, 0, 4 + 6, 0),
        ("cross", 435 * 4, 0, 2 * (16 * 16 + 16), 16, 0),
        ("low_rank", 435 * 4, 0, 2 * (2 * 16 * 3 + 16), 16, 0),
        (
            "cross_wide_mixed",
            5 * 2 + 400 * 6 + 30 * 4,
            2 * 4 + 6 * 4,
            2 * (16 * 16 + 16),
            16,
            435 + 7,
        ),
    ],
)
def test_num_parameters_is_worked_out_by_hand(
    name: str, embeddings: int, projections: int, interaction: int, top_width: int, wide: int
) -> None:
    network = make(name)
    network(make_features(1))
    bottom = (7 * 6 + 6) + (6 * 4 + 4)
    top = (top_width * 5 + 5) + (5 * 1 + 1)
    everything = embeddings + projections + bottom + interaction + top + wide
    assert network.num_parameters == everything
    wide_ids = 435 if wide else 0
    assert network.embedding_bytes == 4 * (embeddings + projections + wide_ids)


@pytest.mark.parametrize("name", ["cross_wide_mixed", "low_rank_wide_mixed"])
def test_seed_decides_every_weight(name: str) -> None:
    first, same, other = make(name, seed=1), make(name, seed=1), make(name, seed=2)
    for a, b, c in zip(first.get_weights(), same.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not a.any() or not np.array_equal(a, c)


def test_tables_and_bottom_mlp_of_two_architectures_start_equal() -> None:
    dot, cross = make("dot"), make("cross_wide_mixed")
    for a, b in zip(
        weights_of(dot.members[0]._bottom_mlp),
        weights_of(cross.members[0]._bottom_mlp),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    of_dot, of_cross = (n.tables.values(n.embeddings[2])[0] for n in (dot, cross))
    np.testing.assert_array_equal(of_dot, of_cross)


@pytest.mark.parametrize("name", ["dot", "cross"])
def test_a_wide_part_leaves_the_first_logits_as_they_are(name: str) -> None:
    features = make_features(20)
    np.testing.assert_array_equal(make(name)(features), make(f"{name}_wide")(features))


@pytest.mark.parametrize("name", ["dot_wide_mixed", "cross_wide_mixed"])
@pytest.mark.parametrize("num_rows", [0, 1, 1_000])
def test_a_log_without_dense_features_suits_every_architecture(name: str, num_rows: int) -> None:
    network = make(name, dense_width=0)
    ids = make_features(num_rows)[CATEGORICAL]
    with tf.GradientTape() as tape:
        logits = network({CATEGORICAL: ids})
    assert logits.shape == (num_rows,)
    assert None not in tape.gradient(logits, network.trainable_variables)


@pytest.mark.parametrize("name", ["dot_wide_mixed", "cross", "low_rank_wide_mixed"])
@pytest.mark.parametrize("method", ["full", "quotient_remainder"])
def test_training_learns_the_planted_effects(
    tiny_splits: TinySplits, name: str, method: str
) -> None:
    config = TrainerConfig(
        **ARCHITECTURES[name], embedding={"method": method}, bottom_mlp=(8,), top_mlp=(8,),
        embedding_dim=4, batch_size=64, epochs=4,
        dense_optimizer={"learning_rate": 0.03},
    )  # fmt: skip
    network = tiny_splits.make_network(config)
    train(network, config, find_files([f"{tiny_splits.train}/*"]), NUM_TRAIN_ROWS)
    assert roc_auc_score(*labels_and_probabilities(network, tiny_splits)) > 0.65


class PlainDotInteraction(DotInteraction):
    """With the dot products and the gradient of TFRS."""

    def call(self, vectors: list[tf.Tensor]) -> tf.Tensor:
        plain = tfrs.layers.feature_interaction.DotInteraction()
        return tf.concat([vectors[0], plain(vectors)], axis=1)


def test_training_ends_where_the_plain_dot_interaction_ends(tiny_splits: TinySplits) -> None:
    config = TrainerConfig(batch_size=64, epochs=2)
    ours, plain = tiny_splits.make_network(config), tiny_splits.make_network(config)
    plain._interaction = PlainDotInteraction(num_vectors=27, vector_width=16)
    before = [w.copy() for w in ours.get_weights()]
    for network in (ours, plain):
        train(network, config, find_files([f"{tiny_splits.train}/*"]), NUM_TRAIN_ROWS)
    assert any(np.abs(a - b).max() > 0.1 for a, b in zip(before, ours.get_weights(), strict=True))
    _, probabilities = labels_and_probabilities(ours, tiny_splits)
    _, expected = labels_and_probabilities(plain, tiny_splits)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["dot_mixed", "cross_wide", "low_rank_wide_mixed"])
def test_the_exported_model_predicts_as_the_training_side(
    tiny_splits: TinySplits, name: str, tmp_path: Path
) -> None:
    config = TrainerConfig(**ARCHITECTURES[name], embedding_dim=4, bottom_mlp=(8,), top_mlp=(8,))
    network = tiny_splits.make_network(config)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(scale=0.3, size=w.shape) for w in network.get_weights()])
    export(ServedModel(str(tiny_splits.graph), network, CLICK_LOG, 0.0), str(tmp_path / "model"))
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    served = loaded.signatures[RAW_FEATURES](**raw_tensors(tiny_splits.raw_eval))[PROBABILITY]
    expected = training_side(tiny_splits, network)
    assert len(np.unique(expected)) > 250
    np.testing.assert_allclose(served, expected, atol=1e-5)
