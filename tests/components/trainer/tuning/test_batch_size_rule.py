import pytest

from components.trainer.config import TrainerConfig
from components.trainer.tuning.batch_size_rule import sizes_to_try, suggest, values_for
from components.trainer.tuning.config import BatchSizesConfig
from components.trainer.tuning.results import BatchSizeResult


def with_optimizers(dense, embedding):
    return TrainerConfig(
        batch_size=100,
        dense_optimizer={"name": dense, "learning_rate": 0.1},
        embedding_optimizer={"name": embedding, "learning_rate": 0.3},
    )


@pytest.mark.parametrize(
    ("configured", "num_rows", "expected"),
    [
        (128, 10**6, [64, 128, 256, 512]),
        (100, 10**6, [64, 100, 128, 256, 512]),
        (128, 2600, [64, 128, 256]),
        (1000, 500, [1000]),
    ],
)
def test_sizes_double_up_to_a_tenth_of_the_rows(configured, num_rows, expected):
    options = BatchSizesConfig(min_batch_size=64, max_batch_size=600)
    assert sizes_to_try(configured, num_rows, options) == expected


@pytest.mark.parametrize(
    ("config", "scaling", "dense_factor", "embedding_factor"),
    [
        (with_optimizers("adagrad", "rowwise_adagrad"), "auto", 1.0, 1.0),
        (with_optimizers("adam", "adagrad"), "auto", 2.0, 1.0),
        (with_optimizers("sgd", "adam"), "auto", 4.0, 2.0),
        (with_optimizers("adagrad", "sgd"), "auto", 1.0, 4.0),
        (with_optimizers("adam", "sgd"), "fixed", 1.0, 1.0),
        (with_optimizers("adagrad", "sgd"), "sqrt", 2.0, 2.0),
        (with_optimizers("adagrad", "adam"), "linear", 4.0, 4.0),
    ],
)
def test_learning_rates_follow_the_batch_size(config, scaling, dense_factor, embedding_factor):
    values = values_for(400, config, BatchSizesConfig(learning_rate_scaling=scaling))
    assert values == {
        "batch_size": 400,
        "dense_optimizer.learning_rate": pytest.approx(
            dense_factor * config.dense_optimizer.learning_rate
        ),
        "embedding_optimizer.learning_rate": pytest.approx(
            embedding_factor * config.embedding_optimizer.learning_rate
        ),
    }


def result(batch_size, rate, logloss):
    return BatchSizeResult(
        batch_size=batch_size, values={}, train_examples_per_second=rate, logloss=logloss
    )


def test_suggestion_is_the_fastest_near_the_lowest_logloss():
    results = [
        result(64, 10.0, 0.4500),
        result(128, 30.0, 0.4495),
        result(256, 40.0, 0.4504),
        result(512, 90.0, 0.4600),
        BatchSizeResult(batch_size=1024, values={}, out_of_memory="more than 1 bytes"),
    ]
    assert suggest(results, 0.001).batch_size == 256
    assert suggest(results, 0.0).batch_size == 128
    assert suggest(results, 1.0).batch_size == 512


def test_sizes_that_diverged_are_never_suggested():
    assert suggest([result(64, 10.0, 0.45), result(128, 99.0, None)], 1.0).batch_size == 64


def test_nothing_is_suggested_where_nothing_was_trained():
    results = [BatchSizeResult(batch_size=64, values={}, out_of_memory="x"), result(128, 9.0, None)]
    assert suggest(results, 1.0) is None
