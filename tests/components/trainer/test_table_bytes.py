"""The bytes of all that stands for ids, told apart by feature."""

import pytest

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.model import Dlrm
from components.trainer.registry import known_methods

SIZES = {"C1": 5, "C2": 400, "C3": 300}
STACKS = ("unified + int4", "frequency_threshold + quotient_remainder + int8", "robe + int8")


def make(method: str, **fields: object) -> Dlrm:
    """A method that has a compression ratio has the default, 4."""
    config = TrainerConfig.model_validate(
        {"embedding": {"method": method}, "embedding_dim": 4, **fields}
    )
    return make_dlrm(config, SIZES, dense_width=7)


@pytest.mark.parametrize("method", [*known_methods(), *STACKS])
def test_bytes_by_feature_sum_to_embedding_bytes(method: str) -> None:
    network = make(method, wide=True, embedding_dims={"C3": 8})
    own, shared = network.own_and_shared_bytes()
    assert sum(own) + shared == network.embedding_bytes
    assert len(own) == len(SIZES)


def test_bytes_of_full_tables_are_those_of_their_rows() -> None:
    assert make("full").own_and_shared_bytes() == ([5 * 16, 400 * 16, 300 * 16], 0)


@pytest.mark.parametrize("method", ["unified", "robe"])
def test_bytes_of_a_common_table_are_shared(method: str) -> None:
    # The small feature has a full table; a quarter of the others' 700 rows is common to them.
    found = make(method).own_and_shared_bytes()
    assert found == ([5 * 16, 0, 0], 175 * 16)


def test_bytes_of_a_common_table_of_int4_are_those_of_the_storage() -> None:
    # 4 numbers in 2 bytes, and a scale and an offset of 2 bytes each, a row.
    found = make("unified + int4").own_and_shared_bytes()
    assert found == ([5 * 16, 0, 0], 175 * (2 + 2 * 2))


def test_bytes_of_codes_and_centroids_are_their_feature_s() -> None:
    # An id has 2 codes of a byte; 2 groups of 32 centroids of 2 float32.
    own, shared = make("product_quantized").own_and_shared_bytes()
    assert (own, shared) == ([5 * 16, 400 * 2 + 2 * 32 * 2 * 4, 300 * 2 + 2 * 32 * 2 * 4], 0)


def test_bytes_of_a_common_table_that_one_feature_uses_are_its_own() -> None:
    found = make("full", embeddings={"C2": {"method": "unified"}}).own_and_shared_bytes()
    assert found == (
        [5 * 16, 100 * 16, 300 * 16],
        0,
    )


def test_bytes_of_projections_and_linear_weights_are_their_feature_s() -> None:
    own, shared = make("full", wide=True, embedding_dims={"C2": 2}).own_and_shared_bytes()
    # C2: rows of 2 float32, a matrix of 2 x 4, and a weight an id.
    assert own == [5 * 16 + 5 * 4, 400 * 8 + 2 * 4 * 4 + 400 * 4, 300 * 16 + 300 * 4]
    assert shared == 0
