"""A configuration from a preset, a schema and what was said on the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError
from components.trainer.registry import known_methods
from pipeline.config import PipelineConfig, make_config
from schemas.schema_file import SchemaFile, read_schema_file

_PRESETS = Path(__file__).parent / "presets"
ALL_VARIANTS = "all"
DEFAULT_SCHEMA = "criteo"
# The fields of a configuration that have no fields of their own.
_SCALARS = ("seeds",)


def known_presets() -> tuple[str, ...]:
    """Returns the names of the files in `pipeline/presets/`."""
    return tuple(sorted(path.stem for path in _PRESETS.glob("*.yaml")))


def load_config(
    preset: str,
    variants: Sequence[str] | None = None,
    assignments: Sequence[str] = (),
    schema: str = DEFAULT_SCHEMA,
) -> PipelineConfig:
    """Builds the configuration from a preset and what was said on the command line.

    Args:
      preset: a name of `known_presets`.
      variants: the variants to compare: of the preset, any embedding method by its name, or a stack
        of methods joined by `+`; `["all"]` stands for all methods. None keeps the preset's.
      assignments: `section.field=value`, applied in order; values are YAML.
      schema: the log's schema, by name or as a YAML file; see `schemas.schema_file`.

    Raises:
      InputError: if a preset, a variant, a section or a field is unknown or a value not allowed,
        or the schema file is missing or wrong.
    """
    values = preset_values(preset, variants, assignments, schema)
    return make_config(values, f"preset {preset}, schema {schema}")


def preset_values(
    preset: str,
    variants: Sequence[str] | None = None,
    assignments: Sequence[str] = (),
    schema: str = DEFAULT_SCHEMA,
) -> dict[str, Any]:
    """Returns the values of a configuration that `make_config` checks; see `load_config`.

    Raises:
      InputError: as `load_config`; values are not looked at yet.
    """
    if preset not in known_presets():
        raise InputError(f"unknown preset {preset!r}; known: {', '.join(known_presets())}")
    values: dict[str, Any] = yaml.safe_load((_PRESETS / f"{preset}.yaml").read_text())
    _add_schema(values, _read_schema(schema))
    if variants is not None:
        values["variants"] = _select_variants(values["variants"], variants)
    for assignment in assignments:
        _assign(values, assignment)
    return values


def _read_schema(schema: str) -> SchemaFile:
    try:
        return read_schema_file(schema)
    except ValueError as error:
        raise InputError(str(error)) from error


def _add_schema(values: dict[str, Any], schema: SchemaFile) -> None:
    """Puts the layout and the treatments of a schema file where they belong, in place."""
    values["click_log"] = schema.click_log
    columns = values.setdefault("transform", {}).setdefault("columns", {})
    values["transform"]["columns"] = {**schema.columns, **columns}


def _select_variants(
    preset: Mapping[str, dict[str, Any]], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    by_method = {method: {"embedding": {"method": method}} for method in known_methods()}
    known = {**by_method, **preset}
    if list(names) == [ALL_VARIANTS]:
        return known
    selected = {}
    for name in names:
        variant = "_".join(part.strip() for part in name.split("+"))
        if variant in selected:
            raise InputError(f"variant {variant!r} is named twice")
        if "+" in name and variant in preset:
            raise InputError(
                f"variant {variant!r} of the preset has the name that {name!r} would get; select "
                f"it by that name, or add the stack by --set 'variants.NAME={{embedding: {{method: "
                f"{name}}}}}'"
            )
        if "+" in name:
            selected[variant] = {"embedding": {"method": name}}
        elif name in known:
            selected[variant] = known[name]
        else:
            raise InputError(
                f"unknown variant {name!r}; known: {', '.join(known)}, methods joined by +, "
                f"or {ALL_VARIANTS}"
            )
    return selected


def _assign(values: dict[str, Any], assignment: str) -> None:
    """Sets one nested value in place; `"trainer.epochs=2"`, `"seeds=3"`."""
    path, separator, text = assignment.partition("=")
    keys = path.split(".")
    if not separator or not all(keys) or (len(keys) < 2 and path not in _SCALARS):
        raise InputError(f"--set {assignment!r}: expected section.field=value")
    if keys[0] not in PipelineConfig.model_fields:
        known = ", ".join(PipelineConfig.model_fields)
        raise InputError(f"--set {assignment!r}: unknown section {keys[0]!r}; known: {known}")
    if keys[0] == "variants" and keys[1] not in values["variants"] and len(keys) > 2:
        known = ", ".join(values["variants"])
        raise InputError(
            f"--set {assignment!r}: unknown variant {keys[1]!r}; compared: {known}; a new one is "
            f"added whole: variants.{keys[1]}={{...}}"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"--set {assignment!r}: {text!r} is not YAML: {error}") from error
    section = values
    for key in keys[:-1]:
        section = section.setdefault(key, {})
        if not isinstance(section, dict):
            raise InputError(f"--set {assignment!r}: {key!r} has no fields")
    section[keys[-1]] = value
