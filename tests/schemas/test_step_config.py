import pytest
from pydantic import Field

from schemas.step_config import StepConfig


class _Inner(StepConfig):
    size: int = Field(default=1, ge=1)


class _Outer(StepConfig):
    b: float = 0.5
    a: tuple[int, ...] = (1, 2)
    inner: _Inner = Field(default_factory=_Inner)


def test_json_is_canonical_and_spells_out_defaults():
    assert _Outer(b=2).to_json() == '{"a":[1,2],"b":2.0,"inner":{"size":1}}'


def test_json_round_trip_gives_an_equal_config():
    config = _Outer(a=(3,), inner=_Inner(size=7))
    assert _Outer.from_json(config.to_json()) == config


@pytest.mark.parametrize("text", ['{"inner":{"size":0}}', '{"sise":1}', '{"b":"x"}'])
def test_from_json_checks_what_it_reads(text):
    with pytest.raises(ValueError, match="validation error"):
        _Outer.from_json(text)


def test_config_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        _Outer().b = 1.0
