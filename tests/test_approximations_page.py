"""The method that docs/approximations.md shows, as a user would add it."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.trainer import embeddings
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.base import serving_bytes
from components.trainer.registry import known_methods
from tests.components.trainer.embeddings import test_contract
from tests.components.trainer.embeddings.standalone import make

PAGE = Path(__file__).parent.parent / "docs" / "approximations.md"
NAME = "signed_hashing"


@pytest.fixture(autouse=True)
def method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page's file, in a folder beside the others."""
    [text] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(text.splitlines()) < 40
    (tmp_path / f"{NAME}.py").write_text(text)
    monkeypatch.setattr(embeddings, "__path__", [*embeddings.__path__, str(tmp_path)])
    yield text


def test_the_file_alone_makes_the_method_known() -> None:
    assert NAME in known_methods()
    config = TrainerConfig(embedding={"method": f"frequency_threshold + {NAME} + int8"})
    assert config.embedding.options[NAME] == {"compression_ratio": 4.0}


def test_vectors_are_rows_with_a_sign() -> None:
    embedding = make(NAME, 1_000, 8)
    [table] = embedding.get_tables()
    assert table.shape == (250, 8)
    vectors = embedding(tf.range(1_000)).numpy()
    [rows] = embedding.embedding.rows(tf.range(1_000))
    signs = vectors[:, 0] / table[rows.numpy(), 0]
    np.testing.assert_allclose(vectors, table[rows.numpy()] * signs[:, None], rtol=1e-6)
    np.testing.assert_allclose(np.abs(signs), 1, rtol=1e-6)
    assert 400 < (signs > 0).sum() < 600
    assert serving_bytes([embedding.embedding]) == 250 * 8 * 4


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    test_contract.test_output_is_float32_vectors_for_both_id_types(NAME, tf.int32)
    test_contract.test_neighbouring_ids_above_two_to_the_24_differ(NAME)
    test_contract.test_every_variable_has_a_gradient_no_larger_than_the_batch(NAME)
    test_contract.test_saved_model_gives_the_served_vectors(NAME, tmp_path)
    test_contract.test_steps_lower_the_loss(NAME)
    test_contract.test_xla_compiles_what_comes_after_the_lookup(NAME)
    test_contract.test_a_compression_ratio_is_met_within_5_percent_or_refused(NAME, 10.0)
