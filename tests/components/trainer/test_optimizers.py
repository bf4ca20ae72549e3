from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.trainer.optimizer_config import DenseOptimizerConfig, EmbeddingOptimizerConfig
from components.trainer.optimizers import (
    LearningRate,
    make_dense_optimizer,
    make_embedding_optimizer,
)

START = np.arange(12, dtype=np.float32).reshape(6, 2) / 10
# Row 4 is looked up twice in the first step, row 1 in both.
STEPS = [
    ([4, 1, 4], [[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]]),
    ([1, 0], [[-2.0, 1.0], [0.25, 0.0]]),
]


def rates(num_steps: int, steps: list[int], **fields: Any) -> list[float]:
    config = DenseOptimizerConfig(learning_rate=0.5, **fields)
    schedule = LearningRate(config, num_steps, tf.Variable(1.0))
    return [float(schedule(tf.constant(step, tf.int64))) for step in steps]


def test_a_constant_rate_stays() -> None:
    assert rates(10, [0, 5, 10, 99], decay="constant") == [0.5] * 4


def test_a_linear_decay_ends_at_its_fraction_and_stays_there() -> None:
    expected = [0.5, 0.3, 0.1, 0.1]
    fields = {"decay": "linear", "final_learning_rate_fraction": 0.2}
    assert rates(10, [0, 5, 10, 11], **fields) == pytest.approx(expected)


def test_a_cosine_decay_is_half_way_down_in_the_middle() -> None:
    # 0.5 * (1 + cos(pi / 4)) = 0.853553
    expected = [0.5, 0.5 * 0.8535534, 0.25, 0.0]
    assert rates(8, [0, 2, 4, 8], decay="cosine") == pytest.approx(expected, abs=1e-7)


def test_the_warm_up_climbs_first_and_the_decay_starts_at_its_end() -> None:
    # 4 of 20 steps: 1/4, 2/4, 3/4, 1; the decay runs over the other 16.
    expected = [0.125, 0.25, 0.375, 0.5, 0.5, 0.25, 0.0]
    fields = {"decay": "linear", "warmup_fraction": 0.2}
    assert rates(20, [0, 1, 2, 3, 4, 12, 20], **fields) == pytest.approx(expected)


def test_the_factor_multiplies_the_rate_when_it_changes() -> None:
    factor = tf.Variable(1.0)
    schedule = LearningRate(EmbeddingOptimizerConfig(learning_rate=0.5), 10, factor)
    assert float(schedule(0)) == 0.5
    factor.assign(0.1)
    assert float(schedule(0)) == pytest.approx(0.05)


def run(name: str, compiled_whole: bool, **fields: Any) -> np.ndarray:
    """The table after both steps."""
    config = EmbeddingOptimizerConfig.model_validate({"name": name, "learning_rate": 0.1, **fields})
    optimizer = make_embedding_optimizer(config, 10, tf.Variable(1.0))
    table = tf.Variable(START)

    def step(rows: tf.Tensor, values: tf.Tensor) -> None:
        optimizer.apply_gradients([(tf.IndexedSlices(values, rows, tf.constant([6, 2])), table)])

    if compiled_whole:
        step = tf.function(step, jit_compile=True)
    for rows, values in STEPS:
        step(tf.constant(rows), tf.constant(values))
    return table.numpy()


def summed(rows: list[int], values: list[list[float]]) -> dict[int, np.ndarray]:
    """Row -> the sum of its gradients."""
    gradients: dict[int, np.ndarray] = {}
    for row, value in zip(rows, values, strict=True):
        gradients[row] = gradients.get(row, np.zeros(2)) + np.array(value)
    return gradients


def slow_sgd() -> np.ndarray:
    table = START.astype(float)
    for rows, values in STEPS:
        for row, gradient in summed(rows, values).items():
            table[row] -= 0.1 * gradient
    return table


def slow_adagrad(start: float, by_row: bool) -> np.ndarray:
    table, sums = START.astype(float), np.full((6, 2), start)
    for rows, values in STEPS:
        for row, gradient in summed(rows, values).items():
            squares = gradient**2
            sums[row] += squares.mean() if by_row else squares
            table[row] -= 0.1 * gradient / (np.sqrt(sums[row]) + 1e-7)
    return table


def slow_adam() -> np.ndarray:
    """The moments of a row move only when it is seen; the correction counts all steps."""
    table, m, v = START.astype(float), np.zeros((6, 2)), np.zeros((6, 2))
    for step, (rows, values) in enumerate(STEPS, start=1):
        for row, gradient in summed(rows, values).items():
            m[row] = 0.9 * m[row] + 0.1 * gradient
            v[row] = 0.999 * v[row] + 0.001 * gradient**2
            rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            table[row] -= rate * m[row] / (np.sqrt(v[row]) + 1e-7)
    return table


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sgd", slow_sgd()),
        ("adagrad", slow_adagrad(0.5, by_row=False)),
        ("rowwise_adagrad", slow_adagrad(0.5, by_row=True)),
        ("adam", slow_adam()),
    ],
)
@pytest.mark.parametrize("compiled_whole", [False, True])
def test_a_table_follows_the_slow_twin_and_other_rows_stay(
    name: str, expected: np.ndarray, compiled_whole: bool
) -> None:
    table = run(name, compiled_whole, initial_accumulator_value=0.5)
    np.testing.assert_allclose(table, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(table[[2, 3, 5]], START[[2, 3, 5]])


def test_row_wise_sums_are_one_a_row() -> None:
    config = EmbeddingOptimizerConfig(name="rowwise_adagrad")
    optimizer = make_embedding_optimizer(config, 10, tf.Variable(1.0))
    table = tf.Variable(START)
    gradient = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([0]), tf.shape(table))
    optimizer.apply_gradients([(gradient, table)])
    assert [variable.shape for variable in optimizer.variables()] == [(), (6,)]


@pytest.mark.parametrize("name", ["adagrad", "sgd", "adam"])
def test_dense_optimizers_are_those_of_keras_with_our_rate(name: str) -> None:
    """Two steps at rates 0.1 and 0.05."""
    config = DenseOptimizerConfig.model_validate({"name": name, "learning_rate": 0.1})
    optimizer = make_dense_optimizer(config, 2, tf.Variable(1.0))
    legacy = tf_keras.optimizers.legacy
    peer = {
        "adagrad": lambda: legacy.Adagrad(0.1, initial_accumulator_value=0.0),
        "sgd": lambda: legacy.SGD(0.1),
        "adam": lambda: legacy.Adam(0.1),
    }[name]()
    ours, theirs = tf.Variable(START), tf.Variable(START)
    for rate in (0.1, 0.05):
        gradient = tf.constant(START - 0.3)
        optimizer.apply_gradients([(gradient, ours)])
        peer.learning_rate = rate
        peer.apply_gradients([(gradient, theirs)])
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert np.abs(ours - START).max() > 0.05


def test_a_dense_gradient_of_a_table_is_refused() -> None:
    optimizer = make_embedding_optimizer(EmbeddingOptimizerConfig(name="sgd"), 1, tf.Variable(1.0))
    with pytest.raises(NotImplementedError, match="expected a sparse gradient"):
        optimizer.apply_gradients([(tf.ones([6, 2]), tf.Variable(START))])
