import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import Embedding, serving_bytes
from components.trainer.embeddings.mixed_dimension import MixedDimension, MixedDimensionConfig
from tests.components.trainer.embeddings.standalone import make

SIZES = [100, 10_000, 1_000_000, 5]


def make_features(
    sizes: list[int] = SIZES, dim: int = 16, ratio: float = 4.0, **options: object
) -> list[Embedding]:
    config = MixedDimensionConfig.model_validate({"compression_ratio": ratio, **options})
    rngs = [np.random.default_rng(i) for i in range(len(sizes))]
    return MixedDimension.make_all(sizes, [dim] * len(sizes), config, rngs)


def widths(features: list[Embedding]) -> list[int]:
    return [feature.tables[0].width for feature in features]


def test_dimensions_in_a_case_worked_out_by_hand() -> None:
    # d = lambda / sqrt(n): 8, 4 and 2 for n = 400, 1600 and 6400 at lambda = 160. The weights with
    # projections: 416 * 8 + 1616 * 4 + 6416 * 2 = 22624, of 8400 * 16 = 134400.
    features = make_features([400, 1_600, 6_400], 16, 134_400 / 22_624, alpha=0.5)
    assert widths(features) == [8, 4, 2]
    assert serving_bytes(features) == 4 * 22_624


def test_powers_of_two_are_kept() -> None:
    for ratio in (1.5, 3.0, 5.0, 11.0):
        features = make_features(ratio=ratio, round_to_power_of_two=True)
        assert set(widths(features)) <= {1, 2, 4, 8, 16}


def test_projection_that_saves_nothing_is_left_out() -> None:
    # One column and its projection take 5 + 16 weights instead of 5 * 16, or 1 + 16 instead of 16.
    small = make_features(ratio=1e9)[3]
    assert (small.tables[0].width, [a.name for a in small.arrays]) == (1, ["projection"])
    tiny = make_features([1, 10_000], ratio=1e9)[0]
    assert (tiny.tables[0].width, tiny.arrays) == (16, ())


@pytest.mark.parametrize("power_of_two", [False, True])
def test_bytes_fall_as_the_ratio_rises_down_to_one_column(power_of_two: bool) -> None:
    num_bytes = [
        serving_bytes(make_features(ratio=ratio, round_to_power_of_two=power_of_two))
        for ratio in [*np.geomspace(1, 40, 80), 1e9]
    ]
    assert num_bytes == sorted(num_bytes, reverse=True)
    assert num_bytes[0] == 4 * 16 * sum(SIZES)
    assert num_bytes[-1] == 4 * (sum(SIZES) + 4 * 16)


def test_every_id_matches_the_slow_twin() -> None:
    # 97 * 8 / 1.8 = 431 weights, 420 of them are (97 + 8) * 4.
    embedding = make("mixed_dimension", 97, 8, compression_ratio=1.8)
    [rows] = embedding.get_tables()
    matrix = embedding.embedding.array("projection").numpy()
    assert matrix.shape == (4, 8)
    expected = [
        [sum(rows[i, r] * matrix[r, d] for r in range(4)) for d in range(8)] for i in range(97)
    ]
    np.testing.assert_allclose(embedding(tf.range(97)), expected, rtol=1e-4, atol=1e-7)


def test_feature_of_the_full_width_is_a_plain_table() -> None:
    embedding = make("mixed_dimension", 97, 8, compression_ratio=1.0)
    [rows] = embedding.get_tables()
    np.testing.assert_array_equal(embedding(tf.range(97)), rows)


def test_features_keep_their_own_widths() -> None:
    config = MixedDimensionConfig(compression_ratio=1.0)
    rngs = [np.random.default_rng(i) for i in range(2)]
    features = MixedDimension.make_all([1_000, 2_000], [8, 32], config, rngs)
    assert widths(features) == [8, 32]
