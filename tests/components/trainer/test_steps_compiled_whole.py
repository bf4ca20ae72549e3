"""Every method and optimizer trains alike where XLA compiles the whole step, as TPUs do."""

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.architecture import make_dlrm
from components.trainer.model import Dlrm
from components.trainer.registry import known_methods
from components.trainer.small_stacks import trained_storage
from components.trainer.train_step import TrainStep
from tests.components.trainer.click_batches import (
    DENSE_WIDTH,
    VOCABULARY_SIZES,
    make_batches,
    make_config,
)

METHODS = [*known_methods(), "unified + int4", "quotient_remainder + int8_trained"]
OTHERS = [pytest.param(o, marks=pytest.mark.slow) for o in ("sgd", "rowwise_adagrad", "adam")]


def train(compiled_whole: bool, **fields: object) -> tuple[list[float], Dlrm]:
    """The losses of three steps, and the network after them."""
    config = make_config(min_table_rows=100, **fields)
    network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH)
    step = TrainStep(network, config, 10, jit_compile=False)
    traced = tf.function(step, jit_compile=compiled_whole or None, autograph=False)
    return [float(traced(batch)) for batch in make_batches(3)], network


@pytest.mark.parametrize("optimizer", ["adagrad", *OTHERS])
def test_losses_and_weights_are_those_of_the_plain_step(optimizer: str) -> None:
    fields = {"embedding_optimizer": {"name": optimizer, "learning_rate": 0.05}}
    losses, network = train(True, **fields)
    expected_losses, expected = train(False, **fields)
    np.testing.assert_allclose(losses, expected_losses, atol=1e-6)
    for weight, twin in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(weight, twin, atol=1e-6)


@pytest.mark.slow  # the compiler takes its time
@pytest.mark.parametrize("method", METHODS)
def test_losses_of_a_method_are_those_of_the_plain_step(method: str) -> None:
    losses, network = train(True, embedding={"method": method})
    expected, _ = train(False, embedding={"method": method})
    # What is kept in fewer bits is rounded at random, by other random numbers.
    is_rounded = any(trained_storage(embedding) for embedding in network.embeddings)
    np.testing.assert_allclose(losses, expected, atol=2e-4 if is_rounded else 1e-6)
