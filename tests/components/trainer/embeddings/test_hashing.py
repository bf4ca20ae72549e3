import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.hashing import Hashing
from components.trainer.method_config import SizedConfig
from tests.components.trainer.embeddings.standalone import Standalone


@pytest.mark.parametrize(
    ("vocabulary_size", "ratio", "num_rows"), [(1000, 4.0, 250), (1001, 4.0, 251), (10, 2.5, 4)]
)
def test_num_parameters_is_rows_times_width(
    vocabulary_size: int, ratio: float, num_rows: int
) -> None:
    config = SizedConfig(compression_ratio=ratio)
    hashing = Hashing(vocabulary_size, 8, config, np.random.default_rng(0))
    assert hashing.num_parameters == num_rows * 8


def test_two_features_have_different_collisions() -> None:
    rng = np.random.default_rng(0)
    first, second = (Standalone(Hashing(100, 4, SizedConfig(), rng)) for _ in range(2))
    groups = []
    for hashing in (first, second):
        vectors = hashing(tf.range(100)).numpy()
        groups.append((vectors[:, None] == vectors[None]).all(axis=2))
    assert not np.array_equal(groups[0], groups[1])


def test_ratio_below_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="compression_ratio"):
        SizedConfig(compression_ratio=0.5)
