import pytest
from pydantic import ValidationError

from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import with_values

STUDENT = {
    "variant": "small",
    "embedding": {"method": "hashing"},
    "embeddings": {"C1": {"method": "quotient_remainder"}},
    "compression_ratio": 8.0,
    "dense_optimizer": {"name": "adam", "learning_rate": 0.125},
    "evals_per_epoch": 2,
    "epochs": 3,
}


def teacher(**fields: object) -> TrainerConfig:
    distillation = {"weight": 0.5, "teacher": fields}
    return TrainerConfig(**STUDENT, distillation=distillation).teacher_config()


def test_teacher_is_the_same_with_full_tables_and_without_evaluations() -> None:
    expected = TrainerConfig(
        variant="small_teacher", epochs=3, dense_optimizer=STUDENT["dense_optimizer"]
    )
    assert teacher() == expected


def test_teacher_differs_where_it_says() -> None:
    found = teacher(
        top_mlp=[512], dense_optimizer={"learning_rate": 0.25}, embedding={"method": "int8"}
    )
    assert found.top_mlp == (512,)
    assert (found.dense_optimizer.name, found.dense_optimizer.learning_rate) == ("adam", 0.25)
    assert found.embedding.method == "int8"


def test_teacher_evaluates_where_it_stops_by_that() -> None:
    fields = {"validation_fraction": 0.1, "early_stopping": {"patience": 2}}
    config = TrainerConfig(**STUDENT, **fields, distillation={"weight": 1.0})
    assert config.teacher_config().evals_per_epoch == 2


def test_a_long_name_leaves_room() -> None:
    config = TrainerConfig(variant="a" * 64, distillation={"weight": 0.5})
    assert config.teacher_config().variant == "a" * 56 + "_teacher"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"distillation": {"weight": 2}}, r"distillation\.weight"),
        ({"distillation": {"weight": 0.5, "teacher": {"epochs": 0}}}, "teacher: epochs: Input"),
        ({"distillation": {"weight": 0.5, "teacher": {"layers": 1}}}, "teacher: layers: Extra"),
        ({"distillation": {"weight": 0.5, "teacher": {"device": "cpu"}}}, "received device"),
        ({"distillation": {"weight": 0.5}, "device": "multi_worker"}, "expected 0 if device is mu"),
    ],
)
def test_wrong_values_name_the_field(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TrainerConfig(**fields)


def test_fields_are_set_by_path_and_travel_as_json() -> None:
    values = {"distillation.weight": 0.25, "distillation.teacher.embedding_dim": 64}
    config = with_values(TrainerConfig(), values)
    assert config.teacher_config().embedding_dim == 64
    assert TrainerConfig.from_json(config.to_json()) == config
