"""Configuration of the embedding of a feature: a method, or a stack of them."""

from itertools import pairwise
from typing import Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from components.trainer.method_config import MethodConfig, SizedConfig
from components.trainer.registry import known_methods, load_method
from schemas.step_config import StepConfig

_STAGES = ("makes ids fewer", "makes vectors", "keeps tables")


class EmbeddingConfig(StepConfig):
    """Which embedding method, and its options; or several methods, stacked.

    Attributes:
      method: the name of a file in `components/trainer/embeddings/`, or several joined by `+`, in
        this order: one that makes ids fewer, one that makes vectors of ids (else `full`), one that
        says how its tables are kept. Example: `"frequency_threshold + quotient_remainder + int8"`.
      options: the fields of that method's `Config`; those left out take their defaults here, so
        that the JSON spells out all of them. Of a stack: method -> its options.
    """

    method: str = "full"
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("method")
    @classmethod
    def _is_a_stack(cls, method: str) -> str:
        names = _split(method)
        for name in names:
            if name not in known_methods():
                raise ValueError(f"unknown method {name!r}; known: {', '.join(known_methods())}")
        _check_order(names)
        return " + ".join(names)

    @field_validator("options")
    @classmethod
    def _suit_the_method(cls, options: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if "method" not in info.data:
            return options
        names = _split(info.data["method"])
        if len(names) == 1:
            return _make_options(names[0], options).model_dump(mode="json")
        unknown = sorted(set(options) - set(names))
        if unknown:
            raise ValueError(f"expected methods of the stack, received {', '.join(unknown)}")
        return {
            name: _make_options(name, options.get(name, {})).model_dump(mode="json")
            for name in names
        }

    @property
    def names(self) -> list[str]:
        """Of the methods, in order."""
        return _split(self.method)

    @property
    def configs(self) -> list[MethodConfig]:
        """The options of each method, in order."""
        names = self.names
        of_method = self.options if len(names) > 1 else {names[0]: self.options}
        return [load_method(name).Config(**of_method[name]) for name in names]

    def with_ratio(self, compression_ratio: float) -> "EmbeddingConfig":
        """Returns the same methods with this `compression_ratio` where they have that option."""
        dumped = {
            name: config.model_dump(mode="json")
            | ({"compression_ratio": compression_ratio} if isinstance(config, SizedConfig) else {})
            for name, config in zip(self.names, self.configs, strict=True)
        }
        options = dumped if len(dumped) > 1 else dumped[self.names[0]]
        return EmbeddingConfig(method=self.method, options=options)

    def check_embedding_dim(self, embedding_dim: int) -> None:
        """Refuses a width that does not suit the options.

        Raises:
          ValueError: the message names method and option, the rule and what was received.
        """
        for name, config in zip(self.names, self.configs, strict=True):
            try:
                config.check_embedding_dim(embedding_dim)
            except ValueError as error:
                raise ValueError(f"options of {name}: {error}") from error


def _split(method: str) -> list[str]:
    return [name.strip() for name in method.split("+")]


def _check_order(names: list[str]) -> None:
    stages = [load_method(name).stage for name in names]
    if any(stage >= following for stage, following in pairwise(stages)):
        raise ValueError(
            "expected at most one method that makes ids fewer, then at most one that makes "
            "vectors, then at most one that keeps tables; received "
            + ", ".join(f"{name} ({_STAGES[s]})" for name, s in zip(names, stages, strict=True))
        )


def _make_options(name: str, options: dict[str, Any]) -> MethodConfig:
    config_class = load_method(name).Config
    try:
        return config_class(**options)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, received {e['input']!r}"
            for e in error.errors()
        )
        known = ", ".join(config_class.model_fields) or "none"
        raise ValueError(f"{problems} (options of {name}: {known})") from error
