import re

import numpy as np
import pytest

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.base import Embedding, serving_bytes
from components.trainer.embeddings.full import Full
from components.trainer.embeddings.hashing import Hashing
from components.trainer.embeddings.int8 import Int8
from components.trainer.embeddings.parts.storage import FLOAT32
from components.trainer.embeddings.quotient_remainder import QuotientRemainder
from components.trainer.method_stack import full_bytes, make_embeddings, resolve_size

SIZES = {"a": 20_000, "b": 3, "c": 6_000, "d": 150}


def make(**fields: object) -> dict[str, Embedding]:
    config = TrainerConfig.model_validate(fields)
    made = make_embeddings(config, SIZES, np.random.SeedSequence(0))
    return dict(zip(SIZES, made, strict=True))


def test_small_features_keep_exact_tables() -> None:
    made = make(embedding={"method": "hashing + int8"}, min_table_rows=151)
    assert [type(e) for e in made.values()] == [Hashing, Full, Hashing, Full]
    assert [e.storage is FLOAT32 for e in made.values()] == [False, True, False, True]
    assert isinstance(made["a"].storage, Int8)


def test_a_table_as_large_as_the_limit_is_approximated() -> None:
    made = make(embedding={"method": "hashing"}, min_table_rows=150)
    assert isinstance(made["d"], Hashing)


def test_a_feature_has_the_method_that_is_named_for_it() -> None:
    made = make(
        embedding={"method": "hashing"},
        embeddings={"b": {"method": "quotient_remainder"}, "c": {"method": "full"}},
    )
    assert [type(e) for e in made.values()] == [Hashing, QuotientRemainder, Full, Full]


def test_ids_of_a_stack_pass_the_map_first() -> None:
    # 20,000 ids at 4 keep 5,000; hashed at 4 they have 1,250 rows.
    made = make(embedding={"method": "frequency_threshold + hashing"})
    assert made["a"].vocabulary_size == 5_000
    assert made["a"].tables[0].num_rows == 1_250
    assert made["b"].id_map is None


def test_what_does_not_depend_on_the_method_starts_equal() -> None:
    plain, hashed = make(), make(embedding={"method": "hashing"})
    for name in ("b", "d"):
        [first], [second] = plain[name].tables, hashed[name].tables
        np.testing.assert_array_equal(first.initial_values(), second.initial_values())


def test_a_ratio_counts_all_tables() -> None:
    config = TrainerConfig(
        embedding={"method": "hashing"}, compression_ratio=10, min_table_rows=1_000
    )
    resolved = resolve_size(config, SIZES)
    # (20,000 + 6,000) / r + 153 = 26,153 / 10 rows, so r = 26,000 / 2,462.3.
    assert resolved.embedding.options["compression_ratio"] == pytest.approx(10.559, rel=1e-3)


def test_bytes_are_a_goal_too() -> None:
    config = TrainerConfig.model_validate(
        {"embedding": {"method": "hashing + int8"}, "embedding_bytes": "100kB"}
    )
    made = make_embeddings(resolve_size(config, SIZES), SIZES, np.random.SeedSequence(0))
    assert serving_bytes(made) == pytest.approx(100_000, rel=0.01)


def test_full_tables_have_four_bytes_a_value() -> None:
    config = TrainerConfig(embedding_dim=16, embedding_dims={"a": 8})
    assert full_bytes(config, SIZES) == 4 * (20_000 * 8 + 6_153 * 16)


def test_a_size_out_of_reach_is_refused_with_what_can_be_reached() -> None:
    config = TrainerConfig(embedding={"method": "hashing"}, compression_ratio=1_000)
    # One row for each large table and 153 for the small ones: 155 rows of 64 bytes.
    message = re.escape(
        "compression_ratio of variant full: expected what hashing reaches with these tables, "
        "9,920 bytes (168.73 times smaller) to 1,673,792 bytes (1.00 times smaller), received "
        "1,674 bytes (1,000.00 times smaller); the nearest is 9,920 bytes"
    )
    with pytest.raises(InputError, match=message):
        resolve_size(config, SIZES)


def test_a_method_without_a_size_reaches_only_its_own() -> None:
    config = TrainerConfig(embedding={"method": "full"}, embedding_bytes=1_000_000)
    with pytest.raises(InputError, match=r"embedding_bytes of variant full: expected what full"):
        resolve_size(config, SIZES)


def test_without_a_goal_nothing_changes() -> None:
    config = TrainerConfig(embedding={"method": "hashing"})
    assert resolve_size(config, SIZES) is config
