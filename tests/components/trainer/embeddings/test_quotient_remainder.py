import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.quotient_remainder import (
    QuotientRemainder,
    QuotientRemainderConfig,
)
from tests.components.trainer.embeddings.standalone import Standalone

OPERATIONS = ("mult", "add", "concat")


def make(vocabulary_size: int, dim: int, operation: str = "mult", ratio: float = 4.0) -> Standalone:
    config = QuotientRemainderConfig.model_validate(
        {"operation": operation, "compression_ratio": ratio}
    )
    return Standalone(QuotientRemainder(vocabulary_size, dim, config, np.random.default_rng(0)))


def slow_lookup(
    quotients: np.ndarray, remainders: np.ndarray, ids: list[int], operation: str
) -> np.ndarray:
    """Shi et al. 2020, algorithm 2, one id at a time."""
    vectors = []
    for i in ids:
        quotient, remainder = quotients[i // len(remainders)], remainders[i % len(remainders)]
        if operation == "concat":
            vectors.append(np.concatenate([quotient, remainder]))
        else:
            vectors.append(quotient * remainder if operation == "mult" else quotient + remainder)
    return np.array(vectors)


@pytest.mark.parametrize(("operation", "expected"), [("mult", [20.0, 60.0]), ("add", [12.0, 23.0])])
def test_vector_joins_the_two_rows_in_a_case_worked_out_by_hand(
    operation: str, expected: list[float]
) -> None:
    # 5 ids: two tables have at least sqrt(5) -> 3 remainders and 2 quotients. Id 4 = 1 * 3 + 1.
    embedding = make(5, 2, operation, ratio=2.0)
    quotients = np.array([[7, 7], [2, 3]], np.float32)
    remainders = np.array([[9, 9], [10, 20], [8, 8]], np.float32)
    embedding.set_tables([quotients, remainders])
    np.testing.assert_array_equal(embedding(tf.constant([4])), [expected])


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("vocabulary_size", "ratio"), [(1000, 4.0), (1003, 7.3), (17, 1.5)])
def test_every_id_matches_the_slow_twin(operation: str, vocabulary_size: int, ratio: float) -> None:
    embedding = make(vocabulary_size, 6, operation, ratio)
    quotients, remainders = embedding.get_tables()
    ids = list(range(vocabulary_size))
    np.testing.assert_array_equal(
        embedding(tf.constant(ids)), slow_lookup(quotients, remainders, ids, operation)
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_id_has_a_vector_of_its_own(operation: str) -> None:
    vectors = make(1_000, 8, operation)(tf.range(1_000)).numpy()
    assert len(np.unique(vectors, axis=0)) == 1_000


@pytest.mark.parametrize(
    ("operation", "num_parameters"),
    [("mult", (247 + 5) * 8), ("add", (247 + 5) * 8), ("concat", (499 + 3) * 4)],
)
def test_num_parameters_is_both_tables(operation: str, num_parameters: int) -> None:
    # 1001 ids at ratio 4: 250.25 rows of the full width. 246.2 + 1001 / 246.2 = 250.25: 247, 5.
    # 500.5 of half of it. 498.5 + 1001 / 498.5 = 500.5: 499, 3.
    assert make(1_001, 8, operation).embedding.num_parameters == num_parameters


def test_products_start_within_the_range_of_a_full_table() -> None:
    vectors = make(10_000, 8, "mult")(tf.range(10_000)).numpy()
    assert np.abs(vectors).max() <= 0.01
    assert vectors.std() > 0.002


def test_concat_with_an_odd_width_is_refused() -> None:
    with pytest.raises(ValueError, match="even embedding_dim; received 5"):
        make(1_000, 5, "concat")


def test_unknown_operation_is_refused() -> None:
    with pytest.raises(ValidationError, match="operation"):
        make(1_000, 4, "divide")
