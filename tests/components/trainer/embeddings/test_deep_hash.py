import math

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.deep_hash import DeepHash, DeepHashConfig
from tests.components.trainer.embeddings.standalone import Standalone, make

PRIME = 2**31 - 1
NUM_BUCKETS = 2**20


def sized(vocabulary_size: int, dim: int, ratio: float, **options: int) -> DeepHash:
    config = DeepHashConfig(compression_ratio=ratio, **options)
    return DeepHash(vocabulary_size, dim, config, np.random.default_rng(0))


def slow_code(embedding: Standalone, i: int) -> list[float]:
    """The hashes of one id, one after the other, in Python's integers."""
    multipliers, offsets = embedding.embedding.array("hashes").numpy()
    code = []
    for multiplier, offset in zip(multipliers, offsets, strict=True):
        bucket = (int(multiplier) * i + int(offset)) % PRIME % NUM_BUCKETS
        code.append(2 * bucket / (NUM_BUCKETS - 1) - 1)
    return code


def slow_vector(embedding: Standalone, i: int, num_hidden_layers: int) -> np.ndarray:
    """The network for one id, in float64."""
    values = np.array(slow_code(embedding, i))
    for layer in range(num_hidden_layers + 1):
        weights = embedding.embedding.array(f"weights_{layer}").numpy().astype(np.float64)
        biases = embedding.embedding.array(f"biases_{layer}").numpy()
        values = values @ weights + biases
        if layer < num_hidden_layers:
            values = values * np.tanh(np.log1p(np.exp(values)))
    return values


def test_vector_is_the_networks_in_a_case_worked_out_by_hand() -> None:
    embedding = make(
        "deep_hash", 1_000, 2, num_hashes=2, num_hidden_layers=1, max_width=1, compression_ratio=1.0
    )
    method = embedding.embedding
    # Id 5: 1 * 5 + 1048570 = 1048575, the last bucket: 1. 2147483646 * 5 + 5 is 0 modulo 2**31 - 1,
    # since the factor is -1: the first bucket: -1.
    method.array("hashes").assign([[1, 2_147_483_646], [1_048_570, 5]])
    method.array("weights_0").assign([[3.0], [1.0]])
    method.array("biases_0").assign([-2.0])
    method.array("weights_1").assign([[10.0, -1.0]])
    method.array("biases_1").assign([0.5, 0.0])
    # 3 * 1 - 1 * 1 - 2 = 0 and mish(0) = 0: only the last biases are left.
    np.testing.assert_allclose(embedding(tf.constant([5])), [[0.5, 0.0]], atol=1e-5)
    # With a bias of -1 it is mish(1) = tanh(ln(1 + e)) = ((1 + e)**2 - 1) / ((1 + e)**2 + 1).
    method.array("biases_0").assign([-1.0])
    square = (1 + math.e) ** 2
    mish = (square - 1) / (square + 1)
    np.testing.assert_allclose(embedding(tf.constant([5])), [[10 * mish + 0.5, -mish]], rtol=1e-5)


@pytest.mark.parametrize("num_hidden_layers", [1, 3])
def test_ids_match_the_slow_twin(num_hidden_layers: int) -> None:
    embedding = make("deep_hash", 2**31 - 1, 5, num_hidden_layers=num_hidden_layers, max_width=20)
    for layer in range(num_hidden_layers + 1):
        biases = embedding.embedding.array(f"biases_{layer}")
        biases.assign(tf.random.stateless_uniform(biases.shape, (layer, 1), -1.0, 1.0))
    ids = [0, 1, 2, 2**24, 2**24 + 1, 2**31 - 3, 2**31 - 2]
    expected = [slow_vector(embedding, i, num_hidden_layers) for i in ids]
    np.testing.assert_allclose(embedding(tf.constant(ids, tf.int64)), expected, rtol=1e-4)


def test_hashes_are_exact_for_extreme_multipliers() -> None:
    """Sums of PRIME and 2 * PRIME, where the additions of the upper bits end at PRIME itself."""
    embedding = make("deep_hash", 2**31 - 1, 2, num_hashes=4, num_hidden_layers=1, max_width=4)
    method = embedding.embedding
    method.array("hashes").assign([[1, 1, PRIME - 1, PRIME - 1], [0, PRIME - 1, 0, PRIME - 1]])
    method.array("weights_0").assign(np.eye(4, dtype=np.float32))
    method.array("weights_1").assign(np.ones((4, 2), np.float32))
    for i in (0, 1, 2, PRIME - 1):
        np.testing.assert_allclose(
            embedding(tf.constant([i], tf.int64))[0], slow_vector(embedding, i, 1), rtol=1e-5
        )


def test_vectors_start_with_the_variance_of_a_full_table() -> None:
    spreads = [
        make("deep_hash", 5_000, 8, seed=seed)(tf.range(5_000)).numpy().std() for seed in range(4)
    ]
    assert np.mean(spreads) == pytest.approx(1 / math.sqrt(3 * 5_000), rel=0.25)


@pytest.mark.parametrize(
    ("ratio", "width"),
    [
        # 1000 ids of width 4 are 16000 bytes. Width w has 1024 + 4 * (129 * w + w * (w + 1) +
        # 4 * (w + 1)) bytes with all 128 hashes, from 32 on; below, 32 * w + 4 * ((4 * w + 1) * w +
        # w * (w + 1) + 4 * (w + 1)) = 20 * w**2 + 56 * w + 16.
        (1.0, 26),  # 20 * 676 + 1456 + 16 = 14992; 27 would have 16108
        (10.0, 7),  # 980 + 392 + 16 = 1388; 8 would have 1744
        (1e9, 1),
    ],
)
def test_compression_ratio_gives_the_largest_width_below_it(ratio: float, width: int) -> None:
    method = sized(1_000, 4, ratio)
    assert serving_bytes([method]) == 20 * width**2 + 56 * width + 16
    assert serving_bytes([method]) == 4 * method.num_parameters + 8 * min(128, 4 * width)


def test_width_ends_at_the_largest() -> None:
    # 1024 bytes of hashes, and 129 * 256 + 257 * 256 + 257 * 16 parameters.
    assert serving_bytes([sized(10_000_000, 16, 2.0)]) == 1_024 + 4 * 102_928


@pytest.mark.parametrize("vocabulary_size", [1, 10, 1_001, 3_000_000, 2**31 - 1])
@pytest.mark.parametrize("dim", [1, 13, 16])
def test_larger_ratio_never_gives_more_bytes(vocabulary_size: int, dim: int) -> None:
    ratios = np.geomspace(1, 1e9, 60)
    sizes = [serving_bytes([sized(vocabulary_size, dim, r)]) for r in ratios]
    assert sizes == sorted(sizes, reverse=True)


def test_no_hashes_are_refused() -> None:
    with pytest.raises(ValidationError, match="num_hashes"):
        DeepHashConfig(num_hashes=0)
