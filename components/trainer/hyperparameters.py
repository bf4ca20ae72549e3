"""Fields of a trainer's configuration by dotted path, and values that a tuner found for them."""

import json
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from components.errors import InputError
from components.trainer.config import TrainerConfig


def with_values(config: TrainerConfig, values: Mapping[str, Any]) -> TrainerConfig:
    """Returns a configuration that has other values.

    Args:
      config: is left as it is.
      values: dotted path -> value, for example `{"dense_optimizer.learning_rate": 0.01}`. With
        another `embedding.method`, options that are not among the values take its defaults.

    Raises:
      InputError: if there is no such field or a value is not allowed there.
    """
    fields = config.model_dump()
    if "embedding.method" in values:
        fields["embedding"]["options"] = {}
    for path, value in values.items():
        *parents, name = path.split(".")
        section: Any = fields
        for parent in parents:
            section = section.get(parent) if isinstance(section, dict) else None
        if not isinstance(section, dict):
            raise InputError(f"{path}: expected a field of a trainer's configuration, found none")
        section[name] = value
    try:
        return TrainerConfig.model_validate(fields)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}, received {problem['input']!r}"
            for problem in error.errors()
        )
        raise InputError(f"{', '.join(values)}: {problems}") from error


def as_hyperparameter(value: Any) -> bool | int | float | str:
    """Returns a value as KerasTuner takes it: numbers and booleans as they are, else JSON text."""
    return value if isinstance(value, bool | int | float) else json.dumps(value)


def values_of(hyperparameters: Mapping[str, Any]) -> dict[str, Any]:
    """Returns dotted path -> value.

    Args:
      hyperparameters: the `get_config()` of KerasTuner's HyperParameters, whose values were made by
        `as_hyperparameter`.

    Raises:
      InputError: if a text is not JSON, or there are no values.
    """
    values = {}
    if not isinstance(hyperparameters.get("values"), Mapping):
        raise InputError(
            "hyperparameters: expected KerasTuner's configuration with `values`, received "
            f"{hyperparameters!r}"
        )
    for path, value in hyperparameters["values"].items():
        try:
            values[path] = json.loads(value) if isinstance(value, str) else value
        except json.JSONDecodeError as error:
            raise InputError(f"hyperparameters: {path}: expected JSON, received {value}") from error
    return values


def tuned_config(
    config: TrainerConfig, hyperparameters: Mapping[str, Any], own_fields: Collection[str]
) -> TrainerConfig:
    """Returns a variant's configuration with the values that a tuner found.

    What the variant says of itself is what makes it a variant, so it wins over what was found; that
    wins over what all variants share and over the defaults. A field counts whole: a variant with a
    `dense_optimizer` of its own takes nothing of the one that was found.

    Args:
      config: of the variant.
      hyperparameters: see `values_of`.
      own_fields: the fields of `TrainerConfig` that the variant sets itself.

    Raises:
      InputError: if a value does not suit the variant.
    """
    values = values_of(hyperparameters)
    taken = {path: value for path, value in values.items() if path.split(".")[0] not in own_fields}
    try:
        return with_values(config, taken)
    except InputError as error:
        raise InputError(f"variant {config.variant} with tuned values: {error}") from error
