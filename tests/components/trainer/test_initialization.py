import math

import numpy as np
import pytest
from pydantic import ValidationError

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import with_values
from components.trainer.model import Dlrm
from components.trainer.registry import known_methods

SIZES = {"C1": 10_000, "C2": 400}


def make(method: str = "full", initialization: object = None, **fields: object) -> Dlrm:
    config = TrainerConfig(
        embedding={"method": method},
        embedding_dim=16,
        initialization=initialization or {},
        bottom_mlp=(300, 200),
        **fields,
    )
    return make_dlrm(config, SIZES, 100)


def tables(network: Dlrm) -> list[np.ndarray]:
    """Of each embedding, one after the other."""
    return [values for e in network.embeddings for values in network.tables.values(e)]


def test_default_is_uniform_by_the_number_of_ids() -> None:
    for values, size in zip(tables(make()), SIZES.values(), strict=True):
        assert np.abs(values).max() == pytest.approx(1 / math.sqrt(size), rel=0.01)


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_default_start_can_be_scaled(scale: float) -> None:
    scaled = tables(make(initialization={"scale": scale}))
    for values, default in zip(scaled, tables(make()), strict=True):
        np.testing.assert_allclose(values, scale * default, atol=1e-6)


def test_uniform_by_the_width() -> None:
    for values in tables(make(initialization={"tables": "uniform_dim", "scale": 2.0})):
        assert (values.min(), values.max()) == pytest.approx((-0.5, 0.5), rel=0.01)
        assert values.std() == pytest.approx(0.5 / math.sqrt(3), rel=0.02)


def test_normal_by_the_width() -> None:
    first, second = tables(make(initialization={"tables": "normal", "scale": 2.0}))
    for values in (first, second):
        assert values.std() == pytest.approx(0.5, rel=0.03)
        assert np.abs(values).max() > 1.25  # it has tails
    assert not np.array_equal(first[:400], second)


def test_shared_table_stays_one() -> None:
    network = make("unified", {"tables": "normal"})
    first, second = (embedding.tables for embedding in network.embeddings)
    assert first[0] is second[0]
    assert tables(network)[0].std() == pytest.approx(0.25, rel=0.03)


# What a method sets itself stays; see InitializationConfig.
OWN = {"tensor_train", "clustered_compositional", "multi_hash", "quotient_remainder"}


@pytest.mark.parametrize("method", known_methods())
def test_every_method_starts_as_configured_or_has_a_start_of_its_own(method: str) -> None:
    default, changed = tables(make(method)), tables(make(method, {"scale": 2.0}))
    stays = [np.array_equal(a, b) for a, b in zip(default, changed, strict=True)]
    assert all(stays) if method in OWN else not any(stays)


def test_quotient_and_remainder_that_are_added_start_as_configured() -> None:
    embedding = {"method": "quotient_remainder", "options": {"operation": "add"}}
    config = TrainerConfig(embedding=embedding, initialization={"tables": "normal"})
    for values in tables(make_dlrm(config, SIZES, 4)):
        assert values.std() == pytest.approx(0.25, rel=0.2)


def test_tables_that_are_reset_have_the_configured_start() -> None:
    network = make(initialization={"tables": "normal"})
    before = tables(network)
    for embedding in network.embeddings:
        values = network.tables.values(embedding)
        network.tables.assign(embedding, [0 * each for each in values])
    network.tables.reset()
    for a, b in zip(tables(network), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("glorot_normal", 2 / 500),
        ("glorot_uniform", 2 / 500),
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
    ],
)
def test_mlps_start_with_the_variance_of_the_paper(name: str, variance: float) -> None:
    network = make(initialization={"mlps": name})
    [weights] = [v.numpy() for v in network.trainable_variables if v.shape == (300, 200)]
    assert weights.var() == pytest.approx(variance, rel=0.03)
    largest = np.abs(weights).max() / math.sqrt(variance)
    assert (largest < math.sqrt(3)) == name.endswith("uniform")


def test_fields_are_set_by_path_and_checked() -> None:
    values = {"initialization.tables": "normal", "initialization.scale": 0.5}
    config = with_values(TrainerConfig(), values)
    assert TrainerConfig.from_json(config.to_json()) == config
    with pytest.raises(ValidationError, match=r"initialization\.scale"):
        TrainerConfig(initialization={"scale": 0})
