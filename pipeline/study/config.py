"""The configuration of a study, as its YAML file says it."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from components.errors import InputError
from pipeline.config_errors import describe
from pipeline.load_config import DEFAULT_SCHEMA
from schemas.step_config import StepConfig

FULL = "full"
BASELINE = "baseline"
_CONFIGS = Path(__file__).parent / "configs"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(kB|MB|GB)")
_MEGABYTES = {"kB": 1e-3, "MB": 1.0, "GB": 1e3}
# What a method may change; the rest is the same for all cells.
_METHOD_SECTIONS = ("trainer", "example_gen", "transform")
_OWN_SECTIONS = {"variants": "variants", "seeds": "seeds"}


class MethodsOn(StepConfig):
    """Which cells the methods are tried on.

    Attributes:
      datasets: of the study's; None is the first one.
      architectures: of the study's; None is the first one.
      variants: of the study's; None is the baseline.
    """

    datasets: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    variants: tuple[str, ...] | None = None


class StudyConfig(StepConfig):
    """A study.

    Attributes:
      preset: the named configuration that all cells start from.
      schema_name: `schema` in the file: what the rows look like, by name or as a YAML file.
      assignments: `set` in the file: changes to the preset, as texts `section.field=value` or as a
        mapping of sections.
      data: pattern of raw click logs; None generates the preset's synthetic log.
      datasets: dataset versions, such as `10MB` (10**6 bytes), and `full` for all rows. A version
        has exactly this size and the log's share of clicks.
      architectures: name -> trainer fields, such as `{interaction: cross}`.
      variants: name -> trainer fields, as in a preset; None takes the preset's.
      baseline: the variant that the others are compared with; None is the preset's.
      methods: name -> alternatives, each tried by itself against the cell without it. One field's
        values, `{trainer.batch_size: [64, 512]}`, or named alternatives of several fields,
        `{long: {trainer.epochs: 4, trainer.reset_tables: true}}`; kept in the second form.
      methods_on: which cells they are tried on.
      seeds: trainings of each cell, each with a seed of its own.
      devices: where each cell is trained; those that this machine lacks are skipped.
      parallel: trainings at once; None follows from cores and free memory.
    """

    model_config = ConfigDict(populate_by_name=True)

    preset: str = "demo"
    schema_name: str = Field(default=DEFAULT_SCHEMA, alias="schema")
    assignments: tuple[str, ...] = Field(default=(), alias="set")
    data: str | None = Field(default=None, min_length=1)
    datasets: tuple[str, ...] = Field(default=(FULL,), min_length=1)
    architectures: dict[str, dict[str, Any]] = Field(
        default={"dlrm": {"interaction": "dot"}}, min_length=1
    )
    variants: dict[str, dict[str, Any]] | None = Field(default=None, min_length=1)
    baseline: str | None = None
    methods: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    methods_on: MethodsOn = Field(default_factory=MethodsOn)
    seeds: int = Field(default=2, ge=1, le=100)
    devices: tuple[Literal["cpu", "gpu", "multi_gpu", "tpu"], ...] = Field(
        default=("cpu",), min_length=1
    )
    parallel: int | None = Field(default=None, ge=1)

    @field_validator("assignments", mode="before")
    @classmethod
    def _sections_are_assignments(cls, value: Any) -> Any:
        return list(_flatten(value)) if isinstance(value, Mapping) else value

    @field_validator("assignments")
    @classmethod
    def _are_of_the_preset(cls, assignments: tuple[str, ...]) -> tuple[str, ...]:
        for assignment in assignments:
            section = re.split(r"[.=]", assignment, maxsplit=1)[0]
            if section in _OWN_SECTIONS:
                raise ValueError(
                    f"{section}: is a field of the study itself, received {assignment!r}"
                )
        return assignments

    @field_validator("datasets")
    @classmethod
    def _are_sizes(cls, datasets: tuple[str, ...]) -> tuple[str, ...]:
        for dataset in datasets:
            if dataset != FULL and not (_SIZE.fullmatch(dataset) and megabytes(dataset)):
                raise ValueError(
                    f"expected sizes such as 500kB, 10MB, 1GB, or {FULL}; received {dataset!r}"
                )
        return _distinct(datasets)

    @field_validator("devices")
    @classmethod
    def _are_distinct(cls, devices: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct(devices)

    @field_validator("methods", mode="before")
    @classmethod
    def _methods_have_alternatives(cls, methods: Any) -> Any:
        if not isinstance(methods, Mapping):
            return methods
        return {name: _alternatives(name, method) for name, method in methods.items()}

    @model_validator(mode="after")
    def _names_are_names(self) -> "StudyConfig":
        for field in ("architectures", "variants", "methods"):
            for name in getattr(self, field) or ():
                if not _NAME.fullmatch(name):
                    raise ValueError(
                        f"{field}: expected names of small letters, digits and _, a letter first; "
                        f"received {name!r}"
                    )
        if BASELINE in self.methods:
            raise ValueError(f"methods: {BASELINE!r} is what cells without a method are called")
        return self


def known_studies() -> tuple[str, ...]:
    """Returns the names of the files in `configs/`."""
    return tuple(sorted(path.stem for path in _CONFIGS.glob("*.yaml")))


def load_study(source: str) -> StudyConfig:
    """Reads a study's configuration.

    Args:
      source: a name of `known_studies`, or a YAML file.

    Raises:
      InputError: if it is missing, not YAML, or a field is unknown or a value not allowed.
    """
    path = _CONFIGS / f"{source}.yaml" if source in known_studies() else Path(source)
    try:
        values = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InputError(
            f"--config: expected one of {', '.join(known_studies())} or a YAML file, received "
            f"{source!r}: {error.strerror}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"--config {source}: not YAML: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"--config {source}: expected a mapping, received {values!r}")
    try:
        return StudyConfig.model_validate(values)
    except ValidationError as error:
        raise InputError(f"--config {source}: {describe(error, StudyConfig)}") from error


def megabytes(dataset: str) -> float | None:
    """Returns the size of a dataset version, 10**6 bytes; None for all rows."""
    size = _SIZE.fullmatch(dataset)
    return float(size[1]) * _MEGABYTES[size[2]] if size else None


def compact(value: Any) -> str:
    """Returns a value as short text: `512`, `[64, 32]`, `{a: 1}`."""
    if isinstance(value, str):
        return value
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.strip().removesuffix("...").strip()


def _alternatives(name: str, method: Any) -> dict[str, dict[str, Any]]:
    """Returns a method as label -> path -> value."""
    if not isinstance(method, Mapping) or not method:
        raise ValueError(
            f"{name}: expected {{trainer.FIELD: [values]}} or {{label: {{trainer.FIELD: value}}}}, "
            f"received {method!r}"
        )
    if len(method) == 1 and all(isinstance(values, list | tuple) for values in method.values()):
        [(path, values)] = method.items()
        alternatives = {compact(value): {path: value} for value in values}
        if len(alternatives) < len(values) or not values:
            raise ValueError(f"{name}: expected different values, received {values!r}")
    else:
        alternatives = {str(label): values for label, values in method.items()}
    for label, fields in alternatives.items():
        if not isinstance(fields, Mapping) or not fields:
            raise ValueError(f"{name}.{label}: expected field: value, received {fields!r}")
        for path in fields:
            section, _, rest = str(path).partition(".")
            if section not in _METHOD_SECTIONS or not all(rest.split(".")):
                raise ValueError(
                    f"{name}: expected fields of {', '.join(_METHOD_SECTIONS)} such as "
                    f"trainer.batch_size, received {path!r}"
                )
    return {label: dict(fields) for label, fields in alternatives.items()}


def _flatten(sections: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    """Yields the assignments that say the same as nested sections."""
    for key, value in sections.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{path}.")
        else:
            yield f"{path}={json.dumps(value)}"


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError(f"expected different values, received {list(values)}")
    return values
