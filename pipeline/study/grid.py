"""Lists the cells of a study in groups."""

import copy
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.errors import InputError
from pipeline.load_config import preset_values
from pipeline.study.cells import Cell, Group
from pipeline.study.config import BASELINE, StudyConfig, megabytes

_MAX_NAME = 64  # of `TrainerConfig.variant`
_HASH_DIGITS = 6
# What a study sets where its configuration does not: the curves show rows that are trained on, too.
_TRAIN_EVAL_ROWS = 20_000


def make_groups(study: StudyConfig, source: str) -> list[Group]:
    """Lists all cells, in the order of the file: datasets, architectures, variants, methods.

    Args:
      study: the study.
      source: where it comes from, for messages.

    Raises:
      InputError: if a value is not allowed, a name unknown, or two parts of a cell set one field.
    """
    base = _base_values(study)
    variants = study.variants or base["variants"]
    baseline = study.baseline or base["evaluator"].get("baseline", "full")
    _check_names("baseline", (baseline,), variants)
    machines = base["vertex"].get("trainers", {})
    _check_names("vertex.trainers", tuple(machines), study.devices)
    rows: dict[str, list[Cell]] = {}
    values: dict[str, dict[str, Any]] = {}
    trainers: dict[str, dict[str, dict[str, Any]]] = {}
    names: dict[str, dict[tuple[str, ...], str]] = {}
    group_names: dict[str, dict[tuple[str, ...], str]] = {}
    for parts in _parts(study, tuple(variants), baseline):
        dataset, architecture, variant, method, value, device = parts
        changed = study.methods[method][value] if method != BASELINE else {}
        of_rows = {path: v for path, v in changed.items() if not path.startswith("trainer.")}
        group = dataset
        if of_rows:
            taken = group_names.setdefault(dataset, {})
            group = f"{dataset}_{_unique_name(f'{method}_{value}', (method, value), taken)}"
        name = _unique_name(_cell_text(parts), parts[1:], names.setdefault(dataset, {}))
        cell = Cell(dataset, architecture, variant, method, value, device, name)
        own = {**_merged(study.architectures, architecture, variants, variant), "device": device}
        fields = _trainer_fields(base["trainer"], own, changed)
        rows.setdefault(group, []).append(cell)
        values.setdefault(group, _group_values(base, dataset, of_rows, study.seeds))
        trainers.setdefault(group, {})[name] = fields
    groups = [
        Group(name, tuple(cells), values[name], trainers[name], machines, baseline, source)
        for name, cells in rows.items()
    ]
    for each in groups:
        _ = each.cells_config  # a wrong value stops the study before any step starts
    return groups


def _base_values(study: StudyConfig) -> dict[str, Any]:
    """The preset with the study's changes, with all sections that are used here."""
    values = preset_values(study.preset, None, study.assignments, study.schema_name)
    if values.get("tuner") is not None:
        raise InputError(
            f"preset {study.preset}: a study has no tuner; its methods compare hyperparameters"
        )
    for section in ("trainer", "example_gen", "evaluator", "vertex"):
        values[section] = dict(values.get(section) or {})
    if not values["trainer"].get("evals_per_epoch"):
        values["trainer"]["evals_per_epoch"] = 1
    values["trainer"].setdefault("train_eval_rows", _TRAIN_EVAL_ROWS)
    # Latency beside other work means nothing.
    values["evaluator"].setdefault("latency", {}).setdefault("batch_sizes", [])
    return values


def _parts(
    study: StudyConfig, variants: Sequence[str], baseline: str
) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yields dataset, architecture, variant, method, value and device of each cell."""
    on, architectures = study.methods_on, tuple(study.architectures)
    chosen = {
        "datasets": on.datasets if on.datasets is not None else study.datasets[:1],
        "architectures": on.architectures if on.architectures is not None else architectures[:1],
        "variants": on.variants if on.variants is not None else (baseline,),
    }
    _check_names("methods_on.datasets", chosen["datasets"], study.datasets)
    _check_names("methods_on.architectures", chosen["architectures"], architectures)
    _check_names("methods_on.variants", chosen["variants"], variants)
    for dataset in study.datasets:
        for device in study.devices:
            for architecture in architectures:
                for variant in variants:
                    yield dataset, architecture, variant, BASELINE, "", device
            for method, alternatives in study.methods.items():
                if dataset not in chosen["datasets"]:
                    continue
                for value in alternatives:
                    for architecture in chosen["architectures"]:
                        for variant in chosen["variants"]:
                            yield dataset, architecture, variant, method, value, device


def _check_names(field_name: str, names: Sequence[str], known: Mapping[str, Any] | Any) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"{field_name}: expected some of {', '.join(known)}; received {unknown[0]!r}"
        )


def _merged(
    architectures: Mapping[str, dict[str, Any]],
    architecture: str,
    variants: Mapping[str, dict[str, Any]],
    variant: str,
) -> dict[str, Any]:
    """The fields that an architecture and a variant set; none may be set by both."""
    both = set(architectures[architecture]) & set(variants[variant])
    if both:
        raise InputError(
            f"architectures.{architecture} and variants.{variant} both set {sorted(both)[0]}: "
            "expected one of them"
        )
    return {**architectures[architecture], **variants[variant]}


def _trainer_fields(
    shared: Mapping[str, Any], own: Mapping[str, Any], changed: Mapping[str, Any]
) -> dict[str, Any]:
    fields = copy.deepcopy({**shared, **own})
    for path, value in changed.items():
        section, _, rest = path.partition(".")
        if section == "trainer":
            _set(fields, path, rest.split("."), value)
    return fields


def _group_values(
    base: Mapping[str, Any], dataset: str, changed: Mapping[str, Any], seeds: int
) -> dict[str, Any]:
    values = copy.deepcopy(dict(base))
    values["seeds"] = seeds
    values["example_gen"]["size_megabytes"] = megabytes(dataset)
    for path, value in changed.items():
        _set(values, path, path.split("."), value)
    return values


def _set(values: dict[str, Any], path: str, keys: Sequence[str], value: Any) -> None:
    """Sets one nested value in place."""
    for key in keys[:-1]:
        values = values.setdefault(key, {})
        if not isinstance(values, dict):
            raise InputError(f"methods: {path}: {key!r} has no fields")
    values[keys[-1]] = value


def _cell_text(parts: tuple[str, ...]) -> str:
    _, architecture, variant, method, value, device = parts
    words = [architecture, variant]
    words += [] if method == BASELINE else [method, value]
    words += [] if device == "cpu" else [device]
    return "_".join(words)


def _unique_name(text: str, parts: tuple[str, ...], names: dict[tuple[str, ...], str]) -> str:
    """Returns a name that fits `TrainerConfig.variant` and is that of no other parts; it is added.

    It depends on the parts alone unless others have taken it, so a study that grows finds its cells
    again.

    Args:
      text: what the name is made of.
      parts: what it stands for.
      names: those that there are.
    """
    if parts in names:
        return names[parts]
    name = _safe(text)
    if len(name) > _MAX_NAME or name in names.values():
        digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_HASH_DIGITS]
        name = f"{name[: _MAX_NAME - _HASH_DIGITS - 1]}_{digest}"
    names[parts] = name
    return name


def _safe(text: str) -> str:
    """Returns the text with `_` for each run of what a name cannot have."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
