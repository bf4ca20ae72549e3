from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.full import Full
from components.trainer.member import Member
from components.trainer.method_config import MethodConfig
from components.trainer.model import ROWS, Dlrm
from components.trainer.optimizer_config import DenseOptimizerConfig
from components.trainer.train_step import TrainStep
from schemas.transformed import CATEGORICAL, DENSE

SIZES = {"C1": 5, "C2": 400, "C3": 30}
FEATURES = {
    DENSE: tf.constant(np.random.default_rng(0).normal(size=(4, 7)), tf.float32),
    CATEGORICAL: tf.constant([[0, 399, 3], [4, 7, 3], [4, 7, 29], [1, 7, 0]]),
}
LABEL = tf.constant([1.0, 0.0, 0.0, 1.0])


def make(mean_weight: float = 1.0, **fields: object) -> tuple[Dlrm, TrainStep]:
    sgd = {"name": "sgd", "learning_rate": 0.5, "decay": "constant"}
    values = {"embedding_dim": 4, "bottom_mlp": (6,), "top_mlp": (5,)}
    values |= {"dense_optimizer": sgd, "embedding_optimizer": sgd, **fields}
    config = TrainerConfig.model_validate(values)
    network = make_dlrm(config, SIZES, 7)
    return network, TrainStep(network, config, num_steps=10, mean_weight=mean_weight)


def plain_gradients(network: Dlrm, row_weight: list[float]) -> tuple[float, list[np.ndarray]]:
    """Of all variables, by the gradient of everything at once."""
    weight = np.array(row_weight) / np.count_nonzero(row_weight)
    with tf.GradientTape() as tape:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(LABEL, network(FEATURES))
        loss = tf.reduce_sum(losses * weight)
    gradients = tape.gradient(loss, network.trainable_variables)
    return float(loss), [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


@pytest.mark.parametrize("weight", [[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 3.0, 0.5]])
@pytest.mark.parametrize(
    "fields", [{}, {"wide": True}, {"interaction": "cross", "embedding_dims": {"C2": 2}}]
)
def test_a_step_of_sgd_goes_down_the_plain_gradient(
    fields: dict[str, object], weight: list[float]
) -> None:
    network, step = make(**fields)
    network(FEATURES)
    before = network.get_weights()
    loss, gradients = plain_gradients(network, weight)
    assert float(step((FEATURES, LABEL, tf.constant(weight)))) == pytest.approx(loss, rel=1e-5)
    after = network.get_weights()
    for old, new, gradient in zip(before, after, gradients, strict=True):
        np.testing.assert_allclose(new, old - 0.5 * gradient, atol=1e-6)
        assert np.abs(gradient).max() > 0


def test_a_step_goes_down_the_gradient_of_the_configured_loss() -> None:
    network, step = make(loss={"name": "focal", "gamma": 1.5})
    network(FEATURES)
    before = network.get_weights()
    with tf.GradientTape() as tape:
        p = tf.sigmoid(network(FEATURES))
        p = tf.where(LABEL > 0, p, 1.0 - p)
        loss = -tf.reduce_mean((1.0 - p) ** 1.5 * tf.math.log(p))
    gradients = tape.gradient(loss, network.trainable_variables)
    assert float(step((FEATURES, LABEL, tf.ones(4)))) == pytest.approx(float(loss), rel=1e-5)
    for old, new, gradient in zip(before, network.get_weights(), gradients, strict=True):
        expected = old - 0.5 * tf.convert_to_tensor(gradient).numpy()
        np.testing.assert_allclose(new, expected, atol=1e-6)


def test_rows_without_a_click_weigh_as_many_as_they_stand_for() -> None:
    network, step = make(negative_sampling_rate=0.25, negative_sampling_correction="weight")
    loss, _ = plain_gradients(network, [1.0, 4.0, 4.0, 1.0])
    assert float(step((FEATURES, LABEL, tf.ones(4)))) == pytest.approx(loss, rel=1e-5)


def test_weights_of_the_log_and_of_sampled_negatives_are_multiplied() -> None:
    network, step = make(negative_sampling_rate=0.25, negative_sampling_correction="weight")
    loss, _ = plain_gradients(network, [2.0, 4.0 * 0.5, 4.0 * 3.0, 1.0])
    weight = tf.constant([2.0, 0.5, 3.0, 1.0])
    assert float(step((FEATURES, LABEL, weight))) == pytest.approx(loss, rel=1e-5)


def test_a_row_of_weight_2_is_that_row_twice() -> None:
    first, second = make(mean_weight=1.25), make()
    for network, _ in (first, second):
        network(FEATURES)
    loss = first[1]((FEATURES, LABEL, tf.constant([1.0, 2.0, 1.0, 1.0])))
    order = [0, 1, 1, 2, 3]
    repeated = {name: tf.gather(values, order) for name, values in FEATURES.items()}
    other = second[1]((repeated, tf.gather(LABEL, order), tf.ones(5)))
    assert float(loss) == pytest.approx(float(other), rel=1e-6)
    for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_batches_with_and_without_heavy_rows_give_the_mean_by_weight() -> None:
    """Each batch with a fresh network: the mean of their losses is that of all rows."""
    weight = np.array([98.0, 1.0, 1.0, 100.0], np.float32)
    network, _ = make()
    losses = tf.nn.sigmoid_cross_entropy_with_logits(LABEL, network(FEATURES)).numpy()
    found = []
    for rows in ([1, 2], [0, 3]):
        _, step = make(mean_weight=50.0)
        features = {name: tf.gather(values, rows) for name, values in FEATURES.items()}
        found.append(float(step((features, tf.gather(LABEL, rows), tf.gather(weight, rows)))))
    assert np.mean(found) == pytest.approx(np.sum(weight * losses) / 200.0, rel=1e-5)


def test_padding_changes_nothing() -> None:
    first, second = make(), make()
    for network, _ in (first, second):
        network(FEATURES)
    first[1]((FEATURES, LABEL, tf.constant([1.0, 1.0, 1.0, 0.0])))
    short = {name: values[:3] for name, values in FEATURES.items()}
    second[1]((short, LABEL[:3], tf.ones(3)))
    for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)


def test_a_long_gradient_is_shortened() -> None:
    network, step = make(gradient_clip_norm=1e-3)
    network(FEATURES)
    before = network.get_weights()
    step((FEATURES, LABEL, tf.ones(4)))
    moved = [new - old for new, old in zip(network.get_weights(), before, strict=True)]
    # Ids of a feature that stand in several rows are summed after the clipping.
    length = np.sqrt(sum(np.sum(m.astype(float) ** 2) for m in moved)) / 0.5
    assert 0.9e-3 < length < 1.3e-3


def test_a_step_takes_a_batch_that_the_host_has_prepared() -> None:
    first, second = make(), make()
    batch = (FEATURES, LABEL, tf.ones(4))
    prepared = second[1].prepare(batch)
    assert [tuple(rows.shape) for rows in prepared[0][ROWS]] == [(4, 2), (4, 1)]
    assert float(first[1](batch)) == float(second[1](prepared))
    for a, b in zip(first[0].get_weights(), second[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("interaction", ["dot", "cross"])
def test_bfloat16_multiplies_matrices_and_keeps_the_losses(interaction: str) -> None:
    """It has 8 bits, so a number is wrong by at most 1 in 512, and the logits here are below 2.

    Some such errors add up on the way to a logit; a loss changes by less than its logit.
    """
    losses = {}
    for precision, expected in (("float32", "float32"), ("mixed_bfloat16", "bfloat16")):
        network, step = make(precision=precision, interaction=interaction)
        traced = tf.function(step, autograph=False)
        batch = (FEATURES, LABEL, tf.ones(4))
        losses[precision] = [float(traced(batch)) for _ in range(5)]
        assert {variable.dtype for variable in network.variables} == {tf.float32}
        assert matrix_product_types(traced.get_concrete_function(batch)) == {tf.as_dtype(expected)}
    np.testing.assert_allclose(losses["mixed_bfloat16"], losses["float32"], atol=0.02)


def matrix_product_types(function: tf.types.experimental.ConcreteFunction) -> set[tf.DType]:
    """Of all products of two matrices in the functions that it calls."""
    functions = function.graph.as_graph_def().library.function
    nodes = [node for f in functions for node in f.node_def]
    return {tf.as_dtype(node.attr["T"].type) for node in nodes if "MatMul" in node.op}


@pytest.mark.parametrize("optimizer", ["adagrad", "rowwise_adagrad", "sgd", "adam"])
def test_reset_tables_start_anew_and_the_rest_stays(optimizer: str) -> None:
    network, step = make(embedding_optimizer={"name": optimizer}, wide=True)
    batch = (FEATURES, LABEL, tf.ones(4))
    network(FEATURES)
    tables = [stack.numpy() for stack in network.tables.stacks]
    step(batch)
    dense = [variable.numpy() for variable in network.dense_variables]
    after_one_step = [stack.numpy() for stack in network.tables.stacks]
    step.reset_tables()
    for stack, first in zip(network.tables.stacks, tables, strict=True):
        np.testing.assert_array_equal(stack, first)
    for variable, value in zip(network.dense_variables, dense, strict=True):
        np.testing.assert_array_equal(variable, value)
    starts = [np.unique(slot) for slot in step.embedding_optimizer.variables()[1:]]
    expected = 1e-5 if "adagrad" in optimizer else 0.0
    assert all(start.tolist() == [np.float32(expected)] for start in starts)
    assert any(not np.array_equal(a, b) for a, b in zip(tables, after_one_step, strict=True))


def test_arrays_of_a_method_start_anew_with_the_tables() -> None:
    network, step = make(embedding={"method": "low_rank"}, dense_optimizer={"name": "adagrad"})
    [low_rank] = [embedding for embedding in network.embeddings if embedding.arrays]
    [array] = low_rank.trainable_variables
    first = array.numpy()
    step((FEATURES, LABEL, tf.ones(4)))
    slot = step.dense_optimizer.get_slot(array, "accumulator")
    assert not np.array_equal(array, first)
    start = DenseOptimizerConfig().initial_accumulator_value
    assert slot.numpy().max() > start
    step.reset_tables()
    np.testing.assert_array_equal(array, first)
    np.testing.assert_array_equal(slot, np.full(slot.shape, start, np.float32))


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [("sgd", 0), ("adagrad", 435 * 4), ("rowwise_adagrad", 435), ("adam", 2 * 435 * 4)],
)
def test_bytes_of_the_training_are_tables_and_slots(optimizer: str, slots: int) -> None:
    of_tables = {"name": optimizer, "learning_rate": 0.1}
    _, step = make(embedding_optimizer=of_tables)
    step((FEATURES, LABEL, tf.ones([4])))
    assert step.embedding_bytes == 4 * (435 * 4 + slots)


class Watching(Full):
    """Remembers what it was shown."""

    observes = True

    def observe(self, ids: tf.Tensor, gradients: Sequence[tf.Tensor]) -> None:
        self.seen = (ids.numpy(), gradients[0].numpy())


def test_an_embedding_that_wants_to_sees_its_ids_and_their_gradients() -> None:
    network, _ = make()
    watching = Watching(400, 4, MethodConfig(), np.random.default_rng(0))
    [member] = network.members
    network = Dlrm(
        [
            Member(
                [network.embeddings[0], watching, network.embeddings[2]],
                member._projections,
                member._bottom_mlp,
                member._interaction,
                member._top_mlp,
            )
        ]
    )
    sgd = {"name": "sgd", "learning_rate": 0.5, "decay": "constant"}
    config = TrainerConfig(embedding_optimizer=sgd, dense_optimizer=sgd)
    step = TrainStep(network, config, num_steps=10)
    before = network.tables.values(watching)[0]
    step((FEATURES, LABEL, tf.ones([4])))
    ids, gradients = watching.seen
    np.testing.assert_array_equal(ids, [399, 7, 7, 7])
    moved = before - network.tables.values(watching)[0]
    np.testing.assert_allclose(moved[399], 0.5 * gradients[0], atol=1e-6)
    np.testing.assert_allclose(moved[7], 0.5 * gradients[1:].sum(axis=0), atol=1e-6)
