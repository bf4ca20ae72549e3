from typing import Any

import pytest
from pydantic import ValidationError

from components.trainer.config import TrainerConfig


def test_json_round_trip_spells_out_the_options() -> None:
    config = TrainerConfig(variant="qr", embedding={"method": "quotient_remainder"})
    assert '"options":{"compression_ratio":4.0,"operation":"mult"}' in config.to_json()
    assert TrainerConfig.from_json(config.to_json()) == config


def test_left_out_options_equal_defaults_given() -> None:
    given = {"method": "hashing", "options": {"compression_ratio": 4}}
    short = TrainerConfig(embedding={"method": "hashing"})
    assert TrainerConfig(embedding=given).to_json() == short.to_json()


def test_json_round_trip_keeps_the_architecture() -> None:
    config = TrainerConfig(
        interaction="cross", cross_projection_dim=8, embedding_dims={"C2": 4, "C1": 2}, wide=True
    )
    assert '"embedding_dims":{"C1":2,"C2":4}' in config.to_json()
    assert TrainerConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"embedding": {"method": "no method"}}, "known: .*hashing"),
        (
            {"embedding": {"method": "hashing", "options": {"compression_ratio": 0.5}}},
            r"compression_ratio: Input should be greater than or equal to 1, received 0\.5",
        ),
        (
            {"embedding": {"method": "hashing", "options": {"ratio": 2}}},
            r"ratio: Extra inputs.* \(options of hashing: compression_ratio\)",
        ),
        (
            {"embedding": {"method": "full", "options": {"ratio": 2}}},
            r"ratio: Extra inputs.* \(options of full: none\)",
        ),
        ({"dense_optimizer": {"learning_rate": 0}}, r"dense_optimizer\.learning_rate"),
        ({"embedding_optimizer": {"learning_rate": float("nan")}}, "embedding_optimizer"),
        ({"dense_optimizer": {"name": "rowwise_adagrad"}}, "'adagrad', 'sgd' or 'adam'"),
        ({"batch_size": 0}, "batch_size"),
        ({"bottom_mlp": (64, 0)}, r"bottom_mlp\.1"),
        ({"variant": "No Spaces"}, "variant"),
        ({"variant": "label"}, "variant\n.*another name than 'label'"),
        ({"variant": "row_id"}, "variant\n.*another name than 'row_id'"),
        (
            {
                "embedding": {"method": "quotient_remainder", "options": {"operation": "concat"}},
                "embedding_dim": 5,
            },
            "embedding_dim with .* quotient_remainder: operation 'concat' .* even .*received 5",
        ),
        (
            {
                "embedding": {"method": "quotient_remainder", "options": {"operation": "concat"}},
                "embedding_dims": {"C1": 4, "C2": 3},
            },
            r"embedding_dims\.C2 with .* quotient_remainder: operation 'concat' .*received 3",
        ),
        ({"embedding_dims": {"C1": 0}}, r"embedding_dims\.C1\n.*greater than or equal to 1"),
        ({"interaction": "product"}, "interaction\n.*'dot' or 'cross'"),
        ({"num_cross_layers": 0}, "num_cross_layers"),
        ({"cross_projection_dim": 0}, "cross_projection_dim"),
        ({"wide": "some"}, "wide"),
        ({"learning_rate": 0.1}, "learning_rate"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainerConfig(**values)


def test_methods_of_the_teacher_are_among_those_of_the_student():
    teacher = {"embedding": {"method": "multi_layer"}}
    student = TrainerConfig(variant="full", distillation={"weight": 0.5, "teacher": teacher})
    assert student.methods == ["full", "multi_layer"]
