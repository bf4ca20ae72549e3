import pytest
from pydantic import ValidationError

from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.embeddings.quotient_remainder import QuotientRemainderConfig
from components.trainer.method_config import MethodConfig, SizedConfig

STACK = "frequency_threshold + quotient_remainder + int8"


def test_options_of_one_method_are_spelled_out() -> None:
    config = EmbeddingConfig(method="quotient_remainder", options={"operation": "add"})
    assert config.options == {"compression_ratio": 4.0, "operation": "add"}
    assert config.configs == [QuotientRemainderConfig(operation="add")]


def test_options_of_a_stack_are_spelled_out_by_method() -> None:
    options = {"quotient_remainder": {"operation": "add"}}
    config = EmbeddingConfig(method="frequency_threshold+quotient_remainder+int8", options=options)
    assert config.method == STACK
    assert config.names == ["frequency_threshold", "quotient_remainder", "int8"]
    assert config.configs == [
        SizedConfig(),
        QuotientRemainderConfig(operation="add"),
        MethodConfig(),
    ]
    assert config.options["quotient_remainder"]["compression_ratio"] == 4.0


@pytest.mark.parametrize("method", ["quotient_remainder", STACK])
def test_canonical_json_gives_the_same_configuration(method: str) -> None:
    config = EmbeddingConfig(method=method)
    assert EmbeddingConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"method": "no method"}, "unknown method 'no method'; known: .*hashing"),
        ({"method": "hashing + "}, "unknown method ''"),
        ({"method": "int8 + hashing"}, r"int8 \(keeps tables\), hashing \(makes vectors\)"),
        ({"method": "hashing + full"}, r"hashing \(makes vectors\), full \(makes vectors\)"),
        ({"method": "hashing + hashing"}, "at most one method that makes ids fewer"),
        ({"method": "hashing", "options": {"ratio": 2}}, r"ratio.*\(options of hashing: comp"),
        ({"method": "int8", "options": {"bits": 2}}, r"options of int8: none"),
        (
            {"method": STACK, "options": {"full": {}}},
            "expected methods of the stack, received full",
        ),
        (
            {"method": STACK, "options": {"quotient_remainder": {"operation": "divide"}}},
            "options of quotient_remainder",
        ),
    ],
)
def test_a_wrong_stack_is_refused_by_name(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EmbeddingConfig.model_validate(fields)


def test_a_ratio_is_set_on_all_methods_that_have_one() -> None:
    changed = EmbeddingConfig(method=STACK).with_ratio(7.0)
    assert changed.options == {
        "frequency_threshold": {"compression_ratio": 7.0},
        "quotient_remainder": {"compression_ratio": 7.0, "operation": "mult"},
        "int8": {},
    }
    assert EmbeddingConfig(method="hashing").with_ratio(7.0).options == {"compression_ratio": 7.0}


def test_a_width_that_does_not_suit_is_refused_by_method() -> None:
    options = {"quotient_remainder": {"operation": "concat"}}
    config = EmbeddingConfig(method=STACK, options=options)
    config.check_embedding_dim(4)
    with pytest.raises(ValueError, match=r"options of quotient_remainder: .* received 5"):
        config.check_embedding_dim(5)
