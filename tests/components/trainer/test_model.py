import numpy as np
import pytest
import tensorflow as tf

from components.errors import InputError
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.full import Full
from components.trainer.embeddings.hashing import Hashing
from components.trainer.model import Dlrm
from schemas.transformed import CATEGORICAL, DENSE

SIZES = {"C1": 5, "C2": 400, "C3": 30}
DENSE_WIDTH = 7


def make(seed: int = 0, method: str = "full") -> Dlrm:
    config = TrainerConfig(
        embedding={"method": method}, embedding_dim=4, bottom_mlp=(6,), top_mlp=(5, 3), seed=seed
    )
    return make_dlrm(config, SIZES, DENSE_WIDTH)


def make_features(num_rows: int) -> dict[str, tf.Tensor]:
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, size, num_rows) for size in SIZES.values()], axis=1)
    dense = rng.normal(size=(num_rows, DENSE_WIDTH)).astype(np.float32)
    return {DENSE: tf.constant(dense), CATEGORICAL: tf.constant(ids)}


def slow_logits(network: Dlrm, features: dict[str, tf.Tensor]) -> list[float]:
    """The paper's formulas, one row at a time, in float64."""
    tables = [network.tables.values(e)[0].astype(float) for e in network.embeddings]
    dense_weights = [
        layer_weights.astype(float)
        for mlp in (network.members[0]._bottom_mlp, network.members[0]._top_mlp)
        for layer_weights in mlp.get_weights()
    ]
    b1, c1, b2, c2, t1, d1, t2, d2, t3, d3 = dense_weights
    logits = []
    for dense, ids in zip(features[DENSE].numpy(), features[CATEGORICAL].numpy(), strict=True):
        x = np.maximum(np.maximum(dense @ b1 + c1, 0) @ b2 + c2, 0)
        vectors = [x] + [table[i] for table, i in zip(tables, ids, strict=True)]
        dots = [vectors[i] @ vectors[j] for i in range(len(vectors)) for j in range(i)]
        hidden = np.maximum(np.concatenate([x, dots]) @ t1 + d1, 0)
        logits.append(float((np.maximum(hidden @ t2 + d2, 0) @ t3 + d3)[0]))
    return logits


def test_logits_match_the_slow_twin() -> None:
    network, features = make(), make_features(20)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    logits = network(features)
    assert logits.shape == (20,)
    assert len(np.unique(logits)) > 10
    np.testing.assert_allclose(logits, slow_logits(network, features), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("num_rows", [0, 1, 10_000])
def test_any_number_of_rows_is_accepted(num_rows: int) -> None:
    assert make()(make_features(num_rows)).shape == (num_rows,)


def test_int32_ids_give_the_same_logits() -> None:
    network, features = make(), make_features(20)
    short = {**features, CATEGORICAL: tf.cast(features[CATEGORICAL], tf.int32)}
    np.testing.assert_array_equal(network(features), network(short))


def test_num_parameters_is_worked_out_by_hand() -> None:
    # 3 embeddings and the bottom output: 6 pairs, so 4 + 6 inputs to the top.
    embeddings = (5 + 400 + 30) * 4
    bottom = (7 * 6 + 6) + (6 * 4 + 4)
    top = (10 * 5 + 5) + (5 * 3 + 3) + (3 * 1 + 1)
    network = make()
    network(make_features(1))
    assert network.num_parameters == embeddings + bottom + top
    assert network.embedding_bytes == embeddings * 4


def test_features_below_min_table_rows_stay_full() -> None:
    network = make(method="hashing")
    assert [type(e) for e in network.embeddings] == [Full, Hashing, Full]


def test_seed_decides_every_weight() -> None:
    first, same, other = make(seed=1), make(seed=1), make(seed=2)
    for a, b, c in zip(first.get_weights(), same.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_the_default_network_starts_with_the_weights_that_it_always_had() -> None:
    network = make_dlrm(TrainerConfig(), SIZES, DENSE_WIDTH)
    mlps = [variable.numpy() for variable in network.dense_variables]
    shapes = [(7, 64), (64,), (64, 32), (32,), (32, 16), (16,)]
    shapes += [(22, 256), (256,), (256, 64), (64,), (64, 1), (1,)]
    assert [weight.shape for weight in mlps] == shapes
    first_values = [0.076051, -0.0077006, 0.16131, -0.066105, 0.073751, 0.12283, 0.074672]
    first_values += [-0.021419, -0.021277, -0.0031092, -0.093195, -1.81105]
    np.testing.assert_allclose([weight.flat[0] for weight in mlps], first_values, rtol=1e-4)
    tables = [network.tables.values(embedding)[0] for embedding in network.embeddings]
    assert [table.shape for table in tables] == [(5, 16), (400, 16), (30, 16)]
    first_values = [0.34729, 0.025133, 0.0041957]
    np.testing.assert_allclose([table.flat[0] for table in tables], first_values, rtol=1e-4)


def test_two_tables_of_equal_size_start_differently() -> None:
    network = make_dlrm(TrainerConfig(), {"C1": 50, "C2": 50}, DENSE_WIDTH)
    first, second = (network.tables.values(e)[0] for e in network.embeddings)
    assert not np.array_equal(first, second)


def test_without_dense_features_a_learned_vector_takes_their_place() -> None:
    network = make_dlrm(TrainerConfig(embedding_dim=4, top_mlp=(5,)), SIZES, dense_width=0)
    ids = make_features(20)[CATEGORICAL]
    logits = network({CATEGORICAL: ids})
    assert logits.shape == (20,)
    vector = network.members[0]._bottom_mlp.get_weights()[0]
    assert vector.shape == (4,)
    assert any(
        variable is network.members[0]._bottom_mlp.trainable_variables[0]
        for variable in network.dense_variables
    )
    tables = [network.tables.values(e)[0] for e in network.embeddings]
    t1, d1, t2, d2 = network.members[0]._top_mlp.get_weights()
    vectors = [vector] + [table[i] for table, i in zip(tables, ids[0].numpy(), strict=True)]
    dots = [vectors[i] @ vectors[j] for i in range(4) for j in range(i)]
    hidden = np.maximum(np.concatenate([vector, dots]) @ t1 + d1, 0)
    np.testing.assert_allclose(logits[0], (hidden @ t2 + d2)[0], rtol=1e-4, atol=1e-5)


def test_an_unknown_feature_in_embedding_dims_is_refused_by_name() -> None:
    config = TrainerConfig(variant="small", embedding_dims={"C1": 2, "C9": 2})
    message = r"embedding_dims and embeddings of variant small: .*\(C1, C2, C3\), received C9$"
    with pytest.raises(InputError, match=message):
        make_dlrm(config, SIZES, DENSE_WIDTH)
