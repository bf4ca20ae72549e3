import numpy as np
import pytest
import tensorflow as tf

from components.trainer.optimizer_config import DenseOptimizerConfig
from components.trainer.optimizers import LearningRate


@pytest.mark.parametrize("warmup", [0.0, 0.25])
@pytest.mark.parametrize("decay", ["constant", "linear", "cosine"])
def test_mean_fraction_is_that_of_the_schedule(decay, warmup):
    config = DenseOptimizerConfig(
        learning_rate=2.0, decay=decay, warmup_fraction=warmup, final_learning_rate_fraction=0.1
    )
    schedule = LearningRate(config, 1000, tf.Variable(1.0))
    rates = [float(schedule(tf.constant(step))) for step in range(1000)]
    assert config.mean_fraction == pytest.approx(np.mean(rates) / 2.0, rel=2e-3)
