import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

from components.trainer.interaction import Cross, CrossNetwork, DotInteraction, pairwise_dots


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def test_pairs_are_in_the_order_of_the_lower_triangle() -> None:
    vectors = tf.constant([[[1.0, 0.0], [2.0, 1.0], [3.0, 5.0]]])
    np.testing.assert_array_equal(pairwise_dots(vectors), [[2.0, 3.0, 11.0]])


@pytest.mark.parametrize("num_vectors", [2, 3, 27])
def test_dots_are_those_of_tfrs_bit_by_bit(num_vectors: int) -> None:
    vectors = draw(50, num_vectors, 16)
    plain = tfrs.layers.feature_interaction.DotInteraction()(tf.unstack(vectors, axis=1))
    np.testing.assert_array_equal(pairwise_dots(tf.constant(vectors)), plain)


def test_gradient_is_that_of_autodiff() -> None:
    vectors, upstream = tf.constant(draw(50, 27, 16)), tf.constant(draw(50, 351))
    plain = tfrs.layers.feature_interaction.DotInteraction()
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(vectors)
        ours = pairwise_dots(vectors)
        theirs = plain(tf.unstack(vectors, axis=1))
    gradient = tape.gradient(ours, vectors, output_gradients=upstream)
    expected = tape.gradient(theirs, vectors, output_gradients=upstream)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-4)


def test_gradient_matches_the_slow_twin() -> None:
    vectors, upstream = draw(5, 4, 3), draw(5, 6)
    expected = np.zeros_like(vectors)
    pairs = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    for row in range(5):
        for weight, (i, j) in zip(upstream[row], pairs, strict=True):
            expected[row, i] += weight * vectors[row, j]
            expected[row, j] += weight * vectors[row, i]
    variable = tf.Variable(vectors)
    with tf.GradientTape() as tape:
        dots = pairwise_dots(variable)
    gradient = tape.gradient(dots, variable, output_gradients=tf.constant(upstream))
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-5)


def test_gradient_gathers_and_never_scatters() -> None:
    @tf.function
    def gradient(vectors: tf.Tensor) -> tf.Tensor:
        return tf.gradients(pairwise_dots(vectors), vectors)[0]

    graph = gradient.get_concrete_function(tf.TensorSpec([None, 27, 16])).graph
    types = [operation.type for operation in graph.get_operations()]
    assert types.count("BatchMatMulV2") == 2
    assert types.count("GatherV2") == 2
    assert not [name for name in types if "Scatter" in name or "Segment" in name]


@pytest.mark.parametrize("num_rows", [0, 1, 1_000])
def test_dot_interaction_is_the_bottom_output_and_the_dots(num_rows: int) -> None:
    vectors = draw(num_rows, 4, 5)
    interaction = DotInteraction(num_vectors=4, vector_width=5)
    joined = interaction(tf.unstack(vectors, axis=1))
    assert interaction.output_width == 5 + 6
    assert joined.shape == (num_rows, 11)
    np.testing.assert_array_equal(joined[:, :5], vectors[:, 0])
    np.testing.assert_array_equal(joined[:, 5:], pairwise_dots(tf.constant(vectors)))


def test_a_cross_layer_is_worked_out_by_hand() -> None:
    layer = Cross(2, None, np.random.default_rng(0))
    layer.set_weights([np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10.0, 20.0])])
    # current W + b = [5 * 1 + 6 * 3 + 10, 5 * 2 + 6 * 4 + 20] = [33, 54].
    crossed = layer(tf.constant([[2.0, -1.0]]), tf.constant([[5.0, 6.0]]))
    np.testing.assert_array_equal(crossed, [[2 * 33 + 5, -1 * 54 + 6]])


@pytest.mark.parametrize("projection_dim", [None, 3])
def test_cross_layer_is_that_of_tfrs(projection_dim: int | None) -> None:
    first, current = draw(20, 8), draw(20, 8)[::-1].copy()
    ours = Cross(8, projection_dim, np.random.default_rng(0))
    ours.set_weights([draw(*weight.shape) for weight in ours.get_weights()])
    theirs = tfrs.layers.feature_interaction.Cross(projection_dim)
    theirs(first, current)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(first, current), theirs(first, current), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("num_rows", [0, 1, 100])
def test_cross_network_matches_the_slow_twin(num_rows: int) -> None:
    network = CrossNetwork(3, 4, num_layers=2, projection_dim=None, rng=np.random.default_rng(0))
    w1, b1, w2, b2 = [draw(*weight.shape) for weight in network.get_weights()]
    network.set_weights([w1, b1, w2, b2])
    vectors = draw(num_rows, 3, 4)
    first = vectors.reshape(num_rows, 12)
    second = first * (first @ w1 + b1) + first
    third = first * (second @ w2 + b2) + second
    output = network(tf.unstack(vectors, axis=1))
    assert network.output_width == 12
    assert output.shape == (num_rows, 12)
    np.testing.assert_allclose(output, third, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("projection_dim", "parameters"), [(None, 2 * (12 * 12 + 12)), (5, 2 * (2 * 12 * 5 + 12))]
)
def test_parameters_of_a_cross_network_are_as_documented(
    projection_dim: int | None, parameters: int
) -> None:
    network = CrossNetwork(3, 4, 2, projection_dim, np.random.default_rng(0))
    assert sum(weight.size for weight in network.get_weights()) == parameters


def test_kernels_start_at_the_documented_scale_and_all_differ() -> None:
    network = CrossNetwork(10, 10, 2, 60, np.random.default_rng(0))
    kernels = [weight for weight in network.get_weights() if weight.ndim == 2]
    assert len(kernels) == 4
    for kernel in kernels:
        assert kernel.std() == pytest.approx(np.sqrt(2 / (100 + 60)), rel=0.05)
    assert len({float(kernel.ravel()[0]) for kernel in kernels}) == 4
